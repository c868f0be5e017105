"""Tools that nobody has seen: a verb, an object and parameters, with their requests and results.

A tool is a product of sets (verbs, objects and kinds of parameters from the folder invented), so
its name tells nothing that its description does not tell. One pair of verb and object in eight is
held out whole.
"""
import dataclasses
import json

import lexicon as lex
import parameters
import toolresults
from toolwords import article, blocks, capital, frame, lines, plural, small, third
from wording import choose


@dataclasses.dataclass(frozen=True)
class Act:
    """What a tool does: words of its name, descriptions, wants, whole requests, what it is then.

    wants stand after "please" or "to". often are kinds of parameters that it often has. Two acts
    that share a word of near are too much alike for one object.
    """
    done: str
    names: tuple
    fits: frozenset
    near: frozenset
    about: tuple
    wants: tuple
    asks: tuple
    often: tuple

    @property
    def makes(self):
        """Whether it makes or gets a new thing."""
        return "{ao}" in self.wants[0] and "make" in self.near


CLASS_OF = {}
for group, things in (line.split(": ") for line in lines("objects.txt")):
    for one in things.split():
        CLASS_OF.setdefault(one, set()).add(group)
OBJECTS = tuple(CLASS_OF)
ACTS = {verb: Act(head[0], tuple(head[1].split()), frozenset(head[2].split()),
                  frozenset(head[3].split()), *(tuple(words[w]) for w in ("about", "do", "ask")),
                  tuple(" ".join(words.get("with", ())).split()))
        for verb, (head, words) in blocks("verbs.txt").items()}
VERBS = tuple(ACTS)
SERVERS = ("crm home shop api my office erp hr billing fleet library clinic school farm warehouse "
           "desk calendar ops lab kitchen garden travel bank media museum port club hotel city "
           "app core store").split()
NOTES = ("Needs a login.", "Works at once.", "Use with care.", "Returns JSON.", "May take a while.",
         "Only for members.", "Cannot be undone.", "Returns the result as text.",
         "Fails if the {o} does not exist.", "See the handbook of the {o}.", "Calls are logged.",
         "At most ten calls a minute.", "Asks the server each time.", "Prefer this tool for {os}.")
USAGE = ("{t}", "{t}", "{t}", "{t}", "{t}", "{third}", "{third}", "{third}", "{bare}",
         "Use this tool to {aim}.", "This tool lets you {aim}.", "Call it to {aim}.", "Can {aim}.",
         "A tool to {aim}.", "{t} Use it when the user wants to {aim}.", "Lets the user {aim}.",
         "{third} Not for {other}.", "{t} For {other} there are other tools.",
         "{t}\n\nUsage:\n- Pass values exactly as given.\n- Leave out what is not known.",
         "[{server}] {t}", "Tool of the {server} server. {t}", "{t} ({os}, {server})",
         "{t} Works on one {o} per call.", "{aim}", "Function: {aim}.",
         "{third} Arguments: see the schema.", "Helps to {aim}. {note}")
LOOK_NAMES = "get fetch show read lookup query check find view retrieve describe tell".split()
LOOK_ABOUT = ("Get the {a} of {ao}.", "Look up the {a} of {ao}.", "Return the {a} of {ao}.",
              "Read the {a} of {ao}.", "Fetch the {a} that {ao} has.", "Show the {a} of {ao}.",
              "Tell the {a} of {ao}.", "Query the {a} of {ao} by its data.")
LOOK_CORES = ("the {a} of the {o}{p}", "the {a} of the {o}{p}", "the {a} of my {o}{p}",
              "the {a} of our {o}{p}", "the {a} of that {o}{p}", "the {a} listed for the {o}{p}",
              "the {o}'s {a}{p}", "the current {a} of the {o}{p}", "the {a} of this {o}{p}",
              "the {a} on record for the {o}{p}", "the exact {a} of the {o}{p}",
              "the {a} belonging to the {o}{p}", "the {a} that the {o} has{p}",
              "the {a} for the {o}{p}")
LIST_NAMES = "list find search all get fetch query show enumerate browse".split()
LIST_ABOUT = ("List all {os}.", "Find {os}.", "Search the {os}.", "Return a list of {os}.",
              "Get all {os} that match.", "Show the {os}.", "Search for {os} and list them.")
LIST_CORES = ("all {os}{p}", "the {os}{p}", "a list of the {os}{p}", "all the {os}{p}",
              "every {o}{p}", "our {os}{p}", "each {o}{p}", "the whole list of {os}{p}",
              "any {os}{p}", "all my {os}{p}", "all of our {os}{p}", "the list of {os}{p}")


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

    @property
    def done(self):
        """What its object is after a call."""
        return ACTS[self.verb].done if self.verb in ACTS else ""

    @property
    def makes(self):
        """Whether it makes or gets a new thing."""
        return self.verb in ACTS and ACTS[self.verb].makes

    def aim(self):
        """What it does, as a phrase."""
        return aim_of(self.verb, self.thing, self.attribute)


