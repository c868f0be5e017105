"""Rows with a key and columns, written in many ways: the lists that long prompts hold."""
import dataclasses
import json
import re

import extraction
import lexicon as lex
import sections
import smalltexts
from chat import assistant, user
from wording import choose

TEXTS = sections.load("tables.txt")
UNKNOWN = {"words": ["not|no|none|nothing|doesn't|isn't|aren't|wasn't|don't|can't|couldn't|cannot|"
                     "unknown|missing|unable|nowhere"]}
NOT_SAID = "The text does not say."


def host(rng):
    """Such as db-north-3."""
    return (f"{rng.choice('db web mail cache auth search backup build print queue'.split())}-"
            f"{rng.choice('north south east west main test old new'.split())}-{rng.randint(1, 12)}")


def constant(rng):
    """Such as MAX_LAMP_COUNT."""
    return "_".join((rng.choice("MAX MIN DEFAULT INITIAL TOTAL".split()),
                     rng.choice(lex.NOUNS).upper(),
                     rng.choice("COUNT SIZE LIMIT DELAY WIDTH RATE".split())))


def amount(rng):
    """Such as 250 g."""
    return f"{rng.choice((rng.randint(1, 12), 10 * rng.randint(2, 90)))} " + rng.choice(
        ("g", "ml", "spoons", "cups", "pinches", "pieces"))


def stamp(rng):
    """A date with a time."""
    return f"{lex.date(rng)} {lex.clock(rng)}:{rng.randint(0, 59):02}"


KINDS = {
    **extraction.VALUES, "host": host, "constant": constant, "amount": amount, "stamp": stamp,
    "thing": lex.noun_phrase, "port": lambda r: r.randint(1024, 65535),
    "loglevel": lambda r: r.choice("INFO WARN ERROR DEBUG FATAL NOTICE".split()),
    "trainname": lambda r: f"{r.choice(('IC', 'RE', 'S', 'EC', 'Bus'))} {r.randint(1, 999)}",
    "dish": lambda r: r.choice(smalltexts.DISHES),
    "orderstate": lambda r: r.choice("paid sent open lost returned packed cancelled".split()),
    "percent": lambda r: f"{r.randint(1, 100)} %", "word": lambda r: lex.invented(r).capitalize(),
    "plan": lambda r: r.choice("free basic team plus family student".split())}


@dataclasses.dataclass
class Domain:
    """What a list is about: key and columns as (name, kind), rows as lines, questions a column."""
    key: tuple
    columns: list
    lines: tuple
    questions: dict


def domain(lines):
    """A domain from its lines."""
    out = Domain(None, [], (), {})
    for line in lines:
        kind, text = line.split(": ", 1)
        if kind == "K":
            out.key = tuple(text.split(" = "))
        elif kind == "C":
            out.columns.append(tuple(text.split(" = ")))
        elif kind == "L":
            out.lines += (text,)
        else:
            out.questions.setdefault(kind[2:], []).append(text)
    return out


DOMAINS = [domain(lines) for lines in TEXTS.values() if lines[0].startswith("K: ")]


def close_keys(rng, kind):
    """A maker of keys that look alike: they share their parts."""
    if kind == "person":
        first, last = rng.sample(lex.FIRST_NAMES, 14), rng.sample(lex.LAST_NAMES, 14)
        return lambda r: f"{r.choice(first)} {r.choice(last)}"
    if kind == "thing":
        kinds, nouns = rng.sample(lex.ADJECTIVES, 12), rng.sample(lex.NOUNS, 16)
        return lambda r: f"{r.choice(kinds)} {r.choice(nouns)}"
    if kind == "code":
        stem = "".join(rng.choice("ABCDEFGHKLMNPRSTUX") for _ in range(rng.randint(1, 3)))
        return lambda r: f"{stem}-{r.randint(1, 999):03}"
    return KINDS[kind]


@dataclasses.dataclass
class Table:
    """A list of rows {column: text} and each row as it is shown; absent is a key of no row."""
    domain: Domain
    rows: list
    shown: list
    head: str
    absent: str

    def text(self):
        """The whole list."""
        return "\n".join(([self.head] if self.head else []) + self.shown)


def style(rng, chosen, held):
    """(head, function that shows a row)."""
    names = [chosen.key[0]] + [c for c, _ in chosen.columns]
    kind = rng.choice(("line",) * 3 * bool(chosen.lines) + (
        "csv", "markdown", "json", "logfmt", "yaml", "ini", "bars", "pairs", "semicolon"))
    if kind == "line":
        line = choose(rng, chosen.lines, held) if len(chosen.lines) > 2 else rng.choice(
            chosen.lines)
        return "", lambda row: line.format(**row)
    if kind in ("csv", "bars", "semicolon"):
        sign = {"csv": ",", "bars": " | ", "semicolon": ";"}[kind]
        return sign.join(names), lambda row: sign.join(row[n] for n in names)
    if kind == "markdown":
        head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
        return head, lambda row: f"| {' | '.join(row[n] for n in names)} |"
    if kind == "json":
        return "", lambda row: json.dumps({n: row[n] for n in names}, ensure_ascii=False)
    if kind == "logfmt":
        return "", lambda row: " ".join(
            f"{n}=\"{row[n]}\"" if " " in row[n] else f"{n}={row[n]}" for n in names)
    if kind == "yaml":
        return "", lambda row: f"- {names[0]}: {row[names[0]]}" + "".join(
            f"\n  {n}: {row[n]}" for n in names[1:])
    if kind == "ini":
        return "", lambda row: f"[{row[names[0]]}]" + "".join(
            f"\n{n} = {row[n]}" for n in names[1:])
    return "", lambda row: f"{row[names[0]]}: " + ", ".join(
        f"{n} {row[n]}" for n in names[1:])


