"""Conversations with invented tools: choosing, calling, reading, failing, asking back."""
import json

import facts
import inventedtools as tools
import lexicon as lex
import parameters
import smalltalk
import toolresults
from chat import assistant, tool as tool_turn, user
from toolwords import article, capital, frame, plural, small
from wording import choose

NO_TOOL = "None of my tools can {aim}."
NO_TOOL_CHECK = ("none|no|not|cannot|can't|unable|don't|doesn't|isn't|aren't|couldn't|sorry|"
                 "unfortunately")
ASK_BACK = "Which {ask} should I use?"
ASKING = "which|what|who|whom|whose|where|when|how|please|could you|can you|need|missing|provide"
STUCK = "It failed: {m}."
RETRY = ("timeout, try again", "busy, please retry", "temporary failure, retry",
         "the service is busy, try again", "Please try again in a moment.", "error: retry later",
         "HTTP 503: try again", "HTTP 429: too many requests, retry",
         "temporarily unavailable, retry",
         "connection reset, please try again", "Error: lock held, retry the call",
         "TimeoutError: no answer, try the call again", "status: retry", "warming up, call again",
         "{\"retry\": true}", "{\"error\": {\"code\": 503, \"message\": \"please retry\"}}",
         "{\"error\": \"try again later\", \"retry\": true}", "not ready yet, repeat the call",
         "temporary error, the same call may work now",
         "{\"status\": \"busy\", \"hint\": \"retry\"}")
CORRECTIONS = ("error: {k} must be {v} here", "{{\"error\": \"only {v} is allowed for {k}\"}}",
               "invalid {k}: use {v}", "{k} has to be {v}", "HTTP 422: {k} must be {v}",
               "ValueError: {k} should be {v}", "Error: for this {o} {k} can only be {v}",
               "{{\"detail\": \"{k}: allowed value is {v}\"}}", "{k}: expected {v}",
               "rejected, because {k} is not {v}", "400 Bad Request\n{k} must equal {v}",
               "validation failed\n- {k}: allowed is {v}", "Please use {v} for {k}.",
               "{{\"ok\": false, \"message\": \"{k} accepts only {v}\"}}")
OPENINGS = ("Please: ", "Hi. ", "Hello! ", "Quickly: ", "One thing. ", "Okay. ", "Next: ",
            "Thanks. ", "Hey! ", "Good morning. ", "Ok. ", "Right. ", "Now this: ", "Good. ")


def said(rng, held, text):
    """A user turn, with small changes that leave values alone."""
    if held or rng.random() < 0.7:
        return user(text)
    if rng.random() < 0.5 and "\n" not in text:
        return user(rng.choice(OPENINGS) + text)
    return user(text.rstrip("."))


def plan(tool, args=None):
    """The thought before a call: what is wanted, which tool does it, and with which values."""
    thought = f"The user wants to {tool.aim()}. {tool.name} does that"
    if not args:
        return thought + "."
    return thought + ": " + ", ".join(f"{k} = {shown(v)}" for k, v in args.items()) + "."


