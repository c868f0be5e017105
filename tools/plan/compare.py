#!/usr/bin/env python3
"""What `jevons plan` foretells beside what `jevons bench` measures, as a table.

    tools/plan/compare.py MODEL... [--ram SIZE] [--contexts 512,4096] [--runs 5] [--json FILE]

Machine and model are measured in turns: the plan before and after, of which the median counts, and
the bench between, of which the median run counts. With --ram the models are read from disk, their
experts chosen by the routing that plan expects (generated:0.15).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.join(ROOT, "build/release/jevons")
PROMPT = 2048    # tokens of the prompt that plan foretells, or the context if that is shorter
ANSWER = 32


def run(arguments, cache):
    command = [BINARY, *arguments, "--json"]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         text=True, env={**os.environ, "XDG_CACHE_HOME": cache}).stdout
    return json.loads(out)


def plan(model, context, options, cache):
    """(answer, prompt, machine) for this context."""
    more = ["--ram", options.ram] if options.ram else []
    made = run(["plan", model, "--context", str(context), *more], cache)
    one = made["plans"][0]
    if not one["runs"]:
        sys.exit(f"{model}: {one['problem']}")
    if options.ram and one["fit"] != "from disk":
        sys.exit(f"{model}: fits into {options.ram}: nothing to read from disk")
    return one["answer_full_context"], one["prompt"], made["machine"]


def bench(model, flags, options, cache):
    more = ["--ram", options.ram, "--force-routing", "generated:0.15"] if options.ram else []
    return run(["bench", "-m", model, *flags, "-r", str(options.runs), *more], cache)


def measure(model, context, options, cache):
    """{"answer": (foretold, measured), "prompt": ...}: the context stands before the answer."""
    foretold = {"answer": [], "prompt": []}
    machines = []

    def foretell():
        run(["plan", model, "--measure"], cache)
        answer, prompt, machine = plan(model, context, options, cache)
        foretold["answer"].append(answer["tokens_per_second"])
        foretold["prompt"].append(prompt["tokens_per_second"])
        machines.append({"memory": machine["memory_bytes_per_second"]["value"],
                         "int8": machine["int8_operations_per_second"]["value"],
                         "f32": machine["f32_operations_per_second"]["value"],
                         "disk": machine["disks"][0]["bytes_per_second"]["value"]})
        return answer, prompt

    foretell()
    depth = max(0, context - ANSWER // 2)
    answers = bench(model, ["-p", "0", "-n", str(ANSWER), "-d", str(depth)], options, cache)
    foretell()
    prompts = bench(model, ["-p", str(min(PROMPT, context)), "-n", "0"], options, cache)
    answer, prompt = foretell()
    measured = {"answer": answers["results"][0], "prompt": prompts["results"][0]}
    rows = []
    for test, limit in (("answer", answer["limit"]), ("prompt", prompt["limit"])):
        runs = measured[test]["repetitions"]
        rows.append({"model": os.path.basename(model), "context": context, "test": test,
                     "foretold": statistics.median(foretold[test]),
                     "all_foretold": foretold[test],
                     "measured": statistics.median(runs), "runs": runs, "limit": limit,
                     "streaming": measured[test].get("streaming"), "machines": machines})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--ram", default="")
    parser.add_argument("--contexts", default="512,4096")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", help="keeps everything that was measured")
    options = parser.parse_args()
    rows = []
    print("| model | context | test | foretold | measured, median (least, most) | ratio | limit |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        for model in options.models:
            for context in map(int, options.contexts.split(",")):
                for row in measure(model, context, options, cache):
                    rows.append(row)
                    runs = row["runs"]
                    print(f"| {row['model']} | {context} | {row['test']} | {row['foretold']:.1f} "
                          f"| {row['measured']:.1f} ({min(runs):.1f}, {max(runs):.1f}) "
                          f"| {row['foretold'] / row['measured']:.2f} | {row['limit']} |",
                          flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
