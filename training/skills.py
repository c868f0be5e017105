"""Groups of conversations that share a system prompt and a list of tools."""
import dataclasses
import random

import agenttools
import arithmetic
import dailytools
import dialogue
import facts
import filetools
import formats
import longtext
import moretools
import realtools
import smalltalk
import toolchoice
import toolskills as ts

SYSTEMS = (None,) * 45 + (
    "You are a helpful assistant.", "Be brief.", "Answer in one sentence.",
    "You are a friendly assistant.", "Be terse.",
    "You are a careful assistant that answers questions.", "You are a helpful AI assistant.",
    "You are an assistant.", "Keep your answers short.", "Be polite.", "Answer the user.",
    "You are a concise assistant.", "Be helpful and honest.", "Help the user.",
    "You answer questions.", "Answer in English.", "Answer as shortly as you can.",
    "You are an assistant on a home computer.", "You run on the user's own machine.",
    "You are a local assistant. Nothing leaves this machine.", "Say so when you do not know.",
    "Use tools when they help.", "Use a tool only when it is needed.",
    "Never guess. Use a tool or say that you do not know.", "Do not invent facts.",
    "You are a calm and patient assistant.", "Talk like a good colleague.",
    "You assist a family with everyday questions.", "You help pupils with small questions.",
    "You are an assistant for a small office.", "The user is in a hurry.",
    "The user is a child. Use simple words.", "The user is an engineer.",
    "You are a chat assistant. Keep to plain text.", "Do not use Markdown.",
    "Give the answer first.", "Answer only what is asked.",
    "You are a helpful assistant. Answer briefly and exactly.",
    "You are a helpful assistant with access to tools.",
    "You are a helpful assistant. If a tool can answer the question, call it. If not, say so.",
    "You are an assistant in a chat window. Short answers are best. Be friendly.",
    "Answer questions truthfully. If you are unsure, say that you do not know.",
    "You are the assistant of a workshop. People ask you for numbers and times.",
    "You work at the reception desk. Guests ask small questions.",
    "Assist the user with whatever they ask. Think first, then answer in one or two sentences.",
    "You are a voice assistant. Your answers are read aloud, so keep them short.")
NAMED = (
    "You are {}, a helpful assistant.", "Your name is {}.", "You are called {}. Be kind.",
    "You are an assistant with the name {}.", "You are {}.", "Your name is {}. Help the user.",
    "You are {}, an assistant that runs on a home computer.", "People call you {}.",
    "You go by the name of {}. Answer briefly.", "You are {}. Keep your answers short.",
    "You are the assistant {}.", "{} is your name. You answer questions.",
    "You are {}, a friendly voice in the kitchen.", "Act as {}, a helpful assistant.",
    "From now on you are {}.", "You are {}, the assistant of a small office.",
    "This is a chat with {}, a helpful assistant. You are {}.", "Name: {}. Role: assistant.",
    "You are a helpful assistant. Your name is {}.", "You are a helpful assistant called {}.",
    "You are {}, an AI assistant. Be honest when you do not know something.",
    "Your users know you as {}. Be polite.", "Be {}, an assistant who answers in one sentence.",
    "The assistant is named {}. It answers questions.", "In this chat your name is {}.")


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
        system = rng.choice(NAMED).replace("{}", name)
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
KINDS = {"plain": (plain, 22, 4, 10), "choice": (toolchoice.group, 18, 3, 7),
         "real": (realtools.group, 14, 3, 7), "files": (filetools.group, 10, 3, 6),
         "daily": (dailytools.group, 6, 3, 6), "agent": (agenttools.group, 6, 1, 3),
         "forms": (formats.group, 12, 3, 8), "talk": (dialogue.group, 6, 1, 3),
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
