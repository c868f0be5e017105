#!/usr/bin/env python3
"""Clients that vanish: 32 at once, each cut off at a random moment, for some minutes. Afterwards
nothing may be left over, and the next answer is the first one again.

    tools/serving/faults.py [--minutes 10] [--clients 32] [--seed 1]
"""
import argparse
import json
import random
import socket
import threading
import time

from jevons_server import NANO, Server, row, words

PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions")


def body_for(path, prompt, stream, chance):
    limits = chance.choice((1, 5, 50, 400))
    if path == "/v1/completions":
        return {"model": "m", "prompt": prompt, "max_tokens": limits, "stream": stream}
    if path == "/v1/responses":
        return {"model": "m", "input": prompt, "max_output_tokens": limits, "stream": stream,
                "store": False}
    return {"model": "m", "messages": [{"role": "user", "content": prompt}],
            "max_tokens": limits, "stream": stream}


class Client(threading.Thread):
    """Sends requests and cuts the line in the middle of the request, while it waits, or later."""

    def __init__(self, port, seed, end, counts):
        super().__init__()
        self.port, self.chance, self.end, self.counts = port, random.Random(seed), end, counts

    def run(self):
        while time.monotonic() < self.end:
            try:
                self.one()
            except OSError:
                self.counts["refused"] += 1
                time.sleep(0.05)

    def one(self):
        chance = self.chance
        path = chance.choice(PATHS)
        prompt = words(chance.choice((5, 100, 1000, 4000)), chance.randrange(40))
        data = json.dumps(body_for(path, prompt, chance.random() < 0.7, chance)).encode()
        head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: "
                f"application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode()
        whole = head + data
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            if chance.random() < 0.15:  # cut inside the request
                line.sendall(whole[:chance.randrange(len(whole))])
                self.counts["cut in the request"] += 1
                return
            line.sendall(whole)
            if chance.random() < 0.15:  # answered to the end
                line.settimeout(120)
                while True:
                    piece = line.recv(65536)
                    if not piece or piece.endswith(b"0\r\n\r\n") or b"[DONE]" in piece:
                        break
                    if b"Content-Length" in piece and not data.count(b'"stream": true'):
                        break
                self.counts["read to the end"] += 1
                return
            patience = chance.choice((0, 0.01, 0.1, 0.5, 2))
            line.settimeout(max(0.001, patience))
            try:
                while line.recv(chance.choice((1, 100, 65536))):
                    if chance.random() < 0.1:
                        break
            except TimeoutError:
                pass
            self.counts["cut later"] += 1


def settle(server, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status = server.status()
        if not status["sequences"] and status["n_pages_used"] == 0:
            break
        time.sleep(0.1)
    time.sleep(1)
    return server.status()


def show(label, server, status):
    row(label, sequences=len(status["sequences"]), pages_used=status["n_pages_used"],
        descriptors=server.n_descriptors(), memory_mb=server.memory_kb() // 1024,
        accepted=status["n_accepted"], cancelled=status["n_cancelled"], failed=status["n_failed"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache-mb", type=int, default=64)  # soon full: growth is a leak
    parser.add_argument("--model", default=NANO)
    options = parser.parse_args()
    with Server("--parallel", "8", "-c", "8192", "--cache-memory", str(options.cache_mb << 20),
                model=options.model) as server:
        question = {"temperature": 0, "max_tokens": 100, "logprobs": True}
        first = server.chat("What is 17 plus 25?", **question)
        # A first round fills pools and caches; what is compared is what it leaves behind.
        for minutes, label in ((options.minutes / 4, "after a quarter"),
                               (options.minutes * 3 / 4, "after the whole")):
            counts = {k: 0 for k in ("cut in the request", "read to the end", "cut later",
                                     "refused")}
            end = time.monotonic() + 60 * minutes
            clients = [Client(server.port, 1000 * options.seed + i, end, counts)
                       for i in range(options.clients)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            print("requests:", ", ".join(f"{n} {what}" for what, n in counts.items()))
            show(label, server, settle(server))
        last = server.chat("What is 17 plus 25?", **question)
        same = first["choices"] == last["choices"]
        row("the next answer is the first one, logprobs too", same=same)
        code = server.stop()
        row("SIGTERM", exit_code=code)
    return 0 if same and code == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
