"""Requests put together: an order in a frame, or a sentence, with or without words around it.

An order is a verb phrase such as "read {p}". A frame or order from the last sixth of its list
occurs in evaluation only, and so does everything that is put together from it.
"""
import functools
import pathlib

from chat import user
from paraphrase import normal
from wording import choose

# {v} is an order, {V} the same with a capital letter
FRAMES = (
    "{V}.", "Please {v}.", "Can you {v}?", "{V}, please.", "I need you to {v}.",
    "Could you {v} for me?", "I want you to {v}.", "Would you {v}?", "Your job: {v}.",
    "{V}. Thanks.", "I'd like you to {v}.", "Go ahead and {v}.", "Hey, can you {v}?",
    "Next step: {v}.", "Could you please {v}?", "Let's {v}.", "Would you be able to {v}?",
    "Task: {v}", "{V} now.", "You may {v} now.", "Okay, {v}.", "First of all, {v}.",
    "It would help me a lot if you could {v}.", "{V}!", "Do me a favour and {v}.",
    "Hi! {V}, please.", "All I want is that you {v}.", "We have to {v}.", "Quickly {v}.",
    "I was going to {v} myself, but please do it for me.", "Can I ask you to {v}?",
    "{V} and tell me when you are done.", "Time to {v}.", "Now {v}.", "Are you able to {v}?",
    "I would be glad if you could {v}.", "So, {v}.", "For the next step you should {v}.",
    "{V} - nothing else.", "My request is simple: {v}.", "Good morning, please {v}.",
    "Somebody has to {v}. Can you?", "You should {v}.", "{V}, would you?", "Just {v}.",
    "Before we go on, {v}.", "If possible, {v}.", "Help me out: {v}.", "pls {v}",
    "The boss wants us to {v}.", "I can't do it from my phone: {v}.", "{V}, if you can.",
    "Will you {v}?", "Start with this: {v}.", "As agreed, {v}.", "I have to {v}, do it for me.",
    "What I need: {v}.", "Be so kind and {v}.", "To do: {v}.",
    "I'd appreciate it if you could {v}.",
    "Alright, {v}.", "One small thing: {v}.", "Any chance you could {v}?", "Well then, {v}.",
    "Kindly {v}.", "You can {v}, right? Then do it.", "I forgot to {v}. Can you do it?",
    "Without further questions, {v}.", "Let me have you {v}.", "As a first step, {v}.",
    "Since you are here: {v}.", "{V} - that's all.", "Then {v}.", "Might you {v}?",
    "Could I get you to {v}?", "{V} for me, will you?", "The plan is to {v}. Go.",
    "Just go and {v}.",
    "Hello, I'd like to {v}.", "And now please {v}.", "Is it possible for you to {v}?",
    "Yes, {v}.", "One more job: {v}.", "It is time to {v}, please.",
    "I asked before, but again: {v}.", "When you have a second, {v}.", "Try to {v}.",
    "Mind helping me to {v}?", "Here is what to do: {v}.", "Would it be possible to {v}?")
# {q} is a whole request, {low} the same with a small letter
AROUND = (
    "{q} Thanks!", "Hi. {q}", "{q} I need it for a report.", "Quick question: {low}",
    "I am in a hurry. {q}", "{q} Thank you very much.", "Sorry to bother you again. {q}",
    "{q} Don't explain, just do it.", "We are cleaning up the project. {q}", "Good morning! {q}",
    "{q} It is for my colleague.", "I lost track of things. {q}", "{q} No rush.", "Hello. {q}",
    "The last run looked strange. {q}", "{q} A short answer is fine.", "One thing more. {q}",
    "I'm on the phone right now. {q}", "{q} Then we are done for today.", "Before I forget: {low}",
    "{q} I would do it myself, but I am away from my desk.", "New here. {q}", "{q} Cheers.",
    "Back from lunch. {q}", "{q} Use the tools that you have.", "Something else: {low}",
    "There is a review in ten minutes. {q}", "{q} You know where to look.", "Okay. {q}",
    "My notes are a mess. {q}", "{q} Be quick, please.", "Right, next one: {low}",
    "Our customer is waiting. {q}", "{q} I'm not sure any more.", "Tell me, please: {low}",
    "I have just come back to this. {q}", "{q} Keep it brief.", "This may be trivial. {q}",
    "{q} I could not find out myself.", "We changed a lot yesterday. {q}", "Hey there, {low}",
    "{q} That would help me a lot.", "I promised my team an answer. {q}", "Small favour: {low}",
    "It's late, so only this: {low}", "{q} Many thanks.", "First things first. {q}",
    "{q} I'll wait.", "The weather is awful here. Anyway: {low}", "{q} Just the result, please.",
    "Continuing from before: {low}", "{q} I have to write it into the minutes.", "Listen, {low}",
    "You did well so far. {q}", "{q} Best regards.", "While I make coffee: {low}",
    "I'm setting this machine up for a friend. {q}", "{q} It has been bugging me.")

