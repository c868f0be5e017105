"""Tools that nobody has seen: a verb, an object and parameters, with their requests and results.

A tool is a product of sets (some 30 verbs, 130 objects, 30 kinds of parameters under several
names), so its name tells nothing that its description does not tell. One pair of verb and
object in eight is held out whole.
"""
import dataclasses
import json

import lexicon as lex
import parameters
from wording import choose

OBJECTS = (
    "invoice ticket order playlist recipe sensor lamp booking meeting contract parcel account "
    "profile poll survey coupon budget expense payment refund subscription newsletter campaign "
    "article comment photo album video song podcast folder backup server container cluster "
    "database table record report chart dashboard widget form template label sticker badge "
    "licence permit visa ticket-pass shift timesheet holiday salary candidate interview course "
    "lesson exam grade student teacher classroom book-loan shelf reader map route trip flight "
    "hotel taxi bicycle car truck garage parking-spot charger battery heater fan blind door-lock "
    "camera alarm sprinkler pump valve oven fridge washing-machine robot drone printer scanner "
    "router firewall certificate password token-key user-group role rule filter workflow job "
    "queue channel message-thread contact event task-list reminder-note project milestone sprint "
    "bug release branch build test-run patient prescription appointment vaccine sample plant "
    "animal field harvest tractor weather-report tide-table auction bid stock-item warehouse "
    "pallet shipment supplier customer complaint survey-answer donation membership").split()

