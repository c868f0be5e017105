"""Conversations with the tools of tooldata/: near neighbours are offered together.

A request comes from the block of its tool (see realtooldata.py) in one of many frames; names of
tools and keys of parameters vary from group to group (see realtoolcalls.py).
"""
import re

import facts
import realtooldata as data
import smalltalk
from chat import assistant, tool as tool_turn, user
from realtoolcalls import (NOTHING, Job, as_json, error, expand, filled, framed, named_values,
                           offered, outcome, pick, request, shown_call, spoken)
from realtooldata import SLOT, TOOLS, make_value
from wording import choose

NO_TOOL = "None of my tools can {aim}."
ASK_BACK = "Which {ask} should I use?"
CANNOT = ("none of|no tool|no tools|no function|no way|can't|cannot|can not|can’t|unable|don't|"
          "don’t|do not|not able|not possible|isn't|isn’t|is not|aren't|aren’t|are not|doesn't|"
          "doesn’t|does not|not available|not have|lack|outside|beyond|without")
TOOLISH = "|tool|tools|function|functions|able|ability|capability|access|available"
ASKING = ("which|what|where|when|who|whom|whose|how|need|please|could you|can you|provide|tell|"
          "specify|know|missing|like|want|clarify|should")

ALIKE = [line.split() for line in data.read_lines("alike.txt")]


def called(rng, job):
    """The turns of a call, its result and the answer."""
    result, thought, answer, check, _ = outcome(rng, job)
    return [assistant(shown_call(job), "", [job.call()]), tool_turn(result),
            assistant(thought, answer, check=check)]


def single(rng, held, box):
    """One request, one call, one answer."""
    job = request(rng, rng.choice(box), held)
    return [user(job.text)] + called(rng, job)


def together(rng, text, jobs):
    """Several calls in one turn."""
    outcomes = [outcome(rng, job)[:4] for job in jobs]
    if rng.random() < 0.08:
        i = rng.randrange(len(jobs))
        outcomes[i] = error(rng, jobs[i])
    results, _, answers, checks = zip(*outcomes)
    thought = f"{len(jobs)} calls: " + "; ".join(
        f"{j.offer.name} with {named_values(j)}" if j.values else j.offer.name for j in jobs) + "."
    return [user(text), assistant(thought, "", [j.call() for j in jobs]), tool_turn(*results),
            assistant(f"I have {len(jobs)} results.", " ".join(answers),
                      check={"words": [w for c in checks for w in c["words"]]})]


def parallel(rng, held, box):
    """Two or three requests in one message."""
    jobs = [request(rng, offer, held) for offer in (
        rng.sample(box, 2) if len(box) < 3 or rng.random() < 0.8 else rng.sample(box, 3))
        ] if len(box) > 1 else [request(rng, box[0], held) for _ in range(2)]
    text = jobs[0].text
    for job in jobs[1:]:
        more = job.text
        if not re.match(r"I\b|[A-Z]{2}|[^A-Z]", more) and not re.match(
                r"\w*" + "|".join(re.escape(w) for w in job.words.values() if w), more):
            more = more[0].lower() + more[1:]
        text += (" " if text[-1] in ".?!" else ". ") + rng.choice(data.ALSO) + " " + more
    return together(rng, text, jobs)


def usable(tool, lines, held):
    """Whether there are lines; in evaluation, held-out ones: a list of two has none."""
    return bool(lines) and (not held or tool.held or len(lines) > 2)


def twice(rng, held, box):
    """One sentence that asks for the same with two values."""
    able = [o for o in box if usable(o.tool, o.tool.both, held)]
    if not able:
        return parallel(rng, held, box)
    offer = rng.choice(able)
    line = framed(rng, "?", expand(rng, pick(rng, offer.tool.both, offer.tool.held, held)), held)
    key = next(k for k in SLOT.findall(line) if k.endswith("2"))[:-1]
    text, values, words = filled(rng, line, offer.tool.params, held)
    param = next(p for p in offer.tool.params if p.key == key)
    second, shown = different(rng, param, values[key], held)
    return together(rng, text.replace(f"<{key}2>", shown), [
        Job(offer, "", values, words),
        Job(offer, "", {**values, key: second}, {**words, key: shown})])


def different(rng, param, value, held):
    """Another (value, words) of a parameter."""
    while True:
        other, shown = make_value(rng, param.kind, held)
        if other != value:
            return other, shown


