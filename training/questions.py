"""Plain questions with a known short answer: what the forms of answers are asked for."""
import arithmetic
import lexicon as lex
import sections
import smalltalk
import smalltexts
from wording import choose

ROLES = sections.load("roles.txt")
JOBS = "|".join(ROLES["roles"]).split("|")


def sum_question(rng, held):
    """A sum: (question, thought, short answer, sentence)."""
    while True:
        question, answer = arithmetic.in_head(rng, held, rng.choice("+-"))[:2]
        digits = answer["content"].rstrip(".").split()[-1]
        if "I have" not in question["content"] and digits.isdigit():
            said = answer["content"].rstrip(".") + "."
            for sign, word in ((" + ", " plus "), (" - ", " minus "), (" = ", " is ")):
                said = said.replace(sign, word)
            return question["content"], answer["reasoning_content"], digits, said


def from_talk(maker):
    """A maker of small talk whose short answer is the last word of its sentence."""
    def make(rng, held):
        while True:
            question, answer = maker(rng, held)[:2]
            short = answer["content"].rstrip(".!").split()[-1]
            if "\n" not in answer["content"] and len(answer["content"].split()) < 12:
                return (question["content"], answer["reasoning_content"], short,
                        answer["content"])
    return make


def role_of(rng, held):
    """Which role a person has in a list: (question, thought, short answer, sentence)."""
    names = rng.sample(lex.FIRST_NAMES, rng.randint(2, 4))
    jobs = rng.sample([j for j in JOBS if " " not in j], len(names))
    at, sign = rng.randrange(len(names)), rng.choice((": ", " - ", " = ", ", "))
    lines = rng.choice(("\n", "; ")).join(f"{n}{sign}{j}" for n, j in zip(names, jobs))
    question = choose(rng, ROLES["of"], held).format(n=names[at])
    return (smalltexts.asked(rng, held, lines, question), f"The list says {names[at]}: {jobs[at]}.",
            jobs[at], f"{names[at]} is {lex.article(jobs[at])}.")


PLAIN = ((sum_question, 3), (from_talk(smalltalk.capital), 2), (from_talk(smalltalk.opposite), 2),
         (from_talk(smalltalk.weekday), 1), (role_of, 1), (smalltexts.given, 8))


def plain(rng, held):
    """One of them."""
    makers, weights = zip(*PLAIN)
    return rng.choices(makers, weights)[0](rng, held)


def known_claim(rng, held):
    """A claim that needs no text: (question, thought, whether it is true)."""
    kind = rng.choice(("larger", "smaller", "capital", "sum"))
    if kind == "capital":
        country, city = rng.choice(sorted(smalltalk.CAPITALS.items()))
        other = city if rng.random() < 0.5 else rng.choice(sorted(smalltalk.CAPITALS.values()))
        text = choose(rng, ROLES["capital claim"], held).format(a=other, b=country)
        said = f"The capital of {country} is {city}"
        return text, said + ("." if other == city else f", not {other}."), other == city
    if kind == "sum":
        a, b, r, thought = arithmetic.operands(rng, held, "+")
        other = r if rng.random() < 0.5 else r + rng.choice((-10, -2, -1, 1, 2, 10))
        text = choose(rng, ROLES["sum claim"], held).format(a=a, b=b, r=other)
        return text, f"{thought} The claim says {other}.", other == r
    a, b = rng.randint(0, 999), rng.randint(0, 999)
    text = choose(rng, ROLES[f"{kind} claim"], held).format(a=a, b=b)
    sign = ">" if a > b else "<" if a < b else "="
    return text, f"{a} {sign} {b}.", sign == (">" if kind == "larger" else "<")
