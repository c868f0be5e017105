"""Answers in a wanted form: one word, JSON, upper case, a fixed ending, a list, a role.

A plain question with a known short answer is asked, and the system prompt or the request says
how to answer. Words of the form come from large sets, so they have to be copied.
"""
import json

import arithmetic
import lexicon as lex
import parameters
import smalltalk
from chat import assistant, user
from wording import choose

ROLES = ("librarian cook sailor gardener teacher doctor baker pilot farmer judge clerk tailor "
         "painter miner guard nurse waiter smith hunter singer poet guide broker builder "
         "carpenter chemist dentist driver engineer fisher").split()


def sum_question(rng, held):
    """A sum: (question, thought, short answer, sentence)."""
    while True:
        out = arithmetic.in_head(rng, held, rng.choice("+-"))[:2]
        digits = out[1]["content"].rstrip(".").split()[-1]
        if "I have" not in out[0]["content"]:
            return out[0]["content"], out[1]["reasoning_content"], digits, out[1]["content"]


def from_talk(maker, short):
    """A maker of small talk whose short answer is computed from its sentence."""
    def make(rng, held):
        question, answer = maker(rng, held)[:2]
        return (question["content"], answer["reasoning_content"], short(answer["content"]),
                answer["content"])
    return make


def last_word(text):
    return text.rstrip(".").split()[-1]


def given(rng, held):
    """A question whose answer stands in the message itself."""
    who, thing = rng.choice(lex.FIRST_NAMES), rng.choice(lex.NOUNS)
    kind = rng.randrange(4)
    if kind == 0:
        value = rng.choice(lex.COLOURS)
        text, ask = f"The {thing} of {who} is {value}.", f"Which colour has the {thing}?"
        said = f"The {thing} is {value}."
    elif kind == 1:
        value = lex.place(rng)
        text, ask = f"{who} lives in {value}.", f"Where does {who} live?"
        said = f"{who} lives in {value}."
    elif kind == 2:
        value = str(rng.randint(2, 9999))
        text, ask = f"There are {value} {thing}s in the hall.", f"How many {thing}s are there?"
        said = f"There are {value} {thing}s."
    else:
        value = who
        text, ask = f"{who} {rng.choice(lex.VERBS_PAST)} the {thing}.", (
            f"Who had to do with the {thing}?")
        said = f"It was {who}."
    if rng.random() < 0.4:
        text = " ".join([lex.sentence(rng), text, lex.sentence(rng)][:rng.randint(2, 3)])
    form = choose(rng, ("{t} {q}", "{t}\n{q}", "Text: {t}\nQuestion: {q}", "{q}\n\n{t}",
                        "Read this: {t} {q}", "Here is a text: {t}\n\n{q}"), held)
    return form.format(t=text, q=ask), f"The text says {value}.", value, said


PLAIN = ((sum_question, 3), (from_talk(smalltalk.capital, last_word), 2),
         (from_talk(smalltalk.opposite, last_word), 2),
         (from_talk(smalltalk.larger, lambda s: s.split()[0]), 1),
         (from_talk(smalltalk.weekday, last_word), 1), (given, 6))


def plain(rng, held):
    """A question: (question, thought, short answer, sentence)."""
    makers, weights = zip(*PLAIN)
    return rng.choices(makers, weights)[0](rng, held)


