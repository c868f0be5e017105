#!/usr/bin/env python3
"""What the prefix cache saves: a long prompt cold, again, after a restart, after kill -9; and two
agents that take turns with memory for one and a half of them.

    tools/serving/cache.py [--words 15000] [--runs 5] [--model FILE]
"""
import argparse
import signal
import tempfile

from jevons_server import NANO, Server, median, row, words


def first_token(server, prompt, **fields):
    """(seconds to the first piece of the answer, prompt tokens, of those cached, answer)."""
    first, text, usage = None, "", None
    for seconds, chunk in server.stream(prompt, max_tokens=8, temperature=0, **fields):
        delta = chunk["choices"][0]["delta"] if chunk.get("choices") else {}
        piece = (delta.get("reasoning_content") or "") + (delta.get("content") or "")
        if piece and first is None:
            first = seconds
        text += piece
        usage = chunk.get("usage") or usage
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    return first, usage["prompt_tokens"], cached, text


def restarts(options):
    colds, figures = [], {"again": [], "restart": [], "kill -9": []}
    for run in range(options.runs):
        prompt = words(options.words, 100 + run)
        with tempfile.TemporaryDirectory() as folder:
            flags = ("--cache-dir", folder, "-c", str(options.context))
            with Server(*flags, model=options.model) as server:
                cold, n_prompt, _, answer = first_token(server, prompt)
                colds.append(cold)
                figures["again"].append((cold, *first_token(server, prompt), answer))
                server.stop()
            with Server(*flags, model=options.model) as server:
                figures["restart"].append((cold, *first_token(server, prompt), answer))
                server.stop(signal.SIGKILL)
            with Server(*flags, model=options.model) as server:
                figures["kill -9"].append((cold, *first_token(server, prompt), answer))
                server.stop()
    row("cold", prompt_tokens=n_prompt, first_token_s=median(colds))
    for name, runs in figures.items():
        same = all(text == answer for _, _, _, _, text, answer in runs)
        row(name, computed_tokens=median([n - cached for _, _, n, cached, _, _ in runs]),
            first_token_s=median([first for _, first, _, _, _, _ in runs]),
            times_faster=median([cold / first for cold, first, _, _, _, _ in runs]),
            same_answer=same)


def two_agents(options):
    """Memory for one and a half prompts, with and without a disk."""
    prompts = [words(options.words, 200), words(options.words, 201)]
    with Server("-c", str(options.context), model=options.model) as server:
        n_prompt = first_token(server, prompts[0])[1]
        page_bytes = server.status()["page_bytes"]
    memory = int(1.5 * n_prompt / 64) * page_bytes
    context = 64 * (n_prompt // 64 + 2)
    for disk in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            flags = ["-c", str(context), "--cache-memory", str(memory)]
            if disk:
                flags += ["--cache-dir", folder]
            with Server(*flags, model=options.model) as server:
                turns = [first_token(server, prompts[turn % 2]) for turn in range(10)]
        later = turns[2:]
        row(f"two agents take turns, {'with' if disk else 'without'} a disk",
            computed_tokens=median([n - cached for _, n, cached, _ in later]),
            first_token_s=median([first for first, _, _, _ in later]),
            cold_over_this=median([turns[0][0] / first for first, _, _, _ in later]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=17500)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--context", type=int, default=32768)
    parser.add_argument("--model", default=NANO)
    options = parser.parse_args()
    restarts(options)
    two_agents(options)


if __name__ == "__main__":
    main()
