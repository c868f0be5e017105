#!/usr/bin/env python3
"""A server whose model is larger than memory, beside a program that takes memory and gives it back:
what the server holds, what the system has left, and whether it answers all the while.

    tools/streaming/pressure.py MODEL [--ram 20GiB] [--take 8] [--seconds 60] [--flags ...]
"""
import argparse
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../serving"))
from jevons_server import Server  # noqa: E402

BALLOON = """
import sys, time
blocks = []
for _ in range(int(sys.argv[1]) * 16):
    blocks.append(b"x" * (1 << 26))
time.sleep(float(sys.argv[2]))
"""


def of_file(path, key):
    with open(path) as file:
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


class Sampler(threading.Thread):
    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.peak, self.least_left, self.over = server, 0, 1 << 60, False

    def run(self):
        while not self.over:
            pid = self.server.process.pid
            self.peak = max(self.peak, of_file(f"/proc/{pid}/status", "VmRSS:"))
            self.least_left = min(self.least_left, of_file("/proc/meminfo", "MemAvailable:"))
            time.sleep(0.1)


def answers(server, seconds):
    """Tokens written in that time."""
    n_tokens, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        answer = server.chat(f"Tell me about number {n_tokens}.", max_tokens=16, temperature=1,
                             logit_bias=server.never_ending())
        n_tokens += answer["usage"]["completion_tokens"]
    return n_tokens / (time.monotonic() - begin)


def row(name, server, sampler, speed):
    experts = server.status()["experts"]
    print(f"{name:<28} {speed:6.2f} tokens/s  resident {experts['resident_share']:.3f}  "
          f"may hold {experts['memory_bytes'] / 2**30:6.2f} GiB  "
          f"peak {sampler.peak / 2**30:6.2f} GiB  "
          f"left {sampler.least_left / 2**30:5.2f} GiB", flush=True)
    sampler.peak, sampler.least_left = 0, 1 << 60


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--ram", default="")
    parser.add_argument("--take", type=int, default=8, help="GiB that the other program takes")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--flags", nargs=argparse.REMAINDER, default=[])
    arguments = parser.parse_args()
    ram = ["--ram", arguments.ram] if arguments.ram else []
    server = Server("--parallel", "1", *ram, *arguments.flags, model=arguments.model)
    sampler = Sampler(server)
    sampler.start()
    row("alone", server, sampler, answers(server, arguments.seconds))
    other = subprocess.Popen([sys.executable, "-c", BALLOON, str(arguments.take),
                              str(arguments.seconds)])
    row(f"while {arguments.take} GiB are taken", server, sampler,
        answers(server, arguments.seconds))
    other.wait()
    row("after they were given back", server, sampler, answers(server, arguments.seconds))
    sampler.over = True
    print("the other program ended with", other.returncode)
    server.process.terminate()
    print("the server ended with", server.process.wait())


if __name__ == "__main__":
    main()
