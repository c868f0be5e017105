"""What invented tools return, and what to say about it."""
import json

import lexicon as lex
from toolwords import lines, plural

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
    "length": lambda r: f"{r.randint(2, 900)} m", "speed": lambda r: f"{r.randint(2, 250)} km/h",
    "author": lex.person, "manager": lex.person, "supplier": lex.person,
    "creation date": lex.date, "expiry date": lex.date, "closing time": lex.clock,
    "reference": lex.code, "branch office": lex.place, "power": lambda r: f"{r.randint(5, 900)} W",
    "balance": lambda r: f"{r.randint(1, 9999)} euros", "room": lambda r: f"B{r.randint(10, 499)}",
    "category": lambda r: r.choice(lex.NOUNS), "progress": lambda r: f"{r.randint(0, 100)} percent",
    "material": lambda r: r.choice("wood steel glass cotton leather plastic stone".split()),
    "priority": lambda r: r.choice("low normal high urgent".split()),
    "duration": lambda r: f"{r.randint(2, 240)} minutes", "file name": lex.path,
    "pressure": lambda r: f"{r.randint(900, 1100)} hPa", "model": lex.code,
    "number of visitors": lambda r: str(r.randint(1, 9000)), "last editor": lex.person,
    "humidity": lambda r: f"{r.randint(5, 99)} percent", "label": lex.noun_phrase,
}
NAMES = tuple(ATTRIBUTES)
# questions that ask for an attribute without its name; the last of each is held out
QUESTIONS = {
    "price": ("How much is the {o}{p}?", "What does the {o}{p} cost?", "How much does the {o}{p} "
              "cost?", "How much do I pay for the {o}{p}?", "How expensive is the {o}{p}?"),
    "owner": ("Who owns the {o}{p}?", "Who does the {o}{p} belong to?", "Whose {o} is it{p}?",
              "To whom does the {o}{p} belong?"),
    "weight": ("How heavy is the {o}{p}?", "How much does the {o}{p} weigh?",
               "What does the {o}{p} weigh?", "How many kilos has the {o}{p}?"),
    "location": ("Where is the {o}{p}?", "Where can I find the {o}{p}?", "Where do we have the "
                 "{o}{p}?", "In which city is the {o}{p}?"),
    "temperature": ("How warm is the {o}{p}?", "How hot is the {o}{p}?", "How many degrees has the "
                    "{o}{p}?", "How cold is the {o}{p}?"),
    "size": ("How big is the {o}{p}?", "How large is the {o}{p}?", "What size has the {o}{p}?",
             "What size is the {o}{p}?"),
    "deadline": ("When is the {o}{p} due?", "By when is the {o}{p} due?", "When must the {o}{p} be "
                 "finished?", "Until when do we have for the {o}{p}?"),
    "age": ("How old is the {o}{p}?", "How many years old is the {o}{p}?", "Is the {o}{p} old? How "
            "old?", "How many years has the {o}{p} seen?"),
    "opening time": ("When does the {o}{p} open?", "From when is the {o}{p} open?", "At what time "
                     "does the {o}{p} open?", "How early does the {o}{p} open?"),
    "closing time": ("When does the {o}{p} close?", "Until when is the {o}{p} open?", "At what "
                     "time does the {o}{p} close?", "How late does the {o}{p} close?"),
    "length": ("How long is the {o}{p}?", "How many metres long is the {o}{p}?", "What length has "
               "the {o}{p}?", "How many metres does the {o}{p} measure?"),
    "speed": ("How fast is the {o}{p}?", "How fast does the {o}{p} go?", "At what speed does the "
              "{o}{p} go?", "How quick is the {o}{p}?"),
    "author": ("Who wrote the {o}{p}?", "Who is the {o}{p} by?", "By whom is the {o}{p}?",
               "Who made the {o}{p}?"),
    "manager": ("Who manages the {o}{p}?", "Who is in charge of the {o}{p}?", "Who runs the "
                "{o}{p}?", "Who is responsible for the {o}{p}?"),
    "expiry date": ("When does the {o}{p} expire?", "When does the {o}{p} run out?", "Until when "
                    "is the {o}{p} valid?", "How long is the {o}{p} still valid?"),
    "creation date": ("When was the {o}{p} created?", "When was the {o}{p} made?", "When did we "
                      "create the {o}{p}?", "Since when does the {o}{p} exist?"),
    "progress": ("How far is the {o}{p}?", "How far along is the {o}{p}?", "How much of the {o}{p} "
                 "is done?", "How is the {o}{p} coming along?"),
    "duration": ("How many minutes does the {o}{p} take?", "How long does the {o}{p} take?",
                 "How long does the {o}{p} last?", "How much time does the {o}{p} need?"),
    "capacity": ("How many fit into the {o}{p}?", "How much room is in the {o}{p}?", "How many can "
                 "the {o}{p} take?", "How many does the {o}{p} hold?"),
    "number of pages": ("How many pages has the {o}{p}?", "How many pages are in the {o}{p}?",
                        "How many pages does the {o}{p} have?", "How many pages long is the "
                        "{o}{p}?"),
    "number of visitors": ("How many visitors had the {o}{p}?", "How many people came to see the "
                           "{o}{p}?", "How many people visited the {o}{p}?", "How many visitors "
                           "did the {o}{p} get?"),
    "material": ("What is the {o}{p} made of?", "Of what is the {o}{p} made?", "What did they make "
                 "the {o} of{p}?", "Out of which material is the {o}{p}?"),
}
ERRORS = tuple(tuple(part.strip() for part in line.split(" | ")) for line in lines("errors.txt"))
FAILED = ("fail|failed|fails|error|couldn't|could not|cannot|can't|unable|unfortunately|didn't|"
          "did not|wasn't|was not|not|no|problem|isn't|unavailable|refused|denied")
