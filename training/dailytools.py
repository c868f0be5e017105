"""Time zones, reminders, timers and a memory, by tools under many names."""
import json

import lexicon as lex
from chat import assistant, tool as tool_turn, user
from wording import choose

ZONES = {"Tokyo": "Asia/Tokyo", "Berlin": "Europe/Berlin", "London": "Europe/London",
         "Paris": "Europe/Paris", "Cairo": "Africa/Cairo", "Lima": "America/Lima",
         "Sydney": "Australia/Sydney", "Toronto": "America/Toronto", "Delhi": "Asia/Kolkata",
         "Nairobi": "Africa/Nairobi", "Madrid": "Europe/Madrid", "Oslo": "Europe/Oslo",
         "Bangkok": "Asia/Bangkok", "Denver": "America/Denver", "Havana": "America/Havana"}
FACTS = ("my {x} is {c}", "{n} lives in {p}", "the {x} is in the {y}", "my sister is called {n}",
         "the door code is {d}", "{n} likes {x}s", "the meeting with {n} is on {w}",
         "the password of the {x} is {y}-{d}", "I park in row {d}", "{n} has a {c} {x}",
         "my locker number is {d}", "the {y} was repaired on {w}")
ABOUT = ("the colour of my {x}", "the city where {n} lives", "the place of the {x}",
         "the name of my sister", "the door code", "what {n} likes", "the meeting with {n}",
         "the password of the {x}", "my parking row", "the {x} of {n}", "my locker number",
         "the day the {y} was repaired")


def spec(rng, names, descriptions, properties, required=None):
    """A tool; properties {name: schema}."""
    shown = {k: dict(v) for k, v in properties.items()}
    for value in shown.values():
        if rng.random() < 0.2:
            value.pop("description", None)
    return {"name": rng.choice(names.split()), "description": rng.choice(descriptions),
            "parameters": {"type": "object", "properties": shown,
                           "required": list(properties) if required is None else required}}


def string(description):
    return {"type": "string", "description": description}


class Kit:
    """The tools of one group and the names of their parameters."""

    def __init__(self, rng):
        self.what = rng.choice("text what message note".split())
        self.when = rng.choice("time when at due".split())
        self.key = rng.choice("query key topic about".split())
        self.zone = rng.choice("timezone tz zone".split())
        self.id = rng.choice("id reminder_id number".split())
        integer = {"type": "integer", "description": "Length in minutes."}
        self.world = spec(rng, "get_time world_clock time_in current_time now", (
            "Current date and time in a time zone.", "Tell the time of a time zone."),
            {self.zone: string("For example Europe/Berlin.")})
        self.remind = spec(rng, "set_reminder add_reminder remind reminder_create new_reminder", (
            "Set a reminder.", "Remind the user of something at a time."),
            {self.what: string("What to remember."),
             self.when: string("YYYY-MM-DD HH:MM or HH:MM.")})
        self.reminders = spec(rng, "list_reminders get_reminders reminders show_reminders", (
            "List all reminders.", "Show the reminders that are set."), {})
        self.drop = spec(rng, "cancel_reminder delete_reminder remove_reminder", (
            "Delete a reminder.", "Cancel a reminder by its id."),
            {self.id: {"type": "integer", "description": "Id of the reminder."}})
        self.timer = spec(rng, "start_timer timer set_timer countdown", (
            "Start a timer.", "Start a countdown."),
            {rng.choice("minutes duration length".split()): integer})
        self.store = spec(rng, "remember save_memory memory_store store_fact note_down", (
            "Remember a fact for later.", "Store a fact in the memory."),
            {rng.choice("fact text content".split()): string("The fact.")})
        self.recall = spec(rng, "recall search_memory memory_search recall_fact look_up_memory", (
            "Recall facts from the memory.", "Search the memory."),
            {self.key: string("What to look for.")})
        everything = [self.world, self.remind, self.reminders, self.drop, self.timer, self.store,
                      self.recall]
        self.has = [t for t in everything if rng.random() < 0.6] or [self.store, self.recall]

    def call(self, which, *values):
        return (which["name"], dict(zip(which["parameters"]["properties"], values)))


def turns(question, thought, call, result, after, answer):
    """Question, call, result, answer."""
    return [user(question), assistant(thought, "", [call]), tool_turn(result),
            assistant(after, answer)]


