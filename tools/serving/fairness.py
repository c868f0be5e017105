#!/usr/bin/env python3
"""Whether work that arrives makes others wait: gaps between tokens of four streams while a long
prompt is read, and the first token of a short question while background work fills the engine.

    tools/serving/fairness.py [--model FILE] [--words 12000]
"""
import argparse
import itertools
import multiprocessing
import threading
import time

from jevons_server import NANO, Server, quantile, row, words


def gaps_of(server, seed, n_tokens, stop, gaps):
    """Adds (when, gap) of each token after the first to `gaps`."""
    last = None
    for seconds, chunk in server.stream(words(20, seed), max_tokens=n_tokens, temperature=1,
                                        seed=seed, logit_bias=server.never_ending()):
        if not chunk.get("choices"):
            continue
        if last is not None:
            gaps.append(seconds - last)
        last = seconds
        if stop.is_set():
            return


def decoders(server, n, n_tokens, during):
    """Gaps of `n` streams while `during()` runs."""
    stop, gaps = threading.Event(), [[] for _ in range(n)]
    threads = [threading.Thread(target=gaps_of, args=(server, i, n_tokens, stop, gaps[i]))
               for i in range(n)]
    for thread in threads:
        thread.start()
    while not all(len(g) > 5 for g in gaps):
        if not any(thread.is_alive() for thread in threads):
            break
    before = [len(g) for g in gaps]
    during()
    after = [len(g) for g in gaps]
    stop.set()
    for thread in threads:
        thread.join()
    return [gap for g, a, b in zip(gaps, before, after) for gap in g[a:b]]


def prefill(server, options):
    quiet = decoders(server, 4, 4000, lambda: time.sleep(5))
    begin = time.monotonic()
    busy = decoders(server, 4, 4000,
                    lambda: server.chat(words(options.words, 77), max_tokens=1))
    took = time.monotonic() - begin
    row("4 streams alone", gaps=len(quiet), p50_ms=1e3 * quantile(quiet, 0.5),
        p99_ms=1e3 * quantile(quiet, 0.99), max_ms=1e3 * max(quiet))
    row("4 streams while a long prompt is read", gaps=len(busy), p50_ms=1e3 * quantile(busy, 0.5),
        p99_ms=1e3 * quantile(busy, 0.99), max_ms=1e3 * max(busy), prompt_s=took)


def first_token(server, seed):
    for seconds, chunk in server.stream(words(30, seed), max_tokens=4):
        if chunk.get("choices") and any(chunk["choices"][0]["delta"].get(k) for k in
                                        ("content", "reasoning_content")):
            return seconds
    return None


def fill(server, i):
    """Keeps one request of background work in the server, until it is killed."""
    for k in itertools.count():
        try:
            server.chat(words(2000, 10000 * i + k), max_tokens=500,
                        headers={"x-jevons-priority": "background"})
        except (RuntimeError, OSError):
            pass


def background(server, options):
    idle = [first_token(server, 1000 + i) for i in range(options.runs)]
    # Processes of their own, so that reading their answers does not hold up the one that measures.
    loads = [multiprocessing.Process(target=fill, args=(server, i), daemon=True)
             for i in range(8)]
    for load in loads:
        load.start()
    time.sleep(3)
    busy = []
    for i in range(options.runs):
        busy.append(first_token(server, 2000 + i))
        time.sleep(0.3)
    for load in loads:
        load.kill()
    row("first token of a short question, idle", p50_ms=1e3 * quantile(idle, 0.5),
        p90_ms=1e3 * quantile(idle, 0.9))
    row("the same, background work saturates", p50_ms=1e3 * quantile(busy, 0.5),
        p90_ms=1e3 * quantile(busy, 0.9), ratio=quantile(busy, 0.5) / quantile(idle, 0.5))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=NANO)
    parser.add_argument("--words", type=int, default=12000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    with Server("--parallel", "8", "-c", "32768", model=options.model) as server:
        prefill(server, options)
        background(server, options)


if __name__ == "__main__":
    main()