NONE = "no|none|empty|nothing|zero|0|not|didn't|aren't|couldn't|weren't|haven't|don't|isn't"
WORKED = "done|success|successful|successfully|worked|ok|okay|completed|complete|confirmed|all set"
ERROR_FORMS = (
    "error: {m}", "Error: {m}", "ERROR {m}", "failed: {m}", "Failed with: {m}", "{m}",
    "HTTP {c}: {m}", "HTTP/1.1 {c}\n\n{m}", "Request failed with status code {c}: {m}",
    "status: {c}\nmessage: {m}", "Traceback (most recent call last):\n  File \"{f}.py\", line {n}, "
    "in call\n    raise ToolError(message)\nToolError: {m}", "Exception: {m}", "fatal: {m}",
    "RuntimeError: {m}", "[error] {m} (code {n})", "<error>{m}</error>", "Sorry: {m}",
    "The call failed. Reason: {m}", "Tool execution error: {m}", "java.lang.IllegalStateException: "
    "{m}\n\tat app.{f}.call({f}.java:{n})", "{f}: {m}", "E{n}: {m}", "exit code 1\nstderr: {m}")
ERROR_OBJECTS = (
    lambda m, c: {"error": m}, lambda m, c: {"ok": False, "message": m},
    lambda m, c: {"status": "failed", "reason": m}, lambda m, c: {"error": {"message": m}},
    lambda m, c: {"error": {"code": c, "message": m}}, lambda m, c: {"code": c, "error": m},
    lambda m, c: {"success": False, "errors": [m]}, lambda m, c: {"isError": True, "text": m},
    lambda m, c: {"detail": m}, lambda m, c: {"result": None, "error": m})


def as_json(rng, value):
    """JSON, most on one line."""
    return json.dumps(value, ensure_ascii=False, indent=2 if rng.random() < 0.2 else None)


