"""Questions and answers from facts.txt in many wordings."""
import dataclasses
import pathlib

from chat import assistant, user
from paraphrase import normal, rephrase
from wording import choose, dress

ABOUT = ("Could you explain {}?", "Can you explain {} to me?", "Describe {}.",
         "Can you describe {}?", "What about {}?", "I would like to know more about {}.",
         "Do you know something about {}?", "Inform me about {}.",
         "Tell me about {}.", "What do you know about {}?", "What can you tell me about {}?",
         "Tell me something about {}.", "Say something about {}.", "I want to know about {}.",
         "Explain {}.", "Explain {} to me.", "I have a question about {}.",
         "Please describe {}.", "Give me one sentence about {}.")
THOUGHTS = ("The user asks about {}. I know this.", "This is about {}. I know the answer.",
            "A question about {}.", "The topic is {}. I can answer that.")


@dataclasses.dataclass
class Fact:
    """One entry of facts.txt."""
    topic: str = ""
    answers: list = dataclasses.field(default_factory=list)
    questions: list = dataclasses.field(default_factory=list)
    nouns: list = dataclasses.field(default_factory=list)
    held: list = dataclasses.field(default_factory=list)
    keys: list = dataclasses.field(default_factory=list)


HERE = pathlib.Path(__file__).parent


def load(path):
    """All facts of a file."""
    out = []
    for block in path.read_text().split("\n\n"):
        fact = Fact()
        for line in block.splitlines():
            if line.startswith("#") or ": " not in line:
                continue
            kind, text = line.split(": ", 1)
            if kind == "T":
                fact.topic = text
            elif kind == "K":
                fact.keys += text.split("|")
            else:
                {"A": fact.answers, "Q": fact.questions, "N": fact.nouns,
                 "H": fact.held}[kind].append(text)
        if fact.topic:
            out.append(fact)
    return out


FACTS = load(HERE / "facts.txt")
EVERYDAY = load(HERE / "everyday.txt")
HELD = {normal(q) for fact in FACTS + EVERYDAY for q in fact.held}


def ask(rng, held, fact=None):
    """One question and its answer; held-out questions come from the H lines."""
    fact = fact or rng.choice(FACTS if rng.random() < 0.82 else EVERYDAY)
    if held:
        question = rng.choice(fact.held)
    elif fact.nouns and rng.random() < 0.25:
        question = choose(rng, ABOUT, held).format(rng.choice(fact.nouns))
    else:
        question = rng.choice(fact.questions)
        if rng.random() < 0.4:
            question = rephrase(rng, question, HELD)
    if normal(question) in HELD and not held:
        question = fact.questions[0]
    question = question if held else dress(rng, question)
    thought = choose(rng, THOUGHTS, False).format(fact.topic)
    return [user(question), assistant(thought, rng.choice(fact.answers))]
