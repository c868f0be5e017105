"""Long prompts: texts, logs and tables with something to find, and long conversations."""
import facts
import lexicon as lex
import smalltalk
from chat import assistant, user
from wording import choose

PROSE = []  # paragraphs, set by the corpus


def filler(rng):
    """A sentence or a paragraph that is not asked about."""
    if PROSE and rng.random() < 0.3:
        return rng.choice(PROSE)
    return lex.sentence(rng)


def numbered(rng, n):
    """Lines that look alike, each with a key and a value: (lines, pairs)."""
    kind = rng.randrange(5)
    pairs = {}
    while len(pairs) < n:
        key = (lex.invented(rng), lex.code(rng), lex.path(rng), lex.person(rng),
               f"the {lex.noun_phrase(rng)}")[kind]
        pairs[key] = rng.choice((str(rng.randint(10, 99999)), lex.code(rng), rng.choice(lex.NOUNS)))
    sign = rng.choice((": ", " = ", " -> ", " has the number ", " | "))
    return [f"{k}{sign}{v}" for k, v in pairs.items()], list(pairs.items())


def lookup(rng, held, tokens):
    """One value out of a long list."""
    lines, pairs = numbered(rng, max(3, tokens // 14))
    key, value = rng.choice(pairs)
    question = choose(rng, ("What is the value of {k}?", "Which value has {k}?", "Find {k}.",
                      "What stands beside {k}?", "Look up {k} in the list.",
                      "What is listed for {k}?", "Tell me the value of {k}."), held).format(k=key)
    body = "\n".join(lines)
    text = f"{body}\n\n{question}" if rng.random() < 0.6 else f"{question}\n\n{body}"
    return [user(text), assistant(f"I look for {key}: {value}.", f"{key}: {value}")]


NEEDLES = (("The {a} number of the {b} is {v}.", "What is the {a} number of the {b}?",
            "The {a} number of the {b} is {v}."),
           ("{n} hid the {b} in the {a}.", "Where did {n} hide the {b}?",
            "{n} hid the {b} in the {a}."),
           ("The secret word of {n} is {v}.", "What is the secret word of {n}?",
            "The secret word of {n} is {v}."),
           ("{n} will pay {v} coins for the {b}.", "How much will {n} pay for the {b}?",
            "{n} will pay {v} coins for the {b}."))


def needle(rng, held, tokens):
    """One sentence in a long text."""
    said, asked, answer = rng.choice(NEEDLES)
    values = {"a": rng.choice(lex.NOUNS), "b": lex.noun_phrase(rng), "n": lex.person(rng),
              "v": rng.choice((str(rng.randint(10, 9999)), lex.invented(rng), lex.code(rng)))}
    key = said.format(**values)
    if lex.is_held(key) != held:
        return needle(rng, held, tokens)
    lines, used = [], 0
    while used < tokens - 30:
        lines.append(filler(rng))
        used += max(8, len(lines[-1]) // 3)
    lines.insert(rng.randint(0, len(lines)), key)
    body = (" " if rng.random() < 0.5 else "\n").join(lines)
    form = choose(rng, ("{t}\n\n{q}", "Read this text and answer: {q}\n\n{t}", "Text:\n{t}\n\n"
                  "Question: {q}", "{q}\n\n{t}", "Here is a document.\n{t}\n\n{q}"), held)
    return [user(form.format(t=body, q=asked.format(**values))),
            assistant(f"The text says: {key}", answer.format(**values))]


def how_many(rng, held, tokens):
    """The first or the last line of a long text."""
    lines = list(dict.fromkeys(lex.sentence(rng) for _ in range(max(3, tokens // 13))))
    first = rng.random() < 0.5
    word = "first" if first else "last"
    question = choose(rng, ("What is the {w} line?", "Repeat the {w} line.", "Give me the {w} "
                      "line.", "Which line is the {w}?", "Tell me the {w} line."), held)
    return [user("\n".join(lines) + "\n\n" + question.format(w=word)),
            assistant(f"I repeat the {word} line.", lines[0 if first else -1])]


def history(rng, held, tokens):
    """A long talk in which something said early is asked at the end."""
    who, pet = lex.person(rng), rng.choice(("cat dog horse parrot goat hamster rabbit".split()))
    asked = choose(rng, ("What is the name of my {}?", "How is my {} called?",
                   "Do you know the name of my {}?", "Tell me the name of my {}."), held)
    said = f"My {pet} is called {who}.", asked.format(pet), f"Your {pet} is called {who}."
    if rng.random() < 0.5:
        thing, place = lex.noun_phrase(rng), lex.place(rng)
        asked = choose(rng, ("Where did I leave my {}?", "Where is my {}?", "In which city did I "
                       "leave my {}?", "Do you know where I left my {}?"), held)
        said = (f"I left my {thing} in {place}.", asked.format(thing),
                f"You left your {thing} in {place}.")
    talk = [user(said[0]), assistant("The user tells me something.", "Good to know.")]
    used = 40
    while used < tokens:
        part = facts.ask(rng, held) if rng.random() < 0.5 else smalltalk.simple(rng, held)
        talk += part
        used += sum(len(m["content"]) for m in part) // 4 + 12
    if rng.random() < 0.3:
        question = choose(rng, ("What did I say first?", "What was my first message?",
                          "Repeat my first message.", "Quote my first message."), held)
        return talk + [user(question), assistant("I look at the first message.", said[0])]
    return talk + [user(said[1]), assistant(f"The user said: {said[0]}", said[2])]


MAKERS = ((lookup, 4), (needle, 5), (how_many, 1), (history, 3))
MAKER, WEIGHT = zip(*MAKERS)


def group(rng, held=False, tokens=None):
    """(system, no tools, maker) with prompts of some hundred to some thousand tokens."""
    tokens = tokens or rng.choice((150, 300, 500, 800, 1200, 1800, 2600))
    return None, [], lambda rng: rng.choices(MAKER, WEIGHT)[0](rng, held, tokens)
