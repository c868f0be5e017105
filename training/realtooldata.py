"""Tools as real products, servers and APIs offer them, with requests, results and answers.

The tools stand in tooldata/tools_*.txt, one block each; blank lines end a block:

    = domain                     the tools below belong to it
    tool name | other name       names that the tool may have; the first one decides what is held
    does check the weather       what it does, after "to"
    info text | other text       descriptions
    g                            so general that nearly everything can be done with it
    * key|key kind (noun) : text a required parameter; (noun) is how one asks for it
    - key|key kind (noun) : text an optional one
    ? What is it in <key>[ on <key>]?   a request; [ ] may be left out, (a|b) is one of them
    ! check it in <key>          a request without its frame: "Could you ...?"
    m How is it?                 a request that lacks one required value
    b How is it in <key> and <key2>?    two calls at once
    > field kind; field? kind    what comes back; ? need not be in an answer; rows n n field kind,
                                 ... is a list of records
    t text                       the result in words
    + It is <field>.             the answer; r is the part for one record; 0 if there is none
    ok done|booked               words of which a right answer has one

    chain tool.field > tool.key  a chain of two calls, with requests that hold <1.key> and <2.key>

Kinds are int n n, num n n, =value~words|value, bool words/words, list kind, the names in VALUES,
and the lists of tooldata/words.txt. A list there whose name ends with * is mixed with titles.
One tool in eight is held out whole, of the others the last sixth of the requests.
"""
import dataclasses
import pathlib
import re

import lexicon as lex

HERE = pathlib.Path(__file__).parent / "tooldata"
SLOT = re.compile(r"<((?:[12]\.)?[a-z_]+2?)>")


def read_lines(name):
    """Lines of a data file without comments."""
    return [line for line in (HERE / name).read_text().splitlines() if not line.startswith("#")]


def read_words():
    """{kind: values} of words.txt, the kinds that are mixed, {value: texts that mean the same}."""
    lists, mixed, same = {}, set(), {}
    for line in read_lines("words.txt"):
        kind, colon, text = line.partition(": ")
        if not colon:
            continue
        if kind.endswith("*"):
            kind = kind[:-1]
            mixed.add(kind)
        lists[kind] = [entry.split("~")[0] for entry in text.split("|")]
        for entry in text.split("|"):
            if "~" in entry:
                same[entry.split("~")[0]] = entry.replace("~", "|")
    return lists, mixed, same


LISTS, MIXED, SAME = read_words()


def listed(rng, kind):
    """An entry of a list of tooldata/words.txt."""
    return rng.choice(LISTS[kind])


def host(rng):
    """A host name."""
    return f"{rng.choice(lex.NOUNS)}.{rng.choice(('com', 'org', 'net', 'io', 'dev', 'example'))}"


def url(rng):
    """A web address."""
    return f"https://{host(rng)}" + rng.choice(("", f"/{rng.choice(lex.NOUNS)}",
                                                f"/{rng.choice(lex.NOUNS)}/{rng.randint(1, 99)}",
                                                f"/api/{rng.choice(lex.NOUNS)}s"))


def phone(rng):
    """A phone number."""
    return f"+{rng.choice((1, 31, 33, 34, 39, 41, 43, 44, 45, 46, 47, 48, 49))} " + "".join(
        rng.choice("0123456789") for _ in range(rng.randint(8, 10)))


def branch(rng):
    """The name of a git branch."""
    return rng.choice(("feature/", "fix/", "chore/", "", "release/")) + (
        f"{rng.choice(lex.NOUNS)}-{rng.choice(lex.FILE_WORDS)}")


def capitals(rng, n):
    """n capital letters."""
    return "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(n))


