"""Data out of sentences as JSON, CSV, YAML or a table, and lists in a wanted form."""
import dataclasses
import json

import lexicon as lex
import sections
import smalltexts
from chat import assistant, user
from wording import choose

TEXTS = sections.load("records.txt")


def code(rng):
    """An identifier that is no number."""
    while True:
        text = lex.code(rng)
        if not text.isdigit():
            return text


VALUES = {
    "person": lex.person, "age": lambda r: r.randint(18, 90), "place": lex.place,
    "noun": lex.noun_phrase, "count": lambda r: r.randint(2, 999), "title": lex.title,
    "price": lambda r: r.choice((r.randint(1, 900), round(r.uniform(1, 99), 2))),
    "date": lex.date, "clock": lex.clock, "room": lambda r: r.choice(smalltexts.ROOMS),
    "email": lex.email, "phone": lambda r: f"0{r.randint(10, 999)} {r.randint(1000, 999999)}",
    "path": lex.path, "bytes": lambda r: r.randint(20, 99999),
    "first": lambda r: r.choice(lex.FIRST_NAMES), "temp": lambda r: r.randint(-15, 39),
    "sky": lambda r: r.choice("sunny cloudy rainy clear foggy windy stormy dry grey".split()),
    "year": lambda r: r.randint(1850, 2029), "task": lex.task,
    "level": lambda r: r.choice("low normal high urgent".split()), "code": code,
    "state": lambda r: r.choice("on off idle open closed locked paused active".split()),
    "error": lambda r: r.choice(("file not found", "division by zero", "out of memory", "timeout",
                                 "permission denied", "bad index", "broken pipe", "no space left",
                                 "unknown key", "wrong type", "missing value")),
    "animal": lambda r: r.choice(smalltexts.ANIMALS), "small": lambda r: r.randint(2, 20),
    "colour": lambda r: r.choice(lex.COLOURS[:8]),
    "nouns": lambda r: list(dict.fromkeys(r.choice(lex.NOUNS) for _ in range(r.randint(2, 4))))}
TYPES = {int: "integer", float: "number", str: "string", list: "array"}


@dataclasses.dataclass
class Record:
    """Fields {slot: (names, kind of value)} and the sentences about them."""
    fields: dict
    sentences: tuple


def record(lines):
    """A record from its lines."""
    fields = {}
    for line in lines:
        if line.startswith("F: "):
            names, kind = line[3:].split(" = ")
            fields[names.split("|")[0]] = (names.split("|"), kind)
    return Record(fields, tuple(line[3:] for line in lines if line.startswith("S: ")))


RECORDS = [record(lines) for lines in TEXTS.values() if lines[0].startswith("F: ")]


def as_text(value):
    """A value as a sentence has it."""
    return lex.join(value) if isinstance(value, list) else str(value)


def type_name(value):
    """The JSON type; of what is missing, a string."""
    return TYPES.get(type(value), "string")


def described(rng, held, kind=None, missing=True):
    """(sentence, {slot: value}, record): what the sentence does not say is None."""
    chosen = kind or rng.choice(RECORDS)
    values = {slot: VALUES[how](rng) for slot, (_, how) in chosen.fields.items()}
    while True:
        text = choose(rng, chosen.sentences, held and rng.random() < 0.8)
        named = smalltexts.slots(text)
        if missing or named == set(values):
            break
    sentence = smalltexts.grammatical(text.format(**{s: as_text(v) for s, v in values.items()}))
    if rng.random() < 0.25:
        extra = lex.sentence(rng)
        sentence = f"{extra} {sentence}" if rng.random() < 0.5 else f"{sentence} {extra}"
    return sentence, {s: v if s in named else None for s, v in values.items()}, chosen


def wanted(rng, chosen, values):
    """The slots that are asked for and the names that the user gives them."""
    slots = list(values)
    if rng.random() < 0.4:
        rng.shuffle(slots)
    if rng.random() < 0.35:
        slots = slots[:max(2, len(slots) - 1)]
    style = rng.choices((0, 1, 2), (6, 3, 1))[0]
    names = [rng.choice(chosen.fields[s][0]) if style else s for s in slots]
    names = [n.upper() if style == 2 else n for n in names]
    return slots, names if len(set(names)) == len(names) else slots


def thought(names, values):
    """Each key with its value."""
    return " ".join(f"{n}: {'not said' if v is None else as_text(v)}." if v is None or
                    not as_text(v).endswith(".") else f"{n}: {as_text(v)}"
                    for n, v in zip(names, values))


