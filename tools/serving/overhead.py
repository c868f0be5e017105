#!/usr/bin/env python3
"""What serving costs beside the arithmetic: tokens per second against `jevons bench`, and CPU time
per token outside the engine, for 1, 4 and 16 streams.

    tools/serving/overhead.py [--model FILE] [--tokens 256] [--runs 5]
"""
import argparse
import json
import subprocess
import threading
import time

from jevons_server import DEFAULT_BINARY, NANO, Server, median, row, words

# Names of the threads that do the arithmetic.
ENGINE_THREADS = ("engine", "worker")


def is_text(chunk):
    delta = chunk["choices"][0]["delta"] if chunk.get("choices") else {}
    return bool(delta.get("reasoning_content") or delta.get("content"))


def decode(server, n_streams, n_tokens, seed):
    """(tokens per second of all streams while all of them write, CPU seconds by thread, tokens)."""
    firsts, lasts, counts = [], [], []

    def one(i):
        times = [t for t, chunk in server.stream(
            words(20, 50 * seed + i), max_tokens=n_tokens, temperature=1, seed=i,
            logit_bias=server.never_ending()) if is_text(chunk)]
        firsts.append(begin + times[0])
        lasts.append(begin + times[-1])
        counts.append(len(times))
    before = server.thread_seconds()
    begin = time.monotonic()
    tokens_before = server.status()["n_generated_tokens"]
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n_streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = server.thread_seconds()
    n = server.status()["n_generated_tokens"] - tokens_before
    seconds = max(lasts) - min(firsts)
    spent = {name: after[name] - before.get(name, 0) for name in after}
    outside = sum(s for name, s in spent.items() if not name.startswith(ENGINE_THREADS))
    # The first tokens were there when the clock began.
    return (n - n_streams) / seconds, outside / n


def bench_speed(options):
    text = subprocess.run([DEFAULT_BINARY, "bench", "-m", options.model, "-p", "0", "-n",
                           str(options.tokens), "-r", "2", "--json"], capture_output=True,
                          text=True, check=True).stdout
    return median([speed for figure in json.loads(text)["results"]
                   if figure["test"] == "generation" for speed in figure["repetitions"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=NANO)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--warm-up", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-bench", action="store_true")
    options = parser.parse_args()
    ratios, singles = [], []
    with Server("--parallel", "16", "-c", "2048", model=options.model) as server:
        decode(server, 1, options.warm_up, 90)  # each expert's pages are mapped
        for run in range(options.runs):
            before = None if options.no_bench else bench_speed(options)
            single, _ = decode(server, 1, options.tokens, run)
            singles.append(single)
            if before is not None:
                ratios.append(2 * single / (before + bench_speed(options)))
    row("one stream", tokens_per_s=median(singles),
        of_bench=median(ratios) if ratios else "not measured")
    with Server("--parallel", "16", "-c", "2048", model=options.model) as server:
        for n_streams in (1, 4, 16):
            runs = [decode(server, n_streams, options.tokens, 200 + 20 * run + n_streams)
                    for run in range(options.runs)]
            row(f"{n_streams} streams", tokens_per_s=median([speed for speed, _ in runs]),
                outside_the_engine_us_per_token=1e6 * median([cpu for _, cpu in runs]))


if __name__ == "__main__":
    main()