def shown(value):
    """A value as it stands in a call."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def report(rng, tool):
    """A good result of a call and the turn that tells it: (result, turn)."""
    result, thought, answer, check = toolresults.outcome(rng, tool)
    return result, assistant(thought, answer, check=check)


def trouble(rng, tool, thought):
    """A failed result of a call and the turn that tells it: (result, turn)."""
    result, message, check = toolresults.error(rng, tool)
    return result, assistant(f"{thought}: {message}.", STUCK.format(m=message), check=check)


def called(rng, tool, args):
    """A call with a good result: the call, the result and the report."""
    result, told = report(rng, tool)
    return [assistant(plan(tool, args), "", [(tool.name, args)]), tool_turn(result), told]


def single(rng, held, box):
    """One request, one call, one answer."""
    tool = rng.choice(box)
    args = tools.arguments(rng, tool, held)
    return [said(rng, held, tools.request(rng, tool, args, held)), *called(rng, tool, args)]


def in_turn(rng, held, box):
    """Two or three requests, one after the other."""
    return [m for _ in range(rng.choice((2, 2, 3))) for m in single(rng, held, box)]


def follow_up(rng, held, box):
    """The same call again with one value changed, or put right by the user."""
    able = [t for t in box if any(p.name in t.required for p in t.params)]
    if not able:
        return single(rng, held, box)
    tool = rng.choice(able)
    args = tools.arguments(rng, tool, held)
    param = rng.choice([p for p in tool.params if p.name in tool.required])
    new = parameters.value(rng, param, held)
    if new == args[param.name]:
        return single(rng, held, box)
    if isinstance(new, (bool, dict)) or rng.random() < 0.55:
        words = parameters.phrase(rng, param, new, held, 0.2).lstrip(", ")
        text = frame(rng, "same", held).format(p=words)
    else:
        text = frame(rng, "meant", held).format(v=parameters.plain(param, new), ask=param.ask)
    return [said(rng, held, tools.request(rng, tool, args, held)), *called(rng, tool, args),
            user(capital(text)), *called(rng, tool, {**args, param.name: new})]


def joined(rng, held, requests):
    """Several requests in one message."""
    if rng.random() < 0.25:
        marks = rng.choice(("1. ", "1) ", "- ", "* "))
        lines = [marks.replace("1", str(i)) + r for i, r in enumerate(requests, 1)]
        return "\n".join(lines)
    text = requests[0] + ("" if requests[0][-1] in ".?!" else ".")
    for i, words in enumerate(requests[1:], 2):
        text += "\n" if rng.random() < 0.15 else " "
        text += frame(rng, "also", held).format(r=small(words))
        text += "." if i < len(requests) and text[-1] not in ".?!" else ""
    return text


def parallel(rng, held, box):
    """Two or three requests in one message, called in one turn."""
    n = min(rng.choice((2, 2, 3)), max(2, len(box)))
    chosen = [rng.choice(box) for _ in range(n)]
    if len(box) >= n and rng.random() < 0.7:
        chosen = rng.sample(box, n)
    calls = [(t.name, tools.arguments(rng, t, held)) for t in chosen]
    text = joined(rng, held, [tools.request(rng, t, args, held, short=True)
                              for t, (_, args) in zip(chosen, calls)])
    thought = "The user wants to " + lex.join([t.aim() for t in chosen]) + f": {n} calls, " + (
        lex.join([t.name for t in chosen]) + ".")
    return [user(text), assistant(thought, "", calls), *told(rng, chosen)]


def told(rng, chosen):
    """The results of several calls in one turn, and one report."""
    results, answers, words = [], [], []
    for tool in chosen:
        result, _, answer, check = toolresults.outcome(rng, tool)
        if rng.random() < 0.06:
            result, message, check = toolresults.error(rng, tool)
            answer = STUCK.format(m=message)
        results.append(result)
        answers.append(answer)
        words += check["words"]
    return [tool_turn(*results), assistant(f"I have {len(results)} results.", " ".join(answers),
                                           check={"words": words})]


def each(rng, held, box):
    """One request for several values of a parameter: one call for each."""
    able = [(t, p) for t in box for p in t.params if p.name in t.required
            and p.kind in ("id", "serial", "email", "date", "city", "file", "host", "room")
            and t.verb != "list"]
    if not able:
        return parallel(rng, held, box)
    tool, param = rng.choice(able)
    values = list(dict.fromkeys(parameters.value(rng, param, held) for _ in range(
        rng.choice((2, 2, 3)))))
    if len(values) < 2:
        return single(rng, held, box)
    args = tools.arguments(rng, tool, held, omit=param.name)
    text = tools.request(rng, tool, args, held, short=True)
    text += "" if text[-1] in ".?!" else "."
    text = frame(rng, "each", held).format(r=text, v=lex.join(values), ask=param.ask,
                                           Ask=capital(param.ask), asks=plural(param.ask),
                                           Asks=capital(plural(param.ask)))
    calls = [(tool.name, {p.name: v if p is param else args[p.name] for p in tool.params
                          if p is param or p.name in args}) for v in values]
    thought = (f"The user wants to {tool.aim()} for {len(values)} values of {param.name}: "
               f"{lex.join(values)}. {len(values)} calls of {tool.name}.")
    return [user(text), assistant(thought, "", calls), *told(rng, [tool] * len(values))]


def missing(rng, held, box):
    """A required value is not given: the model asks, then calls."""
    able = [(t, p) for t in box for p in t.params if p.name in t.required
            and parameters.KINDS[p.kind].type != "boolean"]
    if not able:
        return single(rng, held, box)
    tool, param = rng.choice(able)
    kind = parameters.KINDS[param.kind]
    args = tools.arguments(rng, tool, held, omit=param.name)
    names = [param.ask, param.name, param.name.replace("_", " "), *kind.also.split("|")]
    out = [said(rng, held, tools.request(rng, tool, args, held)),
           assistant(f"The user wants to {tool.aim()}. {tool.name} does that, but {param.name} is "
                     "required and not given.", ASK_BACK.format(ask=param.ask),
                     check={"words": ["|".join(dict.fromkeys(filter(None, names))), ASKING]})]
    if rng.random() < 0.5:
        return out
    value = parameters.value(rng, param, held)
    words = parameters.phrase(rng, param, value, held).lstrip(", ")
    replies = [capital(words) + ".", parameters.plain(param, value), shown(value)]
    if not isinstance(value, dict):
        replies.append(parameters.sentence(rng, param, value, held))
        replies.append(f"Sorry, I forgot: {parameters.plain(param, value)}")
    full = {p.name: value if p is param else args[p.name] for p in tool.params
            if p is param or p.name in args}
    return out + [user(rng.choice(replies)), *called(rng, tool, full)]


def no_tool(rng, held, box):
    """A request that no offered tool can serve; most are close to one."""
    jobs = {t.aim() for t in box}
    while True:
        verb, thing, attribute = tools.pick(rng, held)
        if rng.random() < 0.5:
            near = rng.choice(box)
            verb, thing, attribute = ((near.verb, thing, near.attribute) if rng.random() < 0.5
                                      else (verb, near.thing, attribute))
        what = verb, thing, attribute
        if tools.is_held(what) != held or any(tools.alike(t, verb, thing) for t in box):
            continue
        other = tools.make(rng, held, what=what)
        if other.aim() not in jobs:
            break
    while True:
        text = tools.request(rng, other, tools.arguments(rng, other, held), held)
        if other.name not in text:
            break
    return [said(rng, held, text),
            assistant(f"The user wants to {other.aim()}. No tool does that.",
                      NO_TOOL.format(aim=other.aim()), check={"words": [NO_TOOL_CHECK]})]


def failure(rng, held, box):
    """A call fails; a timeout is tried again once, everything else is told."""
    tool = rng.choice(box)
    args = tools.arguments(rng, tool, held)
    out = [said(rng, held, tools.request(rng, tool, args, held)),
           assistant(plan(tool, args), "", [(tool.name, args)])]
    if rng.random() < 0.4:
        again = choose(rng, RETRY, held)
        result, told_turn = (trouble(rng, tool, "It failed again") if rng.random() < 0.3
                             else report(rng, tool))
        return out + [tool_turn(again),
                      assistant("The tool asks to try again: the same call.", "",
                                [(tool.name, args)]), tool_turn(result), told_turn]
    result, told_turn = trouble(rng, tool, "The call failed")
    return out + [tool_turn(result), told_turn]


def corrected(rng, held, box):
    """The error names the values that are allowed for an argument; the call is made again."""
    able = [(t, p) for t in box for p in t.params if "enum" in p.schema and p.name in t.required]
    if not able:
        return failure(rng, held, box)
    tool, param = rng.choice(able)
    args = tools.arguments(rng, tool, held)
    better = rng.choice([v for v in param.schema["enum"] if v != args[param.name]])
    error = choose(rng, CORRECTIONS, held).format(k=param.name, v=better, o=tool.thing)
    result, told_turn = report(rng, tool)
    return [said(rng, held, tools.request(rng, tool, args, held)),
            assistant(plan(tool, args), "", [(tool.name, args)]), tool_turn(error),
            assistant(f"I call it again with {param.name} {better}.", "",
                      [(tool.name, {**args, param.name: better})]), tool_turn(result), told_turn]


def talk(rng, held, box):
    """A plain question while tools are offered: no call."""
    if rng.random() < 0.5:
        return facts.ask(rng, held)
    while True:
        out = smalltalk.simple(rng, held)
        if not any(m["role"] == "assistant" and "tool" in m["content"] for m in out):
            return out


def inventory(rng, held, names):
    """Which tools are offered."""
    return [user(frame(rng, "inventory", held)),
            assistant(f"I am offered {len(names)}: {lex.join(names)}.",
                      f"I can use {lex.join(names)}.", check={"words": names})]


MAKERS = ((single, 44), (parallel, 9), (each, 3), (missing, 8), (no_tool, 8), (failure, 7),
          (corrected, 4), (follow_up, 6), (in_turn, 3), (talk, 7), (inventory, 1))
MAKER, WEIGHT = zip(*MAKERS)
CALLED = (" called \"{t}\"", " named \"{t}\"", " with the title \"{t}\"", " titled \"{t}\"",
          " \"{t}\"", " (title: \"{t}\")", " by the name of \"{t}\"", " that is called \"{t}\"",
          " with the name \"{t}\"", " that goes by the name \"{t}\"", " known as \"{t}\"",
          " under the title \"{t}\"")
NOTHING = ("[]", "not found", "null", "no match", "{\"results\": []}", "0 results", "none",
           "{\"total\": 0, \"items\": []}", "Nothing matches this title.", "{\"id\": null}",
           "HTTP 404: not found", "no such entry")


def linked(rng, held):
    """A tool that finds an id by title and one that needs the id."""
    while True:
        verb, thing, _ = tools.pick(rng, held)
        if verb in tools.ACTS and "the {o}" in tools.ACTS[verb].wants[0]:
            break
    finder = tools.make(rng, held, [parameters.parameter(rng, "title")],
                        ("look", thing, "serial number"))
    key = rng.choice(("id", "number"))
    finder.spec["name"] = tools.styled(rng, [rng.choice(("find", "search", "get")), thing])
    finder.spec["description"] = rng.choice((
        "Find the {k} of {ao} by its title.", "Looks up {ao} by title and returns its {k}.",
        "Search for {ao} by title. Returns the {k} that other tools need.",
        "Gives the {k} of the {o} with a title.", "Resolve the title of {ao} to its {k}.")).format(
            k=key, o=thing, ao=article(thing))
    param = parameters.parameter(rng, "id")
    param.name = rng.choice((f"{thing.replace(' ', '_')}_{key}", key))
    return finder, tools.make(rng, held, [param], (verb, thing, "")), key


def chain(rng, held, pair):
    """Find the id first, then act; the finder may find nothing."""
    finder, actor, key = pair
    title = lex.fitting(rng, held, lex.title)
    text = tools.core(rng, actor, choose(rng, CALLED, held).format(t=title), held)
    out = [said(rng, held, text),
           assistant(f"The user wants to {actor.aim()}: \"{title}\". {actor.name} needs the {key}, "
                     f"so first {finder.name}.", "",
                     [(finder.name, {finder.params[0].name: title})])]
    if rng.random() < 0.2:
        return out + [tool_turn(choose(rng, NOTHING, held)),
                      assistant("Nothing was found.",
                                f"I found no {actor.thing} called \"{title}\".",
                                check={"words": [toolresults.NONE + "|couldn't|could not"]})]
    number = lex.code(rng)
    found = rng.choice((json.dumps({key: number}), number, f"{key}: {number}",
                        json.dumps({"results": [{key: number, "title": title}]}),
                        json.dumps([{"title": title, "owner": lex.person(rng), key: number}]),
                        f"title: {title}\n{key}: {number}\ncreated: {lex.date(rng)}",
                        f"Found one match.\n{title} | {key} {number}",
                        f"The {key} of \"{title}\" is {number}."))
    args = {actor.params[0].name: number}
    result, told_turn = report(rng, actor)
    return out + [tool_turn(found),
                  assistant(f"The {key} is {number}. Now {actor.name}: {actor.params[0].name} = "
                            f"{number}.", "", [(actor.name, args)]), tool_turn(result), told_turn]


def group(rng, held=False):
    """(system, specs, maker): a set of tools and a function that makes conversations."""
    n = rng.choices(range(1, 15), (7, 9, 10, 10, 8, 7, 5, 4, 3, 3, 2, 2, 1, 1))[0]
    box = tools.toolbox(rng, n, held)
    pair = linked(rng, held) if rng.random() < 0.15 else None
    if pair and any(t.thing == pair[0].thing for t in box):
        pair = None
    offered = box + list(pair[:2]) if pair else box
    names = [t.name for t in offered]
    if len(set(names)) < len(names):
        return group(rng, held)
    specs = [t.spec for t in offered]
    rng.shuffle(specs)
    system = frame(rng, "system", held) if rng.random() < 0.45 else None

    def make(rng):
        if pair and rng.random() < 0.5:
            return chain(rng, held, pair)
        maker = rng.choices(MAKER, WEIGHT)[0]
        if maker is inventory:
            return inventory(rng, held, [s["name"] for s in specs])
        out = maker(rng, held, box)
        while maker is talk and system and "Nano" in out[-1]["content"]:
            out = talk(rng, held, box)
        return out
    return system, specs, make