# Each form: (rules, what becomes of (short, sentence, w)); {w} is a word or phrase to copy.
FORMS = (
    (("Reply with one word.", "Answer with one word only.", "One word, please.",
      "Use a single word.", "Just one word.", "Reply with a single word.",
      "Answer in one word."), lambda short, said, w: short),
    (("Answer in capital letters.", "Write in upper case.", "USE CAPITALS.", "Use capital letters "
      "only.", "Answer in upper case."), lambda short, said, w: said.upper()),
    (("Answer in lower case.", "No capital letters.", "Use only lower case letters.",
      "Write in lower case."), lambda short, said, w: said.lower()),
    (("End with \"{w}\".", "Finish every answer with \"{w}\".", "Your last words are always "
      "\"{w}\".", "Always end with \"{w}\".", "End each answer with \"{w}\"."),
     lambda short, said, w: f"{said} {w}"),
    (("Begin with \"{w}\".", "Start every answer with \"{w}\".", "Your first words are always "
      "\"{w}\".", "Always begin with \"{w}\".", "Begin each answer with \"{w}\"."),
     lambda short, said, w: f"{w} {said}"),
    (("Answer as JSON with the key \"{k}\".", "Reply in JSON: one key, \"{k}\".",
      "Give the answer as a JSON object with the key \"{k}\".", "Output only JSON with the key "
      "\"{k}\".", "JSON only, key \"{k}\".", "Answer in JSON with the key \"{k}\"."), None),
    (("Put the answer in quotation marks.", "Quote your answer.", "Use quotation marks around the "
      "answer.", "Put your answer in quotation marks."), lambda short, said, w: f"\"{short}\""),
    (("Answer as a bullet point.", "Use a bullet.", "Write the answer as a list item.",
      "Answer with a bullet point."), lambda short, said, w: f"- {said}"),
    (("Put the answer in square brackets.", "Use square brackets around the answer.",
      "Give only the answer, in square brackets.", "Answer in square brackets."),
     lambda short, said, w: f"[{short}]"),
    (("Say it twice.", "Give the answer twice.", "Repeat your answer once.", "Write it twice."),
     lambda short, said, w: f"{said} {said}"),
    (("Answer in bold.", "Use bold Markdown.", "Make the answer bold.", "Write it in bold."),
     lambda short, said, w: f"**{short}**"),
)


def form(rng, held):
    """A rule and the function that applies it: (rule, apply)."""
    rules, change = rng.choice(FORMS)
    word = lex.fitting(rng, held, lambda r: r.choice((
        lex.noun_phrase(r) + ".", r.choice(lex.FIRST_NAMES) + ",", lex.words(r, 2, 3) + ".",
        lex.invented(r).capitalize() + "!", "Over.", "Yes, sir.")))
    key = rng.choice(("answer", "result", "value", "reply", "text", rng.choice(lex.NOUNS)))
    rule = choose(rng, rules, held).format(w=word, k=key)

    def apply(short, said):
        if change is None:
            value = int(short) if short.lstrip("-").isdigit() else short
            return json.dumps({key: value}, ensure_ascii=False)
        return change(short, said, word)
    return rule, apply


def in_form(rng, held, rule=None, apply=None):
    """A question in a form that the message asks for, or that the system prompt has set."""
    question, thought, short, said = plain(rng, held)
    if rule is None:
        rule, apply = form(rng, held)
        order = rng.random()
        question = f"{question} {rule}" if order < 0.7 else (
            f"{rule} {question}" if order < 0.9 else f"{question}\n{rule}")
    return [user(question), assistant(f"{thought} {rule}", apply(short, said))]


def extract(rng, held):
    """A sentence with several values, wanted as JSON with given keys."""
    params = [p for p in parameters.distinct(rng, rng.randint(1, 5))
              if parameters.KINDS[p.kind].type != "boolean"]
    if not params:
        return extract(rng, held)
    values = {p.name: parameters.value(rng, p, held) for p in params}
    thing = rng.choice(lex.NOUNS)
    said = " ".join(parameters.phrase(rng, p, values[p.name], held) for p in params)
    text = f"{rng.choice(lex.FIRST_NAMES)} ordered {lex.article(thing)} {said}."
    order = list(params)
    if rng.random() < 0.3:
        rng.shuffle(order)
    if rng.random() < 0.25 and len(order) > 1:
        order = order[:-1]
    schema = {"type": "object", "properties": {p.name: {"type": p.schema["type"]} for p in order},
              "required": [p.name for p in order]}
    keys = ", ".join(p.name for p in order)
    shape = "{" + ", ".join(f"\"{p.name}\": {p.schema['type']}" for p in order) + "}"
    asks = ("Extract {k} as JSON: {t}", "Give me JSON with the keys {k}. {t}",
            "Text: {t}\nReturn JSON of this form: {f}", "{t}\n\nAnswer with JSON that follows "
            "this schema: {s}", "As JSON {f}: {t}", "Fill this schema: {s}\nText: {t}",
            "Return a JSON object with {k} from this text: {t}",
            "{t}\nGive {k} as JSON.", "Write JSON with the keys {k} for this text: {t}",
            "JSON schema: {s}\nText: {t}")
    question = choose(rng, asks, held).format(k=keys, t=text, f=shape, s=json.dumps(schema))
    answer = json.dumps({p.name: values[p.name] for p in order}, ensure_ascii=False)
    return [user(question), assistant(f"The keys are {keys}.", answer)]