def as_json(rng, held):
    """A sentence, wanted as JSON by keys, by a shape, by a schema or by an example."""
    sentence, values, chosen = described(rng, held, missing=rng.random() < 0.5)
    slots, names = wanted(rng, chosen, values)
    found = [values[s] for s in slots]
    answer = json.dumps(dict(zip(names, found)), ensure_ascii=False)
    how = rng.choices(("keys", "shape", "schema", "example"), (5, 3, 2, 2))[0]
    parts = {"t": sentence, "k": rng.choice((", ".join(names), lex.join(names), ", ".join(
        f"\"{n}\"" for n in names)))}
    if how == "example":
        other, sample, _ = described(rng, held, chosen, missing=False)
        pairs = dict(zip(names, (sample[s] for s in slots)))
        parts |= {"e": other, "j": json.dumps(pairs, ensure_ascii=False)}
    kinds = {n: type_name(VALUES[chosen.fields[s][1]](rng)) for n, s in zip(names, slots)}
    if how == "shape":
        parts["f"] = rng.choice((
            "{" + ", ".join(f"\"{n}\": {k}" for n, k in kinds.items()) + "}",
            "{" + ", ".join(f"\"{n}\": ..." for n in names) + "}",
            "{" + ", ".join(f"\"{n}\": <{k}>" for n, k in kinds.items()) + "}"))
    if how == "schema":
        nullable = {n: k if v is not None else [k, "null"]
                    for (n, k), v in zip(kinds.items(), found)}
        parts["s"] = json.dumps({"type": "object", "properties": {
            n: {"type": k} for n, k in nullable.items()}, "required": names})
    question = choose(rng, TEXTS[how], held).format(**parts)
    if None in found or rng.random() < 0.1:
        question += "\n" + choose(rng, TEXTS["null"], held)
    return [user(question), assistant(thought(names, found), answer,
                                      check={"json": dict(zip(names, found))})]


def as_lines(rng, held):
    """A sentence, wanted as CSV, YAML, table, JSON array or one value."""
    sentence, values, chosen = described(rng, held, missing=False)
    slots, names = wanted(rng, chosen, values)
    found = [values[s] for s in slots]
    if any(isinstance(v, list) or "," in as_text(v) or as_text(v)[0] in "#0" for v in found):
        return as_lines(rng, held)
    texts = [as_text(v) for v in found]
    how = rng.choice(("csv", "yaml", "table", "values", "single"))
    if how == "single":
        names, texts = names[:1], texts[:1]
    question = choose(rng, TEXTS[how], held).format(k=", ".join(names), t=sentence)
    head = "| " + " | ".join(names) + " |"
    row = "| " + " | ".join(texts) + " |"
    rules = ["| " + " | ".join([mark] * len(names)) + " |" for mark in ("---", ":---")] + [
        "|" + "---|" * len(names), "| " + " | ".join("-" * max(3, len(n)) for n in names) + " |",
        "|" + "|".join("-" * (len(n) + 2) for n in names) + "|"]
    answers = {"csv": [",".join(texts), ", ".join(texts)],
               "yaml": ["\n".join(f"{n}: {x}" for n, x in zip(names, texts)),
                        "\n".join(f"{n}: {x}" if isinstance(v, (int, float)) else f"{n}: \"{x}\""
                                  for n, x, v in zip(names, texts, found))],
               "table": [f"{head}\n{rule}\n{row}" for rule in rules],
               "values": [json.dumps(found, ensure_ascii=False)],
               "single": [texts[0], texts[0] + ".", f"\"{texts[0]}\""]}[how]
    check = {"json": found} if how == "values" else {"any": answers}
    return [user(question), assistant(thought(names, texts), answers[0], check=check)]


def extract(rng, held):
    """A sentence with several values, wanted as data."""
    return as_json(rng, held) if rng.random() < 0.7 else as_lines(rng, held)


def lines_of(mark):
    """A maker of one line an item, each with a mark before it."""
    return lambda items: "\n".join(f"{mark}{x}" for x in items)


