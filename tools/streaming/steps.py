#!/usr/bin/env python3
"""Speed and bits of a model in less and less memory: no cliff, and the same logits at every size.

    tools/streaming/steps.py MODEL [--ram 2GiB,3GiB,...] [--tokens 64] [--runs 3]
"""
import argparse
import hashlib
import json
import os
import random
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, "build/release/jevons")


def logits_hash(model, ids, flags):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "logits")
        subprocess.run([BINARY, "eval", "logits", "-m", model, "--ids", ids, "--out", out, *flags],
                       check=True, stderr=subprocess.DEVNULL)
        digest = hashlib.sha256()
        with open(out, "rb") as file:
            while block := file.read(1 << 24):
                digest.update(block)
    return digest.hexdigest()[:12]


def speed(model, n_tokens, n_runs, flags):
    out = subprocess.run([BINARY, "bench", "-m", model, "-p", "0", "-n", str(n_tokens), "-r",
                          str(n_runs), "--json", *flags], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(out)["results"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--ram", default="2GiB,3GiB,4GiB,5GiB,6GiB,8GiB,10GiB,12GiB")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    chance = random.Random(1)
    with tempfile.NamedTemporaryFile("w", suffix=".ids") as ids:
        ids.write(" ".join(str(chance.randrange(1000)) for _ in range(40)))
        ids.flush()
        print("  memory  tokens/s    hits  MB/token  waiting  logits")
        for ram in arguments.ram.split(","):
            result = speed(arguments.model, arguments.tokens, arguments.runs, ["--ram", ram])
            digest = logits_hash(arguments.model, ids.name, ["--ram", ram, "-b", "16"])
            runs = sorted(result["repetitions"])
            streaming = result.get("streaming")
            if streaming is None:
                where = f"{'all':>6}  {'0':>8}  {'':>7}"
            else:
                n_tokens = arguments.tokens * arguments.runs
                hits = 100 * streaming["n_from_memory"] / streaming["n_needed"]
                waiting = 100 * streaming["waiting_seconds"] / streaming["seconds"]
                where = (f"{hits:5.1f}%  {streaming['bytes_read'] / n_tokens / 1e6:8.1f}  "
                         f"{waiting:6.1f}%")
            print(f"{ram:>8}  {runs[len(runs) // 2]:8.2f}  {where}  {digest}", flush=True)


if __name__ == "__main__":
    main()
