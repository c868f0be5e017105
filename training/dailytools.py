"""Time zones, reminders, timers and a memory, by tools under many names."""
import json

import lexicon as lex
import phrasing
from chat import assistant, tool as tool_turn
from phrasing import says, wanted

ZONES = {"Tokyo": "Asia/Tokyo", "Berlin": "Europe/Berlin", "London": "Europe/London",
         "Paris": "Europe/Paris", "Cairo": "Africa/Cairo", "Lima": "America/Lima",
         "Sydney": "Australia/Sydney", "Toronto": "America/Toronto", "Delhi": "Asia/Kolkata",
         "Nairobi": "Africa/Nairobi", "Madrid": "Europe/Madrid", "Oslo": "Europe/Oslo",
         "Bangkok": "Asia/Bangkok", "Denver": "America/Denver", "Havana": "America/Havana",
         "Rome": "Europe/Rome", "Vienna": "Europe/Vienna", "Lisbon": "Europe/Lisbon",
         "Athens": "Europe/Athens", "Warsaw": "Europe/Warsaw", "Dublin": "Europe/Dublin",
         "Stockholm": "Europe/Stockholm", "Helsinki": "Europe/Helsinki", "Prague": "Europe/Prague",
         "Istanbul": "Europe/Istanbul", "Moscow": "Europe/Moscow", "Singapore": "Asia/Singapore",
         "Dubai": "Asia/Dubai", "Seoul": "Asia/Seoul", "Jakarta": "Asia/Jakarta",
         "Chicago": "America/Chicago", "Santiago": "America/Santiago",
         "Auckland": "Pacific/Auckland", "Honolulu": "Pacific/Honolulu",
         "Johannesburg": "Africa/Johannesburg", "Lagos": "Africa/Lagos"}
LISTS = "shopping packing wish reading party hardware guest garden repair film".split()
SYSTEMS = ("You are a personal assistant.", "You help with reminders, lists and memories.",
           "You are a voice assistant in a kitchen. Keep answers short.",
           "You are a secretary. Use the tools; never pretend that something is done.",
           "Be brief and friendly.", "You are a home assistant on a small computer.")
FACTS = ("my {x} is {c}", "{n} lives in {p}", "the {x} is in the {y}", "my sister is called {n}",
         "the door code is {d}", "{n} likes {x}s", "the meeting with {n} is on {w}",
         "the password of the {x} is {y}-{d}", "I park in row {d}", "{n} has a {c} {x}",
         "my locker number is {d}", "the {y} was repaired on {w}", "{n} is allergic to {x}s",
         "the key of the {x} hangs behind the {y}", "my flight is on {w}",
         "the {x} costs {d} euros", "{n} was born in {p}",
         "the wifi at the office is called {y}{d}",
         "I weigh the {x} on {w}", "the tank of the {x} holds {d} litres",
         "my dentist is {n} in {p}",
         "the spare {x} is under the {y}", "{n} works on the {x}", "rubbish is collected on {w}",
         "the code word is {y}", "my favourite colour is {c}")
ABOUT = ("the colour of my {x}", "the city where {n} lives", "the place of the {x}",
         "the name of my sister", "the door code", "what {n} likes", "the meeting with {n}",
         "the password of the {x}", "my parking row", "the {x} of {n}", "my locker number",
         "the day the {y} was repaired", "the allergy of {n}", "the place of the key of the {x}",
         "the day of my flight", "the price of the {x}", "the place where {n} was born",
         "the wifi at the office", "the day for weighing the {x}", "the tank of the {x}",
         "my dentist", "the spare {x}", "the work of {n}", "the day of the rubbish",
         "the code word", "my favourite colour")


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
        which, item = rng.choice("list list_name name".split()), rng.choice("item entry".split())
        self.add = spec(rng, "add_to_list list_add add_item append_item", (
            "Add an item to a list.", "Put something on one of the lists."),
            {which: string("Name of the list, for example shopping."), item: string("The item.")})
        self.show = spec(rng, "get_list show_list list_items read_list", (
            "Return the items of a list.", "Show one of the lists."),
            {which: string("Name of the list, for example shopping.")})
        everything = [self.world, self.remind, self.reminders, self.drop, self.timer, self.store,
                      self.recall, self.add, self.show]
        self.has = [t for t in everything if rng.random() < 0.6] or [self.store, self.recall]

    def call(self, which, *values):
        return (which["name"], dict(zip(which["parameters"]["properties"], values)))


def turns(first, thought, call, result, after, answer, *words):
    """Question, call, result, answer, and the words of a right answer."""
    return [first, assistant(thought, "", [call]), tool_turn(result),
            assistant(after, answer, (), says(*words))]


