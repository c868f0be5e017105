"""Sums in the head, written out digit by digit, and their wordings."""
import zlib

import lexicon as lex
import sections
from chat import assistant, user
from wording import choose, dress

ADD = ("What is {a} plus {b}?", "{a}+{b}", "{a} + {b}", "{a} + {b} = ?", "Add {a} and {b}.",
       "What is {a} + {b}?", "How much is {a} plus {b}?", "Compute {a} + {b}.",
       "Can you compute {a} plus {b}?", "What is the sum of {a} and {b}?",
       "Calculate {a} + {b}.", "What do you get when you add {a} and {b}?", "{a} plus {b}",
       "{a} plus {b}?", "What's {a}+{b}?", "What's {a} plus {b}?", "Sum {a} and {b}.",
       "Please add {a} and {b}.", "Can you add {a} and {b} for me?", "I have {a} and get {b} "
       "more. How many do I have?", "What does {a} + {b} make?", "How much is {a}+{b}?",
       "Work out {a} + {b}.", "Add {b} to {a}.", "{a}+{b}=", "How much do {a} and {b} make?",
       "Could you work out {a} plus {b}?", "What is {a} and {b} together?",
       "Tell me {a} plus {b}.", "What is the total of {a} and {b}?")
SUBTRACT = ("What is {a} minus {b}?", "{a}-{b}", "{a} - {b}", "{a} - {b} = ?",
            "Subtract {b} from {a}.", "What is {a} - {b}?", "How much is {a} minus {b}?",
            "Compute {a} - {b}.", "Take {b} away from {a}.", "{a} minus {b}",
            "What is the difference of {a} and {b}?", "What's {a}-{b}?", "What's {a} minus {b}?",
            "I have {a} and give away {b}. How many are left?", "Calculate {a} - {b}.",
            "Can you compute {a} minus {b}?", "How much is {a}-{b}?", "Work out {a} - {b}.")
TIMES = ("What is {a} times {b}?", "{a}*{b}", "{a} * {b}", "{a} x {b}", "Multiply {a} by {b}.",
         "How much is {a} times {b}?", "Compute {a} * {b}.", "What is {a} * {b}?",
         "What's {a} times {b}?", "{a} times {b}", "Calculate {a} * {b}.",
         "Can you multiply {a} and {b}?")
ANSWERS = {"+": ("{a} plus {b} is {r}.", "{a} + {b} = {r}"),
           "-": ("{a} minus {b} is {r}.", "{a} - {b} = {r}"),
           "*": ("{a} times {b} is {r}.", "{a} * {b} = {r}")}
TEXTS = sections.load("sums.txt")


def wordings(op, plain):
    """All wordings of one operation: plain ones, and frames around cores such as '{a} + {b}'."""
    new, new_held = sections.split(TEXTS[f"{op} plain"])
    cores, _ = sections.split(TEXTS[f"{op} core"])
    frames, frames_held = sections.split(TEXTS["frame"])
    trained = [f.format(e=c) for f in frames for c in cores]
    held = [f.format(e=c) for f in frames_held for c in TEXTS[f"{op} core"]]
    return sections.arranged((plain + new) * 2 + tuple(trained), new_held * 4 + tuple(held))


WORDINGS = {op: wordings(op, plain) for op, plain in (("+", ADD), ("-", SUBTRACT), ("*", TIMES))}
THINGS = " ".join(TEXTS["things"]).split()


def held_from_start(a, b):
    """Pairs whose digit sum ends in 7, half of them: never trained on at all."""
    return (a + b) % 10 == 7 and zlib.crc32(b"%d %d" % (a, b)) % 2 == 0


def is_held(a, b):
    """These and a tenth of all other pairs are never trained on as sums in the head."""
    return held_from_start(a, b) or zlib.crc32(b"%d,%d" % (a, b)) % 10 == 3


def pair(rng, held, top=99):
    """A pair of numbers from the trained or the held-out set."""
    while True:
        a = rng.randint(0, 9) if rng.random() < 0.15 else rng.randint(0, top)
        b = rng.randint(0, 9) if rng.random() < 0.15 else rng.randint(0, top)
        if is_held(a, b) == held:
            return a, b


COLUMNS = ("Units", "Tens", "Hundreds")


def columns(a, b):
    """How many columns the numbers need: two, or three for numbers from 100 up."""
    return 3 if max(a, b) > 99 else 2


def thought_add(a, b):
    """Column by column with the carry."""
    text, carry, n = f"{a}+{b}.", 0, columns(a, b)
    for i in range(n):
        x, y = a // 10 ** i % 10, b // 10 ** i % 10
        total = x + y + carry
        text += f" {COLUMNS[i]}: {x}+{y}" + (f"+{carry}" if i else "") + f"={total}"
        carry = total // 10
        text += f", write {total % 10}, carry {carry}." if i < n - 1 else "."
    return text + f" So {a + b}."


