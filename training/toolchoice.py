"""Conversations with invented tools: choosing, calling, reading, failing, asking back."""
import json

import facts
import inventedtools as tools
import lexicon as lex
import parameters
import smalltalk
from chat import assistant, tool as tool_turn, user
from wording import choose

NO_TOOL = ("None of my tools can {aim}.", "I have no tool that can {aim}.")
ASK_BACK = "Which {ask} should I use?"
SAME = ("Do the same {p}.", "Now the same {p}.", "And once more {p}.", "Again, but {p}.",
        "The same again {p}, please.", "Please repeat it {p}.")
ALSO = (" Also, ", " And then ", " Then ", " At the same time, ", " In addition, ")
STUCK = ("It failed: {m}.", "That did not work: {m}.")


def said(rng, held, text):
    """A user turn, with small changes that leave values alone."""
    if held or rng.random() < 0.7:
        return user(text)
    opening = rng.choice(("Please: ", "Hi. ", "Hello! ", "Quickly: ", "One thing. ", "Okay. ",
                          "Next: ", "Thanks. "))
    return user(opening + text if rng.random() < 0.6 else text.rstrip("."))


def plan(tool):
    """The thought before a call."""
    return f"The user wants to {tool.aim()}. {tool.name} does that."


def single(rng, held, box):
    """One request, one call, one answer."""
    tool = rng.choice(box)
    args = tools.arguments(rng, tool, held)
    result, thought, answer = tools.outcome(rng, tool)
    return [said(rng, held, tools.request(rng, tool, args, held)),
            assistant(plan(tool), "", [(tool.name, args)]), tool_turn(result),
            assistant(thought, answer)]


def follow_up(rng, held, box):
    """The same call again with one value changed."""
    able = [t for t in box if any(p.name in t.required for p in t.params)]
    if not able:
        return single(rng, held, box)
    tool = rng.choice(able)
    args = tools.arguments(rng, tool, held)
    param = next(p for p in tool.params if p.name in tool.required)
    changed = {**args, param.name: parameters.value(rng, param, held)}
    out = [said(rng, held, tools.request(rng, tool, args, held))]
    for i, values in enumerate((args, changed)):
        if i:
            text = parameters.phrase(rng, param, values[param.name], held)
            out.append(user(choose(rng, SAME, held).format(p=text)))
        result, thought, answer = tools.outcome(rng, tool)
        out += [assistant(plan(tool), "", [(tool.name, values)]), tool_turn(result),
                assistant(thought, answer)]
    return out


def parallel(rng, held, box):
    """Two or three requests in one message, called in one turn."""
    n = min(rng.choice((2, 2, 3)), max(2, len(box)))
    chosen = [rng.choice(box) for _ in range(n)]
    if len(box) >= n and rng.random() < 0.7:
        chosen = rng.sample(box, n)
    calls, text, results, answers = [], "", [], []
    for i, tool in enumerate(chosen):
        args = tools.arguments(rng, tool, held)
        words = tools.request(rng, tool, args, held)
        text += words if not i else rng.choice(ALSO) + words[0].lower() + words[1:]
        result, _, answer = tools.outcome(rng, tool)
        if rng.random() < 0.06:
            result, message = tools.error(rng, tool)
            answer = STUCK[0].format(m=message)
        calls.append((tool.name, args))
        results.append(result)
        answers.append(answer)
    thought = "The user wants to " + lex.join([t.aim() for t in chosen]) + f": {n} calls."
    return [user(text), assistant(thought, "", calls), tool_turn(*results),
            assistant(f"I have {n} results.", " ".join(answers))]


def missing(rng, held, box):
    """A required value is not given: the model asks, then calls."""
    able = [(t, p) for t in box for p in t.params if p.name in t.required
            and parameters.KINDS[p.kind].type != "boolean"]
    if not able:
        return single(rng, held, box)
    tool, param = rng.choice(able)
    args = tools.arguments(rng, tool, held, omit=param.name)
    out = [said(rng, held, tools.request(rng, tool, args, held)),
           assistant(f"The user wants to {tool.aim()}, but {param.name} is not given.",
                     ASK_BACK.format(ask=param.ask))]
    if rng.random() < 0.6:
        return out
    value = parameters.value(rng, param, held)
    text = parameters.phrase(rng, param, value, held)
    full = {p.name: value if p is param else args[p.name] for p in tool.params
            if p is param or p.name in args}
    result, thought, answer = tools.outcome(rng, tool)
    shown = value if isinstance(value, (str, int, float)) else text
    return out + [user(rng.choice((text[0].upper() + text[1:] + ".", str(shown)))),
                  assistant(plan(tool), "", [(tool.name, full)]), tool_turn(result),
                  assistant(thought, answer)]


def no_tool(rng, held, box):
    """A request that no offered tool can serve."""
    jobs = {t.aim() for t in box}
    while True:
        other = tools.make(rng, held)
        if other.aim() not in jobs:
            break
    text = tools.request(rng, other, tools.arguments(rng, other, held), held)
    return [said(rng, held, text),
            assistant(f"The user wants to {other.aim()}. No tool does that.",
                      NO_TOOL[0].format(aim=other.aim()))]