def world(rng, held, kit):
    """The time in another city."""
    city = rng.choice(list(ZONES))  # knowledge, not a wording
    when = f"{lex.date(rng)} {lex.clock(rng)}"
    result = rng.choice((when, json.dumps({"time": when}), f"{ZONES[city]}: {when}",
                         json.dumps({"date": when[:10], "time": when[11:], "dst": False})))
    hour, minute = int(when[11:13]), when[14:]
    half = f"{hour % 12 or 12}:{minute}"
    return turns(wanted(rng, held, "time in", c=city), f"{city} is in the zone {ZONES[city]}.",
                 kit.call(kit.world, ZONES[city]), result, f"It is {when} there.",
                 f"In {city} it is {when[11:]}.", f"{when[11:]}|{half}|{hour}:{minute}")


def moment(rng):
    """A time to remind at: (as the user says it, as the tool wants it, thought)."""
    when = lex.clock(rng)
    hour, said, thought = int(when[:2]), when, ""
    if rng.random() < 0.2:
        said = f"{hour % 12 or 12}:{when[3:]} {'am' if hour < 12 else 'pm'}"
        thought = f"{said} is {when}. "
    if rng.random() < 0.4:
        day = lex.date(rng)
        return f"on {day} at {said}", f"{day} {when}", thought
    return f"at {said}", when, thought


def remind(rng, held, kit):
    """A reminder at a time of today or of a day."""
    what = lex.fitting(rng, held, lex.task)
    at, when, thought = moment(rng)
    number = rng.randint(1, 99)
    result = rng.choice((f"ok, id {number}", json.dumps({"id": number}), f"reminder {number} set",
                         json.dumps({"status": "created", "id": number, "due": when})))
    return turns(wanted(rng, held, "remind", a=at, w=what), f"{thought}A reminder {at}: {what}.",
                 kit.call(kit.remind, what, when), result, f"It is set with id {number}.",
                 f"I will remind you {at} to {what}.",
                 "I will|I'll|I set|I've set|is set|been set|set for|created|added|done")


def reminders(rng, held, kit):
    """What is on the list."""
    items = [(i + 1, lex.task(rng), lex.clock(rng)) for i in range(rng.randint(0, 4))]
    text = "\n".join(f"{i}: {t} at {c}" for i, t, c in items) or rng.choice(("none", "[]"))
    if items and rng.random() < 0.25:
        text = json.dumps([{"id": i, "text": t, "time": c} for i, t, c in items])
    answer = "You have no reminders." if not items else (
        "You have " + (f"{len(items)} reminders" if len(items) > 1 else "one reminder") + ": "
        + lex.join([f"{t} at {c}" for _, t, c in items]) + ".")
    return turns(wanted(rng, held, "reminders"), "I list the reminders.",
                 kit.call(kit.reminders), text, f"There are {len(items)}.", answer,
                 *([t for _, t, _ in items] or [phrasing.NOTHING]))


def drop(rng, held, kit):
    """A reminder is cancelled by its number, or found first."""
    n = rng.randint(1, 99)
    gone = "cancelled|canceled|deleted|removed|gone|dropped|cleared"
    if kit.reminders in kit.has and rng.random() < 0.5:
        numbers = rng.sample(range(1, 100), 3)
        items = [(i, lex.fitting(rng, held, lex.task), lex.clock(rng)) for i in numbers]
        items = list({t: (i, t, c) for i, t, c in items}.values())
        n, what, _ = rng.choice(items)
        return [wanted(rng, held, "drop named", w=what),
                assistant("I need its id first.", "", [kit.call(kit.reminders)]),
                tool_turn("\n".join(f"{i}: {t} at {c}" for i, t, c in items)),
                assistant(f"Its id is {n}.", "", [kit.call(kit.drop, n)]), tool_turn("ok"),
                assistant("It worked.", f"The reminder to {what} is cancelled.", (), says(gone))]
    result, after, answer, words = "ok", "It worked.", f"Reminder {n} is cancelled.", gone
    if rng.random() < 0.2:
        result, after = f"error: no reminder {n}", "There is no such reminder."
        answer, words = f"There is no reminder {n}.", phrasing.NOTHING + "|" + phrasing.ABSENT
    return turns(wanted(rng, held, "drop number", n=n), f"I cancel reminder {n}.",
                 kit.call(kit.drop, n), result, after, answer, words)


