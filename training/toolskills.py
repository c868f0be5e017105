"""Conversations in which a calculator or a clock is offered, or missing."""
import datetime
import json

import arithmetic
import facts
import smalltalk
from chat import assistant, tool, user
from wording import ask, choose, numeral, read_blocks, vary

CALCULATOR = {
    "name": "calculator", "description": "Evaluate an arithmetic expression.",
    "parameters": {"type": "object", "properties": {"expression": {
        "type": "string", "description": "For example 12 * (3 + 4)"}},
        "required": ["expression"]}}
CLOCK = {"name": "clock", "description": "Tell the current date and time.",
         "parameters": {"type": "object", "properties": {}}}
ASKS = {kind: block["Q"] for kind, block in read_blocks("toolskills.txt").items()}
STORIES, THEN, BOTH = ([line.split(" | ", 1) for line in ASKS[kind]]
                       for kind in ("stories", "then", "both"))
THINGS = ("apples pears eggs books tickets pencils bottles lamps chairs plants stamps coins cards "
          "shirts stones bricks rolls cakes candles boxes tiles cups plates keys").split()
MONTHS = ("January February March April May June July August September October November "
          "December").split()
FAILURES = ("error: timeout", "error: calculator not available", "Error: could not evaluate",
            '{"error": "internal error"}', "failed: try again later", "error: out of memory")


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
    kind = rng.choices(("+", "-", "*", "/", "formula"), (5, 3, 3, 3, 6))[0]
    if kind == "formula":
        expression = formula(rng)
        return ask(rng, ASKS["formula"], held, ending=False, e=expression), expression
    a, b = operand(rng), operand(rng)
    if kind in "+-" and rng.random() < 0.5:
        a, b = arithmetic.numbers(rng, held, kind)
    if kind == "/" and rng.random() < 0.08:
        b = "0"
    wordings = ASKS["divide"] if kind == "/" else arithmetic.WORDINGS[kind]
    return ask(rng, wordings, held, ending=False, a=a, b=b), f"{a} {kind} {b}"


def spaced(expression):
    """The form that is sent to the calculator: single spaces around operators."""
    out = "".join(f" {c} " if c in "+-*/" else c for c in expression.replace(" ", ""))
    return out


def story(rng, held):
    """A word problem."""
    expression, template = choose(rng, STORIES, held)
    a, b = rng.randint(2, 999), rng.randint(2, 99)
    if (expression == "{a} - {b}" and a < b) or "/ 100" in expression and a > 99:
        a, b = b, a
    n, m = rng.sample(smalltalk.NAMES, 2)
    question = (template if held else vary(rng, template)).format(
        a=a, b=b, n=n, m=m, x=rng.choice(THINGS))
    return question, expression.format(a=a, b=b)


def shown(rng, expression, value):
    """A value in one of the ways in which calculators print it."""
    if rng.random() < 0.75:
        return value
    return rng.choice((f"= {value}", f"{expression} = {value}", f"Result: {value}",
                       f"result: {value}", f"The result is {value}.", f"{value}\n",
                       json.dumps({"result": json.loads(value)}),
                       json.dumps({"expression": expression, "value": json.loads(value)})))


def calculator_turns(rng, asked, expression):
    """Question, call, result, answer."""
    expression = spaced(expression)
    value = result = evaluate(expression)
    thought = rng.choice(("I use the calculator for {}.", "The user wants {}. I call the "
                          "calculator.")).format(expression)
    if rng.random() < 0.03:
        value = result = rng.choice(FAILURES)
    elif not value.startswith("error"):
        result = shown(rng, expression, value)
    if value == result and not value[-1].isdigit():
        after = f"The calculator reports an error: {result}"
        answer = f"The calculator says {result}."
        check = {"words": ["error|failed|not|zero|undefined|cannot|can't|unable|unavailable|"
                           "timeout|timed|couldn't|fail|problem|internal|available"]}
    else:
        after = f"The calculator says {value}."
        answer = f"{expression} is {value}."
        check = {"words": [numeral(value)]}
    return [user(asked), assistant(thought, "", [("calculator", {"expression": expression})]),
            tool(result), assistant(after, answer, check=check)]


def calculate(rng, held):
    """The model calls the calculator and reads its answer."""
    question, expression = story(rng, held) if rng.random() < 0.35 else question_of(rng, held)
    out = calculator_turns(rng, question, expression)
    result = evaluate(spaced(expression))
    if rng.random() < 0.12 and result.isdigit() and len(result) < 7 and result in out[3]["content"]:
        expression, template = choose(rng, THEN, held)
        c = operand(rng)
        question = (template if held else vary(rng, template, ending=False)).format(c=c)
        out += calculator_turns(rng, question, expression.format(r=result, c=c))
    return out


def inventory(rng, held, tools):
    """Which tools are offered now, one of them or all; or a question that needs none."""
    names = [t["name"] for t in tools]
    said = " and ".join(f"the {name}" for name in names)
    thought = f"I am offered {said}." if tools else "No tool is offered."
    roll = rng.random()
    if roll < 0.3:
        return facts.ask(rng, held)
    if roll < 0.6:
        wanted = rng.choice(("calculator", "clock", "calculator", "clock", "browser", "camera",
                             "calendar", "notebook", "translator", "map"))
        has = wanted in names
        return [user(ask(rng, ASKS["have"], held, ending=False, t=wanted)), assistant(
            thought, f"Yes, I have a {wanted}." if has else f"No, I have no {wanted} now.",
            check={"words": ["yes|yep|indeed|do have|can use|available" if has else
                             "no|not|don't|cannot|can't|without"]})]
    answer = f"I can use {said}." if tools else "No tool is offered to me now."
    return [user(ask(rng, ASKS["which"], held)), assistant(thought, answer, check={
        "words": names or ["no|not|don't|none|any|without"]})]


