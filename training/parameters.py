"""Parameters of invented tools: name, schema, a value, and the words of a request for it."""
import dataclasses
import json

import lexicon as lex
from toolwords import blocks, capital, frame
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
    """Names, descriptions and phrases of one kind of parameter, from invented/kinds.txt.

    make gives a value; an enum has choices, or a pool from which each schema draws some. fields are
    the (names, maker) of an object. In a phrase {v} is the value as people write it, {0} and {1}
    are the fields. A boolean has phrases for true and for false. Two kinds that share a group
    could be mistaken for each other.
    """
    ask: str
    names: str
    descriptions: tuple
    type: str
    groups: tuple
    phrases: tuple
    make: object = None
    choices: tuple = ()
    pool: tuple = ()
    no_phrases: tuple = ()
    unit: str = ""
    also: str = ""
    fields: tuple = ()


def number(low, high):
    """A maker of whole numbers."""
    return lambda rng: rng.randint(low, high)


def decimal(low, high):
    """A maker of numbers, most with a decimal part."""
    def make(rng):
        value = round(rng.uniform(low, high), rng.choice((1, 1, 2)))
        return int(value) if value == int(value) else value
    make.decimal = True
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


def some(rng, letters, n):
    """n random letters or digits."""
    return "".join(rng.choice(letters) for _ in range(n))


CAPITALS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXZ", "0123456789"
ROOMS = ("kitchen attic cellar office hall garage bedroom workshop garden lab studio library loft "
         "porch pantry bathroom nursery corridor basement conservatory").split()
STREETS = ("Street", "Road", "Lane", "Avenue", "Square")
MAKERS = {
    "title": lex.title, "person": lex.person, "place": lex.place, "code": lex.code,
    "email": lex.email, "date": lex.date, "clock": lex.clock, "path": lex.path,
    "phrase": lex.noun_phrase, "folder": lex.folder, "note": lambda r: lex.words(r, 2, 5),
    "words": lambda r: lex.words(r, 1, 3), "room": lambda r: r.choice(ROOMS),
    "noun": lambda r: r.choice(lex.NOUNS), "first_name": lambda r: r.choice(lex.FIRST_NAMES),
    "topic": lambda r: r.choice(lex.TOPICS) if r.random() < 0.5 else lex.noun_phrase(r),
    "phone": lambda r: "+" + str(r.randint(10 ** 8, 10 ** 10)),
    "company": lambda r: f"{r.choice(lex.LAST_NAMES)} " + r.choice(
        ("Ltd", "GmbH", "and Sons", "Logistics", "Foods", "Print", "Energy", "Works")),
    "street": lambda r: f"{r.randint(1, 199)} {lex.invented(r).capitalize()} {r.choice(STREETS)}",
    "digits": lambda r: some(r, DIGITS, 5), "isbn": lambda r: "978" + some(r, DIGITS, 10),
    "url": lambda r: f"https://{lex.invented(r)}.{r.choice(('example', 'org', 'net'))}"
                     + r.choice(("", "/" + r.choice(lex.NOUNS), f"/{lex.folder(r)}")),
    "branch": lambda r: r.choice(("main", "dev", "", "", "", "")) or r.choice(
        ("feature/", "fix/", "", "release-")) + r.choice(lex.NOUNS),
    "version": lambda r: f"{r.randint(0, 9)}.{r.randint(0, 20)}" + r.choice(
        ("", f".{r.randint(0, 30)}")),
    "username": lambda r: r.choice(lex.FIRST_NAMES).lower() + r.choice(("", "_", "."))
                          + r.choice((r.choice(lex.NOUNS), str(r.randint(1, 99)))),
    "channel": lambda r: "#" + r.choice(lex.NOUNS) + r.choice(("", "", "-team", "-news")),
    "host": lambda r: f"{r.choice(lex.NOUNS)}{r.choice(('', '-'))}{r.randint(1, 40):02}"
                      + r.choice(("", ".local", ".example.org")),
    "ip": lambda r: "10." + ".".join(str(r.randint(0, 255)) for _ in range(3)),
    "plate": lambda r: f"{some(r, CAPITALS, 2)}-{some(r, CAPITALS, 2)} {r.randint(10, 9999)}",
    "flight": lambda r: some(r, CAPITALS, 2) + str(r.randint(10, 9999)),
    "voucher": lambda r: some(r, CAPITALS, r.randint(3, 5)) + some(r, DIGITS, 2),
    "column": lambda r: r.choice(lex.NOUNS) + r.choice(("", "_id", "_name", "_date", "_total")),
    "weekday": lambda r: r.choice(lex.WEEKDAYS),
}
FEW_MAKERS = (MAKERS["room"], MAKERS["place"])  # too few values to hold some out


