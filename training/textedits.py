"""Small changes of a given text: letters, separators, words left out, replaced or added."""
import arithmetic
import lexicon as lex
import sections
from chat import assistant, user
from wording import choose

TEXTS = sections.load("edits.txt")
# What becomes of the words, and how the thought calls it; a and b are words of the request.
EDITS = {
    "upper": (lambda words, a, b: " ".join(words).upper(), "in capitals"),
    "lower": (lambda words, a, b: " ".join(words).lower(), "in small letters"),
    "snake": (lambda words, a, b: "_".join(words), "with underscores"),
    "hyphen": (lambda words, a, b: "-".join(words), "with hyphens"),
    "reverse": (lambda words, a, b: " ".join(words[::-1]), "from last to first"),
    "commas": (lambda words, a, b: ", ".join(words), "with commas"),
    "lines": (lambda words, a, b: "\n".join(words), "one on a line"),
    "nofirst": (lambda words, a, b: " ".join(words[1:]), "without the first"),
    "nolast": (lambda words, a, b: " ".join(words[:-1]), "without the last"),
    "replace": (lambda words, a, b: " ".join(b if w == a else w for w in words), "{b} for {a}"),
    "count": (lambda words, a, b: str(len(words)), "counted"),
    "quote": (lambda words, a, b: f"\"{' '.join(words)}\"", "in quotation marks"),
    "end": (lambda words, a, b: " ".join(words + [b]), "then {b}"),
    "start": (lambda words, a, b: " ".join([b] + words), "{b} first")}


def edit(rng, held):
    """One change."""
    name = rng.choice(list(EDITS))
    change, called = EDITS[name]
    words = lex.fitting(rng, held, lambda r: lex.words(r, 2, 4)).split()
    other = rng.choice([n for n in lex.NOUNS if n not in words])
    if name == "upper" and rng.random() < 0.3 or name == "lower":
        words = [w.capitalize() if rng.random() < 0.5 else w.upper() for w in words]
    one = rng.choice(words)
    if words.count(one) > 1 or len(words) < 2:
        return edit(rng, held)
    question = choose(rng, TEXTS[name], held).format(t=" ".join(words), a=one, b=other)
    answer = change(words, one, other)
    shown = (", ".join(f"{i} {w}" for i, w in enumerate(words, 1)) if name == "count"
             else " ".join(words))
    right = [answer, f"{answer}.", f"\"{answer}\""] + (
        [arithmetic.in_words(len(words)), arithmetic.in_words(len(words)).capitalize()]
        if name == "count" else [])
    check = {"words": ["|".join(right[:1] + right[3:])]} if name == "count" else {"any": right}
    thought = f"The words: {shown}. I write them {called.format(a=one, b=other)}."
    return [user(question), assistant(thought, answer, check=check)]
