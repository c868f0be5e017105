"""Answers in a wanted form: one word, JSON, upper case, a fixed ending, a list, a role.

A plain question with a known short answer is asked, and the system prompt or the request says
how to answer. Words of the form come from large sets, so they have to be copied. The rules and
their wordings are in forms.txt, roles in roles.txt.
"""
import dataclasses
import json

import arithmetic
import extraction
import facts
import lexicon as lex
import longtext
import questions
import sections
import smalltalk
import smalltexts
import tables
import textedits
from chat import assistant, user
from wording import choose

TEXTS, ROLES = sections.load("forms.txt"), questions.ROLES
YES, NO = ["Yes", "Yes.", "yes", "yes.", "YES"], ["No", "No.", "no", "no.", "NO"]
TRUE, FALSE = ["True", "True.", "true", "true.", "TRUE"], ["False", "False.", "false", "false.",
                                                           "FALSE"]
AGREE = {"words": ["all right|alright|ok|okay|understood|sure|got it|i will|i'll|will do|of course|"
                   "yes|certainly|noted|clear|ready|i understand|absolutely"]}
SENTENCE = ("the|is|are|was|has|plus|minus|by|in|on|of|at|it|to|there|he|she|they|a|an|am|comes|"
            "lives|speaks|owes|likes|works|gave")


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of answers.

    thought is its short name with {w} and {k} to fill in. base says what is brought into the form:
    the short answer or the sentence. wrap makes the form from (text, w, k). others are more ways
    to write it that are as good. case changes letters and may stand before another form.
    """
    thought: str
    base: str
    wrap: object
    others: tuple = ()
    case: bool = False


def fence(text, w, k):
    return f"```\n{text}\n```"


def table(line):
    """A maker of a table of one column and one row with this line below the header."""
    return lambda x, w, k: f"| {k} |\n| {line or '-' * max(3, len(k))} |\n| {x} |"


FORMS = {
    "word": Form("one word", "short", lambda x, w, k: x),
    "upper": Form("capital letters", "said", lambda x, w, k: x.upper(), case=True),
    "lower": Form("lower case", "said", lambda x, w, k: x.lower(), case=True),
    "end": Form("it ends with \"{w}\"", "said", lambda x, w, k: f"{x} {w}"),
    "begin": Form("it begins with \"{w}\"", "said", lambda x, w, k: f"{w} {x}"),
    "json": Form("JSON, key \"{k}\"", "short", None),
    "quote": Form("quotation marks", "short", lambda x, w, k: f"\"{x}\""),
    "bullet": Form("a bullet, - before the sentence", "said", lambda x, w, k: f"- {x}",
                   (lambda x, w, k: f"* {x}", lambda x, w, k: f"• {x}")),
    "bracket": Form("square brackets", "short", lambda x, w, k: f"[{x}]"),
    "twice": Form("the sentence twice", "said", lambda x, w, k: f"{x} {x}",
                  (lambda x, w, k: f"{x}\n{x}", lambda x, w, k: f"{x}\n\n{x}")),
    "bold": Form("bold, ** on both sides", "short", lambda x, w, k: f"**{x}**",
                 (lambda x, w, k: f"__{x}__",)),
    "only": Form("only the answer", "short", lambda x, w, k: x),
    "number": Form("only the number", "short", lambda x, w, k: x),
    "sentence": Form("a full sentence", "said", lambda x, w, k: x),
    "english": Form("English", "said", lambda x, w, k: x),
    "tags": Form("between <{k}> and </{k}>", "short", lambda x, w, k: f"<{k}>{x}</{k}>",
                 (lambda x, w, k: f"<{k}>\n{x}\n</{k}>", lambda x, w, k: f"<{k}> {x} </{k}>")),
    "yaml": Form("YAML, key {k}", "short", lambda x, w, k: f"{k}: {x}",
                 (lambda x, w, k: f"{k}: \"{x}\"",)),
    "assign": Form("{k}= before the answer", "short", lambda x, w, k: f"{k}={x}"),
    "array": Form("a JSON array", "short", None),
    "code": Form("a code block", "short", fence, (lambda x, w, k: f"```text\n{x}\n```",)),
    "inline": Form("backticks", "short", lambda x, w, k: f"`{x}`"),
    "table": Form("a table with the column {k}", "short", table("---"), (
        table(""), lambda x, w, k: f"| {k} |\n|---|\n| {x} |", table(":---"),
        lambda x, w, k: f"| {k} |\n|{'-' * (len(k) + 2)}|\n| {x} |")),
    "shout": Form("! at the end", "said", lambda x, w, k: x.rstrip(".") + "!", case=True),
    "nodot": Form("no full stop", "said", lambda x, w, k: x.rstrip("."), case=True),
    "parens": Form("parentheses", "short", lambda x, w, k: f"({x})"),
    "braces": Form("curly braces", "short", lambda x, w, k: f"{{{x}}}"),
    "angle": Form("angle brackets", "short", lambda x, w, k: f"<{x}>"),
    "italic": Form("italics, * on both sides", "short", lambda x, w, k: f"*{x}*",
                   (lambda x, w, k: f"_{x}_",)),
    "heading": Form("a heading, # before the answer", "short", lambda x, w, k: f"# {x}"),
    "blockquote": Form("a quote, > before the sentence", "said", lambda x, w, k: f"> {x}"),
    "numbered": Form("1. before the sentence", "said", lambda x, w, k: f"1. {x}"),
    "arrow": Form("-> before the answer", "short", lambda x, w, k: f"-> {x}"),
    "hashtag": Form("# directly before the answer", "short", lambda x, w, k: f"#{x}"),
    "dot": Form("the answer and a full stop", "short", lambda x, w, k: x.rstrip(".") + "."),
    "label": Form("{k} = before the answer", "short", lambda x, w, k: f"{k} = {x}"),
    "sign": Form("a second line \"{w}\"", "said", lambda x, w, k: f"{x}\n{w}"),
    "headline": Form("a first line \"{w}\"", "said", lambda x, w, k: f"{w}\n{x}"),
    "around": Form("\"{w}\" on both sides", "said", lambda x, w, k: f"{w} {x} {w}"),
}
COPIED = ("end", "begin", "sign", "headline", "around")  # what they copy may stand in any sentence
ONE_WORD = ("word", "hashtag")
WEIGHTS = [3 if name in ("word", "upper", "json", "end", "begin", "only", "sentence") else
           2 if name in ("lower", "quote", "bullet", "tags", "array") else 1 for name in FORMS]
KEYS = ("answer result value reply text output response content data message summary solution item "
        "name info label title note final_answer short").split()


def variants(short, said):
    """A short answer and a sentence in the ways that people would write them."""
    shorts = [short, f"{short}.", smalltexts.capital(short), smalltexts.capital(short) + "."]
    return shorts, [said, said.rstrip(".")] + shorts


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule as it is said, its short name, and the forms that make the answer, in order."""
    text: str
    thought: str
    names: tuple
    w: str
    k: str

    def apply(self, short, said):
        """The answer."""
        out = short if any(FORMS[n].base == "short" for n in self.names) else said
        for name in self.names:
            if FORMS[name].wrap is None:
                value = int(out) if out.isdigit() and (out == "0" or out[0] != "0") else out
                out = json.dumps({self.k: value} if name == "json" else [value],
                                 ensure_ascii=False)
            else:
                out = FORMS[name].wrap(out, self.w, self.k)
        return out

    def check(self, short, said):
        """The check of the answer, by the last form."""
        last = self.names[-1]
        if FORMS[last].wrap is None:
            return {"json": json.loads(self.apply(short, said))}
        if last in COPIED and len(self.names) == 1:
            return {"words": [short, self.w.strip(".,!?:;")]}
        if last in ("sentence", "english"):
            return {"words": [short] + ([SENTENCE] if last == "sentence" else [])}
        shorts, all_texts = variants(short, said)
        texts = shorts if any(FORMS[n].base == "short" for n in self.names) else all_texts
        for name in self.names:
            wraps = (FORMS[name].wrap,) + FORMS[name].others
            texts = [wrap(x, self.w, self.k) for x in texts for wrap in wraps]
        return {"any": list(dict.fromkeys([self.apply(short, said)] + texts))}

    def answer(self, thought, short, said):
        """The assistant's message."""
        return assistant(f"{thought} Answer: {short}. Form: {self.thought}.",
                         self.apply(short, said), check=self.check(short, said))


