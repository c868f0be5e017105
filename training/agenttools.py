"""Always-on agents: a purpose in the system prompt, a wake-up, one to four calls, a report."""
import json

import lexicon as lex
import phrasing
from agentbase import NOTHING, Agent, failing, section, tempted, wake
from chat import assistant, tool as tool_turn, user
from phrasing import capital, number, says
from wording import choose

# (job, how the value is got, command or path of the address, what the value is called, unit,
#  lowest and highest value, comparison, action); the action None is a notification
WATCHES = (
    ("watches the disk", "shell", "df --output=pcent / | tail -n 1", "the disk use", "%", 20, 99,
     "above", None),
    ("waters the plants", "shell", "soil --read {w}", "the soil moisture", "%", 5, 90, "below",
     "pump --seconds {s}"),
    ("guards the freezer", "get", "freezer", "the freezer temperature", " degrees", -25, 5,
     "above", None),
    ("watches prices", "get", "price/{w}", "the price", " euros", 20, 900, "below", None),
    ("keeps an eye on the mail queue", "shell", "mailq | wc -l", "the length of the queue", "", 0,
     400, "above", None),
    ("airs the cellar", "shell", "sensor humidity", "the humidity", "%", 30, 95, "above",
     "fan on {s}"),
    ("looks after the battery of a boat", "get", "battery", "the charge", "%", 5, 100, "below",
     None),
    ("watches the temperature of a server", "shell", "sensors | grep temp1",
     "the temperature", " degrees", 30, 98, "above", None),
    ("warns before a certificate ends", "shell", "cert-days {w}.example",
     "the number of days left", "", 1, 90, "below", None),
    ("counts failed logins", "shell", "grep -c Failed /var/log/auth.log",
     "the number of failed logins", "", 0, 300, "above", None),
    ("measures how slow a site is", "get", "latency", "the latency", " ms", 10, 3000, "above",
     None),
    ("fills the rain barrel", "get", "barrel/level", "the level", " cm", 0, 120, "below",
     "valve open {s}"),
    ("heats the greenhouse", "get", "greenhouse", "the temperature", " degrees", -5, 40, "below",
     "heater on {s}"),
    ("watches the air in a classroom", "get", "co2", "the carbon dioxide", " ppm", 400, 2500,
     "above", None),
    ("restarts a worker that eats memory", "shell", "ps -o rss= -C worker", "the memory", " MB",
     50, 4000, "above", "systemctl restart worker"),
    ("watches the number of open tickets", "get", "tickets/open", "the number of tickets", "", 0,
     90, "above", None),
    ("watches the river", "get", "river/{w}", "the water level", " cm", 40, 700, "above", None),
    ("feeds the fish", "shell", "feeder --hours-since", "the time since the last meal", " hours",
     1, 30, "above", "feeder --portions {p}"))
PAPERS = {
    "invoice": ("Invoice no. {n}. Please pay {m} euros by {d}.", "Rechnung / invoice {n}: {m} "
                "euros for {x}.", "We bill you {m} euros for the {x}. Invoice date {d}.",
                "INVOICE\nitem: {x}\ntotal: {m}.00"),
    "recipe": ("Recipe: boil the {x} for {n} minutes, then add salt.", "A recipe from {a}. Take "
               "{n} grams of flour and knead well.", "{a}'s recipe for soup, serves {n}."),
    "contract": ("This contract is made between {a} and {b} on {d}.", "Contract of rent. The "
                 "tenant is {a}.", "CONTRACT {n}\nParties: {a}, {b}\nSigned: {d}"),
    "letter": ("Dear {a},\nthank you for your letter. We are well.\nYours, {b}", "A letter from "
               "{b} to {a}, {d}: the {x} has come.", "Letter\nDear {a}, how are you? {b}"),
    "report": ("Report of {d}: {n} visitors, one {x} broken.", "Monthly report by {a}. Sales rose "
               "to {m}.", "REPORT {n}\nauthor: {b}\nsubject: the {x}"),
    "ticket": ("Train ticket, {a}, seat {n}, {d}.", "Ticket {n} for the concert on {d}.",
               "E-ticket\npassenger: {b}\nseat: {n}")}