def failure(rng, held, box):
    """A call fails; a timeout is tried again once, everything else is told."""
    tool = rng.choice(box)
    args = tools.arguments(rng, tool, held)
    out = [said(rng, held, tools.request(rng, tool, args, held)),
           assistant(plan(tool), "", [(tool.name, args)])]
    if rng.random() < 0.4:
        again = rng.choice(("timeout, try again", "busy, please retry", "temporary failure, retry",
                            json.dumps({"error": "try again later", "retry": True})))
        result, thought, answer = tools.outcome(rng, tool)
        if rng.random() < 0.3:
            result, message = tools.error(rng, tool)
            thought, answer = "It failed again.", STUCK[0].format(m=message)
        return out + [tool_turn(again),
                      assistant("The tool asks to try again.", "", [(tool.name, args)]),
                      tool_turn(result), assistant(thought, answer)]
    result, message = tools.error(rng, tool)
    return out + [tool_turn(result), assistant("The call failed.", STUCK[0].format(m=message))]


def corrected(rng, held, box):
    """The error names the values that are allowed for an argument; the call is made again."""
    able = [(t, p) for t in box for p in t.params if "enum" in p.schema and p.name in t.required]
    if not able:
        return failure(rng, held, box)
    tool, param = rng.choice(able)
    args = tools.arguments(rng, tool, held)
    left = [v for v in param.schema["enum"] if v != args[param.name]]
    better = rng.choice(left)
    result = rng.choice((f"error: {param.name} must be {better} here",
                         json.dumps({"error": f"only {better} is allowed for {param.name}"})))
    fixed = {**args, param.name: better}
    last, thought, answer = tools.outcome(rng, tool)
    return [said(rng, held, tools.request(rng, tool, args, held)),
            assistant(plan(tool), "", [(tool.name, args)]), tool_turn(result),
            assistant(f"I call it again with {param.name} {better}.", "", [(tool.name, fixed)]),
            tool_turn(last), assistant(thought, answer)]


def talk(rng, held, box):
    """A plain question while tools are offered: no call."""
    if rng.random() < 0.5:
        return facts.ask(rng, held)
    while True:
        out = smalltalk.simple(rng, held)
        if not any(m["role"] == "assistant" and "tool" in m["content"] for m in out):
            return out


def inventory(rng, held, box):
    """Which tools are offered."""
    names = lex.join([t.name for t in box])
    question = choose(rng, ("Which tools do you have?", "What tools can you use?",
                            "List your tools.", "Which tools are offered to you?",
                            "Name your tools.", "What are your tools?"), held)
    return [user(question), assistant(f"I am offered {len(box)}.", f"I can use {names}.")]


MAKERS = ((single, 46), (parallel, 12), (missing, 7), (no_tool, 8), (failure, 7), (corrected, 4),
          (follow_up, 5), (talk, 8), (inventory, 1))
MAKER, WEIGHT = zip(*MAKERS)


def linked(rng, held):
    """A tool that finds an id by title and one that needs the id."""
    while True:
        verb, thing, _ = tools.pick(rng, held)
        if verb in ("delete", "update", "cancel", "archive", "lock", "share", "approve", "print"):
            break
    finder = tools.make(rng, held, [parameters.parameter(rng, "title")],
                        ("look", thing, "serial number"))
    key = rng.choice(("id", "number"))
    finder.spec["name"] = tools.styled(rng, ["find", thing])
    finder.spec["description"] = f"Find the {key} of {lex.article(thing)} by its title."
    param = parameters.parameter(rng, "id")
    param.name = f"{thing.replace(' ', '_')}_{key}"
    actor = tools.make(rng, held, [param], (verb, thing, ""))
    return finder, actor, key


def chain(rng, held, pair):
    """Find the id first, then act; the finder may find nothing."""
    finder, actor, key = pair
    title = lex.fitting(rng, held, lex.title)
    asks = tools.ACTS[actor.verb][2]
    text = choose(rng, asks, held).format(o=actor.thing, ao=lex.article(actor.thing),
                                          p=f" called \"{title}\"")
    out = [said(rng, held, text),
           assistant(f"I need the {key} first.", "",
                     [(finder.name, {finder.params[0].name: title})])]
    if rng.random() < 0.2:
        return out + [tool_turn(rng.choice(("[]", "not found", "null", "no match"))),
                      assistant("Nothing was found.",
                                f"I found no {actor.thing} called \"{title}\".")]
    number = lex.code(rng)
    result, thought, answer = tools.outcome(rng, actor)
    return out + [tool_turn(rng.choice((json.dumps({key: number}), number, f"{key}: {number}"))),
                  assistant(f"The {key} is {number}. Now {actor.name}.", "",
                            [(actor.name, {actor.params[0].name: number})]),
                  tool_turn(result), assistant(thought, answer)]


def group(rng, held=False):
    """(system, specs, maker): a set of tools and a function that makes conversations."""
    n = rng.choices(range(1, 13), (8, 10, 10, 9, 7, 6, 4, 4, 3, 3, 2, 2))[0]
    box = tools.toolbox(rng, n, held)
    pair = linked(rng, held) if rng.random() < 0.15 else None
    offered = box + list(pair[:2]) if pair else box
    names = [t.name for t in offered]
    if len(set(names)) < len(names):
        return group(rng, held)
    specs = [t.spec for t in offered]
    rng.shuffle(specs)

    def make(rng):
        if pair and rng.random() < 0.5:
            return chain(rng, held, pair)
        return rng.choices(MAKER, WEIGHT)[0](rng, held, box)
    return None, specs, make