def missing(rng, held, box):
    """A required value is not given: the model asks, then calls."""
    able = [o for o in box if usable(o.tool, o.tool.missing, held)]
    if not able:
        return single(rng, held, box)
    offer = rng.choice(able)
    line = expand(rng, pick(rng, offer.tool.missing, offer.tool.held, held))
    text, values, words = filled(rng, framed(rng, "?", line, held), offer.tool.params, held)
    param = next(p for p in offer.tool.params if p.required and p.key not in values)
    asking = "|".join(w for w in ASKING.split("|") if not spoken(w, text))
    nouns = "|".join(dict.fromkeys(w for w in re.split(r"[ _]", " ".join(
        [param.noun] + param.keys)) if len(w) > 1))
    out = [user(text), assistant(
        f"The user wants to {offer.tool.aim}, but {offer.keys[param.key]} is not given.",
        ASK_BACK.format(ask=param.noun), check={"words": [nouns + hints(param), asking]})]
    if rng.random() < 0.5:
        return out
    value, shown = make_value(rng, param.kind, held)
    job = Job(offer, "", *({p.key: {**d, param.key: v}[p.key] for p in offer.tool.params
                            if p.key in d or p is param} for d, v in ((values, value),
                                                                      (words, shown))))
    reply = choose(rng, ("{v}", "{v}, please.", "Use {v}.", "{v}.", "It's {v}.", "Take {v}.",
                         "Sorry, I forgot: {v}", "I mean {v}.", "Oh, {v}.", "That would be {v}.",
                         "The {n} is {v}.", "{n}: {v}", "Let's say {v}.", "With {v}."), held)
    return out + [user(reply.format(v=shown, n=param.noun))] + called(rng, job)


def hints(param):
    """More words with which one may ask for a parameter."""
    return {"city": "|where|city|town|place|location|destination",
            "person": "|who|whom|name|person",
            "first": "|who|whom|name|person", "email": "|who|whom|address|email|recipient",
            "date": "|when|date|day", "time": "|when|time|o'clock", "moment": "|when|time|date",
            "id": "|id|number|reference|which", "weekday": "|when|day", "url": "|url|link|address",
            "int": "|many|much|number|long|what", "num": "|much|amount|what", "room": "|where|room"
            }.get(param.kind.partition(" ")[0], "|which|name|what")


def no_tool(rng, held, box):
    """A request that no offered tool can serve."""
    if any(o.tool.general for o in box):
        return single(rng, held, box)
    domains, names = {o.tool.domain for o in box}, {o.tool.names[0] for o in box}
    near = rng.random() < 0.25
    names = names.union(*(line for line in ALIKE if names.intersection(line)))
    others = [t for t in data.ALL if (held or not t.held) and t.names[0] not in names
              and (near or t.domain not in domains)]
    job = request(rng, offered(rng, rng.choice(others)), held)
    aim = job.offer.tool.aim
    nouns = "|".join(w for w in re.findall(r"[a-z-]{3,}", aim) if w not in ("the", "for", "and"))
    return [user(job.text), assistant(f"The user wants to {aim}. No tool does that.",
                                      NO_TOOL.format(aim=aim),
                                      check={"words": [CANNOT, nouns + TOOLISH]})]


def failure(rng, held, box):
    """A call fails; where the tool asks for it, it is tried again once."""
    job = request(rng, rng.choice(box), held)
    out = [user(job.text), assistant(shown_call(job), "", [job.call()])]
    if rng.random() < 0.3:
        again = rng.choice(("busy, please retry", "temporary failure, try again",
                            as_json({"error": "try again", "retry": True})))
        result, thought, answer, check, _ = outcome(rng, job)
        return out + [tool_turn(again), assistant("The tool asks to try again.", "", [job.call()]),
                      tool_turn(result), assistant(thought, answer, check=check)]
    result, thought, answer, check = error(rng, job)
    return out + [tool_turn(result), assistant(thought, answer, check=check)]


CHANGEABLE = {"city", "person", "date", "id", "ticker", "weekday", "flight", "service", "repo",
              "ip", "host", "plate", "email", "barcode", "version", "sha"} | set(data.LISTS)


