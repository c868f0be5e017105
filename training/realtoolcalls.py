"""Tools of tooldata/ as a group sees them: requests, calls, results and answers."""
import dataclasses
import json
import re

import lexicon as lex
import realtooldata as data
from realtooldata import SLOT, make_value, meaning
from wording import choose

STUCK = "That did not work: {m}."
FAILED = ("did not|didn't|didn’t|not|could not|couldn't|couldn’t|cannot|can't|can’t|unable|"
          "fail|fails|failed|failure|error|problem|issue|unfortunately|wrong|unsuccessful")
NOTHING = ("no|none|not|nothing|nobody|no one|zero|0|couldn't|couldn’t|didn't|didn’t|don't|don’t|"
           "any|empty|isn't|isn’t|aren't|aren’t|wasn't|weren't|unable|can't|cannot|can’t")
DONE = ("|done|success|successful|successfully|completed|all set|has been|have been|is now|are now|"
        "I've|I’ve|I have|is on|is off|are on|are off|will be")
# message of a failed call, words of which a right answer has one
ERRORS = (
    ("permission denied", "permission|denied|access|allowed|permitted|authorized|rights"),
    ("timeout after {n} seconds", "timeout|timed|time|seconds"),
    ("service unavailable", "unavailable|available|down|reached|service"),
    ("rate limit exceeded", "rate|limit|many|requests"),
    ("internal server error", "server|internal"),
    ("invalid API key", "key"), ("the account is locked", "locked|account"),
    ("quota used up for today", "quota|limit"),
    ("no connection to the server", "connection|server"),
    ("session expired", "session|expired|log|login"), ("error {n}: unknown reason", "unknown|{n}"),
    ("not found", "found|find|exist|exists|finding|locate"),
    ("maintenance until {t}", "maintenance"),
    ("the licence has expired", "licence|license|expired"),
    ("bad gateway", "gateway"), ("conflict: changed by someone else", "conflict|changed"),
)
EXTRA = (("request_id", lex.code), ("took_ms", lambda r: r.randint(1, 900)),
         ("cached", lambda r: r.random() < 0.5), ("updated_at", lex.date),
         ("source", lambda r: r.choice(("live", "cache", "db"))), ("api_version", lambda r: 2),
         ("node", lambda r: r.choice(lex.NOUNS)), ("page", lambda r: 1))


@dataclasses.dataclass
class Offer:
    """A tool as one group sees it: its name, its keys and its specification."""
    tool: data.Tool
    name: str
    keys: dict
    spec: dict


@dataclasses.dataclass
class Job:
    """One wanted call: what is said, the values by parameter, the words that show them."""
    offer: Offer
    text: str
    values: dict
    words: dict

    def call(self):
        return self.offer.name, arguments(self.offer, self.values)


def arguments(offer, values):
    """Values under the keys of the offer, in the order of the specification."""
    return {offer.keys[p.key]: values[p.key] for p in offer.tool.params if p.key in values}


def restyled(rng, name, domain):
    """A name of words in another style."""
    parts = re.findall(r"[A-Z]?[a-z0-9]+", name)
    low = [p.lower() for p in parts]
    style = rng.randrange(6)
    if style == 0:
        return low[0] + "".join(p.capitalize() for p in low[1:])
    if style == 1:
        return "-".join(low)
    if style == 2:
        return f"mcp__{domain}__{'_'.join(low)}"
    if style == 3:
        return f"{domain}_{'_'.join(low)}"
    return "".join(p.capitalize() for p in low) if style == 4 else "_".join(low)


def offered(rng, tool):
    """The tool under one of its names."""
    name = rng.choice(tool.names)
    if rng.random() < 0.3:
        name = restyled(rng, name, tool.domain)
    keys, properties, bare = {}, {}, rng.random() < 0.1
    for param in tool.params:
        free = [k for k in param.keys if k not in properties]
        keys[param.key] = key = rng.choice(free)
        properties[key] = data.schema(param.kind)
        if param.about and not bare:
            properties[key]["description"] = param.about
    spec = {"name": name, "description": rng.choice(tool.about),
            "parameters": {"type": "object", "properties": properties}}
    required = [keys[p.key] for p in tool.params if p.required]
    if required or rng.random() < 0.3:
        spec["parameters"]["required"] = required
    return Offer(tool, name, keys, spec)


