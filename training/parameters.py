"""Parameters of invented tools: name, schema, a value, and the words of a request for it."""
import dataclasses

import lexicon as lex
from wording import choose


@dataclasses.dataclass
class Parameter:
    """One parameter of one tool. ask is what to call it when it is missing."""
    kind: str
    name: str
    schema: dict
    ask: str


@dataclasses.dataclass(frozen=True)
class Kind:
    """Names, descriptions and phrases of one kind of parameter.

    make gives a value; an enum has choices instead. In a phrase {v} is the value as people
    write it. A boolean has phrases for true and for false.
    """
    ask: str
    names: str
    descriptions: tuple
    type: str
    phrases: tuple
    make: object = None
    choices: tuple = ()
    no_phrases: tuple = ()


def number(low, high):
    """A maker of whole numbers."""
    return lambda rng: rng.randint(low, high)


def decimal(low, high):
    """A maker of numbers, most with a decimal part."""
    def make(rng):
        value = round(rng.uniform(low, high), rng.choice((1, 1, 2)))
        return int(value) if value == int(value) else value
    return make


def several(make, low=2, high=4):
    """A maker of lists without repeats."""
    def make_list(rng):
        out = []
        for _ in range(rng.randint(low, high)):
            value = make(rng)
            if value not in out:
                out.append(value)
        return out
    return make_list


def strings(ask, names, descriptions, make, phrases):
    return Kind(ask, names, descriptions, "string", phrases, make)


def enum(ask, names, descriptions, choices, phrases):
    return Kind(ask, names, descriptions, "string", phrases, choices=tuple(choices.split()))


def flag(ask, names, descriptions, yes, no):
    return Kind(ask, names, descriptions, "boolean", yes, no_phrases=no)


