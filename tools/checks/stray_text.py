"""Text that belongs to one machine and not to the project: absolute paths, package mirrors."""
import re
import sys

import sources

# Spelled so that this file does not match itself.
PATTERNS = [
    (re.compile(r"(?<![\w./-])/(?:wor[k]|hom[e]/\w|roo[t]/|User[s]/\w|mn[t]/\w)"),
     "a path of one machine"),
    (re.compile(r"(?<![\w./-])/tm[p]/"), "a fixed temporary path; ask the system for one"),
    (re.compile(r"\b(?:registr[y]\.npmjs|pyp[i]\.org|files\.pythonhosted|de[b]\.debian\.org"
                r"|artifactor[y]|crate[s]\.io|prox[y]\.golang)"),
     "the host of a package mirror"),
    (re.compile(r"(?:BEGIN [A-Z ]*PRIVATE KE[Y]|\bgh[p]_\w{20}|\bh[f]_\w{20})"), "a secret"),
]
# Talks of machines that do not exist: their paths are no machine's.
INVENTED = {"models/skills.jsonl"}


def check(name, text):
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in PATTERNS[1:] if name in INVENTED else PATTERNS:
            if match := pattern.search(line):
                problems.append(f"{name}:{number}: {what}: {match.group()}")
    return problems


def main():
    problems = []
    for name in sources.project_files():
        text = sources.read_text(name)
        if text is not None:
            problems += check(name, text)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
