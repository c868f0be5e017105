#!/usr/bin/env python3
"""kill -9 at random moments while pages are written, 50 times: each restart must answer as a server
without a cache does.

    tools/serving/crashes.py [--kills 50] [--seed 1]
"""
import argparse
import random
import signal
import tempfile
import threading
import time

from jevons_server import NANO, Server, row, words


def question(server, seed):
    """An answer whose prompt other runs have read before, with logprobs."""
    return server.chat(words(1500, seed), temperature=0, max_tokens=12, logprobs=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default=NANO)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with Server(model=options.model) as server:
        truth = [question(server, i)["choices"] for i in range(8)]
    wrong = n_cached = n_asked = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.kills):
            server = Server("--cache-dir", folder, "--cache-size", str(200 << 20),
                            model=options.model)
            i = chance.randrange(8)
            answer = question(server, i)
            wrong += answer["choices"] != truth[i]
            n_asked += answer["usage"]["prompt_tokens"]
            n_cached += answer["usage"]["prompt_tokens_details"]["cached_tokens"]
            bad += server.status()["disk"]["n_pages_bad"]

            def write_more(port=server):
                try:
                    for _ in range(20):
                        question(port, chance.randrange(8))
                        port.chat(words(1500, chance.randrange(10**6)), max_tokens=1)
                except (OSError, RuntimeError, ValueError):
                    pass
            thread = threading.Thread(target=write_more)
            thread.start()
            time.sleep(chance.random() * 1.5)
            server.stop(signal.SIGKILL)
            thread.join()
    row("after kill -9", kills=options.kills, wrong_answers=wrong, prompt_tokens=n_asked,
        from_cache=n_cached, pages_refused=bad)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