def timer(rng, held, kit):
    """A timer in minutes; hours are converted."""
    n, unit = rng.randint(2, 90), "minutes"
    if rng.random() < 0.25:
        n, unit = rng.randint(2, 9), "hours"
    minutes = n * 60 if unit == "hours" else n
    thought = f"{n} hours are {minutes} minutes." if unit == "hours" else f"{n} minutes."
    return turns(wanted(rng, held, "timer", n=n, u=unit, v=unit[:-1]), thought,
                 kit.call(kit.timer, minutes),
                 rng.choice(("started", "ok", json.dumps({"minutes": minutes}))),
                 "It runs.", f"The timer runs for {n} {unit}.",
                 "runs|running|started|I will|I'll|I set|I've set|is set|been set|done|is on")


def list_add(rng, held, kit):
    """Something goes on a list."""
    name, item = rng.choice(LISTS), lex.fitting(rng, held, lex.noun_phrase)
    return turns(wanted(rng, held, "list add", x=item, l=name), f"{item} goes on the {name} list.",
                 kit.call(kit.add, name, item),
                 rng.choice(("ok", "added", json.dumps({"items": rng.randint(1, 20)}))),
                 "It is added.", f"I added {item} to the {name} list.",
                 "added|I put|I've put|noted|done|is now|wrote|is on")


def list_show(rng, held, kit):
    """What is on a list."""
    name = rng.choice(LISTS)
    items = list(dict.fromkeys(lex.noun_phrase(rng) for _ in range(rng.randint(0, 5))))
    result = json.dumps(items) if rng.random() < 0.5 else "\n".join(f"- {i}" for i in items)
    answer = f"On the {name} list: {lex.join(items)}." if items else f"The {name} list is empty."
    return turns(wanted(rng, held, "list show", l=name), f"I get the {name} list.",
                 kit.call(kit.show, name), result or "empty", f"It has {len(items)} items.",
                 answer, *(items or ["empty|nothing|no|not"]))


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
    return turns(wanted(rng, held, "store", f=text), f"I store: {text}.",
                 kit.call(kit.store, text),
                 rng.choice(("stored", "ok", "saved", json.dumps({"ok": True}))), "It is stored.",
                 f"I will remember that {text}.",
                 "I will|I'll|stored|saved|noted|remembered|done|got it")


def told(text, about):
    """The word of a fact that a question about it does not have; a number if there is one."""
    words = [w for w in text.split() if w not in about.split()]
    return next((w for w in words if w[-1].isdigit()), words[-1])


def recall(rng, held, kit):
    """Something from the memory, which may not know."""
    text, about = fact(rng, held)
    result, after, answer = text, f"The memory has: {text}.", f"You told me that {text}."
    words = [told(text, about)]
    roll = rng.random()
    if roll < 0.2:
        result, after = rng.choice(("nothing", "[]", "no entry")), "The memory has nothing."
        answer, words = f"I remember nothing about {about}.", [phrasing.NOTHING]
    elif roll < 0.5:
        result = "\n".join(sorted({text, fact(rng, held)[0]}))
        answer = "You told me that " + " and that ".join(result.split("\n")) + "."
    return turns(wanted(rng, held, "recall", a=about), f"I search my memory for {about}.",
                 kit.call(kit.recall, about), result, after, answer, *words)


def cannot(rng, held, kit):
    """No tool for a reminder, a timer or a memory."""
    kinds = [(kit.remind, "set reminders", "no remind"), (kit.timer, "start timers", "no timer")]
    missing = [(n, section) for t, n, section in kinds if t not in kit.has]
    if not missing:
        return timer(rng, held, kit)
    name, section = rng.choice(missing)
    first = wanted(rng, held, section, t=lex.task(rng), c=lex.clock(rng), n=rng.randint(1, 90))
    return [first, assistant(f"No tool can {name}.", f"I have no tool that can {name}.", (),
                             says(phrasing.CANNOT))]


def group(rng, held=False):
    """(system, specs, maker) of a set of everyday tools."""
    kit = Kit(rng)
    makers = [(cannot, 1)] + [(m, w) for t, m, w in (
        (kit.world, world, 3), (kit.remind, remind, 5), (kit.reminders, reminders, 3),
        (kit.drop, drop, 3), (kit.timer, timer, 2), (kit.store, store, 4),
        (kit.recall, recall, 4), (kit.add, list_add, 3), (kit.show, list_show, 2))
        if t in kit.has]
    functions, weights = zip(*makers)
    specs = list(kit.has)
    rng.shuffle(specs)
    system = None if rng.random() < 0.6 else rng.choice(SYSTEMS)
    return system, specs, lambda rng: rng.choices(functions, weights)[0](rng, held, kit)