def aim_of(verb, thing, attribute):
    """What a tool does, as a phrase."""
    if verb == "look":
        return f"get the {attribute} of {article(thing)}"
    if verb == "list":
        return f"list {plural(thing)}"
    return ACTS[verb].wants[0].replace("the {o}", "{ao}").format(ao=article(thing))


def styled(rng, parts):
    """A tool name of words in one of the usual styles."""
    parts = [w for p in parts for w in p.replace("-", "_").replace(" ", "_").split("_") if w]
    style = rng.choices(("snake", "camel", "pascal", "kebab", "swapped", "joined", "upper"),
                        (20, 8, 3, 4, 4, 1, 0.5))[0]
    if style == "snake":
        text = "_".join(parts)
    elif style == "upper":
        text = "_".join(parts).upper()
    elif style == "kebab":
        text = "-".join(parts)
    elif style == "swapped":
        text = "_".join(parts[1:] + parts[:1])
    elif style == "joined":
        text = "".join(parts)
    else:
        text = "".join(p.capitalize() for p in parts)
        text = text if style == "pascal" else text[0].lower() + text[1:]
    if rng.random() < 0.14:
        server = rng.choice(SERVERS)
        text = rng.choice((f"mcp__{server}__{text}", f"{server}__{text}", f"mcp_{server}_{text}",
                           f"{server}_{text}", f"{server}-{text}", f"mcp__{server}-api__{text}"))
    return text


def pick(rng, held):
    """Verb, object and attribute of a tool, from the trained or the held-out pairs."""
    while True:
        verb = rng.choice(VERBS) if rng.random() < 0.66 else rng.choice(("look", "list"))
        thing = rng.choice(OBJECTS)
        fits = verb in ("look", "list") or (
            "*" in ACTS[verb].fits or ACTS[verb].fits & CLASS_OF[thing])
        if not fits and rng.random() < 0.9:
            continue
        attribute = rng.choice(toolresults.NAMES) if verb == "look" else ""
        if is_held((verb, thing, attribute)) == held:
            return verb, thing.replace("-", " "), attribute


def is_held(what):
    """Whether a verb, an object and an attribute are held out together."""
    verb, thing, attribute = what
    return lex.is_held(f"{verb} {thing.replace(' ', '-')} {attribute}")


def meaningless(rng):
    """The words of a name that says nothing."""
    word = rng.choice(("tool", "fn", "action", "op", "call", "do", lex.invented(rng),
                       lex.invented(rng)))
    return [word, rng.choice((str(rng.randint(1, 99)), rng.choice("abcdefgh"), lex.invented(rng)))]


def describe(rng, verb, thing, attribute):
    """The words of the name and the description."""
    if verb == "look":
        name, about = [rng.choice(LOOK_NAMES), thing, attribute], rng.choice(LOOK_ABOUT)
        if rng.random() < 0.3:
            name = [name[0], attribute]
    elif verb == "list":
        name, about = [rng.choice(LIST_NAMES), plural(thing)], rng.choice(LIST_ABOUT)
    else:
        name, about = [rng.choice(ACTS[verb].names), thing], rng.choice(ACTS[verb].about)
    if rng.random() < 0.1:
        name = meaningless(rng)
    elif rng.random() < 0.1:
        name = [name[0], rng.choice(SERVERS)] + name[1:]
    aim, other = aim_of(verb, thing, attribute), rng.choice(OBJECTS).replace("-", " ")
    text = about.format(o=thing, ao=article(thing), a=attribute, os=plural(thing))
    note = rng.choice(NOTES).format(o=thing, os=plural(thing))
    text = rng.choice(USAGE).format(
        t=text, third=third(text), bare=small(text).rstrip("."), aim=aim, o=thing,
        os=plural(thing), server=rng.choice(SERVERS), note=note, other=plural(other))
    if rng.random() < 0.15:
        text += (" " if text.endswith((".", ")")) else ". ") + note
    return name, text


def make(rng, held=False, params=None, what=None):
    """A tool; params and what (verb, thing, attribute) may be given."""
    verb, thing, attribute = what or pick(rng, held)
    name, text = describe(rng, verb, thing, attribute)
    low = 0 if verb == "list" else 1
    if params is None:
        often = ACTS[verb].often if verb in ACTS else ()
        n = rng.choices((low, 1, 2, 3, 4, 5), (2, 5, 6, 4, 2, 1))[0]
        params = parameters.distinct(rng, n, nested=True, first=(
            rng.choice(often) if often and n and rng.random() < 0.5 else None))
    required = [p.name for p in params if verb != "list" and rng.random() < 0.7]
    if params and not required and verb != "list":
        required = [params[0].name]
    schema = {"type": "object", "properties": {p.name: dict(p.schema) for p in params}}
    if required or rng.random() < 0.3:
        schema["required"] = required
    if rng.random() < 0.1:
        schema["additionalProperties"] = False
    if rng.random() < 0.03:
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    return Tool({"name": styled(rng, name), "description": text, "parameters": schema},
                verb, thing, params, required, attribute)


