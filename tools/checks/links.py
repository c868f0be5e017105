"""Links between the project's own pages, and paths named in `code` of docs/, must exist."""
import os
import re
import sys

import sources

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# `src/base/result.h`, also with a line or function after it: `src/base/utf8.h:12`
CODE_PATH = re.compile(r"`((?:src|tests|tools|docs|scripts|training|models|fuzz|bench)/[\w./-]+)")
PLACEHOLDER = re.compile(r"\b(?:NAME|ROOM)(?![a-z])")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def check(name, text, root=sources.ROOT):
    problems = []
    text = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    targets = []
    for match in LINK.finditer(text):
        target = match.group(1).split("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            targets.append((match.start(), os.path.join(os.path.dirname(name), target)))
    targets += [(match.start(), match.group(1).rstrip(".")) for match in CODE_PATH.finditer(text)]
    for start, target in targets:
        if PLACEHOLDER.search(target):
            continue
        if not os.path.exists(os.path.join(root, target)):
            line = text.count("\n", 0, start) + 1
            problems.append(f"{name}:{line}: there is no {os.path.normpath(target)}")
    return problems


def main():
    problems = []
    for name in sources.project_files((".md",)):
        problems += check(name, sources.read_text(name) or "")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
