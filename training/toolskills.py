"""Conversations in which a calculator or a clock is offered, or missing."""
import datetime

from chat import assistant, tool, user
from wording import choose, dress
import arithmetic

CALCULATOR = {
    "name": "calculator", "description": "Evaluate an arithmetic expression.",
    "parameters": {"type": "object", "properties": {"expression": {
        "type": "string", "description": "For example 12 * (3 + 4)"}},
        "required": ["expression"]}}
CLOCK = {"name": "clock", "description": "Tell the current date and time.",
         "parameters": {"type": "object", "properties": {}}}
STORIES = (
    ("I have {a} boxes with {b} apples each. How many apples is that?", "{a} * {b}"),
    ("A book costs {a} euros. How much do {b} books cost?", "{b} * {a}"),
    ("What is {a} percent of {b}?", "{b} * {a} / 100"),
    ("How much is {a} % of {b}?", "{b} * {a} / 100"),
    ("What is the square of {a}?", "{a} * {a}"),
    ("What is {a} squared?", "{a} * {a}"),
    ("What is half of {a}?", "{a} / 2"),
    ("What is twice {a}?", "2 * {a}"),
    ("Double {a}.", "2 * {a}"),
    ("What is the average of {a} and {b}?", "({a} + {b}) / 2"),
    ("I had {a} euros and spent {b}. How much is left?", "{a} - {b}"),
    ("There are {a} people and {b} more come. How many are there?", "{a} + {b}"),
    ("I share {a} sweets among {b} children. How many does each get?", "{a} / {b}"),
    ("How many hours are {a} minutes?", "{a} / 60"),
    ("How many minutes are {a} hours?", "{a} * 60"),
    ("How many seconds are {a} minutes?", "{a} * 60"),
    ("How many hours are {a} days?", "{a} * 24"),
    ("How many days are {a} weeks?", "{a} * 7"),
    ("I drive {a} km in {b} hours. How fast am I?", "{a} / {b}"),
    ("A rectangle is {a} by {b} meters. What is its area?", "{a} * {b}"),
    ("What is the area of a square with side {a}?", "{a} * {a}"),
    ("A lamp uses {a} watts for {b} hours. How many watt-hours is that?", "{a} * {b}"),
    ("I read {a} pages a day. How many pages in {b} days?", "{a} * {b}"),
    ("Each of {b} shelves holds {a} books. How many books are there?", "{b} * {a}"),
)
THEN = (("Now add {c}.", "{r} + {c}"), ("Add {c} to that.", "{r} + {c}"),
        ("Now subtract {c}.", "{r} - {c}"), ("Multiply that by {c}.", "{r} * {c}"),
        ("Now divide it by {c}.", "{r} / {c}"), ("Times {c}?", "{r} * {c}"),
        ("And divided by {c}?", "{r} / {c}"), ("And plus {c}?", "{r} + {c}"))
DIVIDE = ("What is {a} divided by {b}?", "{a}/{b}", "{a} / {b}", "Divide {a} by {b}.",
          "How much is {a} divided by {b}?", "Compute {a} / {b}.", "Calculate {a} / {b}.",
          "What is {a} / {b}?", "What's {a} over {b}?", "What's {a} divided by {b}?")
FORMULA = ("What is {e}?", "{e}", "Compute {e}.", "Calculate {e}.", "How much is {e}?",
           "Evaluate {e}.", "Please compute {e}", "What does {e} give?", "Work out {e}.",
           "Can you evaluate {e}?", "What's {e}?", "{e} = ?", "What is the value of {e}?")
TIME = ("What time is it?", "Tell me the time.", "What is the time?", "What's the time?",
        "Can you tell me the time?", "Do you know what time it is?", "How late is it?",
        "What time is it now?", "Time, please.", "Could you tell me what time it is?",
        "Please give me the current time.", "What is the current time?")
DAY = ("What day is it?", "What day is today?", "Which day of the week is it?",
       "Which weekday is it today?", "What day of the week is it?", "Is it Monday today?",
       "Tell me what day it is.", "Which day is it today?")
DATE = ("What is the date?", "What is today's date?", "What's the date today?",
        "Tell me the date.", "Which date is it?", "Can you tell me today's date?",
        "What date is it today?", "Give me the date.", "What is the current date?")
YEAR = ("What year is it?", "Which year is it?", "Tell me the year.", "What is the year?",
        "What month is it?", "Which month is it?", "What is the current year?")
BOTH = ("What time is it and what is {e}?", "Tell me the time and compute {e}.",
        "What is {e}, and what time is it?", "Compute {e} and tell me the date.",
        "Give me the time, and {e} too.")
MONTHS = ("January February March April May June July August September October November "
          "December").split()


def plain_number(value):
    """A result as the calculator prints it."""
    if isinstance(value, int) or float(value).is_integer():
        return str(int(value))
    return f"{value:.10g}"


def operand(rng, held=False):
    """Numbers of one to five digits, sometimes with a decimal part."""
    digits = rng.choices((1, 2, 3, 4, 5), (3, 6, 4, 2, 1))[0]
    value = str(rng.randint(10 ** (digits - 1) if digits > 1 else 0, 10 ** digits - 1))
    return value + ("." + str(rng.randint(1, 99)) if rng.random() < 0.08 else "")


def formula(rng):
    """An expression of two to four numbers."""
    a, b, c, d = (operand(rng) for _ in range(4))
    o, p = rng.choice("+-*/"), rng.choice("+-*")
    return rng.choices(
        (f"{a} {o} {b}", f"{a} {o} {b} {p} {c}", f"{a} * ({b} {p} {c})", f"({a} {p} {b}) * {c}",
         f"({a} {p} {b}) / {c}", f"({a} + {b}) * ({c} - {d})", f"{a}{o}{b}", f"{a}*({b}{p}{c})"),
        (8, 3, 3, 1.5, 0.7, 0.4, 3, 1))[0]