def world(rng, held, kit):
    """The time in another city."""
    city = rng.choice(list(ZONES))  # knowledge, not a wording
    when = f"{lex.date(rng)} {lex.clock(rng)}"
    question = choose(rng, ("What time is it in {c}?", "Tell me the time in {c}.",
                      "How late is it in {c} now?", "Time in {c}?", "What is the time in {c}?",
                      "Do you know what time it is in {c}?", "What's the time in {c}?"), held)
    result = rng.choice((when, json.dumps({"time": when}), f"{ZONES[city]}: {when}"))
    return turns(question.format(c=city), f"{city} is in the zone {ZONES[city]}.",
                 kit.call(kit.world, ZONES[city]), result, f"It is {when} there.",
                 f"In {city} it is {when[11:]}.")


def remind(rng, held, kit):
    """A reminder at a time of today or of a day."""
    what = lex.fitting(rng, held, lex.task)
    when = lex.clock(rng)
    if rng.random() < 0.4:
        when = f"{lex.date(rng)} {when}"
    at = f"at {when}" if len(when) == 5 else f"on {when[:10]} at {when[11:]}"
    question = choose(rng, ("Remind me {a} to {w}.", "Remind me to {w} {a}.",
                      "Set a reminder {a}: {w}.", "{a} I have to {w}, remind me.",
                      "Please set a reminder to {w} {a}.", "Can you remind me to {w} {a}?",
                      "I need a reminder {a} to {w}."), held).format(a=at, w=what)
    question = question[0].upper() + question[1:]
    number = rng.randint(1, 99)
    result = rng.choice((f"ok, id {number}", json.dumps({"id": number}), f"reminder {number} set"))
    return turns(question, f"A reminder {at}.", kit.call(kit.remind, what, when), result,
                 f"It is set with id {number}.", f"I will remind you {at} to {what}.")


def reminders(rng, held, kit):
    """What is on the list."""
    items = [(i + 1, lex.task(rng), lex.clock(rng)) for i in range(rng.randint(0, 4))]
    question = choose(rng, ("What reminders do I have?", "List my reminders.",
                      "Which reminders are set?", "Show me all reminders.",
                      "Do I have reminders?", "Tell me my reminders."), held)
    text = "\n".join(f"{i}: {t} at {c}" for i, t, c in items) or rng.choice(("none", "[]"))
    answer = "You have no reminders." if not items else (
        "You have " + (f"{len(items)} reminders" if len(items) > 1 else "one reminder") + ": "
        + lex.join([f"{t} at {c}" for _, t, c in items]) + ".")
    return turns(question, "I list the reminders.", kit.call(kit.reminders), text,
                 f"There are {len(items)}.", answer)


def drop(rng, held, kit):
    """A reminder is cancelled by its number, or found first."""
    n = rng.randint(1, 99)
    if kit.reminders in kit.has and rng.random() < 0.5:
        items = [(rng.randint(1, 99), lex.task(rng), lex.clock(rng)) for _ in range(3)]
        items = list({t: (i, t, c) for i, t, c in items}.values())
        n, what, _ = rng.choice(items)
        question = choose(rng, ("Cancel the reminder to {w}.", "Delete my reminder to {w}.",
                          "I no longer need the reminder to {w}.", "Drop the reminder to {w}."),
                          held)
        return [user(question.format(w=what)),
                assistant("I need its id first.", "", [kit.call(kit.reminders)]),
                tool_turn("\n".join(f"{i}: {t} at {c}" for i, t, c in items)),
                assistant(f"Its id is {n}.", "", [kit.call(kit.drop, n)]), tool_turn("ok"),
                assistant("It worked.", f"The reminder to {what} is cancelled.")]
    question = choose(rng, ("Cancel reminder {n}.", "Delete the reminder {n}.",
                      "Remove reminder number {n}.", "Please cancel reminder {n}."), held)
    result, after, answer = "ok", "It worked.", f"Reminder {n} is cancelled."
    if rng.random() < 0.2:
        result, after = f"error: no reminder {n}", "There is no such reminder."
        answer = f"There is no reminder {n}."
    return turns(question.format(n=n), f"I cancel reminder {n}.", kit.call(kit.drop, n), result,
                 after, answer)


