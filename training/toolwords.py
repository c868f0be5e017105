"""The word files of the invented tools: blocks of kinds and verbs, sections of frames."""
import pathlib

from wording import choose

HERE = pathlib.Path(__file__).parent / "invented"


def lines(name):
    """The lines of a word file without remarks and empty lines."""
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def blocks(name):
    """{key: (fields of its head, {word: [entries]})} of a file of blocks."""
    out = {}
    for line in lines(name):
        if line.startswith("= "):
            key, *head = [field.strip() for field in line[2:].split(" | ")]
            out[key] = (head, {})
        else:
            word, _, rest = line.partition(": ")
            out[key][1].setdefault(word, []).extend(e.strip() for e in rest.split(" ; "))
    return out


def sections(name):
    """{section: [frames]} of a file with headings in brackets."""
    out = {}
    for line in lines(name):
        if line.startswith("[") and line.endswith("]"):
            section = out.setdefault(line[1:-1], [])
        else:
            section.append(line.replace("\\n", "\n"))
    return out


FRAMES = sections("frames.txt")
AN = ("hour", "honour", "heir")
A = ("user", "unit", "uniform", "university", "use", "one")


def frame(rng, section, held):
    """A frame of one section of frames.txt."""
    return choose(rng, FRAMES[section], held)


def article(noun):
    """a or an, by sound."""
    word = noun.lower().replace("-", " ").split(" ")[0]
    if word.startswith(AN) or (word[0] in "aeiou" and not word.startswith(A)):
        return "an " + noun
    return "a " + noun


def plural(noun):
    """The plural of a noun."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    if noun.endswith("shelf"):
        return noun[:-1] + "ves"
    if noun.endswith("sheep"):
        return noun
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def third(sentence):
    """'Create a thing.' as 'Creates a thing.'"""
    verb, space, rest = sentence.partition(" ")
    ending = plural(verb) if not verb.endswith("o") else verb + "es"
    return ending + space + rest


def capital(text):
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def small(text):
    """With a small first letter, unless the first word keeps its capital."""
    first = text.split(" ")[0].rstrip(",.!?")
    if first in ("I", "I'd", "I'm", "I've", "I'll", "TODO") or first[1:2].isupper():
        return text
    return text[:1].lower() + text[1:]
