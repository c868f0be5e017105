"""Listing, reading, searching and writing files by tools, and shell commands."""
import json

import codetools
import lexicon as lex
import phrasing
from chat import assistant, tool as tool_turn
from phrasing import number, says, wanted
from wording import choose

MISSING = ("no such file", "file not found", "not found: {p}", "error: {p} does not exist",
           "ENOENT: no such file or directory")
DENIED = ("permission denied", "error: permission denied", "EACCES: permission denied")

SYSTEMS = ("You are a coding agent.", "You help with files.",
           "You work in a folder of the user. Use the tools.",
           "You look after the user's files. Do what is asked, then say what you did.",
           "You are an assistant with access to a computer.", "Use the tools to answer.",
           "You are a terminal assistant. Keep answers short.",
           "You can read and change files. Never guess what a file says: read it.")


def spec(rng, names, description, properties, optional=()):
    """A tool with string parameters; properties {name: description}."""
    shown = {k: {"type": "string", **({"description": d} if rng.random() < 0.8 else {})}
             for k, d in properties.items()}
    return {"name": rng.choice(names.split()), "description": choose(rng, description, False),
            "parameters": {"type": "object", "properties": shown,
                           "required": [k for k in properties if k not in optional]}}


class Desk:
    """The file tools of one group, with the names that they have there."""

    def __init__(self, rng):
        self.path, self.dir = rng.choice("path file filename file_path".split()), rng.choice(
            "path dir directory folder".split())
        self.text = rng.choice("content text data contents".split())
        self.find = rng.choice("query pattern text regex".split())
        self.read = spec(rng, "read_file read cat open_file view_file get_file fs_read", (
            "Read a file.", "Return the text of a file.", "Show what a file holds."),
            {self.path: "Path of the file."})
        self.list = spec(rng, "list_files ls list_dir list_directory dir_list fs_list", (
            "List the files of a folder.", "Show what is in a folder."),
            {self.dir: "Path of the folder."})
        self.search = spec(rng, "search_files grep find_text search_text fs_search", (
            "Search all files for a text.", "Find lines that hold a text."),
            {self.find: "What to look for."})
        self.write = spec(rng, "write_file write save_file create_file put_file fs_write", (
            "Write a text to a file.", "Create or replace a file."),
            {self.path: "Path of the file.", self.text: "What to write."})
        self.shell = spec(rng, "shell run_command bash execute exec terminal run_shell sh", (
            "Run a shell command.", "Run a command in a terminal and return its output."),
            {rng.choice("command cmd".split()): "The command line."})
        self.has = [t for t in (self.read, self.list, self.search, self.write)
                    if rng.random() < 0.75] or [self.read]
        if rng.random() < 0.5:
            self.has.append(self.shell)
        if len({t["name"] for t in self.has}) < len(self.has):
            self.__init__(rng)

    def call(self, which, *values):
        """A call of one of the tools with its values in order."""
        return (which["name"], dict(zip(which["parameters"]["properties"], values)))


def file_text(rng, ext):
    """Lines of a file, and facts about it: (lines, [(question, value)])."""
    if ext in ("toml", "ini", "cfg", "yaml", "sh"):
        keys = rng.sample(["port", "host", "timeout", "threads", "user", "level", "path", "colour",
                           "retries", "limit", "language", "region", "name", "size"],
                          rng.randint(2, 6))
        values = [str(rng.randint(1, 9999)) if rng.random() < 0.5 else rng.choice(lex.NOUNS)
                  for _ in keys]
        sign = ": " if ext == "yaml" else rng.choice(("=", " = "))
        return [f"{k}{sign}{v}" for k, v in zip(keys, values)], list(zip(keys, values))
    if ext == "csv":
        rows = [(rng.choice(lex.FIRST_NAMES), str(rng.randint(1, 999)))
                for _ in range(rng.randint(2, 6))]
        rows = list(dict(rows).items())
        head = rng.choice(("name,amount", "name,points", "person,age", "who,total"))
        return [head] + [",".join(r) for r in rows], rows
    if ext == "json":
        keys = rng.sample(lex.NOUNS, rng.randint(2, 5))
        data = {k: rng.choice((rng.randint(1, 999), rng.choice(lex.COLOURS))) for k in keys}
        return [json.dumps(data)], [(k, str(v)) for k, v in data.items()]
    return [lex.sentence(rng) for _ in range(rng.randint(1, 5))], []