# verb: (words of the tool's name, descriptions, requests, done)
ACTS = {
    "create": ("create add new make", ("Create {ao}.", "Add a new {o}.", "Makes a new {o}."),
               ("Create {ao}{p}.", "Please add a new {o}{p}.", "I need a new {o}{p}.",
                "Make {ao}{p}.", "Can you set up {ao}{p}?", "Add {ao}{p}, please.",
                "I would like to create {ao}{p}.", "We need {ao}{p}, please create it."),
               "created"),
    "delete": ("delete remove erase drop", ("Delete {ao}.", "Remove {ao} for good."),
               ("Delete the {o}{p}.", "Please remove the {o}{p}.", "Get rid of the {o}{p}.",
                "Erase the {o}{p}.", "Can you delete the {o}{p}?", "Remove the {o}{p}.",
                "I want the {o}{p} deleted."), "deleted"),
    "update": ("update change modify edit", ("Update {ao}.", "Change {ao} that exists."),
               ("Update the {o}{p}.", "Please change the {o}{p}.", "Edit the {o}{p}.",
                "Modify the {o}{p}.", "Change the {o}{p}.", "Can you update the {o}{p}?"),
               "updated"),
    "send": ("send deliver dispatch", ("Send {ao}.", "Send {ao} to someone."),
             ("Send {ao}{p}.", "Please send the {o}{p}.", "Deliver {ao}{p}.",
              "Can you send {ao}{p}?", "Dispatch the {o}{p}.", "I want to send {ao}{p}."),
             "sent"),
    "cancel": ("cancel abort revoke", ("Cancel {ao}.", "Call off {ao}."),
               ("Cancel the {o}{p}.", "Please call off the {o}{p}.", "Revoke the {o}{p}.",
                "I no longer need the {o}{p}, cancel it.", "Can you cancel the {o}{p}?",
                "Please cancel the {o}{p}."), "cancelled"),
    "start": ("start run launch begin", ("Start {ao}.", "Launch {ao}."),
              ("Start the {o}{p}.", "Launch the {o}{p}.", "Please start the {o}{p}.",
               "Can you get the {o} going{p}?", "Begin the {o}{p}.", "Let the {o} start{p}."),
              "started"),
    "stop": ("stop halt end", ("Stop {ao}.", "Bring {ao} to a halt."),
             ("Stop the {o}{p}.", "Halt the {o}{p}.", "Please stop the {o}{p}.",
              "Can you stop the {o}{p}?", "End the {o}{p}.", "The {o} should stop{p}."),
             "stopped"),
    "book": ("book reserve", ("Book {ao}.", "Reserve {ao}."),
             ("Book {ao}{p}.", "Reserve {ao}{p}.", "Please book {ao}{p}.",
              "I want to reserve {ao}{p}.", "Can you book {ao}{p}?", "I would like to book "
              "{ao}{p}."), "booked"),
    "lock": ("lock protect secure", ("Lock {ao}.", "Protect {ao} against changes."),
             ("Lock the {o}{p}.", "Please lock the {o}{p}.", "Protect the {o}{p}.",
              "Can you lock the {o}{p}?", "Secure the {o}{p}.", "I want the {o} locked{p}."),
             "locked"),
    "unlock": ("unlock release_lock", ("Unlock {ao}.", "Remove the lock from {ao}."),
               ("Unlock the {o}{p}.", "Please unlock the {o}{p}.", "Take the lock off the "
                "{o}{p}.", "Can you unlock the {o}{p}?", "I want the {o} unlocked{p}."),
               "unlocked"),
    "share": ("share publish", ("Share {ao} with others.", "Publish {ao}."),
              ("Share the {o}{p}.", "Publish the {o}{p}.", "Please share the {o}{p}.",
               "Can you share the {o}{p}?", "I want to share the {o}{p}."), "shared"),
    "archive": ("archive store shelve", ("Archive {ao}.", "Put {ao} into the archive."),
                ("Archive the {o}{p}.", "Please archive the {o}{p}.", "Move the {o} to the "
                 "archive{p}.", "Can you archive the {o}{p}?", "Put the {o} into the "
                 "archive{p}."), "archived"),
    "print": ("print print_out", ("Print {ao}.", "Print {ao} on paper."),
              ("Print the {o}{p}.", "Please print the {o}{p}.", "I need the {o} on paper{p}.",
               "Can you print the {o}{p}?", "Print out the {o}{p}."), "printed"),
    "approve": ("approve accept confirm", ("Approve {ao}.", "Accept {ao} that waits."),
                ("Approve the {o}{p}.", "Accept the {o}{p}.", "Please approve the {o}{p}.",
                 "Can you approve the {o}{p}?", "Confirm the {o}{p}.", "The {o}{p} is fine, "
                 "approve it."), "approved"),
    "reject": ("reject decline refuse", ("Reject {ao}.", "Decline {ao}."),
               ("Reject the {o}{p}.", "Decline the {o}{p}.", "Please reject the {o}{p}.",
                "Can you turn down the {o}{p}?", "Please decline the {o}{p}."), "rejected"),
    "move": ("move transfer relocate", ("Move {ao}.", "Transfer {ao} elsewhere."),
             ("Move the {o}{p}.", "Transfer the {o}{p}.", "Please move the {o}{p}.",
              "Can you relocate the {o}{p}?", "I want to move the {o}{p}."), "moved"),
    "copy": ("copy duplicate clone", ("Copy {ao}.", "Make a copy of {ao}."),
             ("Copy the {o}{p}.", "Duplicate the {o}{p}.", "Please make a copy of the {o}{p}.",
              "Can you clone the {o}{p}?", "I need a copy of the {o}{p}."), "copied"),
    "repair": ("repair fix mend", ("Repair {ao}.", "Fix {ao} that is broken."),
               ("Repair the {o}{p}.", "Fix the {o}{p}.", "Please repair the {o}{p}.",
                "Can you mend the {o}{p}?", "The {o}{p} is broken, fix it."), "repaired"),
    "assign": ("assign allocate", ("Assign {ao} to someone.", "Allocate {ao}."),
               ("Assign the {o}{p}.", "Please assign the {o}{p}.", "Allocate the {o}{p}.",
                "Can you assign the {o}{p}?", "I want the {o} assigned{p}."), "assigned"),
    "rename": ("rename retitle", ("Rename {ao}.", "Give {ao} a new name."),
               ("Rename the {o}{p}.", "Give the {o} a new name{p}.", "Please rename the {o}{p}.",
                "Can you rename the {o}{p}?"), "renamed"),
    "pause": ("pause suspend hold", ("Pause {ao}.", "Suspend {ao} for a while."),
              ("Pause the {o}{p}.", "Suspend the {o}{p}.", "Please pause the {o}{p}.",
               "Put the {o} on hold{p}.", "Can you pause the {o}{p}?"), "paused"),
    "resume": ("resume continue_ unpause", ("Resume {ao}.", "Continue {ao} that was paused."),
               ("Resume the {o}{p}.", "Continue the {o}{p}.", "Please resume the {o}{p}.",
                "Let the {o} go on{p}.", "Can you resume the {o}{p}?"), "resumed"),
}
# what a tool that looks something up returns: (attribute, maker of its value)
ATTRIBUTES = {
    "price": lambda r: f"{r.randint(1, 9999)} euros", "owner": lex.person,
    "status": lambda r: r.choice("open closed pending active blocked finished".split()),
    "weight": lambda r: f"{r.randint(1, 900)} kg", "colour": lambda r: r.choice(lex.COLOURS),
    "location": lex.place, "temperature": lambda r: f"{r.randint(-30, 99)} C",
    "size": lambda r: f"{r.randint(1, 999)} {r.choice(('MB', 'GB', 'cm', 'm'))}",
    "deadline": lex.date, "version": lambda r: f"{r.randint(0, 9)}.{r.randint(0, 20)}",
    "age": lambda r: f"{r.randint(1, 99)} years", "serial number": lex.code,
    "battery level": lambda r: f"{r.randint(0, 100)} percent", "address": lex.email,
    "next date": lex.date, "rating": lambda r: f"{r.randint(1, 5)} stars",
    "number of pages": lambda r: str(r.randint(1, 900)), "title": lex.title,
    "contact": lex.person, "opening time": lex.clock, "capacity": lambda r: str(r.randint(2, 5000)),
}
LOOK_NAMES = "get fetch show read lookup query check".split()
LOOK_ABOUT = ("Get the {a} of {ao}.", "Look up the {a} of {ao}.", "Returns the {a} of {ao}.")
LOOK_ASK = ("What is the {a} of the {o}{p}?", "Tell me the {a} of the {o}{p}.",
            "Look up the {a} of the {o}{p}.", "Get the {a} of the {o}{p}.",
            "I need the {a} of the {o}{p}.", "Do you know the {a} of the {o}{p}?",
            "Please check the {a} of the {o}{p}.", "Can you find the {a} of the {o}{p}?")