def maker(text):
    """The maker of values with this name, or of numbers between two bounds."""
    if text in MAKERS or text == "-":
        return MAKERS.get(text)
    if "," in text:
        return lambda rng: rng.choice(text.split(","))
    low, high = text.replace(":", " ").split()
    return decimal(float(low), float(high)) if "." in text else number(int(low), int(high))


def read():
    """{kind: Kind} of kinds.txt."""
    out = {}
    for name, ((kind_type, made, groups), words) in blocks("kinds.txt").items():
        def entry(word):
            return tuple(words.get(word, ()))

        fields, make = (), None
        if kind_type == "object":
            fields = tuple((f.partition(":")[0].split("|"), maker(f.partition(":")[2]))
                           for f in made.split())
        elif kind_type in ("array", "items"):
            make = several(maker(made), 2, 5 if made[0].isdigit() else 4)
        else:
            make = maker(made)
        listed = [" ".join(entry(w)).split() for w in ("choices", "pool")]
        out[name] = Kind(
            entry("ask")[0], " ".join(entry("names")), entry("about"),
            "array" if kind_type == "items" else kind_type, tuple(groups.split(",")),
            entry("yes") if kind_type == "boolean" else entry("say"), make, tuple(listed[0]),
            tuple(listed[1]), entry("no"), "".join(entry("unit")), "".join(entry("also")),
            fields or ((("item", "name", "product"), make), (("quantity", "count", "qty"),
                       number(1, 90))) if kind_type in ("object", "items") else ())
    return out


KINDS = read()
NAMES = list(KINDS)
USUAL = {"id": 9, "title": 5, "date": 5, "person": 5, "note": 5, "email": 4, "time": 4, "city": 4,
         "topic": 4, "file": 4, "count": 3, "limit": 3}
WEIGHTS = [USUAL.get(n, 2 if k.type == "string" and not k.choices else 0.9 if k.type == "boolean"
                     else 1.3) for n, k in KINDS.items()]
EXAMPLE_STYLES = (" Example: {v}", " (e.g. {v})", ", for example {v}", " E.g. {v}.", " like {v}")
EXTRA = ((" Required.", " (required)", " Must be given."), (" Optional.", " (optional)",
         " May be left out.", " Defaults to the usual value."))
FEW = 0.12
TYPES = {str: "string", int: "integer"}


def fields_schema(rng, kind, types):
    """Properties of an object under one choice of names."""
    names = [rng.choice(n) for n, _ in kind.fields]
    return {"type": "object", "properties": {n: {"type": t} for n, t in zip(names, types)},
            "required": names}


def schema(rng, kind):
    """The JSON schema of a parameter."""
    out = {"type": kind.type}
    if rng.random() < 0.85:
        text = rng.choice(kind.descriptions)
        if kind.type == "string" and kind.make and rng.random() < FEW:
            text += rng.choice(EXAMPLE_STYLES).format(v=kind.make(rng))
        out["description"] = text if rng.random() < 0.9 else text[:1].lower() + text[1:].rstrip(".")
    if kind.choices or kind.pool:
        chosen = list(kind.choices) or rng.sample(kind.pool, rng.randint(3, 6))
        if kind.choices and rng.random() < 0.3 and len(chosen) > 2:
            chosen = chosen[:-1]
        out["enum"] = chosen
    elif kind.type == "integer" and rng.random() < FEW:
        out["minimum"] = 0
    if kind.type == "array" and kind.fields:
        out["items"] = fields_schema(rng, kind, ("string", "integer"))
    elif kind.type == "array":
        sample = kind.make(rng)[0]
        out["items"] = {"type": "string" if isinstance(sample, str) else "integer"}
    elif kind.type == "object":
        types = ["number" if hasattr(m, "decimal") else TYPES[type(m(rng))]
                 for _, m in kind.fields]
        out.update(fields_schema(rng, kind, types))
    return out


def parameter(rng, name=None):
    """A parameter of a random kind, or of the kind with this name."""
    name = name or rng.choices(NAMES, WEIGHTS)[0]
    kind = KINDS[name]
    return Parameter(name, rng.choice(kind.names.split()), schema(rng, kind), kind.ask)