GREETINGS = ("Hi", "Hey", "Hello", "Good ", "Yes", "Okay", "Alright", "Well", "So,", "pls")


def read_requests(path):
    """The sections of a file of requests: {name: (sentences, orders)}; an order begins with >."""
    sections = {}
    for line in path.read_text().splitlines():
        if line.startswith("["):
            sentences, orders = sections.setdefault(line.strip("[]"), ([], []))
        elif line:
            (orders if line[0] == ">" else sentences).append(line.removeprefix("> "))
    return {name: (tuple(s), tuple(o)) for name, (s, o) in sections.items()}


def small(text):
    """A request behind a colon: the first letter small unless it opens a name or a path."""
    first = text.split(" ")[0].rstrip(",.:?!")
    if first.startswith("I'") or first == "I" or not first.isalpha() or not first[1:].islower():
        return text
    return text[0].lower() + text[1:]


def capital(text):
    """The first letter as a capital, unless a path or a quotation comes first."""
    return text[0].upper() + text[1:] if text[:1].isalpha() else text


@functools.lru_cache(maxsize=None)
def kept_apart(options, held):
    """Normalised templates that are trained or held out on the other side."""
    cut = len(options) - (max(1, len(options) // 6) if len(options) > 2 else 0)
    return frozenset(normal(t) for t in (options[:cut] if held else options[cut:]))


def template(rng, held, sentences, orders=()):
    """A whole request, its values not yet filled in."""
    other = kept_apart(tuple(sentences), held) if sentences else frozenset()
    while True:
        if orders and (not sentences or rng.random() < 0.5):
            order = choose(rng, orders, held)
            frame = choose(rng, FRAMES, held)
            text = frame.replace("{v}", order).replace("{V}", capital(order))
        else:
            text = choose(rng, sentences, held)
        if normal(text) not in other:
            break
    if rng.random() < 0.3 and not text.startswith(GREETINGS):
        around = choose(rng, AROUND, held)
        text = around.replace("{q}", text).replace("{low}", small(text))
    elif rng.random() < 0.08:
        text = text.rstrip(".!")
    return text


def phrase(rng, held, sentences, orders=(), **values):
    """The text of a request."""
    return template(rng, held, sentences, orders).format(**values)


def request(rng, held, sentences, orders=(), **values):
    """A user message with a request."""
    return user(phrase(rng, held, sentences, orders, **values))


REQUESTS = read_requests(pathlib.Path(__file__).with_name("requests.txt"))


def wanted(rng, held, name, **values):
    """A user message with a request of a section of requests.txt."""
    return request(rng, held, *REQUESTS[name], **values)


NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()
DONE = ("wrote|written|saved|created|stored|done|I put|I've put|is now|now says|now contains|"
        "copied|added|updated|I set")
CANNOT = ("no|not|cannot|can't|unable|don't|isn't|aren't|couldn't|won't|doesn't|impossible|"
          "missing|without|lack|unavailable")
ABSENT = ("not exist|doesn't exist|not found|no such|missing|cannot find|can't find|"
          "could not find|couldn't find|not there|nonexistent|isn't there|no file|"
          "couldn't be found|unable to find|wasn't found|not available")
DENIED = "permission|denied|not allowed|permissions|may not|not permitted"
NOTHING = "no|none|nothing|not|never|zero|0|didn't|couldn't|doesn't|don't"


def says(*words):
    """The check of an answer that holds these words; | separates alternatives."""
    return {"words": [str(w) for w in words]}


def number(n):
    """The forms in which an answer may say a small number."""
    return f"{n}|{NUMBERS[n]}" if 0 < n < len(NUMBERS) else ("0|no|none|zero" if n == 0
                                                             else f"{n}|{n:,}")
