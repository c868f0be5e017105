"""Groups of conversations that share a system prompt and a list of tools."""
import dataclasses
import random

import arithmetic
import dailytools
import dialogue
import facts
import filetools
import formats
import longtext
import moretools
import smalltalk
import toolchoice
import toolskills as ts

SYSTEMS = (None, None, None, None, None, None, None, "You are a helpful assistant.", "Be brief.",
           "Answer in one sentence.", "You are a friendly assistant.", "Be terse.",
           "You are a careful assistant that answers questions.")
NAMED = ("You are {}, a helpful assistant.", "Your name is {}.", "You are called {}. Be kind.",
         "You are an assistant with the name {}.", "You are {}.")


@dataclasses.dataclass
class Group:
    """A shared beginning and the conversations that follow it."""
    system: str
    tools: list
    conversations: list
    name: str = None


def tool_list(rng):
    """The tools of a group: none, both, one, sometimes with another tool."""
    kind = rng.choices(("none", "both", "calculator", "clock", "other"), (46, 30, 12, 11, 1))[0]
    tools = {"none": [], "both": [ts.CALCULATOR, ts.CLOCK], "calculator": [ts.CALCULATOR],
             "clock": [ts.CLOCK], "other": []}[kind]
    if kind == "other" or (tools and rng.random() < 0.12):
        tools = tools + [moretools.any_tool(rng)]
    if len(tools) > 1 and rng.random() < 0.3:
        rng.shuffle(tools)
    return tools


def exchange(rng, held, tools, name=None):
    """One exchange that fits the tools on offer."""
    has_calculator, has_clock = ts.CALCULATOR in tools, ts.CLOCK in tools
    if name and rng.random() < 0.4:
        return smalltalk.who(rng, held, name)
    others = [t for t in tools if t not in (ts.CALCULATOR, ts.CLOCK)]
    if others and rng.random() < 0.4:
        used = moretools.use(rng, held, others[0])
        if used:
            return used
    if has_calculator + has_clock and rng.random() < 0.75:
        if has_calculator and has_clock and rng.random() < 0.05:
            return ts.both(rng, held)
        if rng.random() < (0.5 if has_clock and has_calculator else 0.65 if has_calculator
                           else 0.3):
            return (ts.calculate(rng, held) if has_calculator
                    else arithmetic.in_head(rng, held))
        return ts.tell_time(rng, held) if has_clock else ts.no_clock(rng, held)
    if rng.random() < (0.08 if tools else 0.02):
        return ts.inventory(rng, held, tools)
    roll = rng.random()
    if roll < 0.36 and not (tools and has_calculator):
        return arithmetic.in_head(rng, held)
    if roll < 0.38 and not tools:
        return arithmetic.too_large(rng, held)
    if roll < 0.41 and not has_clock:
        return ts.no_clock(rng, held)
    if roll < 0.76:
        return facts.ask(rng, held)
    while True:
        talk = smalltalk.simple(rng, held)
        if not (name and "Nano" in talk[-1]["content"]):
            return talk


def conversation(rng, held, tools, name=None, n=None):
    """One to three exchanges, or n."""
    n = n or rng.choices((1, 2, 3), (75, 18, 7))[0]
    out = []
    for _ in range(n):
        out += exchange(rng, held, tools, name)
    return out


def beginning(rng):
    """System prompt, tools and given name of a group of plain talk, sums, calculator and clock."""
    tools = tool_list(rng)
    system, name = rng.choice(SYSTEMS), None
    if rng.random() < 0.08:
        name = rng.choice(smalltalk.NAMES)
        system = rng.choice(NAMED).format(name)
    return system, tools, name


def groups(seed, n_groups, held=False, per_group=None):
    """A deterministic stream of groups of plain talk, sums, calculator and clock."""
    rng = random.Random(f"{seed}-{held}")
    for _ in range(n_groups):
        system, tools, name = beginning(rng)
        n = per_group or (8 if not tools else 5)
        yield Group(system, tools, [conversation(rng, held, tools, name) for _ in range(n)], name)


def plain(rng, held=False):
    """(system, tools, maker) of the first skills: talk, facts, sums, calculator, clock."""
    system, tools, name = beginning(rng)
    return system, tools, lambda rng: conversation(rng, held, tools, name)


# kind: (maker of groups, share of the groups, fewest and most conversations of a group)
KINDS = {"plain": (plain, 30, 4, 10), "choice": (toolchoice.group, 24, 3, 7),
         "files": (filetools.group, 12, 3, 6), "daily": (dailytools.group, 9, 3, 6),
         "forms": (formats.group, 12, 3, 8), "talk": (dialogue.group, 7, 1, 3),
         "long": (longtext.group, 6, 1, 1)}
NAMES = list(KINDS)
SHARES = [KINDS[n][1] for n in NAMES]


def any_group(rng, space, held=False):
    """(system, tools, maker, number of conversations) of a random kind; space is in tokens."""
    name = rng.choices(NAMES, SHARES)[0]
    maker, _, low, high = KINDS[name]
    if name == "long":
        room = [n for n in (150, 300, 500, 800, 1200, 1800, 2600, 3400) if n * 1.5 < space]
        system, tools, make = maker(rng, held, rng.choice(room) if room else 100)
    else:
        system, tools, make = maker(rng, held)
    return system, tools, make, rng.randint(low, high)