def evaluate(expression):
    """What the calculator answers."""
    try:
        return plain_number(eval(expression, {"__builtins__": {}}))  # our own expressions only
    except ZeroDivisionError:
        return "error: division by zero"


def question_of(rng, held):
    """A question with its expression."""
    kind = rng.choices(("+", "-", "*", "/", "formula"), (5, 3, 3, 2, 5))[0]
    if kind == "formula":
        expression = formula(rng)
        return choose(rng, FORMULA, held).format(e=expression), expression
    a, b = operand(rng), operand(rng)
    if kind in "+-" and rng.random() < 0.5:
        a, b = arithmetic.numbers(rng, held, kind)
    if kind == "/" and rng.random() < 0.08:
        b = "0"
    wordings = DIVIDE if kind == "/" else arithmetic.WORDINGS[kind]
    question = choose(rng, wordings, held)
    return question.format(a=a, b=b), f"{a} {kind} {b}"


def spaced(expression):
    """The form that is sent to the calculator: single spaces around operators."""
    out = "".join(f" {c} " if c in "+-*/" else c for c in expression.replace(" ", ""))
    return out


def story(rng, held):
    """A word problem."""
    question, expression = choose(rng, STORIES, held)
    a, b = rng.randint(2, 999), rng.randint(2, 99)
    return question.format(a=a, b=b), expression.format(a=a, b=b)


def calculator_turns(rng, asked, expression):
    """Question, call, result, answer."""
    expression = spaced(expression)
    result = evaluate(expression)
    thought = rng.choice(("I use the calculator for {}.", "The user wants {}. I call the "
                          "calculator.")).format(expression)
    if result.startswith("error"):
        after = "The calculator reports an error."
        answer = f"The calculator says {result}."
    else:
        after = f"The calculator says {result}."
        answer = f"{expression} is {result}."
    return [user(asked), assistant(thought, "", [("calculator", {"expression": expression})]),
            tool(result), assistant(after, answer)]


def calculate(rng, held):
    """The model calls the calculator and reads its answer."""
    question, expression = story(rng, held) if rng.random() < 0.15 else question_of(rng, held)
    out = calculator_turns(rng, question if held else dress(rng, question), expression)
    result = out[2]["results"][0]
    if rng.random() < 0.12 and result.isdigit() and len(result) < 7:
        question, expression = choose(rng, THEN, held)
        c = operand(rng)
        out += calculator_turns(rng, question.format(c=c), expression.format(r=result, c=c))
    return out


WHICH = ("Which tools do you have?", "What tools are available?", "Which tools can you use?",
         "Do you have tools?", "Do you have a calculator?", "Can you use a clock?",
         "What tools do you have right now?", "List your tools.", "Do you have any tools?")


def inventory(rng, held, tools):
    """Which tools are offered now."""
    names = " and ".join(f"the {t['name']}" for t in tools)
    answer = f"I can use {names}." if tools else "No tool is offered to me now."
    thought = f"I am offered {names}." if tools else "No tool is offered."
    return [user(choose(rng, WHICH, held)), assistant(thought, answer)]


def moment(rng):
    """A random clock result and its parts."""
    when = datetime.datetime(rng.randint(2024, 2032), 1, 1) + datetime.timedelta(
        minutes=rng.randrange(365 * 24 * 60))
    return when, when.strftime("%A, %Y-%m-%d %H:%M")


def clock_answer(question, when):
    """The plain sentence that answers a question about time."""
    text = question.lower()
    if "year" in text:
        return f"It is {when.year}."
    if "month" in text:
        return f"It is {MONTHS[when.month - 1]} {when.year}."
    if "monday" in text:
        return ("Yes, it is Monday." if when.weekday() == 0
                else f"No, today is {when.strftime('%A')}.")
    if "date" in text:
        return f"Today is {when.strftime('%A, %Y-%m-%d')}."
    if "day" in text:
        return f"Today is {when.strftime('%A')}."
    return f"It is {when.strftime('%H:%M')}."


def time_question(rng, held):
    """A question about time, day, date or year."""
    return choose(rng, rng.choices((TIME, DATE, DAY, YEAR), (5, 3, 3, 1))[0], held)


def tell_time(rng, held):
    """The model calls the clock and answers from it."""
    question = time_question(rng, held)
    when, result = moment(rng)
    return [user(question if held else dress(rng, question)),
            assistant(rng.choice(("I need the clock for this.", "I look at the clock.")), "",
                      [("clock", {})]),
            tool(result),
            assistant(f"The clock says {result}.", clock_answer(question, when))]


def no_clock(rng, held):
    """Without a clock the model says so."""
    question = time_question(rng, held)
    return [user(question if held else dress(rng, question)),
            assistant("No clock is offered.",
                      rng.choice(("I cannot tell the time or the date without a clock tool.",
                                  "I have no clock tool, so I cannot know that.")))]


def both(rng, held):
    """Two calls in one turn."""
    expression = spaced(formula(rng))
    question = choose(rng, BOTH, held).format(e=expression)
    when, result = moment(rng)
    value = evaluate(expression)
    calls = [("clock", {}), ("calculator", {"expression": expression})]
    said = f"{expression} is {value}." if not value.startswith("error") else (
        f"The calculator says {value}.")
    return [user(question), assistant("I need the clock and the calculator.", "", calls),
            tool(result, value),
            assistant(f"The clock says {result}. The calculator says {value}.",
                      f"{clock_answer(question, when)} {said}")]