def worded(rng, held, name, always, w, k):
    """One wording of a form; always: for the whole conversation."""
    roll = rng.random()
    if roll < 0.4:
        return choose(rng, TEXTS[f"{name} say"], held).format(w=w, k=k)
    frames = TEXTS["always" if always and roll < 0.75 else "frame"]
    core = choose(rng, TEXTS[f"{name} do"], held).format(w=w, k=k)
    return choose(rng, frames, held).format(c=core, C=smalltexts.capital(core))


def phrase(rng, held):
    """Words to copy into the answer."""
    return lex.fitting(rng, held, lambda r: r.choice((
        lex.noun_phrase(r) + ".", r.choice(lex.FIRST_NAMES) + ",", lex.words(r, 2, 3) + ".",
        lex.invented(r).capitalize() + "!", "Over.", "Yes, sir.", lex.invented(r), lex.person(r),
        lex.code(r), lex.title(r), lex.sentence(r), lex.task(r).capitalize() + ".",
        f"*** {r.choice(lex.NOUNS)} ***", f"Greetings from {lex.place(r)}!", lex.words(r, 1, 2))))


def rule(rng, held, always=False):
    """A rule of one form, or of two."""
    key = rng.choice(KEYS) if rng.random() < 0.6 else rng.choice(lex.NOUNS)
    w = phrase(rng, held)
    name = rng.choices(list(FORMS), WEIGHTS)[0]
    names = (name,)
    if rng.random() < 0.2 and not FORMS[name].case and name not in ("sentence", "english", "json",
                                                                    "array", "dot"):
        first = rng.choice([n for n, f in FORMS.items() if f.case])
        if FORMS[name].base == "said" or first in ("upper", "lower"):
            names = (first, name)
            w, key = {"upper": (w.upper(), key.upper()), "lower": (w.lower(), key)}.get(
                first, (w, key))
    texts = [worded(rng, held, n, always, w, key) for n in names]
    text = texts[0] if len(names) == 1 else choose(rng, TEXTS["both"], held).format(
        r=texts[0], s=texts[1])
    thoughts = [FORMS[n].thought.format(w=w, k=key) for n in names]
    return Rule(text, ", ".join(thoughts), names, w, key)