TEXTS = {
    "title": strings("title", "title name label heading", ("The title.", "Title to show."),
                     lex.title, ("with the title \"{v}\"", "called \"{v}\"", "named \"{v}\"",
                                 "titled \"{v}\"", "with title \"{v}\"")),
    "person": strings("person", "person name user owner assignee member", (
        "Name of the person.", "Who it is for."), lex.person, (
            "for {v}", "on behalf of {v}", "for the user {v}", "for our member {v}")),
    "city": strings("city", "city location place town", ("The city.", "Name of the city.",
                    "Where it takes place."), lex.place, (
                        "in {v}", "in the city of {v}", "at our place in {v}", "located in {v}")),
    "id": strings("id", "id number reference code key", ("The identifier.", "Reference number.",
                  "Internal code."), lex.code, ("with the id {v}", "with reference {v}",
                                                "(id {v})", "with id {v}")),
    "email": strings("email address", "email address mail contact", (
        "An email address.", "Where to write to."), lex.email, (
            "with the address {v}", "using the email {v}", "with {v} as the contact",
            "with the email address {v}")),
    "date": strings("date", "date day on due when", ("Date as YYYY-MM-DD.", "The day, YYYY-MM-DD."),
                    lex.date, ("on {v}", "for {v}", "dated {v}", "on the day {v}")),
    "time": strings("time", "time at start hour", ("Time as HH:MM.", "Time of day, 24 hours."),
                    lex.clock, ("at {v}", "starting at {v}", "from {v} on", "at exactly {v}")),
    "note": strings("note", "note text comment message description", (
        "A free text.", "A short note.", "Text to attach."), lambda r: lex.words(r, 2, 5), (
            "with the note \"{v}\"", "saying \"{v}\"", "with the text \"{v}\"",
            "and the comment \"{v}\"", "with this note: \"{v}\"")),
    "topic": strings("topic", "topic subject query about keyword", ("The topic.", "What about."),
                     lambda r: r.choice(lex.TOPICS) if r.random() < 0.5 else lex.noun_phrase(r),
                     ("about {v}", "on the subject of {v}", "concerning {v}", "on {v}")),
    "file": strings("file", "file path filename document source", (
        "Path of the file.", "The file."), lex.path, (
            "from the file {v}", "using {v}", "with the file {v}", "taken from {v}")),
    "item": strings("item", "item product thing article", ("The item.", "Name of the product."),
                    lex.noun_phrase, ("for the item \"{v}\"", "of the product \"{v}\"",
                                      "for \"{v}\"", "for the article \"{v}\"")),
    "room": strings("room", "room area zone", ("The room.", "Part of the house."),
                    lambda r: r.choice(("kitchen", "attic", "cellar", "office", "hall", "garage",
                                        "bedroom", "workshop", "garden", "lab", "studio",
                                        "library", "loft", "porch")),
                    ("in the {v}", "for the {v}", "of the {v}", "over in the {v}")),
    "phone": strings("phone number", "phone telephone mobile", ("Phone number.",),
                     lambda r: "+" + str(r.randint(10 ** 8, 10 ** 10)), (
                         "with the phone number {v}", "with {v} as the number", "phone {v}",
                         "with the number {v}")),
    "serial": strings("serial number", "serial device machine unit", ("Serial number.",
                      "Name of the device."), lex.code, (
                          "on the device {v}", "for the machine {v}", "of unit {v}",
                          "on machine {v}")),
}
NUMBERS = {
    "count": Kind("number", "count quantity amount number", ("How many.", "The number of items."),
                  "integer", ("{v} times", "with a quantity of {v}", "quantity {v}",
                              "with the count {v}", "with quantity {v}"), number(2, 500)),
    "minutes": Kind("duration", "minutes duration length duration_minutes", (
        "Length in minutes.", "How many minutes."), "integer", (
            "for {v} minutes", "lasting {v} minutes", "{v} minutes long",
            "with a length of {v} minutes"), number(1, 240)),
    "days": Kind("number of days", "days period n_days", ("Number of days.", "How many days."),
                 "integer", ("for {v} days", "over {v} days", "for a period of {v} days",
                             "during {v} days"), number(2, 90)),
    "price": Kind("price", "price cost max_price budget", ("Price in euros.", "Limit in euros."),
                  "number", ("for {v} euros", "at {v} euros", "with a price of {v} euros",
                             "priced at {v} euros"), decimal(1, 900)),
    "percent": Kind("percentage", "percent level share brightness", ("Percentage, 0 to 100.",),
                    "integer", ("at {v} percent", "with {v} percent", "set to {v} percent",
                                "at a level of {v} percent"), number(1, 100)),
    "weight": Kind("weight", "weight kg mass weight_kg", ("Weight in kilograms.",), "number", (
        "weighing {v} kg", "with a weight of {v} kg", "of {v} kg", "that weighs {v} kg"),
        decimal(0.2, 90)),
    "degrees": Kind("temperature", "temperature degrees celsius", ("Temperature in C.",), "number",
                    ("at {v} degrees", "at {v} C", "with {v} degrees", "at a heat of {v} degrees"),
                    decimal(-20, 95)),
    "limit": Kind("limit", "limit max top max_results", ("Most results to return.",), "integer", (
        "at most {v}", "limited to {v}", "no more than {v}", "with a limit of {v}"),
        number(1, 60)),
    "page": Kind("page", "page chapter section", ("Page number.", "Which page."), "integer", (
        "on page {v}", "from page {v}", "page {v}", "starting on page {v}"), number(1, 800)),
    "latitude": Kind("latitude", "lat latitude", ("Latitude in degrees.",), "number", (
        "at latitude {v}", "with latitude {v}", "latitude {v}", "at the latitude {v}"),
        decimal(-89, 89)),
}
CHOICES = {
    "priority": enum("priority", "priority urgency importance", ("How urgent.", "Priority."),
                     "low normal high urgent", ("with {v} priority", "priority {v}", "as {v} "
                     "priority", "with the priority {v}")),
    "unit": enum("unit", "unit units scale", ("The unit.",), "celsius fahrenheit kelvin", (
        "in {v}", "in degrees {v}", "measured in {v}", "with the unit {v}")),
    "colour": enum("colour", "colour color tint", ("The colour.",),
                   "red green blue white yellow black", ("in {v}", "coloured {v}", "with the "
                   "colour {v}", "painted {v}")),
    "format": enum("format", "format type output output_format", ("Format of the output.",),
                   "json csv text html pdf", ("as {v}", "in {v} format", "in the format {v}",
                   "formatted as {v}")),
    "size": enum("size", "size variant", ("The size.",), "small medium large", (
        "in size {v}", "in {v}", "of {v} size", "with size {v}")),
    "order": enum("order", "order sort sort_order", ("Sort order.",), "ascending descending", (
        "in {v} order", "sorted {v}", "{v}", "ordered {v}")),
    "status": enum("status", "status state", ("The status.",), "open closed pending draft", (
        "with status {v}", "marked {v}", "in state {v}", "with the status {v}")),
    "mode": enum("mode", "mode setting program", ("Operating mode.",), "eco fast quiet auto", (
        "in {v} mode", "using the {v} mode", "in the mode {v}", "with mode {v}")),
    "language": enum("language", "language lang", ("Target language.",),
                     "English German French Spanish Italian", ("in {v}", "into {v}", "with {v} "
                     "as the language", "in the language {v}")),
    "weekday": enum("day", "weekday day", ("Day of the week.",), " ".join(lex.WEEKDAYS), (
        "on {v}", "every {v}", "each {v}", "on a {v}")),
}
FLAGS = {
    "notify": flag("notification", "notify send_notification alert", ("Whether to notify people.",),
                   ("and notify everyone", "with a notification", "and do notify people",
                    "with notification"), ("without a notification", "and do not notify anyone",
                                           "but notify nobody", "without notification")),
    "urgent": flag("urgency", "urgent is_urgent express", ("True if it is urgent.",),
                   ("as urgent", "and it is urgent", "marked as urgent", "urgently"),
                   ("and it is not urgent", "as not urgent", "without any urgency", "not urgent")),
    "public": flag("visibility", "public is_public visible", ("Whether all can see it.",),
                   ("visible to everyone", "as public", "and make it public", "publicly"),
                   ("not public", "and keep it private", "hidden from others", "privately")),
    "recursive": flag("recursion", "recursive include_subfolders deep", (
        "Also look into subfolders.",), ("with subfolders", "including subfolders", "recursively",
                                         "with all subfolders"),
        ("without subfolders", "not recursively", "ignoring subfolders", "no subfolders")),
}
LISTS = {
    "tags": Kind("tags", "tags labels keywords", ("List of tags.", "Labels to attach."), "array", (
        "tagged {v}", "with the tags {v}", "with tags {v}", "labelled {v}"),
        several(lambda r: r.choice(lex.NOUNS))),
    "people": Kind("people", "people attendees members participants", ("Names of people.",),
                   "array", ("with {v}", "together with {v}", "inviting {v}", "and invite {v}"),
                   several(lambda r: r.choice(lex.FIRST_NAMES))),
    "numbers": Kind("numbers", "values numbers data", ("List of numbers.",), "array", (
        "with the values {v}", "for the numbers {v}", "using {v}", "with numbers {v}"),
        several(number(0, 999), 2, 5)),
    "area": Kind("dimensions", "dimensions area rectangle", ("Width and height in metres.",),
                 "object", ("of {w} by {h} metres", "measuring {w} by {h} metres",
                            "{w} metres wide and {h} metres high", "with {w} by {h} metres"),
                 lambda r: {"width": r.randint(2, 99), "height": r.randint(2, 99)}),
}
KINDS = {**TEXTS, **NUMBERS, **CHOICES, **FLAGS, **LISTS}
NAMES = list(KINDS)
WEIGHTS = [3 if n in TEXTS else 2 if n in NUMBERS or n in CHOICES else 1.5 for n in NAMES]