def thought_subtract(a, b):
    """Column by column with the borrow; a negative result is turned round."""
    if a < b:
        return f"{a}-{b} is negative. {thought_subtract(b, a)[:-1]}, turned round {a - b}."
    text, borrow, n = f"{a}-{b}.", 0, columns(a, b)
    for i in range(n):
        x, y = a // 10 ** i % 10, b // 10 ** i % 10
        need = int(x - y - borrow < 0)
        text += f" {COLUMNS[i]}: {x + 10 * need}-{y}" + (f"-{borrow}" if i else "")
        text += f"={x + 10 * need - y - borrow}" + (f", borrow {need}." if i < n - 1 else ".")
        borrow = need
    return text + f" So {a - b}."


SMALL = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
         "fifteen sixteen seventeen eighteen nineteen").split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


def in_words(n):
    """An English number below a hundred."""
    if n < 20:
        return SMALL[n]
    return TENS[n // 10] + ("-" + SMALL[n % 10] if n % 10 else "")


def short_answer(question, op, a, b, r):
    """Symbols are answered with symbols, words with words."""
    words = any(w in question.lower() for w in ("plus", "minus", "times", "what", "how"))
    return ANSWERS[op][0 if words else 1].format(a=a, b=b, r=r)


def numbers(rng, held, op):
    """Two numbers for a sum or difference in the head."""
    while True:
        a, b = pair(rng, held, 999 if rng.random() < 0.1 else 99)
        if op == "-" and a < b and (held or rng.random() < 0.8):
            a, b = b, a
        if is_held(a, b) == held:
            return a, b


def is_number(r):
    """The check of an answer that has to name a number, in digits or in words."""
    forms = [str(r)] + ([in_words(r)] if 0 <= r < 100 else []) + ([f"{r:,}"] if r > 999 else [])
    return {"words": ["|".join(forms)]}


def operands(rng, held, op):
    """(a, b, result, thought); in evaluation the result is neither a nor b."""
    while True:
        if op == "*":
            a, b = rng.randint(0, 10), rng.randint(0, 10)
            r, thought = a * b, f"{a}*{b}={a * b}. So {a * b}."
        else:
            a, b = numbers(rng, held, op)
            r = a + b if op == "+" else a - b
            thought = thought_add(a, b) if op == "+" else thought_subtract(a, b)
        if not held or r not in (a, b):
            return a, b, r, thought


def story(rng, held, op):
    """A word problem: (question, a, b, result, thought)."""
    while True:
        a, b, r, thought = operands(rng, held, op)
        if min(a, b) > 1 and r > 1:
            break
    first, second = rng.sample(lex.FIRST_NAMES, 2)
    text = choose(rng, TEXTS[f"{op} story"], held)
    return text.format(a=a, b=b, n=first, m=second, x=rng.choice(THINGS)), a, b, r, thought


def in_head(rng, held, op=None):
    """A sum, difference or small product without a tool."""
    op = op or rng.choices("+-*", (7, 3, 1))[0]
    if rng.random() < 0.15:
        question, a, b, r, thought = story(rng, held, op)
        answer = ANSWERS[op][0].format(a=a, b=b, r=r)
    else:
        a, b, r, thought = operands(rng, held, op)
        question = choose(rng, WORDINGS[op], held)
        answer = short_answer(question, op, a, b, r)
        if not held and max(a, b) < 100 and "What" in question and rng.random() < 0.1:
            question = question.format(a=in_words(a), b=in_words(b))
        else:
            question = question.format(a=a, b=b)
    out = [user(question if held else dress(rng, question)),
           assistant(thought, answer, check=is_number(r))]
    if rng.random() < 0.12 and 0 <= r < 100:
        out += go_on(rng, held, r)
    return out


MORE = {"+": ("Now add {c}.", "And {c} more?", "Add {c} to that.", "Plus {c}?", "And plus {c}?",
              "What is that plus {c}?") + TEXTS["+ more"],
        "-": ("Now subtract {c}.", "And {c} less?", "Subtract {c} from that.", "Minus {c}?",
              "And minus {c}?", "What is that minus {c}?") + TEXTS["- more"]}


def go_on(rng, held, r):
    """A second question about the last result."""
    op = rng.choice("+-") if r else "+"
    fitting = [c for c in range(100 if op == "+" else r + 1) if is_held(r, c) == held
               and not (held and (r + c if op == "+" else r - c) in (r, c))]
    c = rng.choice(fitting or [0])
    result = r + c if op == "+" else r - c
    thought = thought_add(r, c) if op == "+" else thought_subtract(r, c)
    question = choose(rng, MORE[op], held).format(c=c)
    return [user(question), assistant(f"The last result is {r}. {thought}",
                                      ANSWERS[op][0].format(a=r, b=c, r=result),
                                      check=is_number(result))]


def too_large(rng, held):
    """Sums beyond three digits are declined without a calculator."""
    op = rng.choice("+-**")
    low = 12 if op == "*" else 1000
    a, b = rng.randint(low, 99999), rng.randint(12, 99999)
    r = {"+": a + b, "-": a - b, "*": a * b}[op]
    question = choose(rng, WORDINGS[op], held).format(a=a, b=b)
    return [user(question), assistant("These numbers are too large for my head.",
            "That is too large for my head. With a calculator I could do it.",
            check={"words": ["|".join(("too large", "too big", "calculator", f"{r}", f"{r:,}"))]})]