def timer(rng, held, kit):
    """A timer in minutes; hours are converted."""
    n, unit = rng.randint(1, 90), "minutes"
    if rng.random() < 0.25:
        n, unit = rng.randint(2, 9), "hours"
    question = choose(rng, ("Set a timer for {n} {u}.", "Start a timer of {n} {u}.",
                      "Timer: {n} {u}.", "Wake me in {n} {u}.", "Please start a {n} {u} timer.",
                      "Can you set a timer for {n} {u}?"), held).format(n=n, u=unit)
    minutes = n * 60 if unit == "hours" else n
    thought = f"{n} hours are {minutes} minutes." if unit == "hours" else f"{n} minutes."
    return turns(question, thought, kit.call(kit.timer, minutes),
                 rng.choice(("started", "ok", json.dumps({"minutes": minutes}))),
                 "It runs.", f"The timer runs for {n} {unit}.")


def fact(rng, held):
    """A fact and what it is about."""
    i = rng.randrange(len(FACTS))
    values = {"x": rng.choice(lex.NOUNS), "y": rng.choice(lex.NOUNS), "c": rng.choice(lex.COLOURS),
              "n": rng.choice(lex.FIRST_NAMES), "p": rng.choice(lex.CITIES),
              "d": rng.randint(10, 9999), "w": rng.choice(lex.WEEKDAYS)}
    text = FACTS[i].format(**values)
    if lex.is_held(text) != held:
        return fact(rng, held)
    return text, ABOUT[i].format(**values)


def store(rng, held, kit):
    """Something to remember; the answer repeats it."""
    text, _ = fact(rng, held)
    question = choose(rng, ("Remember that {f}.", "Please remember: {f}.", "Note that {f}.",
                      "Keep in mind that {f}.", "Do not forget that {f}.",
                      "Can you remember that {f}?", "Please remember that {f}."), held)
    return turns(question.format(f=text), "I store this.", kit.call(kit.store, text),
                 rng.choice(("stored", "ok", "saved", json.dumps({"ok": True}))), "It is stored.",
                 f"I will remember that {text}.")


def recall(rng, held, kit):
    """Something from the memory, which may not know."""
    text, about = fact(rng, held)
    question = choose(rng, ("What do you remember about {a}?", "Recall {a}.",
                      "Do you remember {a}?", "Look into your memory for {a}.",
                      "What did I tell you about {a}?", "Please recall {a}."), held)
    result, after, answer = text, "The memory has it.", f"You told me that {text}."
    roll = rng.random()
    if roll < 0.2:
        result, after = rng.choice(("nothing", "[]", "no entry")), "The memory has nothing."
        answer = f"I remember nothing about {about}."
    elif roll < 0.5:
        result = "\n".join(sorted({text, fact(rng, held)[0]}))
        answer = "You told me that " + " and that ".join(result.split("\n")) + "."
    return turns(question.format(a=about), "I search my memory.", kit.call(kit.recall, about),
                 result, after, answer)


def cannot(rng, held, kit):
    """No tool for a reminder, a timer or a memory."""
    kinds = [(kit.remind, "set reminders", ("Remind me to {t} at {c}.", "Set a reminder: {t}.",
                                            "Can you remind me to {t}?", "Remind me to {t}.")),
             (kit.timer, "start timers", ("Set a timer for {n} minutes.", "Timer: {n} minutes.",
                                          "Start a timer of {n} minutes.",
                                          "Start a timer for {n} minutes."))]
    missing = [(n, w) for t, n, w in kinds if t not in kit.has]
    if not missing:
        return timer(rng, held, kit)
    name, wordings = rng.choice(missing)
    question = choose(rng, wordings, held).format(t=lex.task(rng), c=lex.clock(rng),
                                                  n=rng.randint(1, 90))
    return [user(question), assistant(f"No tool can {name}.", f"I have no tool that can {name}.")]


def group(rng, held=False):
    """(system, specs, maker) of a set of everyday tools."""
    kit = Kit(rng)
    makers = [(cannot, 1)] + [(m, w) for t, m, w in (
        (kit.world, world, 3), (kit.remind, remind, 5), (kit.reminders, reminders, 3),
        (kit.drop, drop, 3), (kit.timer, timer, 2), (kit.store, store, 4),
        (kit.recall, recall, 4)) if t in kit.has]
    functions, weights = zip(*makers)
    specs = list(kit.has)
    rng.shuffle(specs)
    return None, specs, lambda rng: rng.choices(functions, weights)[0](rng, held, kit)
