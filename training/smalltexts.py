"""Statements with a value that a question asks for: small texts, and needles for long ones."""
import dataclasses
import functools
import re
import string

import arithmetic
import lexicon as lex
import sections
from wording import choose

TEXTS = sections.load("relations.txt")
ROOMS, JOBS, LANGUAGES, ANIMALS = (" ".join(TEXTS[name]).split() for name in
                                   ("rooms", "jobs", "languages", "animals"))
DISHES = [d.strip() for d in "|".join(TEXTS["dishes"]).split("|")]


def version(rng):
    """Such as 2.11.0."""
    return ".".join(str(rng.randint(0, 19)) for _ in range(rng.randint(2, 3)))


SLOTS = {"n": lex.person, "m": lex.person, "x": lex.noun_phrase, "p": lex.place,
         "y": lambda r: r.choice(lex.NOUNS), "r": lambda r: r.choice(ROOMS),
         "c": lambda r: r.choice(lex.COLOURS[:12]), "d": lambda r: r.choice(lex.WEEKDAYS),
         "o": lambda r: r.choice(lex.MONTHS), "t": lex.clock, "e": lex.email,
         "k": lambda r: str(r.choice((r.randint(2, 99), r.randint(2, 9999)))), "z": lex.code,
         "w": lambda r: lex.invented(r).capitalize(), "j": lambda r: r.choice(JOBS),
         "u": lex.date, "h": lambda r: r.choice(DISHES), "l": lambda r: r.choice(LANGUAGES),
         "a": lambda r: r.choice(ANIMALS), "v": lambda r: r.choice(lex.VERBS_PAST), "f": lex.path,
         "s": version, "i": lambda r: r.choice(arithmetic.THINGS),
         "q": lambda r: str(r.randint(3, 98))}
ASKING = "What Which Who Where When How Tell Give In At On Do To For From By Name".split()


@functools.cache
def slots(text):
    """The names of the slots of a template."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


@dataclasses.dataclass
class Relation:
    """Statements, questions and the answer; value is the slot that no question holds."""
    name: str
    statements: tuple
    questions: tuple
    answer: str
    value: str


def relation(name, lines):
    """A relation from its lines, checked."""
    parts = {kind: tuple(line[3:] for line in lines if line.startswith(f"{kind}: "))
             for kind in "SQA"}
    given, = {frozenset(slots(s)) for s in parts["S"] + parts["A"]}
    keys, = {frozenset(slots(q)) for q in parts["Q"]}
    value, = given - keys
    return Relation(name, parts["S"], parts["Q"], parts["A"][0], value)


RELATIONS = [relation(name, lines) for name, lines in TEXTS.items() if lines[0][:3] == "S: "]


def capital(text):
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def grammatical(text):
    """a or an before the word that follows, and a capital at the beginning."""
    return capital(re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", text))


@dataclasses.dataclass
class Said:
    """A statement with its question, value and answer."""
    relation: Relation
    values: dict
    text: str
    question: str
    value: str
    answer: str


def fill(rng, held, rel, values):
    """The statement, question and answer for these values of the slots."""
    question = choose(rng, rel.questions, held)
    return Said(rel, values, grammatical(choose(rng, rel.statements, held).format(**values)),
                grammatical(question.format(**values)), values[rel.value],
                grammatical(rel.answer.format(**values)))


def statement(rng, held, rel=None, fits=lambda value: True):
    """A statement whose value fits; evaluation has other values than training."""
    while True:
        chosen = rel or rng.choice(RELATIONS)
        names = sorted(slots(chosen.answer))
        values = {name: SLOTS[name](rng) for name in names}
        if (lex.is_held(chosen.answer.format(**values)) == held and fits(values[chosen.value])
                and len(set(values.values())) == len(names)):
            return fill(rng, held, chosen, values)


def similar(rng, held, said):
    """A statement of the same relation with one other key and another value, or None."""
    keys = sorted(set(said.values) - {said.relation.value})
    for _ in range(20):
        values = dict(said.values)
        for name in (rng.choice(keys), said.relation.value):
            values[name] = SLOTS[name](rng)
        changed = {name for name in values if values[name] != said.values[name]}
        if len(changed) == 2 and len(set(values.values())) == len(values):
            return fill(rng, held, said.relation, values)
    return None


def framed(rng, held, question):
    """The question in a frame; in training at times without capital and question mark."""
    if not held and rng.random() < 0.2:
        if question.split()[0] in ASKING:
            question = question[0].lower() + question[1:]
        question = question.rstrip("?") if rng.random() < 0.5 else question
    return choose(rng, TEXTS["frame"], held).format(q=question)


def asked(rng, held, body, question):
    """A text and a question about it in one message."""
    return choose(rng, TEXTS["text"], held).format(t=body, q=framed(rng, held, question))


def filler(rng, said):
    """A sentence on something else."""
    keys = [v for name, v in said.values.items() if name != said.relation.value]
    while True:
        line = grammatical(lex.sentence(rng))
        if not all(k in line for k in keys):
            return line


def body(rng, held, said, others=()):
    """The statement among others."""
    parts = [said.text] + [o.text for o in others if o]
    while rng.random() < 0.35 and len(parts) < 6:
        parts.append(filler(rng, said))
    rng.shuffle(parts)
    return rng.choice((" ", " ", " ", "\n")).join(parts)


def given(rng, held):
    """A question on a small text: (question, thought, short answer, sentence)."""
    said = statement(rng, held)
    others = [similar(rng, held, said)] if rng.random() < 0.35 else []
    text = asked(rng, held, body(rng, held, said, others), said.question)
    return text, f"The text says: {said.text}", said.value, said.answer


def claimed(rng, held):
    """A text and a claim that it confirms or denies: (question, thought, whether it is true)."""
    said = statement(rng, held)
    true = rng.random() < 0.5
    values = dict(said.values)
    while not true and values[said.relation.value] == said.value:
        values[said.relation.value] = SLOTS[said.relation.value](rng)
    claim = grammatical(choose(rng, said.relation.statements, held).format(**values))
    text = choose(rng, TEXTS["text"], held).format(
        t=body(rng, held, said), q=choose(rng, TEXTS["claim"], held).format(c=claim))
    found = "the same" if true else "not the same"
    thought = f"The text says {said.value}, the claim says {values[said.relation.value]}: {found}."
    return text, thought, true