def alike(tool, verb, thing):
    """Whether a tool could be taken for one with this verb on this object."""
    if tool.thing != thing:
        return False
    if tool.verb == verb and verb != "look":
        return True
    return verb in ACTS and tool.verb in ACTS and bool(ACTS[verb].near & ACTS[tool.verb].near)


def toolbox(rng, n, held=False):
    """n tools of different names and different jobs; many share a verb or an object."""
    out, jobs, names = [], set(), set()
    while len(out) < n:
        what = pick(rng, held)
        if out and rng.random() < 0.45:
            other, (verb, thing, attribute) = rng.choice(out), what
            what = ((other.verb, thing, other.attribute) if rng.random() < 0.5
                    else (verb, other.thing, attribute))
            if is_held(what) != held:
                continue
        if any(alike(t, what[0], what[1]) for t in out):
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


def core(rng, tool, p, held):
    """A request in one sentence; p are the words for the values."""
    thing, framed = tool.thing, rng.random()
    words = {"o": thing, "ao": article(thing), "os": plural(thing), "a": tool.attribute, "p": p}
    if tool.verb == "look":
        if tool.attribute in toolresults.QUESTIONS and framed < 0.3:
            return choose(rng, toolresults.QUESTIONS[tool.attribute], held).format(**words)
        section, want = "look", choose(rng, LOOK_CORES, held)
    elif tool.verb == "list":
        if framed < 0.25:
            return frame(rng, "ask_list", held).format(**words)
        section, want = "list", choose(rng, LIST_CORES, held)
    else:
        act = ACTS[tool.verb]
        if framed < 0.3:
            return choose(rng, act.asks, held).format(**words)
        if framed < 0.42:
            text = frame(rng, "passive", held)
            if act.makes:
                text = text.replace("the {o}", "a new {o}").replace("The {o}", "A new {o}")
            return text.format(done=act.done, **words)
        section, want = "plain", choose(rng, act.wants, held) + "{p}"
        if rng.random() < 0.12:
            want = want.replace("the {o}", rng.choice(("my {o}", "our {o}", "this {o}",
                                                       "that {o}")))
        if framed < 0.55 and not held:
            return capital(want.format(**words)) + rng.choice((".", ".", "", ", please."))
    want = want.format(**words)
    return frame(rng, section, held).format(c=want, C=capital(want))


def request(rng, tool, args, held=False, short=False):
    """The words that ask for this call; short: one sentence."""
    given = [p for p in tool.params if p.name in args]
    if len(given) > 1 and rng.random() < 0.3:
        rng.shuffle(given)
    weights = (62, 12, 7, 12, 4, 3) if len(given) < 3 else (30, 25, 13, 22, 6, 4)
    if rng.random() < 0.8:
        given.sort(key=lambda p: isinstance(args[p.name], bool))
    form = rng.choices(("inline", "after", "lead", "listed", "short", "tool"),
                       weights if given and not short else (1, 0, 0, 0, 0, 0))[0]
    inline = given if form == "inline" else []
    if form in ("after", "lead"):
        able = [p for p in given if not isinstance(args[p.name], (bool, dict))]
        apart = rng.sample(able, rng.randint(1, min(2, len(able))) if form == "after" else 1) \
            if able else []
        inline = [p for p in given if p not in apart]
    said = ""
    for p in inline:
        words = parameters.phrase(rng, p, args[p.name], held, 0.15)
        said += words if words.startswith(",") else " " + words
    if form in ("short", "tool"):
        return written(rng, tool, form, given, args, held)
    text = core(rng, tool, said, held)
    if form != "inline" and text[-1] not in ".?!":
        text += "."
    if form == "listed":
        return written(rng, tool, form, given, args, held, text)
    if form == "lead" and apart:
        p = apart[0]
        text = frame(rng, "lead", held).format(r=text, ask=p.ask, Ask=capital(p.ask),
                                               v=parameters.plain(p, args[p.name]))
    elif form == "after" and apart:
        text = " ".join([text] + [parameters.sentence(rng, p, args[p.name], held) for p in apart])
    if not short and rng.random() < 0.2:
        text += "" if text[-1] in ".?!" else "."
        text = f"{text} {frame(rng, 'after', held)}" if rng.random() < 0.5 else (
            f"{frame(rng, 'before', held)} {text}")
    return text


def written(rng, tool, form, given, args, held, text=""):
    """A request whose values are listed as keys and values."""
    rows, flat = parameters.pairs(rng, given, args)
    verb = {"look": "get", "list": "list"}.get(tool.verb, tool.verb)
    thing = {"look": f"{tool.attribute} of {tool.thing}",
             "list": plural(tool.thing)}.get(tool.verb, tool.thing)
    shown = {p.name: args[p.name] for p in given}
    return frame(rng, form, held).format(
        r=text, lines=rows, pairs=flat, Pairs=capital(flat), verb=verb, Verb=capital(verb), o=thing,
        ao=thing if tool.verb == "list" else "the " + thing if tool.verb == "look"
        else article(thing), name=tool.name, json=json.dumps(shown, ensure_ascii=False))