VALUES = {
    "city": lex.place, "person": lex.person, "date": lex.date, "time": lex.clock, "id": lex.code,
    "email": lex.email, "path": lex.path, "folder": lex.folder, "url": url, "host": host,
    "first": lambda r: r.choice(lex.FIRST_NAMES), "phone": phone, "branch": branch,
    "last": lambda r: r.choice(lex.LAST_NAMES), "noun": lambda r: r.choice(lex.NOUNS),
    "moment": lambda r: f"{lex.date(r)} {lex.clock(r)}",
    "weekday": lambda r: r.choice(lex.WEEKDAYS), "month": lambda r: r.choice(lex.MONTHS),
    "repo": lambda r: f"{r.choice(lex.FIRST_NAMES).lower()}/{r.choice(lex.NOUNS)}-"
                      f"{r.choice(lex.FILE_WORDS)}",
    "sha": lambda r: f"{r.randrange(16 ** 7):07x}", "ticker": lambda r: capitals(
        r, r.choice((3, 4, 4, 5))), "airport": lambda r: capitals(r, 3),
    "flight": lambda r: f"{capitals(r, 2)}{r.randint(10, 9999)}",
    "plate": lambda r: f"{capitals(r, 2)}-{r.randint(10, 999)}-{capitals(r, 2)}",
    "postcode": lambda r: str(r.randint(10000, 99999)),
    "ip": lambda r: f"10.{r.randint(0, 254)}.{r.randint(0, 254)}.{r.randint(1, 254)}",
    "version": lambda r: f"{r.randint(0, 9)}.{r.randint(0, 30)}.{r.randint(0, 20)}",
    "barcode": lambda r: str(r.randint(10 ** 12, 10 ** 13 - 1)),
    "colour": lambda r: r.choice(lex.COLOURS), "topic": lambda r: r.choice(lex.TOPICS),
    "service": lambda r: f"{r.choice(lex.NOUNS)}-{listed(r, 'part')}",
    "user": lambda r: f"{r.choice(lex.FIRST_NAMES).lower()}{r.choice(('', '', '_', '.'))}"
                      f"{r.choice(lex.NOUNS)}",
    "address": lambda r: f"{r.choice(lex.NOUNS).capitalize()} Street {r.randint(1, 180)}",
    "task": lex.task, "title": lex.title, "column": lambda r: r.choice(lex.FILE_WORDS),
}
HELD_VALUES = {"path", "folder", "url", "task", "title", "repo", "branch", "service", "address"}


@dataclasses.dataclass
class Param:
    """A parameter with the keys that it may have."""
    keys: list
    kind: str
    required: bool
    noun: str
    about: str

    @property
    def key(self):
        return self.keys[0]


@dataclasses.dataclass
class Tool:
    """One block of a data file."""
    domain: str
    names: list
    aim: str = ""
    about: list = dataclasses.field(default_factory=list)
    general: bool = False
    params: list = dataclasses.field(default_factory=list)
    asks: list = dataclasses.field(default_factory=list)
    missing: list = dataclasses.field(default_factory=list)
    both: list = dataclasses.field(default_factory=list)
    fields: list = dataclasses.field(default_factory=list)
    texts: list = dataclasses.field(default_factory=list)
    say: str = ""
    row: str = ""
    none: str = ""
    done: str = ""

    @property
    def held(self):
        return lex.is_held(self.names[0])


@dataclasses.dataclass
class Chain:
    """Two tools, the second of which needs what the first one finds."""
    finder: str
    field: str
    actor: str
    key: str
    asks: list = dataclasses.field(default_factory=list)


def parse_param(sign, text):
    """A parameter line."""
    head, _, about = text.partition(" : ")
    keys, _, kind = head.partition(" ")
    noun = re.search(r" \(([^)]*)\)$", kind)
    kind = kind[:noun.start()] if noun else kind
    keys = keys.split("|")
    return Param(keys, kind, sign == "*", noun[1] if noun else keys[0].replace("_", " "), about)