def spoken(value):
    """The words that any answer with this value holds: [alternatives]."""
    value = str(value)
    number, _, unit = value.partition(" ")
    if unit and number.lstrip("-").isdigit():
        plain = int(number)
        forms = {number, f"{plain:,}"}
        if plain < 0:
            forms |= {f"minus {-plain}", f"\u2212{-plain}"}
        forms |= {f"{n}{u}" for n in (number, f"{plain:,}") for u in (unit, unit.replace(" ", ""))}
        return ["|".join(sorted(forms))]
    if len(value) == 10 and value[4:5] == "-" and value[7:8] == "-":
        month, day = lex.MONTHS[int(value[5:7]) - 1], int(value[8:])
        ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return ["|".join((value, f"{month} {day}", f"{day} {month}", f"{month} {day}{ending}",
                          f"{day}{ending} of {month}", f"{day}{ending} {month}"))]
    if len(value) == 5 and value[2] == ":":
        hour = int(value[:2])
        return ["|".join((value, f"{hour}:{value[3:]}", f"{hour % 12 or 12}:{value[3:]}"))]
    if value.isdigit() and len(value) > 3:
        return [f"{value}|{int(value):,}"]
    return [f"{value}|{value[1:]}" if value.startswith("#") else value]


def shaped(rng, tool, key, value):
    """A result that holds a value, alone or among others."""
    label = tool.attribute
    if rng.random() < 0.35:
        return rng.choice((as_json(rng, {key: value}), value, f"{label}: {value}",
                           as_json(rng, {"status": "ok", key: value}),
                           as_json(rng, {"id": rng.randint(1, 999), key: value, "ok": True}),
                           f"The {label} is {value}.", f"{label} = {value}",
                           f"<{key}>{value}</{key}>", f"\"{value}\"",
                           f"Here is what I found.\n{label}: {value}\nAnything else?",
                           as_json(rng, {"result": value}), as_json(rng, {"data": {key: value}})))
    others = rng.sample([a for a in NAMES if a != label], rng.randint(2, 5))
    rows = [(a, ATTRIBUTES[a](rng)) for a in others] + [(label, value)]
    rng.shuffle(rows)
    flat = {a.replace(" ", "_"): v for a, v in rows}
    wide = max(len(a) for a, _ in rows)
    heads, cells = [a for a, _ in rows], [str(v) for _, v in rows]
    return rng.choice((
        as_json(rng, flat), as_json(rng, {"data": flat, "ok": True}),
        as_json(rng, {tool.thing.replace(" ", "_"): flat}), as_json(rng, {"results": [flat]}),
        as_json(rng, {"item": {"id": rng.randint(1, 999), "attributes": flat}, "error": None}),
        "\n".join(f"{a}: {v}" for a, v in rows), "\n".join(f"- {a}: {v}" for a, v in rows),
        "\n".join(f"{a.ljust(wide)}  {v}" for a, v in rows),
        "\n".join(f"{a}={v}" for a, v in flat.items()), ", ".join(f"{a} {v}" for a, v in rows),
        "|" + "|".join(heads) + "|\n|" + "---|" * len(rows) + "\n|" + "|".join(cells) + "|",
        "\n".join(f"| {a} | {v} |" for a, v in rows),
        ";".join(heads) + "\n" + ";".join(cells),
        f"Found one {tool.thing}.\n" + "\n".join(f"{a}: {v}" for a, v in rows) + "\nEnd of record.",
        "".join(f"<{a}>{v}</{a}>" for a, v in flat.items()),
        "OK 200\n\n" + "\n".join(f"* {a.capitalize()}: {v}" for a, v in rows)))


