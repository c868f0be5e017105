"""Long prompts: texts, logs and tables with something to find, and long conversations."""
import dataclasses
import re

import facts
import lexicon as lex
import sections
import smalltalk
import smalltexts
import tables
from chat import assistant, user
from wording import choose

PROSE = []  # paragraphs, set by the corpus
TEXTS = sections.load("tables.txt")
FAMILY = " ".join(TEXTS["family"]).split()


OF_THE_USER = re.compile(r"\b(I am|I'm|my|call me|I live|I like|I work)\b", re.I)


def numbered(rng, n):
    """Lines that look alike, each with a key and a value: (lines, pairs)."""
    kind = rng.randrange(6)
    close = tables.close_keys(rng, "code")
    pairs = {}
    while len(pairs) < n:
        key = (lex.invented, lex.code, lex.path, lex.person,
               lambda r: f"the {lex.noun_phrase(r)}", close)[kind](rng)
        if kind == 5 and key in pairs:
            close = tables.close_keys(rng, "code")
        pairs[key] = rng.choice((str(rng.randint(10, 99999)), lex.code(rng), rng.choice(lex.NOUNS)))
    sign = rng.choice((": ", " = ", " -> ", " has the number ", " | ", "=", "\t", " ... ", " => ",
                       " is ", ", ", ";", " - ", " has the value "))
    return [f"{k}{sign}{v}" for k, v in pairs.items()], list(pairs.items())


READ = ("ok|okay|all right|alright|got it|understood|noted|sure|thanks|thank|read|ready|question|"
        "questions|help|know|yes|see|remember|stored|saved|text|notes|information")