# What becomes of the items, and the ways to say it.
LISTS = (
    (lambda items: ", ".join(sorted(items)), (
        "sorted by the alphabet", "in alphabetical order", "from A to Z", "sorted alphabetically",
        "ordered by the alphabet", "in the order of the alphabet")),
    (lambda items: ", ".join(items[::-1]), (
        "in reverse order", "backwards, the last one first", "in the opposite order",
        "from the last to the first", "reversed", "starting with the last one")),
    (json.dumps, ("as a JSON array", "as a JSON list", "as an array in JSON", "in JSON, as a list",
                  "as a JSON array of strings", "in the form of a JSON array")),
    (lambda items: "\n".join(f"{i}. {x}" for i, x in enumerate(items, 1)), (
        "as a numbered list", "numbered from 1", "as a list with numbers", "with 1., 2. and so on",
        "as an ordered Markdown list", "in the form of a numbered list")),
    (lines_of("- "), ("as a bullet list", "as bullets", "as a Markdown list with dashes",
                      "with a dash before each", "as bullet points", "in a list with dashes")),
    ("; ".join, ("separated by semicolons", "with semicolons between them", "joined by semicolons",
                 "divided by semicolons", "with a semicolon after each but the last",
                 "in one line with semicolons")),
    ("\n".join, ("one on each line", "each on its own line", "line by line", "one a line",
                 "below each other", "with a line break after each")),
    (lambda items: ", ".join(x.upper() for x in items), (
        "in capital letters, with commas", "in upper case, with commas", "all in capitals, "
        "separated by commas", "with commas and in uppercase", "in big letters with commas",
        "in caps, comma separated")),
    (" ".join, ("separated by spaces", "with spaces between them", "in one line with spaces only",
                "without commas, only spaces", "joined by single spaces", "space separated")),
    (" | ".join, ("separated by |", "with | between them", "joined by the sign |",
                  "with a bar (|) in between", "divided by |", "with | as the separator")),
    ("-".join, ("joined by hyphens", "with hyphens between them", "hyphenated", "as one word with "
                "hyphens", "linked by hyphens", "with a hyphen between each two")),
    (lex.join, ("as a phrase with \"and\" before the last", "with commas and a final \"and\"",
                "joined by commas and \"and\"", "as in a sentence, with \"and\" at the end",
                "with \"and\" before the last one", "as words with \"and\" between the last two")),
    (",".join, ("as one line of CSV", "as a CSV row", "comma separated without spaces", "as CSV",
                "with commas and no spaces", "as a line of a CSV file")),
    (lambda items: ", ".join(f"\"{x}\"" for x in items), (
        "each in quotation marks, with commas", "quoted and with commas", "in double quotes, "
        "separated by commas", "each one quoted, commas between", "with quotes and commas",
        "with double quotes around each and commas")),
    (lines_of("* "), ("as a list with stars", "with a star before each", "as bullets with *",
                      "as a Markdown list with *", "each after a star",
                      "in a list with asterisks")),
    (lambda items: ", ".join(x.capitalize() for x in items), (
        "with a capital first letter and commas", "each with a capital, comma separated",
        "capitalised, with commas", "with commas and capital first letters",
        "starting with capitals, commas between", "each beginning with a capital, with commas")),
    (lines_of("[ ] "), ("as a check list with [ ]", "with [ ] before each, one a line",
                        "as open boxes [ ], line by line", "as a to-do list with [ ]",
                        "each on a line after [ ]", "as lines that begin with [ ]")),
    (" > ".join, ("with > between them", "as a path with >", "joined by the sign >",
                  "separated by >", "divided by >", "with > as the separator")),
)
PICKS = ((lambda items: items[0], ("first", "first one", "first word", "one at the front",
                                   "first item", "first entry")),
         (lambda items: items[-1], ("last", "last one", "last word", "one at the end", "last item",
                                    "last entry")),
         (lambda items: items[1], ("second", "second one", "second word", "one after the first",
                                   "second item", "second entry")),
         (lambda items: sorted(items)[0], (
             "first by the alphabet", "first in alphabetical order", "alphabetically first word",
             "one that comes first in the alphabet", "first when sorted", "first from A to Z")),
         (lambda items: str(len(items)), (
             "number of items", "count of words", "number of words", "number of entries",
             "length of the list", "total number of things")))


def listed(rng, held):
    """Putting given items into a form, or picking one of them."""
    items = []
    while len(items) < rng.randint(2, 6):
        item = rng.choice(lex.NOUNS) if rng.random() < 0.85 else lex.invented(rng)
        if item not in items:
            items.append(item)
    shown = rng.choice((", ", ", ", ", ", "; ", " ")).join(items)
    if rng.random() < 0.25:
        change, names = rng.choice(PICKS)
        name = choose(rng, names, held)
        answer = change(items)
        question = choose(rng, TEXTS["picks"], held).format(r=name, i=shown)
        return [user(question), assistant(
            f"The items: {', '.join(items)}. The {name}: {answer}.", smalltexts.capital(answer),
            check={"any": [smalltexts.capital(answer), answer, f"{answer}.",
                           f"{smalltexts.capital(answer)}."]})]
    change, names = rng.choice(LISTS)
    rule = choose(rng, names, held)
    question = choose(rng, TEXTS["lists"], held).format(r=rule, i=shown)
    return [user(smalltexts.capital(question)), assistant(
        f"I write {len(items)} items {names[0]}: {', '.join(items)}.", change(items),
        check={"any": [change(items)] + ([change(items) + "."] if "\n" not in change(items)
                                         and change is not json.dumps else [])})]