def plain_path(rng, held, ext=None):
    return lex.fitting(rng, held, lambda r: lex.path(r, ext))


def trouble(rng, path):
    """An error of a file tool and what to answer: (result, answer, check)."""
    if rng.random() < 0.7:
        return (choose(rng, MISSING, False).format(p=path), f"The file {path} does not exist.",
                says(phrasing.ABSENT))
    return (rng.choice(DENIED), f"I may not open {path}: permission denied.",
            says(phrasing.DENIED))


def shown(rng, lines):
    """A file as tools return it: plain, with line numbers, or as JSON."""
    roll = rng.random()
    if roll < 0.72:
        return "\n".join(lines)
    if roll < 0.92:
        form = rng.choice(("{:6}\t{}", "{}: {}", "{:4} | {}", "{:5}→{}"))
        return "\n".join(form.format(i, line) for i, line in enumerate(lines, 1))
    return json.dumps({rng.choice(("content", "text")): "\n".join(lines)})


def shown_names(rng, names):
    """A folder as tools return it: names, ls -l, or JSON."""
    roll = rng.random()
    if roll < 0.6 or not names:
        return "\n".join(names) or rng.choice(("(empty)", "[]", "total 0", "no files"))
    if roll < 0.8:
        rows = [f"-rw-r--r-- 1 {rng.choice(('root', 'ada', 'user', 'max'))} users "
                f"{rng.randint(10, 90000):5} {rng.choice(lex.MONTHS)[:3]} {rng.randint(1, 28):2} "
                f"{lex.clock(rng)} {name}" for name in names]
        return "\n".join([f"total {rng.randint(4, 900)}"] + rows)
    return json.dumps(names if roll < 0.92 else [{"name": n, "size": rng.randint(10, 9999)}
                                                 for n in names])


def read(rng, held, desk):
    """What a file says, or one value of it."""
    path = plain_path(rng, held)
    lines, facts = file_text(rng, path.rsplit(".", 1)[1])
    call, check = desk.call(desk.read, path), None
    if facts and rng.random() < 0.65:
        key, value = rng.choice(facts)
        first = wanted(rng, held, "value", k=key, p=path)
        after, answer, check = f"{key} is {value}.", f"In {path}, {key} is {value}.", says(value)
    elif rng.random() < 0.2 and desk.shell not in desk.has:  # with a shell, it would count
        first = wanted(rng, held, "lines", p=path)
        after, answer = f"I count {len(lines)}.", f"The file {path} has {len(lines)} " + (
            "line." if len(lines) == 1 else "lines.")
        check = says(number(len(lines)))
    elif rng.random() < 0.25:
        first = wanted(rng, held, "first line", p=path)
        after, answer, check = "I take the first line.", lines[0], says(lines[0])
    else:
        first = wanted(rng, held, "read", p=path)
        after, answer, check = "I show the file.", "\n".join(lines), says(*lines)
    result = shown(rng, lines)
    if rng.random() < 0.12:
        result, answer, check = trouble(rng, path)
        after = "The file cannot be read."
    return [first, assistant(f"I read {path}.", "", [call]), tool_turn(result),
            assistant(after, answer, (), check)]