def plain(rng, held, names=()):
    """A question: (question, thought, short answer, sentence); names are the forms to fit."""
    while True:
        out = questions.plain(rng, held)
        if fitting(out[2], names) and not (held and out[2].isdigit() and {"json", "array"} & set(
                names)):  # in JSON both 12 and "12" would be right
            return out


def fitting(short, names):
    """Whether a short answer can be brought into these forms."""
    if "number" in names:
        return short.isdigit()
    return not set(names) & set(ONE_WORD) or short.replace("-", "").isalnum()


def in_form(rng, held, given=None):
    """A question in a form that the message asks for, or that the system prompt has set."""
    asked = given or rule(rng, held)
    question, thought, short, said = plain(rng, held, asked.names)
    if not given:
        question = choose(rng, TEXTS["place"], held).format(q=question, r=asked.text)
    return [user(question), asked.answer(thought, short, said)]


def fact_in_form(rng, held):
    """A question on what the model knows, in a form of the whole sentence; only trained."""
    if held:
        return in_form(rng, held)
    while True:
        asked = rule(rng, held)
        question, answer = facts.ask(rng, held, rng.choice(facts.EVERYDAY))[:2]
        said = answer["content"]
        if all(FORMS[n].base == "said" for n in asked.names) and len(said) < 90:
            text = choose(rng, TEXTS["place"], held).format(q=question["content"], r=asked.text)
            return [user(text), assistant(
                f"{answer['reasoning_content']} Form: {asked.thought}.", asked.apply(said, said))]


def turns(rng, held):
    """A form that is set in the first turn, holds for some turns, and may be withdrawn."""
    asked = rule(rng, held, True)
    question, thought, short, said = plain(rng, held, asked.names)
    if rng.random() < 0.4:
        wait = choose(rng, TEXTS["ack"], held)
        out = [user(f"{asked.text} {wait}"),
               assistant(f"A rule for my answers: {asked.thought}.", "All right.", check=AGREE)]
    else:
        text = choose(rng, TEXTS["place"], held).format(q=question, r=asked.text)
        out = [user(text), asked.answer(thought, short, said)]
    for _ in range(rng.randint(1, 2)):
        question, thought, short, said = plain(rng, held, asked.names)
        if rng.random() < 0.3:
            question = f"{choose(rng, TEXTS['next'], held)} {question}"
        out += [user(question), asked.answer(thought, short, said)]
    if rng.random() < 0.45:
        question, thought, short, said = plain(rng, held, asked.names)
        text = choose(rng, TEXTS["normal"], held)
        out += [user(choose(rng, TEXTS["place"], held).format(q=question, r=text)),
                assistant(f"{thought} The rule is withdrawn: a plain sentence.", said,
                          check={"any": [said, said.rstrip("."), short, f"{short}."]})]
    return out


def yes_or_no(rng, held):
    """A claim on a text or on what is known; the answer is one of two words."""
    maker = smalltexts.claimed if rng.random() < 0.55 else questions.known_claim
    question, thought, true = maker(rng, held)
    which = rng.random() < 0.7
    text = choose(rng, TEXTS["yesno" if which else "truefalse"], held)
    right = (YES if true else NO) if which else (TRUE if true else FALSE)
    question = choose(rng, TEXTS["place"], held).format(q=question, r=text)
    return [user(question), assistant(f"{thought} So {right[2]}.", right[0],
                                      check={"any": right})]