def distinct(rng, n, taken=(), nested=False, first=None):
    """n parameters that can be told apart in one request; nested: objects, too; first: a kind."""
    out = []
    seen = {g for name in taken for g in KINDS[name].groups}
    while len(out) < n:
        made = parameter(rng, first if not out else None)
        kind = KINDS[made.kind]
        if seen & set(kind.groups) or made.name in {p.name for p in out}:
            continue
        if kind.fields and not nested:
            continue
        seen |= set(kind.groups)
        out.append(made)
    return out


def value(rng, param, held=False):
    """A value that fits the schema; a free text of a held-out request is held out too."""
    kind = KINDS[param.kind]
    if kind.type == "boolean":
        return rng.random() < 0.6
    if "enum" in param.schema:
        return rng.choice(param.schema["enum"])
    if kind.type == "array" and kind.fields:
        names = list(param.schema["items"]["properties"])
        return [{names[0]: v, names[1]: kind.fields[1][1](rng)} for v in kind.make(rng)]
    if kind.type == "object":
        return {n: make(rng) for n, (_, make) in zip(param.schema["properties"], kind.fields)}
    if kind.type == "string" and kind.make not in FEW_MAKERS:
        return lex.fitting(rng, held, kind.make)
    return kind.make(rng)


def plain(param, val):
    """A value as people write it in a sentence."""
    kind = KINDS[param.kind]
    if isinstance(val, bool):
        return "true" if val else "false"
    if isinstance(val, dict):
        return ", ".join(f"{k} {v}" for k, v in val.items())
    if isinstance(val, list):
        return lex.join([f"{list(v.values())[1]} x {list(v.values())[0]}"
                         if isinstance(v, dict) else v for v in val])
    if "\"{v}\"" in kind.phrases[0]:
        return f"\"{val}\""
    return f"{val} {kind.unit}".strip()


def phrase(rng, param, val, held=False, general=0.0):
    """The words of a request that give the value; general is how often they name the parameter."""
    kind = KINDS[param.kind]
    if kind.type == "boolean":
        return choose(rng, kind.phrases if val else kind.no_phrases, held)
    if kind.type == "object":
        return choose(rng, kind.phrases, held).format(*val.values())
    if general and rng.random() < general:
        text = frame(rng, "inline", held)
        text = text.replace(" is ", " are ") if isinstance(val, list) else text
        return text.format(ask=param.ask, v=plain(param, val))
    text = choose(rng, kind.phrases, held)
    shown = plain(param, val) if isinstance(val, list) else val
    text = text.format(v=shown)
    if "\"" in text and rng.random() < 0.15:
        left, right = rng.choice(("''", "\u201c\u201d", "``"))
        text = text.replace("\"", left, 1).replace("\"", right, 1)
    return text


def sentence(rng, param, val, held=False):
    """A sentence of its own that gives the value; None for a boolean or an object."""
    if isinstance(val, (bool, dict)):
        return None
    text = frame(rng, "tell", held)
    if isinstance(val, list):
        text = text.replace(" is ", " are ")
    return text.format(ask=param.ask, Ask=capital(param.ask), v=plain(param, val))


KEY_STYLES = ("{k}: {v}", "{k}: {v}", "{k} = {v}", "{k}={v}", "- {k}: {v}", "* {k}: {v}",
              "{k}: `{v}`", "- **{k}**: {v}", "{k} -> {v}")


def pairs(rng, params, args):
    """The arguments as (lines, one line): key and value, under the name or what people call it."""
    by_name = rng.random()
    style, out = rng.choice(KEY_STYLES), []
    for p in params:
        if p.name not in args:
            continue
        val = args[p.name]
        key = p.name if by_name < 0.5 else p.ask if by_name < 0.8 else capital(p.ask)
        if isinstance(val, (list, dict)):
            val = json.dumps(val, ensure_ascii=False) if by_name < 0.5 else plain(p, val)
        elif isinstance(val, bool):
            val = str(val).lower() if by_name < 0.6 else "yes" if val else "no"
        elif by_name >= 0.5:
            val = plain(p, val).strip("\"" if rng.random() < 0.5 else "")
        out.append((key, val))
    flat = [s for s in KEY_STYLES if s[0] == "{"]
    inline = style if style in flat else rng.choice(flat)
    joint = "; " if any(";" not in str(v) and "," in str(v) for _, v in out) else ", "
    return ("\n".join(style.format(k=k, v=v) for k, v in out),
            joint.join(inline.format(k=k, v=v) for k, v in out))