def listing(rng, held, desk):
    """What is in a folder, or how many of a kind."""
    folder = lex.fitting(rng, held, lex.folder)
    names = sorted({lex.path(rng).split("/")[-1] for _ in range(rng.randint(0, 7))})
    call = desk.call(desk.list, folder)
    if rng.random() < 0.35:
        ext = rng.choice(names).rsplit(".", 1)[1] if names else "md"
        found = [x for x in names if x.endswith("." + ext)]
        n = len(found)
        first = wanted(rng, held, "count kind", e=ext, f=folder)
        after = f"The {ext} files are {lex.join(found)}: {n}." if found else f"No {ext} file."
        answer = f"There {'is' if n == 1 else 'are'} {n} {ext} file{'s' * (n != 1)} in {folder}."
        check = says(number(n))
    else:
        first = wanted(rng, held, "list", f=folder)
        after = f"There are {len(names)} files."
        answer = f"In {folder}: {lex.join(names)}." if names else f"The folder {folder} is empty."
        check = says(*names) if names else says("empty|no|nothing|none|not")
    return [first, assistant(f"I list {folder}.", "", [call]),
            tool_turn(shown_names(rng, names)), assistant(after, answer, (), check)]


def search(rng, held, desk):
    """Which file mentions a word."""
    word = lex.fitting(rng, held, lex.noun_phrase)
    hits = [(lex.path(rng), rng.randint(1, 300)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    rows = [f"{p}:{n}: the {word} {rng.choice(lex.VERBS_PAST)}" for p, n in hits]
    files = list(dict.fromkeys(p for p, _ in hits))
    result = "\n".join(rows)
    if hits and rng.random() < 0.2:
        result = "\n".join(files)
    elif hits and rng.random() < 0.2:
        result = json.dumps([{"file": p, "line": n} for p, n in hits])
    answer = f"No file mentions {word}." if not hits else (
        f"The word {word} is in {lex.join(files)}.")
    first = wanted(rng, held, "search", w=word)
    return [first, assistant(f"I search for {word}.", "", [desk.call(desk.search, word)]),
            tool_turn(result or rng.choice(("no matches", "0 hits", "nothing found", "[]"))),
            assistant(f"It is in {lex.join(files)}." if files else "Nothing was found.", answer,
                      (), says(*files) if files else says(phrasing.NOTHING))]


def some_text(rng, held):
    """A short text to write into a file."""
    if rng.random() < 0.25:
        return lex.fitting(rng, held, lex.sentence)
    return lex.fitting(rng, held, lambda r: lex.words(r, 1, 5))


def write(rng, held, desk):
    """Writing a text to a file, sometimes with a look at what came of it."""
    path, text = plain_path(rng, held), some_text(rng, held)
    twice = desk.read in desk.has and rng.random() < 0.25
    first = wanted(rng, held, "check written" if twice else "write", t=text, p=path)
    call = desk.call(desk.write, path, text)
    if rng.random() < 0.12:
        return [first, assistant(f"I write {path}.", "", [call]), tool_turn(rng.choice(DENIED)),
                assistant("The file could not be written.",
                          f"I could not write {path}: permission denied.", (),
                          says(phrasing.DENIED))]
    result = rng.choice(("ok", "written", f"{len(text)} bytes written", "done",
                         f"File created successfully at: {path}", json.dumps({"ok": True})))
    out = [first, assistant(f"I write \"{text}\" to {path}.", "", [call]), tool_turn(result)]
    if twice:
        return out + [assistant(f"I read {path} back.", "", [desk.call(desk.read, path)]),
                      tool_turn(shown(rng, [text])),
                      assistant("The file has the text.", f"{path} says: {text}", (),
                                says(text, "says|contains|holds|has|verified|confirmed|reads"
                                     "|matches|shows|there"))]
    return out + [assistant("It is written.", f"I wrote the text to {path}.", (),
                            says(phrasing.DONE))]


def copy_line(rng, held, desk):
    """Read one file, write its first line to another."""
    source, target = plain_path(rng, held, "txt"), plain_path(rng, held, "md")
    lines, _ = file_text(rng, "txt")
    first = wanted(rng, held, "copy line", a=source, b=target)
    return moved(rng, desk, first, source, target, lines, lines[0], "line")


def move_value(rng, held, desk):
    """Read a value from one file, write it to another."""
    source, target = plain_path(rng, held, rng.choice(("ini", "yaml", "json", "toml"))), (
        plain_path(rng, held, "txt"))
    lines, facts = file_text(rng, source.rsplit(".", 1)[1])
    key, value = rng.choice(facts)
    first = wanted(rng, held, "move value", a=source, b=target, k=key)
    return moved(rng, desk, first, source, target, lines, value, f"{key} {value}")


def moved(rng, desk, first, source, target, lines, text, what):
    """A read of source and a write of text to target."""
    out = [first, assistant(f"First I read {source}.", "", [desk.call(desk.read, source)])]
    if rng.random() < 0.15:
        result, answer, check = trouble(rng, source)
        return out + [tool_turn(result), assistant("The file cannot be read.", answer, (), check)]
    return out + [tool_turn(shown(rng, lines)),
                  assistant(f"The text is \"{text}\". Now I write {target}.", "",
                            [desk.call(desk.write, target, text)]),
                  tool_turn("ok"), assistant("It is written.", f"I wrote the {what} to {target}.",
                                             (), says(phrasing.DONE))]


def find_then_read(rng, held, desk):
    """The file is not where the user says: list the folder, read the right one."""
    folder, name = lex.fitting(rng, held, lex.folder), rng.choice(lex.FILE_WORDS)
    ext = rng.choice(lex.EXTENSIONS)
    real = f"{name}.{ext}"
    others = [lex.path(rng).split("/")[-1] for _ in range(rng.randint(1, 4))]
    names = sorted({real, *(o for o in others if not o.startswith(name))})
    lines, _ = file_text(rng, "txt")
    first = wanted(rng, held, "find then read", n=name, f=folder)
    return [first, assistant("I do not know its full name. I list the folder.", "",
                             [desk.call(desk.list, folder)]), tool_turn(shown_names(rng, names)),
            assistant(f"It is {real}.", "", [desk.call(desk.read, f"{folder}/{real}")]),
            tool_turn(shown(rng, lines)),
            assistant("I show the file.", "\n".join(lines), (), says(*lines))]


# (section of requests.txt, command, result, answer, words of a right answer);
# f file, g file, d folder, w word, n number, m small number, h commit, r result
COMMANDS = (
    ("df", "df -h /", "{n}G", "There are {r} free.", "{n}|{r}"),
    ("wc -l", "wc -l < {f}", "{n}", "The file {f} has {r} lines.", "{n}"),
    ("wc -w", "wc -w < {f}", "{n}", "The file {f} has {r} words.", "{n}"),
    ("mkdir", "mkdir -p {d}", "", "The folder {d} is there now.",
     "is there|created|made|exists|done"),
    ("rm", "rm {f}", "", "The file {f} is deleted.",
     "is deleted|been deleted|I deleted|deleted the|removed|is gone|done"),
    ("whoami", "whoami", "{w}", "You are {r}.", "{w}"),
    ("hostname", "hostname", "{w}", "The host name is {r}.", "{w}"),
    ("pwd", "pwd", "/{d}", "We are in {r}.", "{d}"),
    ("ls wc", "ls {d} | wc -l", "{n}", "There are {r} files in {d}.", "{n}"),
    ("grep -c", "grep -c {w} {f}", "{n}", "{r} lines of {f} have {w}.", "{n}"),
    ("du", "du -sh {d}", "{n}M", "The folder {d} takes {r}.", "{n}|{r}"),
    ("branch", "git branch --show-current", "{w}", "The branch is {r}.", "{w}"),
    ("log", "git log -1 --oneline", "{h} fix the {w}", "The last commit is {r}.",
     "{h}|fix the {w}"),
    ("tail", "tail -n 1 {f}", "the {w} is closed", "{r}", "the {w} is closed"),
    ("head", "head -n {n} {f}", "the {w} is open\nall is well", "{r}", "the {w} is open"),
    ("uptime", "uptime -p", "up {n} days", "The machine is {r}.", "{n}"),
    ("mv", "mv {f} {g}", "", "{f} is now {g}.", "is now|renamed|moved|done"),
    ("cp", "cp {f} {g}", "", "I copied {f} to {g}.", "copied|a copy|done|duplicated|backed"),
    ("python", "python3 --version", "Python 3.{n}", "It is {r}.", "3.{n}"),
    ("test", "make test", "{n} passed, 0 failed", "All {n} tests pass.",
     "passed|all|succeeded|no failures|0 failed"),
    ("test", "make test", "{n} passed, {m} failed", "{m} tests fail.", "{m}"),
    ("script", "bash {f}", "done in {n} s", "The script says: {r}", "{n}"),
    ("any", "{c}", "{w} {n}", "The output is: {r}", "{w} {n}"),
)
ANY = ("sort -u {f}", "ls -la {d}", "find {d} -name '*.{w}'", "echo {w}", "cat {f} | head -{n}",
       "ps aux | grep {w}", "kill {n}", "tar xf {w}.tar.gz", "chmod +x {f}", "make -j{n} {w}",
       "sed -n {n}p {f}", "date +%s", "curl -s localhost:{n}/{w}", "diff {f} {g}", "env | grep {w}")


def shell(rng, held, desk):
    """A command for what the user wants."""
    section, command, result, answer, words = rng.choice(COMMANDS)
    values = {"f": plain_path(rng, held), "g": lex.path(rng), "d": lex.folder(rng),
              "w": rng.choice(lex.NOUNS), "n": str(rng.randint(1, 999)), "m": rng.randint(2, 40),
              "h": "".join(rng.choice("0123456789abcdef") for _ in range(7))}
    values["c"] = rng.choice(ANY).format(**values)
    values["r"] = result.format(**values)
    command, said = command.format(**values), answer.format(**values)
    out = [wanted(rng, held, "sh " + section, **values),
           assistant(f"I run {command}.", "", [desk.call(desk.shell, command)])]
    if rng.random() < 0.12:
        problem = rng.choice((f"bash: {values['w']}: command not found", "permission denied",
                              f"exit status {rng.randint(1, 127)}", "no such file or directory"))
        return out + [tool_turn(problem), assistant(
            "The command failed.", f"The command failed: {problem}.", (),
            says("failed|error|not found|denied|no such|could not|couldn't|did not|didn't|exit"))]
    return out + [tool_turn(values["r"]), assistant(
        f"It says {values['r']}." if result else "It worked.", said, (),
        says(words.format(**values)))]


def cannot(rng, held, desk):
    """What the offered file tools cannot do."""
    missing = [(n, section) for t, n, section in (
        (desk.write, "write files", "no write"), (desk.search, "search files", "no search"),
        (desk.list, "list folders", "no list"))
        if t not in desk.has and desk.shell not in desk.has]
    if not missing:
        instead = read if desk.read in desk.has else shell if desk.shell in desk.has else listing
        return instead(rng, held, desk)
    name, section = rng.choice(missing)
    first = wanted(rng, held, section, t=rng.choice(lex.NOUNS), p=lex.path(rng),
                   d=lex.folder(rng))
    return [first, assistant(f"No tool can {name}.", f"I have no tool that can {name}.", (),
                             says(phrasing.CANNOT))]


def group(rng, held=False):
    """(system, specs, maker) of a set of file tools."""
    if rng.random() < 0.5:
        return codetools.group(rng, held)
    desk = Desk(rng)
    makers = [(cannot, 1)]
    has = lambda *ts: all(t in desk.has for t in ts)
    for needed, maker, weight in (((desk.read,), read, 5), ((desk.list,), listing, 3),
                                  ((desk.search,), search, 3), ((desk.write,), write, 4),
                                  ((desk.read, desk.write), copy_line, 2),
                                  ((desk.read, desk.write), move_value, 2),
                                  ((desk.list, desk.read), find_then_read, 2),
                                  ((desk.shell,), shell, 5)):
        if has(*needed):
            makers.append((maker, weight))
    functions, weights = zip(*makers)
    specs = list(desk.has)
    rng.shuffle(specs)
    system = None if rng.random() < 0.5 else rng.choice(SYSTEMS)
    return system, specs, lambda rng: rng.choices(functions, weights)[0](rng, held, desk)
