"""Talks of several turns: a subject is opened, later questions only say "it".

Answers are those of the fact files; a topic here names its entry there.
"""
import facts
import smalltalk
import wording
from chat import assistant, user
from paraphrase import normal
from wording import choose, inside

BLOCKS = wording.read_blocks("dialogue.txt")
BY_TOPIC = {f.topic: f for f in facts.FACTS}


def subjects():
    """{subject: (opening topic, {topic: block})} of dialogue.txt."""
    out = {}
    for name, block in BLOCKS.items():
        subject, slash, topic = name.partition(" / ")
        if slash and topic not in BY_TOPIC:
            raise ValueError(f"no fact named {topic}")
        if slash and "O" in block:
            out[subject] = topic, {}
        elif slash:
            out[subject][1][topic] = block
    return out


SUBJECTS = subjects()
SYSTEMS = (None, None, None, None, None, None, "You are a helpful assistant.", "Be brief.",
           "You explain Jevons to newcomers.", "Answer questions about Jevons and M2.5.",
           "You are the help desk of the Jevons project. Keep your answers short.",
           "You are a patient teacher. Answer in one or two sentences.",
           "The user is new to language models. Explain things plainly.",
           "You answer questions about sparse language models.")


def wording_of(rng, held, block):
    """A follow-up question: a whole one, or a clause or noun phrase in a frame."""
    roll = rng.random()
    if roll < 0.5:
        return choose(rng, block["Q"], held)
    kind, frames = ("c", "clause frames") if roll < 0.8 else ("n", "noun frames")
    frame = choose(rng, BLOCKS[frames]["F"], held)
    text = frame.format(**{kind: rng.choice(block[kind.upper()])})
    return text[0].upper() + text[1:]


def fresh(rng, held, make):
    """make(), again while its text is held out in the fact files, or trained there."""
    known = facts.TRAINED if held else facts.HELD
    text = make()
    for _ in range(20):
        if normal(text) not in known:
            break
        text = make()
    return text


def answered(rng, held, subject, topic, question):
    """A question of a talk with the answer of its fact; the thought names the subject."""
    turn = facts.ask(rng, held, BY_TOPIC[topic])[-1]
    thought = f"The talk is about {subject}. The user asks about {topic}. I know this."
    return [user(question), assistant(thought, turn["content"], check=wording.narrowed(
        turn["check"], question, turn["content"]))]


def follow(rng, held, subject, topic):
    """A question that leans on the subject of the talk."""
    block = SUBJECTS[subject][1][topic]
    text = fresh(rng, held, lambda: wording_of(rng, held, block))
    return answered(rng, held, subject, topic, text if held else wording.vary(rng, text))


def framed(rng, held, frames, subject, topic):
    """A question in a sentence that returns to a subject."""
    question = choose(rng, SUBJECTS[subject][1][topic]["Q"], held)
    frame = choose(rng, BLOCKS[frames]["F"], held)
    question = question if frame.endswith(". {q}") else inside(question)
    return answered(rng, held, subject, topic, frame.format(s=subject, q=question))


def opened(rng, held, subject, changed):
    """The first question on a subject; changed: there was another one before."""
    out = facts.ask(rng, held, BY_TOPIC[SUBJECTS[subject][0]])
    if changed and rng.random() < 0.6:
        frame = choose(rng, BLOCKS["changes"]["F"], held)
        question = out[0]["content"]
        question = question if frame.endswith(". {q}") else inside(question)
        out[0] = user(frame.format(q=question))
    return out


def aside(rng, held):
    """Something in between that has nothing to do with the subject."""
    return rng.choice((smalltalk.talk, smalltalk.talk, smalltalk.capital,
                       smalltalk.opposite, smalltalk.larger))(rng, held)


def talk(rng, held):
    """One to three subjects with follow-ups, asides and returns; at times plain small talk."""
    roll = rng.random()
    if roll < 0.12:
        return smalltalk.cannot(rng, held, offered=False)
    if roll < 0.22:
        return smalltalk.remember(rng, held)
    chosen = rng.sample(list(SUBJECTS), rng.choices((1, 2, 3), (6, 3, 1))[0])
    out, left = [], {}
    for subject in chosen:
        out += opened(rng, held, subject, bool(out))
        more = list(SUBJECTS[subject][1])
        rng.shuffle(more)
        n = rng.randint(1, 5 if len(chosen) == 1 else 3)
        for topic in more[:n]:
            if rng.random() < 0.1:
                out += aside(rng, held)
            out += follow(rng, held, subject, topic)
        left[subject] = more[n:]
    if len(chosen) > 1 and left[chosen[0]] and rng.random() < 0.6:
        out += framed(rng, held, "returns", chosen[0], left[chosen[0]][0])
    if rng.random() < 0.1:
        out += aside(rng, held)
    return out


def group(rng, held=False):
    """(system, no tools, maker) of talks."""
    return rng.choice(SYSTEMS), [], lambda rng: talk(rng, held)