def lookup(rng, held, tokens):
    """One value out of a long list."""
    lines, pairs = numbered(rng, max(3, tokens // 14))
    key, value = rng.choice(pairs)
    missing = rng.random() < 0.1
    if missing:
        value = lex.invented(rng) + str(rng.randint(2, 99))
        key, value = (value if not any(value in line for line in lines) else f"{value}-x"), None
    question = choose(rng, TEXTS["value"], held).format(k=key)
    text = smalltexts.asked(rng, held, "\n".join(lines), question)
    if missing:
        return [user(text), assistant(f"I look for {key}. No line has it.", tables.NOT_SAID,
                                      check=tables.UNKNOWN)]
    out = [user(text), assistant(f"I look for {key}: {value}.", f"{key}: {value}",
                                 check={"words": [tables.number_forms(value)]})]
    if rng.random() < 0.2:
        other, value = rng.choice([p for p in pairs if p[0] != key])
        question = choose(rng, TEXTS["follow"], held).format(key=other)
        out += [user(question), assistant(f"I look for {other}: {value}.", f"{other}: {value}",
                                          check={"words": [tables.number_forms(value)]})]
    return out


def told(said):
    """The answer to the question of a statement in a text."""
    return assistant(f"The text says: {said.text}", said.answer, check={
        "words": [tables.number_forms(said.value)]})


def hay(rng, said, texts, tokens):
    """A long text with the given ones in it, and nothing else on the matter of a statement."""
    lines, used = [], 0
    while used < tokens - 30:
        lines.append(rng.choice(PROSE) if PROSE and rng.random() < 0.3
                     else smalltexts.filler(rng, said))
        used += max(8, len(lines[-1]) // 3)
    for text in texts:
        lines.insert(rng.randint(0, len(lines)), text)
    return rng.choice((" ", "\n", "\n\n")).join(lines)


def not_told(said):
    """The answer to a question on what a text does not say."""
    keys = [value for name, value in said.values.items() if name != said.relation.value]
    return assistant(f"I look for {lex.join(keys)}. The text has nothing on it.", tables.NOT_SAID,
                     check=tables.UNKNOWN)


def needle(rng, held, tokens):
    """One sentence in a long text, at times with others that are much like it, or not there."""
    said = smalltexts.statement(rng, held)
    others = [smalltexts.similar(rng, held, said) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    others = [o for o in others if o and o.question != said.question]
    missing = rng.random() < 0.12
    texts = [o.text for o in others] + ([] if missing else [said.text])
    question = smalltexts.asked(rng, held, hay(rng, said, texts, tokens), said.question)
    if missing:
        return [user(question), not_told(said)]
    out = [user(question), told(said)]
    if others and rng.random() < 0.4 and len({o.question for o in others}) == len(others):
        out += [user(smalltexts.framed(rng, held, others[0].question)), told(others[0])]
    return out


def read_first(rng, held, tokens):
    """A text in one message, the questions in later ones."""
    said = [smalltexts.statement(rng, held) for _ in range(rng.randint(2, 4))]
    if len({s.relation.name for s in said}) < len(said):
        return read_first(rng, held, tokens)
    absent = said.pop() if len(said) > 2 else None
    body = hay(rng, absent or said[0], [s.text for s in said], tokens)
    out = [user(choose(rng, smalltexts.TEXTS["first"], held).format(t=body)),
           assistant("A text. The questions come later.", "I have read it. What is the question?",
                     check={"words": [READ]})]
    asked = said + ([absent] if absent and rng.random() < 0.4 else [])
    rng.shuffle(asked)
    for one in asked[:rng.randint(1, 3)]:
        question = choose(rng, smalltexts.TEXTS["later"], held).format(q=one.question)
        out += [user(question), not_told(one) if one is absent else told(one)]
    return out


def which_line(rng, held, tokens):
    """The first, second or last line of a long text, or the one after another."""
    lines = list(dict.fromkeys(smalltexts.grammatical(lex.sentence(rng))
                               for _ in range(max(3, tokens // 13))))
    if rng.random() < 0.4:
        at = rng.randrange(len(lines) - 1)
        question = choose(rng, TEXTS["afterline"], held).format(l=lines[at])
        thought, answer = f"After \"{lines[at]}\" comes the next line.", lines[at + 1]
    else:
        word, at = rng.choice((("first", 0), ("last", -1), ("second", 1)))
        question = choose(rng, TEXTS["firstline"], held).format(w=word)
        thought, answer = f"I repeat the {word} line.", lines[at]
    text = choose(rng, smalltexts.TEXTS["text"], held).format(t="\n".join(lines), q=question)
    return [user(text), assistant(thought, answer, check={"words": [answer.rstrip(".")]})]


@dataclasses.dataclass
class Told:
    """What a user can say about himself: messages, questions later, and the answer."""
    messages: tuple
    questions: tuple
    answer: str


def tellings():
    """All of them."""
    return [Told(*(tuple(line[3:] for line in lines if line.startswith(kind))
                   for kind in ("T: ", "Q: ")), lines[-1][3:])
            for name, lines in TEXTS.items() if name.startswith("told ")]


TOLD = tellings()
SLOTS = smalltexts.SLOTS | {"f": lambda r: r.choice(FAMILY)}


def history(rng, held, tokens):
    """A long talk in which something said early is asked at the end."""
    chosen = rng.choice(TOLD)
    names = sorted(smalltexts.slots(chosen.answer))
    values = {name: SLOTS[name](rng) for name in names}
    said = smalltexts.grammatical(choose(rng, chosen.messages, held).format(**values))
    asked = smalltexts.grammatical(choose(rng, chosen.questions, held).format(**values))
    answer = smalltexts.grammatical(chosen.answer.format(**values))
    value = values[max((n for n in names if "{" + n + "}" not in "".join(chosen.questions)))]
    talk, used, n = [], 40, rng.choice((0, 0, 0, 1, 2))
    parts = [(user(said), assistant("The user tells me something.", TEXTS["good"][0], check={
        "any": list(TEXTS["good"])}))]
    while used < tokens:
        part = facts.ask(rng, held) if rng.random() < 0.5 else smalltalk.simple(rng, held)
        if OF_THE_USER.search(part[0]["content"]):
            continue
        parts.append(part)
        used += sum(len(m["content"]) for m in part) // 4 + 12
    parts.insert(min(n, len(parts) - 1), parts.pop(0))
    for part in parts:
        talk += part
    first = talk[0]["content"]
    if rng.random() < 0.25:
        question = choose(rng, TEXTS["firstsaid"], held)
        return talk + [user(question), assistant("I look at the first message.", first, check={
            "words": [first.rstrip(".?!")]})]
    return talk + [user(asked), assistant(f"The user said: {said}", answer,
                                          check={"words": [value]})]


MAKERS = ((lookup, 4), (tables.ask, 7), (needle, 7), (read_first, 3), (which_line, 2), (history, 4))
MAKER, WEIGHT = zip(*MAKERS)


def group(rng, held=False, tokens=None):
    """(system, no tools, maker) with prompts of some hundred to some thousand tokens."""
    tokens = tokens or rng.choice((150, 300, 500, 800, 1200, 1800, 2600))
    return None, [], lambda rng: rng.choices(MAKER, WEIGHT)[0](rng, held, tokens)