PLACES = {"invoice": "invoices bills accounting", "recipe": "recipes kitchen cooking",
          "contract": "contracts legal signed", "letter": "letters mail post",
          "report": "reports statistics archive", "ticket": "tickets travel trips"}
EVENTS = ("created", "added", "new file", "close_write", "upload", "modified", "moved_to",
          "file.created", "arrived")
SENT = "notified|notification|sent|alert|alerted|reported|informed|told"
UNCLEAR = ("blue blue blue", "{x} {n}", "the {x} and the {x}", "{n} {n} {n}", "see {x}")
def watch(rng, held):
    """A value is got and compared with a limit; past it there is an action or a notification."""
    job, how, source, label, unit, low, high, side, action = rng.choice(WATCHES)
    agent = Agent(rng, held, (how, "shell" if action else "notify"))
    fill = {"w": rng.choice(lex.NOUNS), "s": rng.randint(5, 90), "p": rng.randint(1, 4)}
    source = source.format(**fill)
    source = source if how == "shell" else f"http://{rng.choice(lex.NOUNS)}.local/{source}"
    limit = rng.randint(low + (high - low) // 5, high - (high - low) // 5)
    get = f"run `{source}`" if how == "shell" else f"get {source}"
    command = (action or "").format(**fill)
    act = f"run `{command}`" if action else f"notify \"{capital(label)} is <value>{unit}\""
    rules = section(rng, held, "threshold rule", g=get, g_big=capital(get), l=label, c=side,
                    c_big=capital(side), x=f"{limit}{unit}", y=act, y_big=capital(act))
    system = agent.system(rng, job, rules)

    def make(rng):
        value = rng.randint(low, high)
        out = [wake(rng, held), assistant(f"I get {label}.", "", [agent.call(how, source)])]
        if rng.random() < 0.08:
            return failing(rng, out, f"get {label}")
        shown = rng.choice((f"{value}{unit}", str(value), json.dumps({"value": value})))
        if how == "get" and rng.random() < 0.3:
            shown = json.dumps({"ok": True, label.split()[-1]: value, "unit": unit.strip()})
        shown, note, ignored = tempted(rng, held, shown)
        past = value > limit if side == "above" else value < limit
        compared = f"{note}{capital(label)} is {value}, the limit is {limit}: "
        if not past:
            return out + [tool_turn(shown), assistant(
                f"{compared}not {side}.", f"{NOTHING} {capital(label)} is {value}{unit}.{ignored}",
                (), says(f"{value}|nothing|no"))]
        call = agent.call("shell", command) if action else agent.call(
            "notify", f"{capital(label)} is {value}{unit}")
        done = f"I ran {command}." if action else "I sent a notification."
        return out + [tool_turn(shown), assistant(f"{compared}{side}. I act.", "", [call]),
                      tool_turn(rng.choice(("ok", "done", "sent" if not action else "running"))),
                      assistant("It is done.", f"{capital(label)} is {value}{unit}. {done}"
                                f"{ignored}", (), says(value))]
    return system, agent.specs(rng), make


def filer(rng, held):
    """New documents are read and moved by their kind; a person is asked about unclear ones."""
    agent = Agent(rng, held, ("read", "shell", "ask"))
    inbox = rng.choice(("inbox", "incoming", "scans", "drop", "new", "upload"))
    kinds = rng.sample(list(PAPERS), rng.randint(3, 6))
    where = {k: rng.choice(PLACES[k].split()) for k in kinds}
    rules = choose(rng, (
        "When a file arrives, read it and move it with mv into the folder of its kind: {m}. If "
        "the kind is unclear, ask: Where should <path> go?",
        "Every new file is to be read first. Kinds and folders: {m}. Move it with the command mv. "
        "Ask \"Where should <path> go?\" when no kind fits.",
        "Files by kind ({m}): read, then mv <path> <folder>/<name>. Unknown ones need the question "
        "\"Where should <path> go?\"",
        "Read what is new. Then run mv to put it where it belongs: {m}. In doubt ask a person: "
        "Where should <path> go?",
        "A new file belongs into a folder: {m}. Read it to know what it is, use mv to move it. "
        "Does nothing fit? Ask \"Where should <path> go?\"",
        "Sort {b} into folders with mv, after reading each file: {m}. A file of no such kind is "
        "left; ask \"Where should <path> go?\""), held).format(
            m=", ".join(f"{k} -> {f}" for k, f in where.items()), b=inbox)
    system = agent.system(rng, rng.choice(("files documents", "keeps the papers in order",
                                           "sorts an inbox", "puts scans where they belong")),
                          rules)

    def make(rng):
        name = lex.fitting(rng, held, lambda r: lex.path(r, "txt").split("/")[-1])
        path = f"{inbox}/{name}"
        kind = rng.choice(kinds)
        clear = rng.random() < 0.85
        body = rng.choice(PAPERS[kind] if clear else UNCLEAR).format(
            n=rng.randint(2, 99), m=rng.randint(10, 999), d=lex.date(rng), x=rng.choice(lex.NOUNS),
            a=rng.choice(lex.FIRST_NAMES), b=rng.choice(lex.FIRST_NAMES))
        event = user(json.dumps({"event": choose(rng, EVENTS, held), "path": path})
                     if rng.random() < 0.12 else
                     section(rng, held, "file event", p=path, t=lex.clock(rng)))
        out = [event, assistant(f"I read {path}.", "", [agent.call("read", path)])]
        if rng.random() < 0.07:
            return failing(rng, out, f"read {path}")
        body, note, ignored = tempted(rng, held, body)
        if not clear:
            question = f"Where should {path} go?"
            folder = rng.choice(list(where.values()))
            move = f"mv {path} {folder}/{name}"
            return out + [tool_turn(body), assistant(f"{note}The kind is unclear. I ask.", "",
                                                     [agent.call("ask", question)]),
                          tool_turn(folder), assistant(f"It goes to {folder}.", "",
                                                       [agent.call("shell", move)]),
                          tool_turn(""), assistant("It is moved.", f"I moved {path} to {folder}."
                                                   f"{ignored}", (), says(folder))]
        folder = where[kind]
        return out + [tool_turn(body),
                      assistant(f"{note}It is a {kind}: {folder}.", "",
                                [agent.call("shell", f"mv {path} {folder}/{name}")]),
                      tool_turn(""), assistant("It is moved.", f"{path} is a {kind}; I moved it "
                                               f"to {folder}.{ignored}", (), says(folder))]
    return system, agent.specs(rng), make


def sentinel(rng, held):
    """The end of a log is read; only bad lines are reported."""
    agent = Agent(rng, held, ("shell", "notify"))
    log = f"/var/log/{rng.choice(lex.NOUNS)}.log"
    bad = rng.choice(("ERROR", "FATAL", "CRITICAL", "panic", "FAILED"))
    command = f"tail -n {rng.choice((5, 10, 20, 50))} {log}"
    rules = choose(rng, (
        "On every wake-up run `{c}`. If a line has {b}, notify with that line. Else nothing.",
        "Run `{c}`. Lines with {b} are sent as notifications, word for word; others are fine.",
        "Your check is `{c}`. Notify the first line that says {b}. Without such a line, be quiet.",
        "Look at the log by `{c}`. Only a line with {b} matters: notify exactly this line.",
        "Wake, run `{c}`, read. {b} in a line? Notify the line. No {b}? End.",
        "You read the log with `{c}`; whenever {b} occurs you notify the whole line."),
        held).format(c=command, b=bad)
    system = agent.system(rng, rng.choice(("guards a log", "reads logs", "is the sentinel of a "
                                           "service", "watches a program through its log")), rules)

    def line(rng, level):
        return f"{lex.clock(rng)} {level} {lex.noun_phrase(rng)} {rng.choice(lex.VERBS_PAST)}"

    def make(rng):
        lines = [line(rng, rng.choice(("INFO", "DEBUG", "WARN"))) for _ in range(rng.randint(2, 5))]
        hit = line(rng, bad) if rng.random() < 0.5 else None
        if hit:
            lines.insert(rng.randrange(len(lines)), hit)
        out = [wake(rng, held), assistant("I look at the log.", "",
                                          [agent.call("shell", command)])]
        if rng.random() < 0.08:
            return failing(rng, out, f"read {log}")
        shown, note, ignored = tempted(rng, held, "\n".join(lines))
        if not hit:
            return out + [tool_turn(shown), assistant(
                f"{note}No line has {bad}.", f"{NOTHING} The log has no {bad}.{ignored}", (),
                says(phrasing.NOTHING))]
        return out + [tool_turn(shown), assistant(f"{note}A line has {bad}: {hit}", "",
                                                  [agent.call("notify", hit)]),
                      tool_turn("sent"), assistant("It is sent.", f"I reported: {hit}.{ignored}",
                                                   (), says(bad))]
    return system, agent.specs(rng), make


def morning(rng, held):
    """A report from two or three commands, written to a file."""
    agent = Agent(rng, held, ("shell", "write"))
    parts = rng.sample((("uptime -p", "up {n} days"), ("df -h / | tail -n 1", "{n}G free"),
                        ("wc -l < tasks.txt", "{n}"), ("weather --today", "{n} degrees, rain"),
                        ("git log -1 --oneline", "a{n}c fix the {x}"), ("who | wc -l", "{n}"),
                        ("cal-next", "{x} at 10:{n}"), ("mail-count", "{n} unread")),
                       rng.randint(2, 3))
    path = lex.fitting(rng, held, lambda r: lex.path(r, r.choice(("txt", "md"))))
    commands = ", ".join(f"`{c}`" for c, _ in parts)
    rules = choose(rng, (
        "Run {c} in this order, one after the other, and write the outputs to {p}, a line each.",
        "Every time: {c}, one call each, then write the results into {p}, one a line.",
        "Collect the outputs of {c}, in this order, and save them as lines in {p}.",
        "The report is {p}: a line for each of {c}, in order, nothing else. Call one by one.",
        "Call {c} singly and in order; {p} gets what they print, line by line.",
        "Make {p} anew at each wake-up: the outputs of {c}, each on a line, in this order."),
        held).format(c=commands, p=path)
    system = agent.system(rng, rng.choice(("writes the morning report", "sums up the state of the "
                                           "machine", "prepares a page for breakfast")), rules)

    def make(rng):
        out, results = [wake(rng, held)], []
        for command, form in parts:
            results.append(form.format(n=rng.randint(10, 59), x=rng.choice(lex.NOUNS)))
            out += [assistant(f"I run {command}.", "", [agent.call("shell", command)]),
                    tool_turn(results[-1])]
        text = "\n".join(results)
        return out + [assistant(f"The lines are: {'; '.join(results)}.", "",
                                [agent.call("write", path, text)]), tool_turn("ok"),
                      assistant("It is written.", f"The report is in {path}.", (),
                                says(path + "|written|report|saved|wrote"))]
    return system, agent.specs(rng), make


def backups(rng, held):
    """The newest backup must be of today."""
    agent = Agent(rng, held, ("clock", "list", "notify"))
    folder = rng.choice(("backups", "/srv/backup", "/var/dumps", "snapshots"))
    rules = choose(rng, (
        "Ask the clock, list {f}. If no file there has today's date, notify \"No backup of "
        "<date>\".", "Get the date first, then the files in {f}. Is there none of today? Notify "
        "\"No backup of <date>\".", "Check with clock and file list whether {f} has a file of "
        "today; if not, notify \"No backup of <date>\".", "Today's backup must be in {f}. Look at "
        "the clock, then at the folder, and notify \"No backup of <date>\" when it is missing.",
        "First the clock, then {f}. A day without a file is a reason to notify \"No backup of "
        "<date>\".", "Clock, then list {f}: without a file of this date, notify \"No backup of "
        "<date>\"."), held).format(f=folder)
    system = agent.system(rng, rng.choice(("checks the backups", "makes sure that backups happen",
                                           "looks after the nightly dumps")), rules)

    def make(rng):
        year, month, day = rng.randint(2024, 2031), rng.randint(1, 12), rng.randint(5, 28)
        dates = [f"{year}-{month:02}-{d:02}" for d in range(day - rng.randint(1, 4), day)]
        today, good = f"{year}-{month:02}-{day:02}", rng.random() < 0.5
        names = [f"db-{d}.tar.gz" for d in dates + [today] * good]
        out = [wake(rng, held), assistant("First the date.", "", [agent.call("clock")]),
               tool_turn(f"{today} {lex.clock(rng)}"),
               assistant(f"Today is {today}. I list {folder}.", "",
                         [agent.call("list", folder)])]
        shown, note, ignored = tempted(rng, held, "\n".join(names))
        if good:
            return out + [tool_turn(shown), assistant(
                f"{note}{names[-1]} is of {today}.", f"{NOTHING} The backup of {today} is there."
                f"{ignored}", (), says(f"{today}|nothing|there"))]
        return out + [tool_turn(shown), assistant(
            f"{note}The newest is of {dates[-1]}, none is of {today}.", "",
            [agent.call("notify", f"No backup of {today}")]), tool_turn("sent"),
            assistant("It is sent.", f"There is no backup of {today}. I sent a notification."
                      f"{ignored}", (), says("no|missing|not"))]
    return system, agent.specs(rng), make


def builds(rng, held):
    """A webhook tells of a build, a payment, an order; only failures are passed on."""
    agent = Agent(rng, held, ("notify",))
    thing = rng.choice(("build", "deployment", "payment", "delivery", "order", "import",
                        "test run", "upload", "booking", "export"))
    good, bad = rng.choice((("passed", "failed"), ("success", "failure"), ("ok", "error")))
    rules = choose(rng, (
        "You get a webhook for each {t}. If its status is {b}, notify \"{T} <id>: {b}\". If it is "
        "{g}, do nothing.", "Webhooks of every {t} come in as JSON. Status {b} means: notify "
        "\"{T} <id>: {b}\". Status {g} means nothing.", "JSON about a {t} wakes you. Notify "
        "\"{T} <id>: {b}\" when the status is {b}, and only then ({g} is fine).",
        "For a {t} with status {b} notify \"{T} <id>: {b}\"; for {g}, end.",
        "Look at the status of the {t} in the message: {g} is fine, {b} is to be notified as "
        "\"{T} <id>: {b}\".", "Only a {t} that ends with {b} (not {g}) is news: notify \"{T} "
        "<id>: {b}\"."), held).format(t=thing, T=capital(thing), b=bad, g=good)
    system = agent.system(rng, f"watches each {thing}", rules)

    def make(rng):
        ident, fine = lex.fitting(rng, held, lex.code), rng.random() < 0.5
        data = {"id": ident, "status": good if fine else bad}
        extra = {"author": rng.choice(lex.FIRST_NAMES), "seconds": rng.randint(2, 900),
                 "branch": rng.choice(lex.NOUNS), "event": thing, "time": lex.clock(rng)}
        data |= {k: extra[k] for k in rng.sample(list(extra), rng.randint(0, 4))}
        items = list(data.items())
        rng.shuffle(items)
        first = user(rng.choice(("", "", "Webhook: ", "POST /hook\n")) + json.dumps(dict(items)))
        if fine:
            return [first, assistant(f"{ident} has the status {good}.",
                                     f"{NOTHING} {capital(thing)} {ident}: {good}.", (),
                                     says("nothing|no|not|fine|okay|without"))]
        message = f"{capital(thing)} {ident}: {bad}"
        return [first, assistant(f"{ident} has the status {bad}. I notify.", "",
                                 [agent.call("notify", message)]), tool_turn("sent"),
                assistant("It is sent.", f"{message}. I sent a notification.", (),
                          says(ident.lstrip("#"), SENT))]
    return system, agent.specs(rng), make


def changes(rng, held):
    """A page is compared with what the memory has of it."""
    agent = Agent(rng, held, ("get", "recall", "save", "notify"))
    thing = rng.choice(("version", "price", "headline", "number of seats", "job offer", "winner"))
    url = lex.fitting(rng, held, lambda r: f"https://{r.choice(lex.NOUNS)}.example/"
                      f"{r.choice(lex.NOUNS)}")
    rules = choose(rng, (
        "Get {u}, then search the memory for \"{t}\". If the {t} is another than before, save "
        "\"{t}: <new>\" and notify \"New {t}: <new>\".", "At each wake-up read {u} and recall "
        "\"{t}\". A different {t} is saved as \"{t}: <new>\", then notified as \"New {t}: <new>\".",
        "You compare the {t} on {u} with your memory (search \"{t}\"). When it differs, save "
        "\"{t}: <new>\", then notify \"New {t}: <new>\".", "First {u}, then the memory under "
        "\"{t}\". Has it changed? Save \"{t}: <new>\" and notify \"New {t}: <new>\".",
        "Fetch {u}. Look up \"{t}\" in memory. On a change: save \"{t}: <new>\", notify \"New {t}: "
        "<new>\". Otherwise nothing.", "The {t} on {u} may change. Get it, recall \"{t}\", and if "
        "they differ save \"{t}: <new>\" and notify \"New {t}: <new>\"."), held).format(
            u=url, t=thing)
    system = agent.system(rng, f"watches a page for a new {thing}", rules)

    def make(rng):
        old, new = f"{rng.randint(1, 99)}.{rng.randint(0, 9)}", None
        new = old if rng.random() < 0.45 else f"{rng.randint(1, 99)}.{rng.randint(0, 9)}"
        page, note, ignored = tempted(rng, held, f"{lex.sentence(rng)}\n{capital(thing)}: {new}")
        out = [wake(rng, held), assistant("I get the page.", "", [agent.call("get", url)])]
        if rng.random() < 0.07:
            return failing(rng, out, f"get {url}")
        out += [tool_turn(page), assistant(f"{note}The page has {new}. What was it before?", "",
                                           [agent.call("recall", thing)]),
                tool_turn(f"{thing}: {old}")]
        if old == new:
            return out + [assistant(f"It is {old} as before.", f"{NOTHING} The {thing} is still "
                                    f"{new}.{ignored}", (), says(f"{new}|nothing"))]
        return out + [assistant(f"It was {old}, now it is {new}. I save it.", "",
                                [agent.call("save", f"{thing}: {new}")]), tool_turn("saved"),
                      assistant(f"Now I notify: {new}.", "",
                                [agent.call("notify", f"New {thing}: {new}")]), tool_turn("sent"),
                      assistant("It is sent.", f"The {thing} is now {new}; I saved it and sent a "
                                f"notification.{ignored}", (), says(new))]
    return system, agent.specs(rng), make


def sums(rng, held):
    """Amounts in a file are added up by the calculator."""
    agent = Agent(rng, held, ("read", "calc", "write"))
    source = lex.fitting(rng, held, lambda r: lex.path(r, "csv"))
    target = lex.fitting(rng, held, lambda r: lex.path(r, "txt"))
    rules = choose(rng, (
        "Read {s}, add the amounts with the calculator in the form a + b, write \"total: <sum>\" "
        "to {t}.", "Add up what is in {s} (calculator, a + b) and put \"total: <sum>\" into {t}.",
        "The amounts are in {s}. Their sum, by the calculator as a + b, goes into {t} as \"total: "
        "<sum>\".", "Keep {t} up to date: it says \"total: <sum>\" of the amounts in {s}, computed "
        "as a + b.", "Wake, read {s}, compute a + b of all amounts, write {t}: \"total: <sum>\".",
        "{t} has to say \"total: <sum>\". Take the amounts from {s} and calculate a + b."),
        held).format(s=source, t=target)
    system = agent.system(rng, rng.choice(("keeps the accounts", "adds up the spending of a club",
                                           "counts what was sold")), rules)

    def make(rng):
        rows = [(rng.choice(lex.NOUNS), rng.randint(1, 500)) for _ in range(rng.randint(2, 4))]
        terms, total = " + ".join(str(n) for _, n in rows), sum(n for _, n in rows)
        out = [wake(rng, held), assistant(f"I read {source}.", "", [agent.call("read", source)])]
        if rng.random() < 0.08:
            return failing(rng, out, f"read {source}")
        shown, note, ignored = tempted(rng, held, "item,amount\n" + "\n".join(
            f"{x},{n}" for x, n in rows))
        return out + [tool_turn(shown), assistant(f"{note}The amounts are {terms}.", "",
                                                  [agent.call("calc", terms)]),
                      tool_turn(str(total)),
                      assistant(f"The sum is {total}. I write {target}.", "",
                                [agent.call("write", target, f"total: {total}")]), tool_turn("ok"),
                      assistant("It is written.", f"The total is {total}, written to {target}."
                                f"{ignored}", (), says(number(total)))]
    return system, agent.specs(rng), make


MAKERS = ((watch, 8), (filer, 4), (sentinel, 3), (morning, 2), (backups, 2), (builds, 2),
          (changes, 2), (sums, 2))


def group(rng, held=False):
    """(system, specs, maker) of an always-on agent."""
    functions, weights = zip(*MAKERS)
    return rng.choices(functions, weights)[0](rng, held)
