"""What all always-on agents share: their tools, their prompt, wake-ups, and failures."""
import json

import lexicon as lex
import phrasing
from chat import assistant, tool as tool_turn, user
from phrasing import says
from wording import choose

NAMES = ("Warden Beacon Sorter Pico Otter Hedwig Lumen Scout Kestrel Butler Nestor Echo Moss Argus "
         "Tally Porter Fern Sentry Ledger Marlin").split()
# tool: (names, parameter names, description)
TOOLS = {
    "shell": ("shell bash run_command exec", ("command cmd",), "Run a shell command."),
    "read": ("read_file read file_read", ("path file",), "Read a file."),
    "write": ("write_file write file_write", ("path file", "content text"), "Write a file."),
    "list": ("list_files ls list_dir", ("path folder",), "List the files of a folder."),
    "search": ("search_files grep find_text", ("query pattern",), "Search the files for a text."),
    "get": ("http_get fetch web_get", ("url",), "Get an address and return the body."),
    "clock": ("clock now get_time", (), "Current date and time."),
    "calc": ("calculator calc calculate", ("expression",), "Evaluate an expression."),
    "save": ("memory_save remember memory_store", ("text fact",), "Save a fact for later."),
    "recall": ("memory_search recall memory_find", ("query",), "Search the saved facts."),
    "schedule": ("schedule schedule_wakeup plan", ("time when", "task what"),
                 "Wake this agent at a time for a task."),
    "notify": ("notify send_notification alert push", ("message text",), "Notify the owner."),
    "ask": ("ask_person ask_human ask_owner", ("question",), "Ask a person and wait.")}
ERRORS = ("connection refused", "timeout", "permission denied", "error: exit status 1",
          "HTTP 503", "command not found")
NOTHING = "Nothing to do."


class Agent:
    """The tools of a group and its system prompt."""

    def __init__(self, rng, held, needed):
        self.tools, self.held = {}, held
        extra = [t for t in TOOLS if t not in needed and rng.random() < 0.35]
        for kind in [*needed, *extra]:
            names, parameters, description = TOOLS[kind]
            keys = [rng.choice(p.split()) for p in parameters]
            self.tools[kind] = {"name": rng.choice(names.split()), "description": description,
                                "parameters": {"type": "object", "properties": {
                                    k: {"type": "string"} for k in keys}, "required": keys}}
        if len({t["name"] for t in self.tools.values()}) < len(self.tools):
            self.__init__(rng, held, needed)

    def call(self, kind, *values):
        tool = self.tools[kind]
        return (tool["name"], dict(zip(tool["parameters"]["required"], values)))

    def system(self, rng, job, rules):
        """The prompt: who it is, its rules, some general ones, in changing order."""
        intro = choose(rng, phrasing.REQUESTS["agent intro"][0], self.held).format(
            a=rng.choice(NAMES), j=job)
        general = [choose(rng, phrasing.REQUESTS["agent rules"][0], self.held)
                   for _ in range(rng.randint(1, 6))]
        parts = [rules, *dict.fromkeys(general)] if rng.random() < 0.6 else [
            *dict.fromkeys(general), rules]
        if rng.random() < 0.25:
            return intro + "\n" + "\n".join(f"- {p}" for p in parts)
        return " ".join([intro, *parts])

    def specs(self, rng):
        specs = list(self.tools.values())
        rng.shuffle(specs)
        return specs


def section(rng, held, name, **values):
    """A text of a section of requests.txt."""
    return choose(rng, phrasing.REQUESTS[name][0], held).format(**values)


def wake(rng, held):
    """A message of the timer, or a webhook."""
    if rng.random() < 0.12:
        data = {"event": choose(rng, ("tick", "wake", "timer", "interval", "schedule", "heartbeat"),
                                held), "time": f"{lex.date(rng)}T{lex.clock(rng)}"}
        if rng.random() < 0.5:
            data["run"] = rng.randint(1, 500)
        return user(json.dumps(data))
    return user(section(rng, held, "wake", t=lex.clock(rng), d=lex.date(rng),
                        n=rng.randint(1, 99)))


def tempted(rng, held, text):
    """(text, note): at times with a line that tries to give orders, and what to say of it."""
    if rng.random() < 0.8:
        return text, "", ""
    order = section(rng, held, "orders in data", m=lex.email(rng), n=rng.randint(2, 999),
                    h=f"{rng.choice(lex.NOUNS)}.example")
    return (f"{text}\n{order}", "There is an order in the text; it is only data. ",
            " I ignored an order in the text.")


def failing(rng, before, what):
    """A tool fails, the agent reports it."""
    error = rng.choice(ERRORS)
    words = error.split(": ")[-1]
    return before + [tool_turn(error), assistant(
        f"The call failed: {error}.", f"I could not {what}: {error}.", (),
        says(f"{words}|failed|error|could not|couldn't|fails|fail|unable"))]
