#!/usr/bin/env python3
"""A server whose model is larger than memory, used by several clients for a long time: short and
long prompts, streams and whole answers, some cut off in the middle, with pauses. A row every few
minutes says what the server holds; what grows from the second quarter to the last is a leak.

    tools/streaming/soak.py MODEL [--ram 4GiB] [--minutes 60] [--clients 3] [--flags ...]
"""
import argparse
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serving"))
from jevons_server import DEFAULT_BINARY, Server, median, row, words  # noqa: E402


class Client(threading.Thread):
    def __init__(self, server, seed, end):
        super().__init__()
        self.server, self.chance, self.end = server, random.Random(seed), end
        self.counts = {"answered": 0, "cut off": 0, "failed": 0}

    def run(self):
        while time.monotonic() < self.end:
            try:
                self.counts[self.one()] += 1
            except (OSError, RuntimeError) as problem:
                print(f"failed: {problem}", flush=True)
                self.counts["failed"] += 1
            time.sleep(self.chance.choice((0, 0, 0.5, 3)))

    def one(self):
        chance = self.chance
        prompt = words(chance.choice((5, 5, 50, 50, 300, 800)), chance.randrange(60))
        fields = {"max_tokens": chance.choice((1, 8, 32, 64)), "temperature": 1,
                  "logit_bias": self.server.never_ending()}
        if chance.random() < 0.4:
            self.server.chat(prompt, **fields)
            return "answered"
        patience = chance.choice((1, 5, 1000, 1000))
        for n_chunks, _ in enumerate(self.server.stream(prompt, **fields)):
            if n_chunks >= patience:
                return "cut off"
        return "answered"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--ram", default="4GiB")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binary", default=DEFAULT_BINARY)
    parser.add_argument("--flags", nargs=argparse.REMAINDER, default=[])
    options = parser.parse_args()
    with Server("--ram", options.ram, "--parallel", "4", *options.flags, model=options.model,
                binary=options.binary) as server:
        begin = time.monotonic()
        clients = [Client(server, 1000 * options.seed + i, begin + 60 * options.minutes)
                   for i in range(options.clients)]
        for client in clients:
            client.start()
        resident, n_rows = [], 20
        for i in range(n_rows):
            time.sleep(60 * options.minutes / n_rows)
            status = server.status()
            resident.append(server.memory_kb() / 1024)
            row(f"after {(time.monotonic() - begin) / 60:.0f} min", memory_mb=resident[-1],
                descriptors=server.n_descriptors(), accepted=status["n_accepted"],
                failed=status["n_failed"], resident_share=status["experts"]["resident_share"])
        for client in clients:
            client.join()
        counts = {key: sum(client.counts[key] for client in clients) for key in clients[0].counts}
        row("requests", **counts)
        quarter = n_rows // 4
        early, late = median(resident[quarter:2 * quarter]), median(resident[-quarter:])
        row("memory, second quarter to last", early_mb=early, late_mb=late, ratio=late / early)
        code = server.stop()
        row("SIGTERM", exit_code=code)
    return 0 if counts["failed"] == 0 and code == 0 and late < 1.02 * early else 1


if __name__ == "__main__":
    raise SystemExit(main())