def follow_up(rng, held, box):
    """The same call with one value changed."""
    jobs = [request(rng, o, held) for o in box]
    able = []
    for job in jobs:
        kinds = [p.kind for p in job.offer.tool.params if p.key in job.values]
        able += [(job, p) for p in job.offer.tool.params if p.key in job.values and p.required
                 and p.kind in CHANGEABLE - data.MIXED and kinds.count(p.kind) == 1]
    if not able:
        return single(rng, held, box)
    job, param = rng.choice(able)
    value, shown = different(rng, param, job.values[param.key], held)
    text = choose(rng, data.CHANGED, held).format(v=shown)
    changed = Job(job.offer, text, {**job.values, param.key: value},
                  {**job.words, param.key: shown})
    return ([user(job.text)] + called(rng, job) + [user(text)] + called(rng, changed))


def talk(rng, held, box):
    """A plain question while tools are offered: no call."""
    if rng.random() < 0.5:
        return facts.ask(rng, held)
    while True:
        out = smalltalk.simple(rng, held)
        said = " ".join(m["content"] for m in out if m["role"] == "assistant")
        if not re.search("tool|know|calculator|cannot", said):
            return out


def chained(rng, held, link):
    """Look up what the second call needs, then make it."""
    chain, first, second = link
    whole = first.tool.held or second.tool.held
    sign, line = pick(rng, chain.asks, whole, held)
    line = framed(rng, sign, expand(rng, line), held)
    text, values, words = filled(rng, line, first.tool.params, held, "1.")
    one = Job(first, text, values, words)
    text, values, words = filled(rng, text, second.tool.params, held, "2.")
    thing = chain.field.replace("_", " ")
    out = [user(text), assistant(
        f"{second.name} needs the {thing}. {first.name} finds it"
        + (f" with {named_values(one)}." if one.values else "."), "", [one.call()])]
    if rng.random() < 0.15:
        result = rng.choice(("not found", "[]", "null", as_json({"error": "not found"}),
                             as_json({"results": []}), "no match"))
        return out + [tool_turn(result), assistant("Nothing was found.", (
            f"I could not find the {thing}."), check={"words": [NOTHING + "|could not|unable"]})]
    result, _, _, _, found = outcome(rng, one)
    value = found[chain.field]
    two = Job(second, text, {**values, chain.key: value}, {**words, chain.key: str(value)})
    last, thought, answer, check, _ = outcome(rng, two)
    return out + [tool_turn(result), assistant(
        f"The {thing} is {value}. Now {second.name}.", "", [two.call()]), tool_turn(last),
        assistant(thought, answer, check=check)]


MAKERS = ((single, 46), (parallel, 8), (twice, 5), (missing, 9), (no_tool, 9), (failure, 6),
          (follow_up, 8), (talk, 8))
MAKER, WEIGHT = zip(*MAKERS)


def chosen(rng, n, held):
    """n tools, most of one domain; and a chain whose tools are among them, or None."""
    pool = [t for t in data.ALL if held or not t.held]
    if held and rng.random() < 0.4:
        pool = [t for t in pool if t.held]
    domain = rng.choice(pool).domain
    near = [t for t in data.ALL if t.domain == domain and (held or not t.held)]
    chains = [c for c in data.CHAINS if all(held or not TOOLS[t].held for t in (c.finder, c.actor))]
    chain = rng.choice(chains) if chains and rng.random() < 0.2 else None
    tools = [TOOLS[chain.finder], TOOLS[chain.actor]] if chain else []
    while len(tools) < n:
        tool = rng.choice(near if rng.random() < 0.6 and any(t not in tools for t in near)
                          else pool)
        if tool not in tools:
            tools.append(tool)
        elif all(t in tools for t in pool):
            break
    return tools, chain


def group(rng, held=False):
    """(system, specs, maker): a set of tools and a function that makes conversations."""
    n = rng.choices(range(1, 13), (8, 9, 10, 9, 8, 7, 5, 4, 3, 3, 2, 2))[0]
    tools, chain = chosen(rng, n, held)
    box = [offered(rng, t) for t in tools]
    if len({o.name for o in box}) < len(box):
        return group(rng, held)
    link = (chain, box[0], box[1]) if chain else None
    specs = [o.spec for o in box]
    rng.shuffle(specs)

    def make(rng):
        if link and rng.random() < 0.4:
            return chained(rng, held, link)
        return rng.choices(MAKER, WEIGHT)[0](rng, held, box)
    return None, specs, make