def read_tools():
    """All tools and chains of the data files."""
    tools, chains, domain = {}, [], ""
    for path in sorted(HERE.glob("tools_*.txt")):
        now = None
        for line in read_lines(path.name):
            tag, _, text = line.partition(" ")
            if tag == "=":
                domain = text
            elif tag == "tool":
                now = Tool(domain, text.split(" | "))
                tools[now.names[0]] = now
            elif tag == "chain":
                now = Chain(*re.fullmatch(r"([^.]+)\.(\S+) > ([^.]+)\.(\S+)", text).groups())
                chains.append(now)
            elif tag in ("?", "!"):
                now.asks.append((tag, text))
            elif tag in ("*", "-"):
                now.params.append(parse_param(tag, text))
            elif tag == ">":
                now.fields = [tuple(f.strip().split(" ", 1)) for f in text.split(";")]
            elif tag in ("m", "b", "t"):
                {"m": now.missing, "b": now.both, "t": now.texts}[tag].append(text)
            elif tag == "info":
                now.about = text.split(" | ")
            elif tag in ("does", "+", "r", "0", "ok"):
                name = {"does": "aim", "+": "say", "r": "row", "0": "none", "ok": "done"}[tag]
                setattr(now, name, text)
            elif tag == "g":
                now.general = True
    return tools, chains


TOOLS, CHAINS = read_tools()
ALL = list(TOOLS.values())
FRAMES, BEFORE, AFTER, ALSO, CHANGED = (read_lines(f"{name}.txt") for name in (
    "frames", "before", "after", "also", "changed"))


def make_value(rng, kind, held=False):
    """(value, words) of a kind."""
    name, _, rest = kind.partition(" ")
    if name.startswith("="):
        value, _, words = rng.choice(kind[1:].split("|")).partition("~")
        return value, words or value
    if name == "int":
        value = rng.randint(*map(int, rest.split()))
        return value, str(value)
    if name == "num":
        low, high = map(float, rest.split())
        value = round(rng.uniform(low, high), rng.choice((1, 1, 2)))
        value = int(value) if value == int(value) else value
        return value, str(value)
    if name == "bool":
        value = rng.random() < 0.6
        return value, rest.split("/")[0 if value else 1]
    if name == "list":
        values = []
        for _ in range(rng.randint(2, 4)):
            value = make_value(rng, rest, held)[0]
            values += [] if value in values else [value]
        return values, lex.join(values)
    if name in MIXED:
        value = lex.fitting(rng, held, lambda r: listed(r, name) if r.random() < 0.6
                            else lex.title(r))
    elif name in LISTS:
        value = listed(rng, name)
    elif name in HELD_VALUES:
        value = lex.fitting(rng, held, VALUES[name])
    else:
        value = VALUES[name](rng)
    return value, value


def schema(kind):
    """The JSON schema of a kind, without its description."""
    name, _, rest = kind.partition(" ")
    if name.startswith("="):
        return {"type": "string", "enum": [v.partition("~")[0] for v in kind[1:].split("|")]}
    if name == "list":
        return {"type": "array", "items": schema(rest)}
    return {"type": {"int": "integer", "num": "number", "bool": "boolean"}.get(name, "string")}


def meaning(value):
    """Texts that stand for a value in an answer, separated by "|", for a check."""
    text = str(value)
    if text in SAME:
        return SAME[text]
    if isinstance(value, int) and abs(value) >= 1000:
        return "|".join((text, f"{value:,}", f"{value:,}".replace(",", "."),
                         f"{value:,}".replace(",", " ")))
    if isinstance(value, float):
        return f"{text}|{value:.2f}|{value:,.2f}|{value:,}|{text.replace('.', ',')}"
    if isinstance(value, int) and value < 0:
        return f"{text}|minus {-value}|\u2212{-value}"
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        month, day = lex.MONTHS[int(text[5:7]) - 1], int(text[8:])
        end = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
        return "|".join([text] + [form.format(d, m) for m in (month, month[:3])
                                  for d in (day, f"{day}{end}", f"{day:02}")
                                  for form in ("{1} {0}", "{0} {1}", "{0} of {1}", "{0}. {1}")])
    if re.fullmatch(r"\d\d:\d\d", text):
        hour = int(text[:2])
        return f"{text}|{hour}{text[2:]}|{(hour + 11) % 12 + 1}{text[2:]}" + (
            f"|{(hour + 11) % 12 + 1} {'AM' if hour < 12 else 'PM'}|"
            f"{(hour + 11) % 12 + 1}{'am' if hour < 12 else 'pm'}" if text.endswith("00") else "")
    return text.replace("|", " ")