def exactly(rng, held):
    """A text to give back."""
    text = phrase(rng, held)
    question = choose(rng, TEXTS["exactly"], held).format(x=text)
    bare = text.rstrip(".")
    return [user(question), assistant(f"I write only: {text}", text, check={
        "any": [text, bare, f"{bare}.", f"\"{text}\""]})]


def excerpt(rng, held):
    """The first or last words of a sentence."""
    text = lex.fitting(rng, held, lex.sentence)
    if len(text.split()) < 6:
        return excerpt(rng, held)
    n, first = rng.randint(2, 4), rng.random() < 0.6
    words = text.split()[:n] if first else text.rstrip(".").split()[-n:]
    number = arithmetic.in_words(n) if rng.random() < 0.7 else n
    question = choose(rng, TEXTS["excerpt"], held).format(
        w="first" if first else "last", n=number, t=text)
    answer = " ".join(words)
    return [user(question), assistant(
        "Words: " + ", ".join(f"{i} {w}" for i, w in enumerate(words, 1)) + ".", answer,
        check={"any": [answer, f"{answer}.", f"\"{answer}\"", smalltexts.capital(answer),
                       smalltexts.capital(answer) + ".", f"{answer}..."]})]


def who(rng, held, role, name):
    """Questions about the role of the system prompt: (messages, short answer)."""
    kind = rng.choice(("name", "name", "job", "job", "both"))
    article = lex.article(role)
    said = f"I am {article}." if kind == "job" else f"I am {name}, {article}."
    thought = f"I am {article}." if kind == "job" else f"I am {name}, {article}."
    words = {"name": [name], "job": [role], "both": [name, role]}[kind]
    question = (choose(rng, smalltalk.WHO, held) if kind == "name" and rng.random() < 0.3
                else choose(rng, ROLES[kind], held))
    return [user(question), assistant(thought, said, check={"words": words})], (
        role if kind == "job" else name)


def system_text(rng, held, first, text):
    """A system prompt of one to several sentences, one of which holds the rule."""
    parts = [first] if first else []
    more = [choose(rng, ROLES["more"], held).format(
        p=lex.place(rng), t=lex.clock(rng), k=rng.randint(2, 90), m=lex.person(rng))
        for _ in range(rng.choices((0, 1, 2, 4), (45, 25, 20, 10))[0])]
    parts += list(dict.fromkeys(more))
    if text:
        parts.insert(rng.randint(0 if rng.random() < 0.5 else len(parts), len(parts)),
                     choose(rng, ROLES["rule"], held).format(r=text))
    whole = all(p[-1] in ".!?" and "\n" not in p for p in parts)
    return rng.choice((" ", " ", "\n", "\n\n") if whole else ("\n", "\n\n")).join(parts)


def small_text(rng, held):
    """A question on a small text or table, at times one that it does not answer."""
    maker = rng.choice((longtext.needle, longtext.read_first, longtext.read_first, tables.ask))
    return maker(rng, held, rng.choice((40, 70, 110)))


REQUESTS = ((in_form, 8), (extraction.extract, 6), (extraction.listed, 3), (turns, 3),
            (yes_or_no, 3), (exactly, 2), (excerpt, 1), (textedits.edit, 3), (fact_in_form, 1),
            (small_text, 3))


def request(rng, held):
    """A conversation in which the request sets the form."""
    functions, weights = zip(*REQUESTS)
    return rng.choices(functions, weights)[0](rng, held)


def group(rng, held=False):
    """(system, no tools, maker): forms in the request, forms and roles in the system prompt."""
    kind = rng.random()
    if kind < 0.5:
        return None, [], lambda rng: request(rng, held)
    asked = rule(rng, held, True)
    if kind < 0.76:
        first = choose(rng, ROLES["plain"], held).format(p=lex.place(rng), m=lex.person(rng))
        system = system_text(rng, held, first if rng.random() < 0.7 else None, asked.text)
        return system, [], lambda rng: in_form(rng, held, asked)
    role = rng.choice(questions.JOBS)
    name = lex.fitting(rng, held, lambda r: r.choice(lex.FIRST_NAMES) if r.random() < 0.7
                       else lex.invented(r).capitalize())
    first = choose(rng, ROLES["set"], held).format(n=name, a=lex.article(role), p=lex.place(rng))
    with_rule = rng.random() < 0.5
    system = system_text(rng, held, first, asked.text if with_rule else None)

    def make(rng):
        if rng.random() < 0.5:
            out, short = who(rng, held, role, name)
            if with_rule and not fitting(short, asked.names):
                return in_form(rng, held, asked)
            if with_rule:
                thought, said = out[1]["reasoning_content"], out[1]["content"]
                out[1] = asked.answer(thought, short, said)
            return out
        return in_form(rng, held, asked) if with_rule else request(rng, held)
    return system, [], make
