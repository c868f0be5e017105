#!/usr/bin/env python3
"""What guessing ahead gains where an answer copies, and costs where it does not: tokens per second
with --speculate auto and off, in turns, on answers that are given (the arithmetic is all done).

    tools/serving/speculation.py [--model FILE] [--words 250] [--runs 3]
"""
import argparse
import json
import os
import random
import string
import tempfile

from jevons_server import NANO, Server, median, row, words


def edited(text):
    """A copy with a word changed here and there, as an edit of a file is."""
    parts = text.split(" ")
    for i in range(15, len(parts), 40):
        parts[i] = "changed"
    return " ".join(parts)


def without_repetition(n_words):
    """Words of random letters: nothing in them was there before."""
    letters = random.Random(3)
    return " ".join("".join(letters.choices(string.ascii_lowercase, k=letters.randint(3, 9)))
                    for _ in range(n_words))


def script(n_words):
    document = words(n_words, 1)
    return document, [
        {"match": "Repeat this", "answer": "Yes.</think>\n\n" + document},
        {"match": "Edit this", "answer": "Yes.</think>\n\n" + edited(document)},
        {"match": "Tell", "answer": "Yes.</think>\n\n" + without_repetition(n_words)},
    ]


def is_text(chunk):
    delta = chunk["choices"][0]["delta"] if chunk.get("choices") else {}
    return bool(delta.get("reasoning_content") or delta.get("content"))


def speed(server, prompt):
    """(tokens per second after the first, guessed, right)"""
    before = server.status()
    times = [t for t, chunk in server.stream(prompt) if is_text(chunk)]
    after = server.status()
    grown = lambda name: after[name] - before[name]
    return ((grown("n_generated_tokens") - 1) / (times[-1] - times[0]),
            grown("n_drafted_tokens"), grown("n_accepted_drafts"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=NANO)
    parser.add_argument("--words", type=int, default=250)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    document, answers = script(options.words)
    prompts = {"copies": "Repeat this:\n" + document, "edits": "Edit this:\n" + document,
               "tells something else": "Tell about this:\n" + document}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "answers.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(answers, file)
        flags = ("--parallel", "1", "-c", "4096", "--scripted-answers", path)
        with Server(*flags, "--speculate", "off", model=options.model) as plain, \
                Server(*flags, "--speculate", "auto", model=options.model) as guessing:
            for server in (plain, guessing):  # pages are mapped, costs of steps are known
                for prompt in prompts.values():
                    speed(server, prompt)
            for name, prompt in prompts.items():
                runs = [(speed(plain, prompt), speed(guessing, prompt))
                        for _ in range(options.runs)]
                row(name, off=median([off[0] for off, _ in runs]),
                    auto=median([auto[0] for _, auto in runs]),
                    ratio=median([auto[0] / off[0] for off, auto in runs]),
                    guessed=runs[-1][1][1], right=runs[-1][1][2])


if __name__ == "__main__":
    main()