def schema(rng, kind):
    """The JSON schema of a parameter."""
    out = {"type": kind.type}
    if rng.random() < 0.85:
        out["description"] = rng.choice(kind.descriptions)
    if kind.choices:
        chosen = list(kind.choices)
        if rng.random() < 0.3 and len(chosen) > 2:
            chosen = chosen[:-1]
        out["enum"] = chosen
    if kind.type == "array":
        sample = kind.make(rng)[0]
        out["items"] = {"type": "string" if isinstance(sample, str) else "integer"}
    if kind.type == "object":
        out["properties"] = {"width": {"type": "integer"}, "height": {"type": "integer"}}
        out["required"] = ["width", "height"]
    return out


def parameter(rng, name=None):
    """A parameter of a random kind, or of the kind with this name."""
    name = name or rng.choices(NAMES, WEIGHTS)[0]
    kind = KINDS[name]
    return Parameter(name, rng.choice(kind.names.split()), schema(rng, kind), kind.ask)


def distinct(rng, n, taken=()):
    """n parameters that can be told apart in one request."""
    out, seen = [], set(taken)
    alike = {"city": "room", "room": "city", "id": "serial", "serial": "id", "date": "weekday",
             "weekday": "date", "colour": "size", "size": "colour", "count": "limit",
             "limit": "count", "language": "unit", "unit": "language", "person": "item",
             "item": "person", "degrees": "weight", "title": "note", "note": "title"}
    while len(out) < n:
        made = parameter(rng)
        if made.kind in seen or made.name in {p.name for p in out}:
            continue
        seen |= {made.kind, alike.get(made.kind)}
        out.append(made)
    return out


def value(rng, param, held=False):
    """A value that fits the schema; a free text of a held-out request is held out too."""
    kind = KINDS[param.kind]
    if kind.type == "boolean":
        return rng.random() < 0.6
    if kind.choices:
        return rng.choice(param.schema["enum"])
    if kind.type == "string" and param.kind not in ("room", "city"):
        return lex.fitting(rng, held, kind.make)
    return kind.make(rng)


def phrase(rng, param, val, held=False):
    """The words of a request that give the value."""
    kind = KINDS[param.kind]
    if kind.type == "boolean":
        return choose(rng, kind.phrases if val else kind.no_phrases, held)
    text = choose(rng, kind.phrases, held)
    if kind.type == "object":
        return text.format(w=val["width"], h=val["height"])
    return text.format(v=lex.join(val) if kind.type == "array" else val)
