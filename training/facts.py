"""Questions and answers from facts.txt, morefacts.txt and everyday.txt in many wordings."""
import dataclasses
import itertools
import pathlib
import re

from chat import assistant, user
from paraphrase import normal, rephrase, surround
from wording import choose, dress

ABOUT = ("Could you explain {}?", "Can you explain {} to me?", "Describe {}.",
         "Can you describe {}?", "What about {}?", "I would like to know more about {}.",
         "Do you know something about {}?", "Inform me about {}.",
         "Tell me about {}.", "What do you know about {}?", "What can you tell me about {}?",
         "Tell me something about {}.", "Say something about {}.", "I want to know about {}.",
         "Explain {}.", "Explain {} to me.", "I have a question about {}.",
         "Please describe {}.", "Give me one sentence about {}.", "Let's talk about {}.",
         "I need some information on {}.", "Anything on {}?", "Enlighten me about {}.",
         "Summarise what you know about {}.", "I am interested in {}.", "{}, please explain.",
         "My question is about {}.", "Can you say a few words about {}?", "{}?", "And {}?",
         "I am looking for information about {}.", "Can we talk about {}?", "Now {}, please.",
         "How about {}?", "I'm curious about {}.", "Fill me in on {}.", "Details on {}, please.",
         "Give me the facts about {}.", "I know nothing about {}.", "Please cover {}.",
         "In a sentence: {}?", "Could I get a short explanation of {}?", "Now about {}.",
         "I never understood {}.", "Teach me about {}.", "I keep hearing about {}.",
         "What should I know about {}?", "Brief me on {}.", "Give me a summary of {}.",
         "Could you tell me a bit about {}?", "The topic is {}. What do you know?",
         "Someone mentioned {}. Tell me more.", "I'm reading about {}. Help me.",
         "What have you learned about {}?", "Next topic: {}.", "Short note on {}, please.",
         "What is there to say about {}?", "Let me hear about {}.", "Talk to me about {}.",
         "I'd appreciate a word on {}.", "Please say what you know about {}.",
         "Do you have any information on {}?", "Give me a quick idea of {}.", "On {}, anything?",
         "Please shed some light on {}.", "I'd like to hear about {}.")
THOUGHT = "The user asks about {}. I know this."
HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass
class Fact:
    """One entry of a fact file; questions holds a list of forms for each Q line."""
    topic: str = ""
    answers: list = dataclasses.field(default_factory=list)
    questions: list = dataclasses.field(default_factory=list)
    nouns: list = dataclasses.field(default_factory=list)
    held: list = dataclasses.field(default_factory=list)
    words: list = dataclasses.field(default_factory=list)
    taught: bool = False  # what only a model that was trained on it can know

    @property
    def keys(self):
        """Every key word, alternatives too."""
        return [word for words in self.words for word in words.split("|")]

    @property
    def check(self):
        """What a right answer must hold, for chat.assistant."""
        taught = {"taught": True} if self.taught else {}
        return {"words": self.words} | taught if self.words else None


def forms(line):
    """All forms of a line with alternatives: "Is [it|this] so?" is "Is it so?", "Is this so?"."""
    parts = [part.split("|") if i % 2 else [part]
             for i, part in enumerate(re.split(r"\[([^]]*)\]", line))]
    out = (" ".join("".join(words).split()) for words in itertools.product(*parts))
    return [text[0].upper() + text[1:] for text in out]


def load(path, taught=False):
    """All facts of a file."""
    out = []
    for block in path.read_text().split("\n\n"):
        fact = Fact(taught=taught)
        for line in block.splitlines():
            if line.startswith("#") or ": " not in line:
                continue
            kind, text = line.split(": ", 1)
            if kind == "T":
                fact.topic = text
            elif kind == "Q":
                fact.questions.append(forms(text))
            elif kind == "H":
                fact.held += forms(text)
            else:
                {"A": fact.answers, "N": fact.nouns, "K": fact.words}[kind].append(text)
        if fact.topic:
            out.append(fact)
    return out


FACTS = load(HERE / "facts.txt", taught=True) + load(HERE / "morefacts.txt")
EVERYDAY = load(HERE / "everyday.txt")
HELD = {normal(q) for fact in FACTS + EVERYDAY for q in fact.held}
TRAINED = {normal(q) for fact in FACTS + EVERYDAY for line in fact.questions for q in line}


def asked(rng, fact):
    """A question of training: a Q line or a noun phrase, as it stands or in another form."""
    if fact.nouns and rng.random() < 0.2:
        question = choose(rng, ABOUT, False).format(rng.choice(fact.nouns))
    else:
        question = rng.choice(rng.choice(fact.questions))
        if rng.random() < 0.4:
            question = rephrase(rng, question, HELD)
    if normal(question) in HELD:
        question = fact.questions[0][0]
    question = question[0].upper() + question[1:]
    return surround(rng, question) if rng.random() < 0.2 else dress(rng, question)


def asked_held(rng, fact):
    """A held-out question: an H line, or a Q line or noun phrase in a held-out frame."""
    roll, question = rng.random(), rng.choice(fact.held)
    if roll < 0.15:
        question = surround(rng, question, held=True)
    elif roll < 0.25:
        other = rephrase(rng, rng.choice(rng.choice(fact.questions)), HELD, held=True)
        question = question if normal(other) in TRAINED else other
    elif roll < 0.35 and fact.nouns:
        question = choose(rng, ABOUT, True).format(rng.choice(fact.nouns))
    return question[0].upper() + question[1:]


def ask(rng, held, fact=None):
    """One question and its answer; held-out wordings where held."""
    fact = fact or rng.choice(FACTS if rng.random() < 0.7 else EVERYDAY)
    question = asked_held(rng, fact) if held else asked(rng, fact)
    return [user(question), assistant(THOUGHT.format(fact.topic), rng.choice(fact.answers),
                                      check=fact.check)]
