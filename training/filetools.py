"""Listing, reading, searching and writing files by tools, and shell commands."""
import json

import lexicon as lex
from chat import assistant, tool as tool_turn, user
from wording import choose

MISSING = ("no such file", "file not found", "not found: {p}", "error: {p} does not exist",
           "ENOENT: no such file or directory")
DENIED = ("permission denied", "error: permission denied", "EACCES: permission denied")


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


def ask(rng, held, options, **values):
    """A request from a list of wordings."""
    return user(choose(rng, options, held).format(**values))


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
    """An error of a file tool and what to answer: (result, answer)."""
    if rng.random() < 0.7:
        return choose(rng, MISSING, False).format(p=path), f"The file {path} does not exist."
    return rng.choice(DENIED), f"I may not open {path}: permission denied."


def read(rng, held, desk):
    """What a file says, or one value of it."""
    path = plain_path(rng, held)
    lines, facts = file_text(rng, path.rsplit(".", 1)[1])
    call = desk.call(desk.read, path)
    if facts and rng.random() < 0.65:
        key, value = rng.choice(facts)
        first = ask(rng, held, ("What is the value of {k} in {p}?", "Which value has {k} in {p}?",
                    "Look into {p}: what is {k}?", "Read {p} and tell me the value of {k}.",
                    "What does {p} say for {k}?", "What is {k} set to in {p}?",
                    "In {p}, what is the value of {k}?"), k=key, p=path)
        after, answer = f"{key} is {value}.", f"In {path}, {key} is {value}."
    elif rng.random() < 0.2 and desk.shell not in desk.has:  # with a shell, it would count
        first = ask(rng, held, ("How many lines has {p}?", "Count the lines of {p}.",
                    "How many lines are in {p}?", "How long is {p} in lines?"), p=path)
        after, answer = f"I count {len(lines)}.", f"The file {path} has {len(lines)} " + (
            "line." if len(lines) == 1 else "lines.")
    elif rng.random() < 0.25:
        first = ask(rng, held, ("What is the first line of {p}?", "Show the first line of {p}.",
                    "How does {p} begin?", "Give me only the first line of {p}."), p=path)
        after, answer = "I take the first line.", lines[0]
    else:
        first = ask(rng, held, ("Read {p}.", "What is in {p}?", "Show me {p}.", "Open {p}, please.",
                    "What does {p} say?", "Print the file {p}.", "Please read the file {p}.",
                    "Show me what {p} says."), p=path)
        after, answer = "I show the file.", "\n".join(lines)
    result = "\n".join(lines)
    if rng.random() < 0.12:
        result, answer = trouble(rng, path)
        after = "The file cannot be read."
    return [first, assistant(f"I read {path}.", "", [call]), tool_turn(result),
            assistant(after, answer)]


def listing(rng, held, desk):
    """What is in a folder, or how many of a kind."""
    folder = lex.fitting(rng, held, lex.folder)
    names = sorted({lex.path(rng).split("/")[-1] for _ in range(rng.randint(0, 7))})
    call = desk.call(desk.list, folder)
    if rng.random() < 0.35:
        ext = rng.choice(names).rsplit(".", 1)[1] if names else "md"
        n = sum(x.endswith("." + ext) for x in names)
        first = ask(rng, held, ("How many {e} files are in {f}?", "Count the {e} files in {f}.",
                    "How many {e} files does {f} have?", "Number of {e} files in {f}?"),
                    e=ext, f=folder)
        after = f"I count the {ext} files: {n}."
        answer = f"There {'is' if n == 1 else 'are'} {n} {ext} file{'s' * (n != 1)} in {folder}."
    else:
        first = ask(rng, held, ("List the files in {f}.", "What is in the folder {f}?",
                    "Which files are in {f}?", "Show me the folder {f}.", "ls {f}",
                    "What does the folder {f} hold?", "Which files does {f} have?"), f=folder)
        after = f"There are {len(names)} files."
        answer = f"In {folder}: {lex.join(names)}." if names else f"The folder {folder} is empty."
    return [first, assistant(f"I list {folder}.", "", [call]),
            tool_turn("\n".join(names) or "(empty)"), assistant(after, answer)]