def build(rng, held, size):
    """A table of about size characters, at least three rows."""
    chosen = rng.choice(DOMAINS)
    make = close_keys(rng, chosen.key[1]) if rng.random() < 0.6 else KINDS[chosen.key[1]]
    head, show = style(rng, chosen, held)
    if rng.random() < 0.35 and len(chosen.columns) > 2 and head:
        names = sorted(rng.sample([c for c, _ in chosen.columns], 2))
        chosen = Domain(chosen.key, [c for c in chosen.columns if c[0] in names], (),
                        chosen.questions)
        head, show = style(rng, chosen, held)
    rows, shown, used, keys = [], [], len(head), set()
    while len(rows) < 3 or used < size:
        key = str(make(rng))
        for _ in range(9):
            key = key if key.lower() not in keys else str(rng.choice((make, KINDS[chosen.key[1]]))(
                rng))
        if key.lower() in keys:
            break
        keys.add(key.lower())
        row = {chosen.key[0]: key}
        row |= {c: extraction.as_text(KINDS[kind](rng)) for c, kind in chosen.columns}
        rows.append(row)
        shown.append(show(row))
        used += len(shown[-1]) + 1
    absent = str(make(rng))
    while absent.lower() in keys or any(absent in s for s in shown):
        absent = str(KINDS[chosen.key[1]](rng)) + ("" if rng.random() < 0.9 else " 2")
    return Table(chosen, rows, shown, head, absent)


def number_forms(value):
    """A value, and a number also with a comma for thousands."""
    return f"{value}|{int(value):,}" if value.isdigit() and len(value) > 3 else value


def found(table, at, col):
    """The answer for a column of a row; at None: no such row."""
    if at is None:
        return assistant(f"I look for {table.absent}. No line has it.", NOT_SAID, check=UNKNOWN)
    row, key = table.rows[at], table.rows[at][table.domain.key[0]]
    line = re.sub(r"\s*\n\s*", " / ", table.shown[at].strip())
    columns = f" The columns: {table.head.splitlines()[0]}." if table.head else ""
    return assistant(f"I look for {key}.{columns} The line: {line}. {smalltexts.capital(col)}: "
                     f"{row[col]}.", f"The {col} of {key} is {row[col]}.",
                     check={"words": [number_forms(row[col])]})


def question(rng, held, table, key, col):
    """A question for a column of a row, of the domain or of any."""
    own = table.domain.questions.get(col, ())
    if own and rng.random() < 0.55:
        return choose(rng, own, held).format(key=key)
    return smalltexts.capital(choose(rng, TEXTS["column"], held).format(key=key, col=col))


def reverse(rng, held, table, at, col):
    """(question, message) for the key of a row by the value of a column."""
    row, name = table.rows[at], table.domain.key[0]
    asked = choose(rng, TEXTS["reverse"], held).format(name=name, col=col, value=row[col])
    line = re.sub(r"\s*\n\s*", " / ", table.shown[at].strip())
    return smalltexts.capital(asked), assistant(
        f"I look for the {col} {row[col]}. The line: {line}. The {name}: {row[name]}.",
        f"The {name} with the {col} {row[col]} is {row[name]}.", check={"words": [row[name]]})


def ask(rng, held, tokens):
    """A long list and one or two questions on it."""
    table = build(rng, held, int(tokens * 1.6) - 40)
    at, (col, _) = rng.randrange(len(table.rows)), rng.choice(table.domain.columns)
    name = table.domain.key[0]
    values = [row[col] for row in table.rows]
    if rng.random() < 0.15 and values.count(values[at]) == 1:
        asked, answer = reverse(rng, held, table, at, col)
        return [user(smalltexts.asked(rng, held, table.text(), asked)), answer]
    at = None if rng.random() < 0.13 else at
    key = table.absent if at is None else table.rows[at][name]
    asked = smalltexts.asked(rng, held, table.text(), question(rng, held, table, key, col))
    out = [user(asked), found(table, at, col)]
    while rng.random() < 0.25 and len(out) < 6:
        other = rng.randrange(len(table.rows))
        if other == at:
            continue
        at, key = other, table.rows[other][name]
        text = (choose(rng, TEXTS["follow"], held).format(key=key) if rng.random() < 0.5
                else question(rng, held, table, key, col))
        out += [user(text), found(table, at, col)]
    return out