def pick(rng, lines, tool_held, held):
    """A line of a tool: any one where the whole tool is held out."""
    return rng.choice(lines) if held and tool_held else choose(rng, lines, held)


def expand(rng, line):
    """Leaves out optional parts and chooses among alternatives."""
    line = re.sub(r"\[([^]]*)\]", lambda m: m[1] if rng.random() < 0.5 else "", line)
    line = re.sub(r"\(([^()]*\|[^()]*)\)", lambda m: rng.choice(m[1].split("|")), line)
    if "\"<" in line and rng.random() < 0.12:
        line = line.replace("\"", "'") if "'" not in line.replace("'<", "") else line
    return line


def filled(rng, line, params, held, prefix=""):
    """(text, values, words) with all slots of params filled."""
    values, words = {}, {}
    for param in params:
        if f"<{prefix}{param.key}>" in line:
            value, shown = make_value(rng, param.kind, held)
            if isinstance(value, str) and "'" in value:
                line = line.replace(f"'<{prefix}{param.key}>'", f"\"<{prefix}{param.key}>\"")
            if shown[:1] in "AEIOUaeiou":
                line = re.sub(rf"\b([aA]) (?=<{prefix}{param.key}>)", r"\1n ", line)
            line = line.replace(f"<{prefix}{param.key}>", shown)
            values[param.key], words[param.key] = value, shown
    return line, values, words


def framed(rng, sign, line, held):
    """A request with the words around it; slots are still open."""
    if sign == "!":
        return choose(rng, data.FRAMES, held).format(b=line, B=line[0].upper() + line[1:])
    open_end = line.endswith(">")
    if rng.random() < (0.25 if held else 0.15):
        line = choose(rng, data.BEFORE, held) + " " + line
    if rng.random() < 0.12 and not open_end:
        return line + ("" if line[-1] in ".?!" else ".") + " " + choose(rng, data.AFTER, held)
    if not held and rng.random() < 0.1:
        first = line.split(" ")[0]
        if not re.search(r"<|I$|I'|^[A-Z]+$", first):
            line = line[0].lower() + line[1:]
    return line.rstrip("?.") if rng.random() < 0.12 and not open_end and not held else line


def request(rng, offer, held):
    """A job and its words."""
    sign, line = pick(rng, offer.tool.asks, offer.tool.held, held)
    line = framed(rng, sign, expand(rng, line), held)
    return Job(offer, *filled(rng, line, offer.tool.params, held))


def named_values(job):
    """The arguments of a call, as a thought names them."""
    return ", ".join(f"{job.offer.keys[k]} " + (
        lex.join(v) if isinstance(v, list) else v if isinstance(v, str) else as_json(v))
        for k, v in job.values.items())


def shown_call(job):
    """The thought before a call, with the values."""
    named = named_values(job)
    return f"The user wants to {job.offer.tool.aim}. I call {job.offer.name}" + (
        f" with {named}." if named else ".")


def as_json(value):
    """JSON text."""
    return json.dumps(value, ensure_ascii=False)


def shaped(rng, job, found):
    """The result of a call as text."""
    tool = job.offer.tool
    if tool.texts and rng.random() < 0.2:
        line = rng.choice(tool.texts)
        for key, value in {**job.words, **found}.items():
            shown = lex.join(value) if isinstance(value, list) and value and not isinstance(
                value[0], dict) else value
            line = line.replace(f"<{key}>", str(shown))
        if not SLOT.search(line):
            return line
    roll = rng.random()
    if roll < 0.15:
        lines = []
        for key, value in found.items():
            if isinstance(value, list):
                lines += [f"{key}:"] + ["- " + (", ".join(str(v) for v in row.values())
                                                if isinstance(row, dict) else str(row))
                                        for row in value]
            else:
                lines.append(f"{key}: {value}")
        return "\n".join(lines)
    if roll < 0.25 and len(found) == 1:
        value = next(iter(found.values()))
        return value if isinstance(value, str) else as_json(value)
    out = dict(found)
    for name, make in rng.sample(EXTRA, rng.choices((0, 1, 2), (6, 3, 2))[0]):
        out.setdefault(name, make(rng))
    if rng.random() < 0.2:
        out = {**{k: v for k, v in arguments(job.offer, job.values).items() if k not in out}, **out}
    if roll < 0.45:
        return as_json({rng.choice(("data", "result", "response")): out})
    if roll < 0.65:
        return as_json({**rng.choice(({"status": "ok"}, {"ok": True}, {"success": True},
                                      {"code": 200})), **{k: v for k, v in out.items()
                                                          if k not in ("status", "ok", "code")},
                        **found})
    return as_json(out)