def listed(rng, held):
    """Putting given items into a form."""
    items = list(dict.fromkeys(rng.choice(lex.NOUNS) for _ in range(rng.randint(2, 6))))
    rules = ("sorted by the alphabet", "in reverse order", "as a JSON array", "as a numbered list",
             "as a bullet list", "separated by semicolons")
    rule = rng.choice(rules)
    answer = {rules[0]: ", ".join(sorted(items)), rules[1]: ", ".join(items[::-1]),
              rules[2]: json.dumps(items), rules[5]: "; ".join(items),
              rules[3]: "\n".join(f"{i}. {x}" for i, x in enumerate(items, 1)),
              rules[4]: "\n".join(f"- {x}" for x in items)}[rule]
    question = choose(rng, ("Write these {r}: {i}", "Give me {i} {r}.", "{i}: please {r}.",
                      "Put this list {r}: {i}", "List these {r}: {i}"), held)
    return [user(question.format(r=rule, i=", ".join(items))),
            assistant(f"I write {len(items)} items {rule}.", answer)]


def who(rng, held, role, name):
    """Questions about the role of the system prompt."""
    if rng.random() < 0.5:
        question = choose(rng, smalltalk.WHO, held)
        return [user(question), assistant(f"I am {name}, {lex.article(role)}.",
                                          f"I am {name}, {lex.article(role)}.")]
    question = choose(rng, ("What is your job?", "What do you do for a living?",
                      "What is your profession?", "What do you work as?", "Which job do you have?",
                      "Tell me your job."), held)
    return [user(question), assistant(f"I am {lex.article(role)}.",
                                      f"I am {lex.article(role)}.")]


def group(rng, held=False):
    """(system, no tools, maker): forms in the request, forms and roles in the system prompt."""
    kind = rng.random()
    if kind < 0.45:
        makers = ((in_form, 6), (extract, 4), (listed, 2))
        functions, weights = zip(*makers)
        return None, [], lambda rng: rng.choices(functions, weights)[0](rng, held)
    rule, apply = form(rng, held)
    if kind < 0.75:
        system = choose(rng, ("{r}", "You are a helpful assistant. {r}", "You answer questions. "
                        "{r}", "Rule: {r}", "Be helpful. {r}", "Follow this rule: {r}"), held)
        return system.format(r=rule), [], lambda rng: in_form(rng, held, rule, apply)
    role = rng.choice(ROLES)
    name = lex.fitting(rng, held, lambda r: r.choice(lex.FIRST_NAMES) if r.random() < 0.7
                       else lex.invented(r).capitalize())
    system = choose(rng, ("You are {n}, {a}.", "Your name is {n} and you are {a}.",
                    "Play the role of {n}, {a}.", "You are {a} called {n}.",
                    "Act as {n}, {a}."), held).format(n=name, a=lex.article(role))
    with_rule = rng.random() < 0.5
    if with_rule:
        system += " " + rule

    def make(rng):
        if rng.random() < 0.5:
            out = who(rng, held, role, name)
            if with_rule:
                content = out[1]["content"]
                short = name if content.startswith(f"I am {name}") else role
                out[1] = assistant(f"{out[1]['reasoning_content']} {rule}",
                                   apply(short, content))
            return out
        return in_form(rng, held, *((rule, apply) if with_rule else (None, None)))
    return system, [], make
