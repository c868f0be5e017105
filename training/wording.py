"""Ways of saying the same thing."""
import pathlib
import re

HERE = pathlib.Path(__file__).parent
OPENINGS = (
    "Hey, ", "Hello, ", "Please, ", "Quick question: ", "Hi, ", "Okay, ", "So, ", "I wonder: ",
    "Now, ", "Well, ", "Good. ", "Thanks. ", "One more question. ", "Can you help me? ",
    "Tell me: ", "Next question: ", "Alright, ", "Hmm, ", "Ah, ", "By the way, ", "Also, ",
    "And another thing: ", "Sorry to bother you. ", "Sorry, ", "Excuse me, ", "Good morning. ",
    "Good evening. ", "Hello there! ", "Hi there, ", "Hey there! ", "A question: ",
    "A short question: ", "Just a quick one: ", "I have a question. ", "I have a request. ",
    "Could you help me with something? ", "Help me out: ", "I need your help. ", "Me again. ",
    "Here is my question: ", "Something else: ", "Another topic: ", "Let me ask this: ",
    "May I ask something? ", "Just curious: ", "Out of curiosity: ", "For a friend: ",
    "My daughter would like to know: ", "For school: ", "For my notes: ", "For work: ",
    "I am in a hurry. ", "No rush. ", "When you have a moment: ", "If you can: ",
    "Be so kind: ", "Dear assistant, ", "Okay then. ", "Fine. ", "Right, ", "Great. ", "Cool. ",
    "Understood. ", "Next: ", "Q: ", "Question: ", "Request: ", "Task: ", "Yo, ", "Uh, ", "Oh, ",
    "Wait, ", "First of all: ", "Finally, ", "Let us continue. ", "Let's see. ", "Look, ",
    "Listen, ", "Maybe you know this: ", "I was wondering: ", "I am curious. ",
    "This may be easy: ", "Not sure if you can do this: ", "I am new here. ",
    "I am writing a report. ", "We were talking about this at lunch. ", "I forgot this: ",
    "I keep forgetting this: ", "One thing I need: ", "Help! ", "Thank you in advance. ")
ENDINGS = (" Thanks!", " Thank you.", " Thanks.", " Please.", " Thanks in advance.", " Cheers!",
           " Thank you very much!", " I'd be grateful.", " That would help me.", " :)",
           " Many thanks.", " Just the answer, please.", " Take your time.", " Keep it short.",
           " It would be nice to know.", " If you don't mind.", " That would be great.",
           " I want to be sure.", " No long text, please.", " Quickly, please.")
AS_WRITTEN = ("I", "I'd", "I'm", "I've", "Nano", "Jevons", "M2.5", "MiniMax")


def choose(rng, options, held, share=6):
    """A random option; the last sixth of a list is held out for evaluation."""
    n_held = max(1, len(options) // share) if len(options) > 2 else 0
    cut = len(options) - n_held
    if held and n_held:
        return options[cut + rng.randrange(n_held)]
    return options[rng.randrange(cut)]


def inside(text):
    """A sentence as it stands behind an opening: with a small first letter, unless it is a name."""
    first = text.split(" ")[0]
    keep = first[1:2].isupper() or first.rstrip(",:.?!") in AS_WRITTEN
    return text if keep or not text else text[0].lower() + text[1:]


def dress(rng, text):
    """Small changes that people make: greeting, case, missing or doubled marks."""
    roll = rng.random()
    if roll < 0.55:
        return text
    if roll < 0.75:
        opening = OPENINGS[rng.randrange(len(OPENINGS))]
        return opening + (text if opening[-2] in ".!" and rng.random() < 0.8 else inside(text))
    if roll < 0.85:
        return text.lower()
    if roll < 0.95:
        return text.rstrip("?.!")
    return text.lower().rstrip("?.!")


def misspell(rng, text):
    """Two neighbouring letters of one longer word are swapped."""
    words = text.split(" ")
    fitting = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha() and w.islower()]
    if fitting:
        i = rng.choice(fitting)
        at = rng.randrange(1, len(words[i]) - 2)
        words[i] = words[i][:at] + words[i][at + 1] + words[i][at] + words[i][at + 2:]
    return " ".join(words)


def vary(rng, template, ending=True):
    """dress(), rarely a slip of the pen, at times a polite ending; slots stay as they are."""
    text = dress(rng, template)
    if rng.random() < 0.02:
        text = misspell(rng, text)
    if ending and text[-1:] in ".?!" and rng.random() < 0.12:
        text += rng.choice(ENDINGS)
    return text


def ask(rng, options, held, ending=True, **values):
    """An option with its slots filled; trained ones are varied first."""
    template = choose(rng, options, held)
    return (template if held else vary(rng, template, ending)).format(**values)


def read_blocks(name):
    """{topic: {letter: lines}} of a file in the form of facts.txt; T opens a topic."""
    out = {}
    for line in (HERE / name).read_text().splitlines():
        letter, colon, text = line.partition(": ")
        if letter == "T":
            block = out[text] = {}
        elif colon and len(letter) == 1 and not line.startswith("#"):
            block.setdefault(letter, []).append(text.replace("\\n", "\n"))
    return out


def numeral(value):
    """The forms of a number that a check accepts, separated by |."""
    number = float(value)
    if number.is_integer():
        forms = [f"{int(number)}", f"{int(number):,}", value]
    else:
        close = [d for d in range(1, 7) if abs(round(number, d) - number) < 0.01 * abs(number)]
        forms = [value] + [f"{number:{c}.{d}f}" for d in close for c in ("", ",")]
    forms += [f.replace("-", "\u2212") for f in forms]
    return "|".join(dict.fromkeys(forms))


def longest_words(text, n=3):
    """The n longest words of a text, for a check that it is told again."""
    found = {w.strip(".,:;!?\"'()") for w in text.split()}
    return sorted(found, key=lambda w: (-len(w), w))[:n]


def holds(text, alternatives):
    """Whether one of the words, separated by |, stands in the text, not inside a longer word."""
    return any(re.search(rf"(?<![A-Za-z0-9]){re.escape(w)}(?![A-Za-z0-9])", text, re.I)
               for w in alternatives.split("|"))


def narrowed(check, question, answer):
    """A check without words of the question, so that an answer that repeats it is not right."""
    if not check or "words" not in check:
        return check
    out = []
    for words in check["words"]:
        fewer = "|".join(w for w in words.split("|") if not holds(question, w))
        out.append(fewer if fewer and holds(answer, fewer) else words)
    return {"words": out}