def outcome(rng, job, link=None):
    """(result, thought, answer, check, values found); link is a field that has to be found."""
    tool = job.offer.tool
    found, checks, rows = {}, [], None
    for name, kind in tool.fields:
        key, must = name.rstrip("?"), not name.endswith("?")
        if kind.startswith("rows "):
            _, low, high, kinds = kind.split(" ", 3)
            low = 0 if tool.none and rng.random() < 0.12 else int(low)
            cells = [c.strip().split(" ", 1) for c in kinds.split(",")]
            rows = [{k: make_value(rng, v)[0] for k, v in cells}
                    for _ in range(rng.randint(low, int(high)) if low else 0)]
            found[key] = rows
        elif kind.startswith("list ") and tool.none and rng.random() < 0.12:
            found[key] = []
        else:
            found[key] = make_value(rng, kind)[0]
        if must and f"<{key}>" in tool.say:
            values = found[key] if isinstance(found[key], list) else [found[key]]
            checks += [meaning(v) for v in values if not isinstance(v, dict)]
    result = shaped(rng, job, found) if found else rng.choice(
        ("ok", "done", as_json({"status": "ok"}), as_json({"ok": True}), "true",
         as_json({"success": True}), as_json({"result": "done"}), "{}", "200 OK"))
    if any(v == [] for v in found.values()):
        return (rng.choice((result, result, "[]", "no results")), "The result is empty.",
                with_values(tool.none, job.words), {"words": [NOTHING]}, found)
    shown = {k: str(v) for k, v in found.items()}
    for key, value in found.items():
        if isinstance(value, list):
            shown[key] = lex.join(value)
    if rows is not None:
        shown[key_of_rows(tool)] = lex.join([with_values(tool.row, row) for row in rows])
        checks += [meaning(v) for row in rows for k, v in row.items() if f"<{k}>" in tool.row]
    told = ", ".join(f"{k} {v}" for k, v in shown.items() if f"<{k}>" in tool.say)
    if rows is not None:
        told = f"{len(rows)} in the list"
    answer = with_values(tool.say, {**job.words, **shown})
    if tool.done:
        done = (tool.done + DONE).split("|")
        fresh = [w for w in done if not spoken(w, job.text)]
        checks.append("|".join(fresh if any(spoken(w, answer) for w in fresh) else done))
    return (result, f"The result gives {told}." if told else "It worked.", answer,
            {"words": checks}, found)


def spoken(words, text):
    """Whether the words stand in the text."""
    return bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.I))


def key_of_rows(tool):
    """The name of the field that is a list of records."""
    return next(n.rstrip("?") for n, kind in tool.fields if kind.startswith("rows "))


def with_values(text, values):
    """Text with its slots filled; [ ] is left out where a slot in it has no value."""
    def part(match):
        return match[1] if all(k in values for k in SLOT.findall(match[1])) else ""
    text = re.sub(r"\[([^]]*)\]", part, text)
    text = SLOT.sub(lambda m: str(values[m[1]]), text)
    return re.sub(r"^A (?=[aeiou])", "An ", text)


def error(rng, job):
    """(result, thought, answer, check) of a failed call."""
    message, words = rng.choice(ERRORS)
    values = {"n": rng.randint(2, 599), "t": lex.clock(rng)}
    message, words = message.format(**values), words.format(**values)
    result = rng.choice((as_json({"error": message}), f"error: {message}", f"Error: {message}",
                         as_json({"ok": False, "message": message}),
                         as_json({"status": "error", "detail": message}),
                         as_json({"error": {"message": message, "code": rng.randint(400, 599)}})))
    return (result, f"The call failed: {message}.", STUCK.format(m=message),
            {"words": [FAILED, words]})