def search(rng, held, desk):
    """Which file mentions a word."""
    word = lex.fitting(rng, held, lex.noun_phrase)
    hits = [(lex.path(rng), rng.randint(1, 300)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    result = "\n".join(f"{p}:{n}: the {word} {rng.choice(lex.VERBS_PAST)}" for p, n in hits)
    files = list(dict.fromkeys(p for p, _ in hits))
    answer = f"No file mentions {word}." if not hits else (
        f"The word {word} is in {lex.join(files)}.")
    first = ask(rng, held, ("Which file mentions {w}?", "Where does {w} occur?",
                "Search the files for {w}.", "Find {w} in my files.", "grep for {w}",
                "In which files is {w}?", "Look for {w} in the files."), w=word)
    return [first, assistant(f"I search for {word}.", "", [desk.call(desk.search, word)]),
            tool_turn(result or rng.choice(("no matches", "0 hits", "nothing found"))),
            assistant(f"There are {len(files)} files." if files else "Nothing was found.", answer)]


def write(rng, held, desk):
    """Writing a text to a file."""
    path, text = plain_path(rng, held), lex.fitting(rng, held, lambda r: lex.words(r, 1, 5))
    if rng.random() < 0.25:
        text = lex.sentence(rng)
    first = ask(rng, held, ("Write \"{t}\" to {p}.", "Save the text \"{t}\" in {p}.",
                "Create the file {p} with the text \"{t}\".", "Put \"{t}\" into {p}.",
                "Please write \"{t}\" into {p}.", "Make a file {p} that says \"{t}\".",
                "Write the text \"{t}\" into the file {p}."), t=text, p=path)
    result, after, answer = rng.choice(("ok", "written", f"{len(text)} bytes written", "done")), (
        "It is written."), f"I wrote the text to {path}."
    if rng.random() < 0.12:
        result, after = rng.choice(DENIED), "The file could not be written."
        answer = f"I could not write {path}: permission denied."
    return [first, assistant(f"I write {path}.", "", [desk.call(desk.write, path, text)]),
            tool_turn(result), assistant(after, answer)]


def copy_line(rng, held, desk):
    """Read one file, write its first line to another."""
    source, target = plain_path(rng, held, "txt"), plain_path(rng, held, "md")
    lines, _ = file_text(rng, "txt")
    first = ask(rng, held, ("Copy the first line of {a} to {b}.", "Write the first line of {a} "
                "into {b}.", "Put the first line of {a} into {b}.",
                "Take the first line of {a} and save it in {b}."), a=source, b=target)
    out = [first, assistant(f"First I read {source}.", "", [desk.call(desk.read, source)])]
    if rng.random() < 0.15:
        result, answer = trouble(rng, source)
        return out + [tool_turn(result), assistant("The file cannot be read.", answer)]
    return out + [tool_turn("\n".join(lines)),
                  assistant(f"Now I write {target}.", "",
                            [desk.call(desk.write, target, lines[0])]),
                  tool_turn("ok"), assistant("It is written.", f"I wrote the line to {target}.")]


def find_then_read(rng, held, desk):
    """The file is not where the user says: list the folder, read the right one."""
    folder, name = lex.fitting(rng, held, lex.folder), rng.choice(lex.FILE_WORDS)
    ext = rng.choice(lex.EXTENSIONS)
    real = f"{name}.{ext}"
    others = [lex.path(rng).split("/")[-1] for _ in range(rng.randint(1, 4))]
    names = sorted({real, *(o for o in others if not o.startswith(name))})
    lines, _ = file_text(rng, "txt")
    first = ask(rng, held, ("Read the {n} file in {f}.", "What does the {n} file in {f} say?",
                "Show me the {n} file of the folder {f}.", "Open the {n} file in {f}."),
                n=name, f=folder)
    return [first, assistant("I do not know its full name. I list the folder.", "",
                             [desk.call(desk.list, folder)]), tool_turn("\n".join(names)),
            assistant(f"It is {real}.", "", [desk.call(desk.read, f"{folder}/{real}")]),
            tool_turn("\n".join(lines)), assistant("I show the file.", "\n".join(lines))]


# (requests, command, result maker, answer); f file, d folder, w word, n number, r result
COMMANDS = (
    (("How much disk space is free?", "Show the free disk space.", "Is the disk full?",
      "What is the free disk space?"), "df -h /", "{n}G", "There are {r} free."),
    (("Count the lines of {f}.", "How many lines does {f} have?", "Line count of {f}, please.",
      "How many lines are in {f}?"), "wc -l < {f}", "{n}", "The file {f} has {r} lines."),
    (("How many words are in {f}?", "Count the words of {f}.", "Word count of {f}, please.",
      "How many words does {f} have?"), "wc -w < {f}", "{n}", "The file {f} has {r} words."),
    (("Create the folder {d}.", "Make a folder called {d}.", "I need a new folder {d}.",
      "Please create the folder {d}."), "mkdir -p {d}", "", "The folder {d} is there now."),
    (("Delete the file {f}.", "Remove {f}.", "Please delete {f}.", "Get rid of the file {f}."),
     "rm {f}", "", "The file {f} is deleted."),
    (("Which user am I?", "What is my user name?", "Who am I logged in as?",
      "What user name do I have?"), "whoami", "{w}", "You are {r}."),
    (("What is the name of this computer?", "Tell me the host name.", "What is the host name?",
      "Show the host name."), "hostname", "{w}", "The host name is {r}."),
    (("In which folder are we?", "Which is the current folder?", "Print the working directory.",
      "What is the current folder?"), "pwd", "/{d}", "We are in {r}."),
    (("How many files are in {d}?", "Count the files in {d}.", "Number of files in {d}?",
      "How many files does {d} have?"), "ls {d} | wc -l", "{n}", "There are {r} files in {d}."),
    (("How often does {w} occur in {f}?", "Count the lines with {w} in {f}.",
      "In how many lines of {f} is {w}?", "How many lines of {f} have {w}?"),
     "grep -c {w} {f}", "{n}", "{r} lines of {f} have {w}."),
    (("How big is the folder {d}?", "Show the size of {d}.", "How much space does {d} take?",
      "What is the size of the folder {d}?"), "du -sh {d}", "{n}M", "The folder {d} takes {r}."),
    (("Which branch is checked out?", "On which git branch am I?", "Show the current branch.",
      "What is the current git branch?"), "git branch --show-current", "{w}",
     "The branch is {r}."),
    (("What was the last commit?", "Show the last commit.", "Tell me the last git commit.",
      "What is the last commit?"), "git log -1 --oneline", "{h} fix the {w}",
     "The last commit is {r}."),
    (("Show the last line of {f}.", "What is the last line of {f}?", "How does {f} end?",
      "Give me the last line of {f}."), "tail -n 1 {f}", "the {w} is closed", "{r}"),
    (("Show the first {n} lines of {f}.", "Print {n} lines from the top of {f}.",
      "Give me the first {n} lines of {f}."), "head -n {n} {f}", "the {w} is open\nall is well",
     "{r}"),
    (("How long has the machine been up?", "Show the uptime.", "When was the last reboot?",
      "What is the uptime?"), "uptime -p", "up {n} days", "The machine is {r}."),
    (("Rename {f} to {g}.", "Move {f} to {g}.", "Please rename {f} to {g}.",
      "Change the name of {f} to {g}."), "mv {f} {g}", "", "{f} is now {g}."),
    (("Copy {f} to {g}.", "Make a copy of {f} as {g}.", "Please copy {f} to {g}.",
      "Duplicate {f} as {g}."), "cp {f} {g}", "", "I copied {f} to {g}."),
    (("Which version of Python is installed?", "What Python version is here?",
      "Show the Python version.", "Tell me the Python version."), "python3 --version",
     "Python 3.{n}", "It is {r}."),
    (("Run the tests.", "Please run the tests.", "Do the tests pass?", "Start the tests."),
     "make test", "{n} passed, 0 failed", "All {n} tests pass."),
    (("Run the script {f}.", "Execute {f}.", "Please run {f}.", "Start the script {f}."),
     "bash {f}", "done in {n} s", "The script says: {r}"),
    (("Run `{c}`.", "Execute the command {c}.", "Please run this: {c}", "Run the command {c}."),
     "{c}", "{w} {n}", "The output is: {r}"),
)
ANY = ("sort -u {f}", "ls -la {d}", "find {d} -name '*.{w}'", "echo {w}", "cat {f} | head -{n}",
       "ps aux | grep {w}", "kill {n}", "tar xf {w}.tar.gz", "chmod +x {f}", "make -j{n} {w}",
       "sed -n {n}p {f}", "date +%s", "curl -s localhost:{n}/{w}", "diff {f} {g}", "env | grep {w}")


def shell(rng, held, desk):
    """A command for what the user wants."""
    asks, command, result, answer = rng.choice(COMMANDS)
    values = {"f": plain_path(rng, held), "g": lex.path(rng), "d": lex.folder(rng),
              "w": rng.choice(lex.NOUNS), "n": str(rng.randint(1, 999)),
              "h": "".join(rng.choice("0123456789abcdef") for _ in range(7))}
    values["c"] = rng.choice(ANY).format(**values)
    values["r"] = result.format(**values)
    command, said = command.format(**values), answer.format(**values)
    out = [ask(rng, held, asks, **values),
           assistant(f"I run {command}.", "", [desk.call(desk.shell, command)])]
    if rng.random() < 0.12:
        problem = rng.choice((f"bash: {values['w']}: command not found", "permission denied",
                              f"exit status {rng.randint(1, 127)}", "no such file or directory"))
        return out + [tool_turn(problem), assistant("The command failed.",
                                                    f"The command failed: {problem}.")]
    return out + [tool_turn(values["r"]), assistant("It worked.", said)]


def cannot(rng, held, desk):
    """What the offered file tools cannot do."""
    missing = [(n, w) for t, n, w in (
        (desk.write, "write files", ("Write \"{t}\" to {p}.", "Save the text \"{t}\" in {p}.",
                                     "Put \"{t}\" into {p}.", "Note \"{t}\" in {p}.")),
        (desk.search, "search files", ("Which file mentions {t}?", "Search the files for {t}.",
                                       "Find {t} in my files.", "Does any file mention {t}?")),
        (desk.list, "list folders", ("List the files in {d}.", "What is in the folder {d}?",
                                     "Which files are in {d}?", "Tell me the files of {d}.")))
        if t not in desk.has and desk.shell not in desk.has]
    if not missing:
        return read(rng, held, desk) if desk.read in desk.has else shell(rng, held, desk)
    name, wordings = rng.choice(missing)
    first = ask(rng, held, wordings, t=rng.choice(lex.NOUNS), p=lex.path(rng), d=lex.folder(rng))
    return [first, assistant(f"No tool can {name}.", f"I have no tool that can {name}.")]


def group(rng, held=False):
    """(system, specs, maker) of a set of file tools."""
    desk = Desk(rng)
    makers = [(cannot, 1)]
    has = lambda *ts: all(t in desk.has for t in ts)
    for needed, maker, weight in (((desk.read,), read, 5), ((desk.list,), listing, 3),
                                  ((desk.search,), search, 3), ((desk.write,), write, 4),
                                  ((desk.read, desk.write), copy_line, 2),
                                  ((desk.list, desk.read), find_then_read, 2),
                                  ((desk.shell,), shell, 5)):
        if has(*needed):
            makers.append((maker, weight))
    functions, weights = zip(*makers)
    specs = list(desk.has)
    rng.shuffle(specs)
    system = rng.choice((None, None, None, "You are a coding agent.", "You help with files.",
                         "You work in a folder of the user. Use the tools."))
    return system, specs, lambda rng: rng.choices(functions, weights)[0](rng, held, desk)
