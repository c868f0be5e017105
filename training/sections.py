"""Lists of wordings in text files, by sections.

A line "== name" opens a section, # begins a comment line, "\\n" in a line is a line break.
"""
import itertools
import pathlib

HERE = pathlib.Path(__file__).parent


def load(name):
    """{section: tuple of lines} of a text file beside this one."""
    out, lines = {}, None
    for line in (HERE / name).read_text().splitlines():
        if line.startswith("== "):
            lines = out.setdefault(line[3:].strip(), [])
        elif line.strip() and not line.startswith("#"):
            lines.append(line.replace("\\n", "\n"))
    return {section: tuple(lines) for section, lines in out.items()}


def arranged(trained, held):
    """Both lists as one, of which wording.choose holds out exactly the entries of held."""
    return tuple(trained) + tuple(itertools.islice(itertools.cycle(held), len(trained) // 5))


def split(lines, share=6):
    """The part of a list that is trained and the part that wording.choose holds out."""
    cut = len(lines) - (max(1, len(lines) // share) if len(lines) > 2 else 0)
    return lines[:cut], lines[cut:]