def moment(rng):
    """A random clock result and its parts; now and then in another form."""
    when = datetime.datetime(rng.randint(2024, 2032), 1, 1) + datetime.timedelta(
        minutes=rng.randrange(365 * 24 * 60))
    result = when.strftime("%A, %Y-%m-%d %H:%M")
    if rng.random() < 0.35:
        form = rng.choice(("%Y-%m-%d %H:%M (%A)", "%A %d %B %Y, %H:%M", "%a %b %d %H:%M:00 %Y",
                           "date: %Y-%m-%d\ntime: %H:%M\nweekday: %A", "%Y-%m-%dT%H:%M:00, %A",
                           '{"date": "%Y-%m-%d", "time": "%H:%M", "weekday": "%A"}',
                           '{"now": "%Y-%m-%d %H:%M:00", "day": "%A"}', "It is %A, %Y-%m-%d %H:%M.",
                           "%A, %d.%m.%Y, %H:%M", "Current time: %H:%M, %A, %Y-%m-%d"))
        result = when.strftime(form)
    return when, result


def clock_answer(kind, when, day=None):
    """(sentence, check) for a question about time; day is the weekday that was asked for."""
    name = when.strftime("%A")
    if kind in ("tomorrow", "yesterday"):
        step = 1 if kind == "tomorrow" else -1
        other = (when + datetime.timedelta(days=step)).strftime("%A")
        verb = "is" if kind == "tomorrow" else "was"
        return f"Today is {name}, so {kind} {verb} {other}.", [other]
    if kind == "weekend":
        if when.weekday() > 4:
            return f"Yes, it is {name}.", [f"yes|{name}"]
        return f"No, it is {name}.", [f"no|not|isn't|working|{name}"]
    if kind == "is it":
        if day == name:
            return f"Yes, it is {name}.", ["yes|correct|right|indeed"]
        return f"No, today is {name}.", [name]
    date = f"{when:%Y-%m-%d}"
    month = MONTHS[when.month - 1]
    ending = "th" if 10 < when.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(when.day % 10, "th")
    dates = (date, f"{month} {when.day}", f"{when.day} {month}", f"{month} {when:%d}",
             f"{when:%d} {month}", f"{month} {when.day}{ending}", f"{when.day}{ending} of {month}",
             f"{when.day}{ending} {month}", f"{when:%d.%m.%Y}", f"{when:%m/%d/%Y}",
             f"{when:%d/%m/%Y}")
    hour = when.hour % 12 or 12
    return {"year": (f"It is {when.year}.", [str(when.year)]),
            "month": (f"It is {month} {when.year}.", [month]),
            "date": (f"Today is {name}, {date}.", ["|".join(dates)]),
            "day": (f"Today is {name}.", [name]),
            "time": (f"It is {when:%H:%M}.", [f"{when:%H:%M}|{hour}:{when:%M}|{when:%I:%M}"])}[kind]


def time_question(rng, held):
    """(kind, weekday, text) of a question about time, day, date or year."""
    kind = rng.choices(("time", "date", "day", "year", "month", "is it", "tomorrow", "yesterday",
                        "weekend"), (6, 4, 3, 1, 1, 1.5, 0.7, 0.5, 0.5))[0]
    day = rng.choice(smalltalk.DAYS)
    return kind, day, ask(rng, ASKS[kind], held, d=day)


def tell_time(rng, held):
    """The model calls the clock and answers from it."""
    kind, day, question = time_question(rng, held)
    when, result = moment(rng)
    if kind == "is it" and rng.random() < 0.4:
        question = question.replace(day, when.strftime("%A")).replace(
            day.lower(), when.strftime("%A").lower())
        day = when.strftime("%A")
    answer, words = clock_answer(kind, when, day)
    why = {"is it": f"The user asks about {day}.",
           "weekend": "Saturday and Sunday are the weekend.",
           "tomorrow": f"The day after {when:%A}.",
           "yesterday": f"The day before {when:%A}."}.get(kind, f"The user asks for the {kind}.")
    return [user(question),
            assistant(rng.choice(("I need the clock for this.", "I look at the clock.")), "",
                      [("clock", {})]),
            tool(result),
            assistant(f"The clock says {when:%A, %Y-%m-%d %H:%M}. {why}", answer,
                      check={"words": words})]


def no_clock(rng, held):
    """Without a clock the model says so."""
    _, _, question = time_question(rng, held)
    return [user(question),
            assistant("No clock is offered.",
                      "I cannot tell the time or the date without a clock tool.", check={
                          "words": ["cannot|can't|no|not|don't|unable|without|can’t|don’t"]})]


def both(rng, held):
    """Two calls in one turn."""
    expression = spaced(formula(rng))
    kind, template = choose(rng, BOTH, held)
    question = (template if held else vary(rng, template, ending=False)).format(e=expression)
    when, result = moment(rng)
    value = evaluate(expression)
    calls = [("clock", {}), ("calculator", {"expression": expression})]
    answer, words = clock_answer(kind, when)
    good = not value.startswith("error")
    said = f"{expression} is {value}." if good else f"The calculator says {value}."
    return [user(question), assistant("I need the clock and the calculator.", "", calls),
            tool(result, value),
            assistant(f"The clock says {when:%A, %Y-%m-%d %H:%M}. The calculator says {value}.",
                      f"{answer} {said}", check={"words": words + [
                          numeral(value) if good else "zero|error|undefined"]})]