def found(rng, tool):
    """A list as a result."""
    items = list(dict.fromkeys(lex.noun_phrase(rng) for _ in range(rng.randint(0, 5))))
    rows = [{"id": rng.randint(1, 999), "name": i} for i in items]
    result = rng.choice((
        as_json(rng, items), as_json(rng, {"items": items, "total": len(items)}),
        "\n".join(items) or "none", as_json(rng, {"results": items}), as_json(rng, rows),
        as_json(rng, {"data": [{"name": i} for i in items]}), as_json(rng, {"count": len(items),
        plural(tool.thing).replace(" ", "_"): rows}), "\n".join(f"- {i}" for i in items) or "[]",
        "\n".join(f"{n}. {i}" for n, i in enumerate(items, 1)) or "0 rows",
        "\n".join(["id | name"] + [f"{r['id']} | {r['name']}" for r in rows]) if rows else
        "no rows", ", ".join(items) or "(empty)", f"{len(items)} found" + "".join(
            f"\n* {i}" for i in items), "\n".join(["name"] + items) if items else "No results."))
    if not items:
        return (result, "The list is empty.", f"There are no {plural(tool.thing)}.",
                {"words": [NONE]})
    noun = tool.thing if len(items) == 1 else plural(tool.thing)
    return (result, f"The list has {len(items)}: {lex.join(items)}.",
            f"I found {len(items)} {noun}: {lex.join(items)}.", {"words": items})


def outcome(rng, tool):
    """A result and what to say about it: (result, thought, answer, check)."""
    if tool.verb == "look":
        value = ATTRIBUTES[tool.attribute](rng)
        result = shaped(rng, tool, tool.attribute.replace(" ", "_"), value)
        return result, f"The result gives the {tool.attribute}: {value}.", (
            f"The {tool.attribute} is {value}."), {"words": spoken(value)}
    if tool.verb == "list":
        return found(rng, tool)
    thing, done = tool.thing, tool.done
    words = f"{done}|{WORKED}"
    if rng.random() < 0.45:
        number = lex.code(rng)
        key = rng.choice(("id", "id", "number", "reference", f"{thing.replace(' ', '_')}_id"))
        result = rng.choice((
            as_json(rng, {"status": "ok", key: number}), f"ok, {key} {number}",
            as_json(rng, {key: number}), f"{thing} {number} {done}", f"{key}: {number}",
            as_json(rng, {"ok": True, "data": {key: number}}), f"Done. {key} = {number}",
            as_json(rng, {"result": {key: number, "state": done}}), f"{done}: {number}",
            f"status: {done}\n{key}: {number}", f"Successfully {done}. The {key} is {number}.",
            as_json(rng, {key: number, "created_at": lex.date(rng), "by": lex.person(rng)}),
            f"HTTP 201\n{as_json(rng, {key: number})}", f"<id>{number}</id>"))
        check = [words, *(spoken(number) if tool.makes else ())]
        return result, f"It worked. The id is {number}.", (
            f"The {thing} is {done}. Its id is {number}."), {"words": check}
    result = rng.choice((
        as_json(rng, {"status": "ok"}), "ok", "done", as_json(rng, {"ok": True}), "success", "true",
        as_json(rng, {"success": True, "code": 200}), f"{thing} {done}", "OK 200", "HTTP 204",
        as_json(rng, {"error": None, "result": done}), f"Successfully {done}.", "exit code 0",
        as_json(rng, {"status": "success", "took_ms": rng.randint(2, 900)}), f"status: {done}",
        f"The {thing} has been {done}.", "1 row affected", as_json(rng, {"done": True}),
        f"[info] {thing} {done} at {lex.clock(rng)}", as_json(rng, {"message": f"{thing} {done}"})))
    return result, "It worked.", f"The {thing} is {done}.", {"words": [words]}


def error(rng, tool):
    """A failed result, its message and the check of a report: (result, message, check)."""
    param = rng.choice(tool.params).name if tool.params else "request"
    values = {"n": rng.randint(2, 599), "k": param, "o": tool.thing, "t": lex.clock(rng)}
    message, keys = (part.format(**values) for part in rng.choice(ERRORS))
    status = rng.choice((400, 401, 403, 404, 409, 422, 429, 500, 502, 503))
    if rng.random() < 0.45:
        result = as_json(rng, rng.choice(ERROR_OBJECTS)(message, status))
    else:
        result = rng.choice(ERROR_FORMS).format(m=message, c=status, n=rng.randint(2, 900),
                                                f=rng.choice(("client", "tool", "server", "api")))
    return result, message, {"words": [FAILED, keys]}