LIST_NAMES = "list find search all".split()
LIST_ABOUT = ("List all {o}s.", "Find {o}s.", "Search the {o}s.")
LIST_ASK = ("List all {o}s{p}.", "Which {o}s are there{p}?", "Find the {o}s{p}.",
            "Show me all {o}s{p}.", "Search for {o}s{p}.", "Are there any {o}s{p}?",
            "Give me a list of the {o}s{p}.")
ERRORS = ("permission denied", "not found", "the server is down", "timeout after {n} s",
          "quota exceeded", "invalid {k}", "no such {o}", "the {o} is locked", "network error {n}",
          "the {o} does not exist", "you are not logged in", "rate limit reached", "disk full",
          "the service is closed until {t}", "unknown {k}", "internal error {n}")


@dataclasses.dataclass
class Tool:
    """An invented tool. verb is an entry of ACTS, "look" or "list"."""
    spec: dict
    verb: str
    thing: str
    params: list
    required: list
    attribute: str = ""

    @property
    def name(self):
        return self.spec["name"]

    def aim(self):
        """What it does, as a phrase."""
        if self.verb == "look":
            return f"get the {self.attribute} of {lex.article(self.thing)}"
        return f"list {self.thing}s" if self.verb == "list" else (
            f"{self.verb} {lex.article(self.thing)}")


def styled(rng, parts):
    """A tool name of words in one of the usual styles."""
    parts = [w for p in parts for w in p.replace("-", "_").replace(" ", "_").split("_") if w]
    style = rng.choices(("snake", "camel", "pascal", "kebab", "swapped"), (10, 4, 1, 2, 2))[0]
    if style == "snake":
        return "_".join(parts)
    if style == "kebab":
        return "-".join(parts)
    if style == "swapped":
        return "_".join(parts[1:] + parts[:1])
    text = "".join(p.capitalize() for p in parts)
    return text if style == "pascal" else text[0].lower() + text[1:]


def pick(rng, held):
    """Verb, object and attribute of a tool, from the trained or the held-out pairs."""
    while True:
        verb = rng.choice(list(ACTS)) if rng.random() < 0.66 else rng.choice(("look", "list"))
        thing = rng.choice(OBJECTS)
        attribute = rng.choice(list(ATTRIBUTES)) if verb == "look" else ""
        if lex.is_held(f"{verb} {thing} {attribute}") == held:
            return verb, thing.replace("-", " "), attribute


def describe(rng, verb, thing, attribute):
    """The words of the name and the description."""
    if verb == "look":
        name, about = [rng.choice(LOOK_NAMES), thing, attribute], rng.choice(LOOK_ABOUT)
        if rng.random() < 0.3:
            name = [name[0], attribute]
    elif verb == "list":
        name, about = [rng.choice(LIST_NAMES), thing + "s"], rng.choice(LIST_ABOUT)
    else:
        name, about = [rng.choice(ACTS[verb][0].split()), thing], rng.choice(ACTS[verb][1])
    if rng.random() < 0.06:
        name = [lex.invented(rng), str(rng.randint(1, 99))][:rng.randint(1, 2)]
    elif rng.random() < 0.1:
        name = [name[0], rng.choice(("crm", "home", "shop", "api", "my", "office"))] + name[1:]
    text = about.format(o=thing, ao=lex.article(thing), a=attribute)
    if rng.random() < 0.15:
        text += " " + rng.choice(("Needs a login.", "Works at once.", "Use with care.",
                                  "Returns JSON.", "May take a while.", "Only for members."))
    return name, text


def make(rng, held=False, params=None, what=None):
    """A tool; params and what (verb, thing, attribute) may be given."""
    verb, thing, attribute = what or pick(rng, held)
    name, text = describe(rng, verb, thing, attribute)
    low = 0 if verb == "list" else 1
    if params is None:
        params = parameters.distinct(rng, rng.choices((low, 1, 2, 3, 4), (2, 5, 6, 4, 2))[0])
    required = [p.name for p in params if verb != "list" and rng.random() < 0.7]
    if params and not required and verb != "list":
        required = [params[0].name]
    properties = {p.name: dict(p.schema) for p in params}
    spec = {"name": styled(rng, name), "description": text,
            "parameters": {"type": "object", "properties": properties}}
    if required or rng.random() < 0.3:
        spec["parameters"]["required"] = required
    return Tool(spec, verb, thing, params, required, attribute)


def toolbox(rng, n, held=False):
    """n tools of different names and different jobs; many share a verb or an object."""
    out, jobs, names = [], set(), set()
    while len(out) < n:
        what = None
        if out and rng.random() < 0.35:
            other, (verb, thing, attribute) = rng.choice(out), pick(rng, held)
            what = ((other.verb, thing, other.attribute) if rng.random() < 0.5
                    else (verb, other.thing, attribute))
            if lex.is_held(f"{what[0]} {what[1]} {what[2]}") != held:
                continue
        made = make(rng, held, what=what)
        if made.aim() not in jobs and made.name not in names:
            jobs.add(made.aim())
            names.add(made.name)
            out.append(made)
    return out


def arguments(rng, tool, held=False, omit=None):
    """Arguments for one call: all required ones, some of the optional ones."""
    return {p.name: parameters.value(rng, p, held) for p in tool.params
            if p.name != omit and (p.name in tool.required or rng.random() < 0.5)}


def request(rng, tool, args, held=False):
    """The words that ask for this call."""
    given = [parameters.phrase(rng, p, args[p.name], held) for p in tool.params if p.name in args]
    if len(given) > 1 and rng.random() < 0.3:
        rng.shuffle(given)
    said = "".join(" " + g for g in given)
    asks = (LOOK_ASK if tool.verb == "look" else LIST_ASK if tool.verb == "list"
            else ACTS[tool.verb][2])
    return choose(rng, asks, held).format(o=tool.thing, ao=lex.article(tool.thing),
                                          a=tool.attribute, p=said)


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


def outcome(rng, tool):
    """A result and what to say about it: (result, thought, answer)."""
    thing = tool.thing
    if tool.verb == "look":
        value = ATTRIBUTES[tool.attribute](rng)
        key = tool.attribute.replace(" ", "_")
        result = rng.choice((as_json({key: value}), value, f"{tool.attribute}: {value}",
                             as_json({"status": "ok", key: value}),
                             as_json({"id": rng.randint(1, 999), key: value, "ok": True})))
        return result, f"The result gives the {tool.attribute}: {value}.", (
            f"The {tool.attribute} is {value}.")
    if tool.verb == "list":
        items = [lex.noun_phrase(rng) for _ in range(rng.randint(0, 5))]
        result = rng.choice((as_json(items), as_json({"items": items, "total": len(items)}),
                             "\n".join(items) or "none"))
        if not items:
            return result, "The list is empty.", f"There are no {thing}s."
        noun = thing if len(items) == 1 else thing + "s"
        return result, f"The list has {len(items)}.", (
            f"I found {len(items)} {noun}: {lex.join(items)}.")
    done = ACTS[tool.verb][3]
    if rng.random() < 0.45:
        number = lex.code(rng)
        result = rng.choice((as_json({"status": "ok", "id": number}), f"ok, id {number}",
                             as_json({"id": number}), f"{thing} {number} {done}"))
        return result, f"It worked. The id is {number}.", (
            f"The {thing} is {done}. Its id is {number}.")
    result = rng.choice((as_json({"status": "ok"}), "ok", "done", as_json({"ok": True}),
                         as_json({"success": True, "code": 200}), f"{thing} {done}", "true"))
    return result, "It worked.", f"The {thing} is {done}."


def error(rng, tool):
    """A failed result and its message: (result, message)."""
    param = rng.choice(tool.params).name if tool.params else "request"
    message = rng.choice(ERRORS).format(n=rng.randint(2, 599), k=param, o=tool.thing,
                                        t=lex.clock(rng))
    return rng.choice((as_json({"error": message}), f"error: {message}", f"Error: {message}",
                       as_json({"ok": False, "message": message}),
                       as_json({"status": "failed", "reason": message}))), message
