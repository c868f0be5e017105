#!/usr/bin/env python3
"""tools/cost/check.py PROGRAM: `jevons cost --json` against arithmetic of another kind.

The price book is read again, with fractions instead of decimals, and every figure is computed from
seconds and joules instead of hours and kWh. A figure may differ by what rounding to a millionth
can do, and by no more. Prints what differs; the exit code is 1 if anything does.
"""
import datetime
import itertools
import json
import os
import subprocess
import sys
import tomllib
from fractions import Fraction

BOOK = os.path.join(os.path.dirname(__file__), "..", "..", "src", "meter", "prices.toml")
YEAR_SECONDS = 365 * 24 * 60 * 60
MILLIONTH = Fraction(1, 1_000_000)

WORK = [dict(rate=rate, hours=hours, ratio=ratio, share=share)
        for rate, hours, ratio, share in itertools.product(
            ("50", "100", "12.345"), ("24", "7.5"), ("0", "3", "20.25"), ("0", "0.9", "1"))]
MACHINES = [
    dict(speed="50", prompt="700", watts="130", tariff="0.30", price="2500", life="4"),
    dict(speed="9.87", prompt="61.5", watts="85.5", tariff="0.4127", price="1999.99", life="6.5",
         idle="11.5"),
]
REFERENCE = [("minimax-m2.5", "50", 1892), ("minimax-m2.5-lightning", "100", 7569),
             ("claude-opus-4.6", "50", 39420)]


class Checker:
    def __init__(self, program):
        self.program = program
        self.n_checked = 0
        self.problems = []

    def ask(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JEVONS_")}
        environment["JEVONS_CONFIG"] = os.path.join(os.sep, "nonexistent", "config.toml")
        environment["JEVONS_LEDGER"] = "off"
        out = subprocess.run([self.program, "cost", "--json", *arguments], env=environment,
                             check=True, capture_output=True, text=True).stdout
        return json.loads(out)

    def same(self, what, told, wanted, slack=MILLIONTH):
        self.n_checked += 1
        if (told is None) != (wanted is None):
            self.problems.append(f"{what}: {told}, and should be {wanted}")
        elif told is not None and abs(Fraction(told) - wanted) > slack + abs(wanted) / 10**12:
            self.problems.append(f"{what}: {told}, and should be {float(wanted)}")


def read_book():
    with open(BOOK, encoding="utf-8") as file:
        models = tomllib.loads(file.read(), parse_float=Fraction)["model"]
    return {model["id"]: model for model in models}


def dollars_per_second(price, work):
    """While the agent works."""
    written = Fraction(work["rate"])
    read = written * Fraction(work["ratio"])
    from_cache = read * Fraction(work["share"])
    total = written * price["output"] + (read - from_cache) * price["input"]
    return (total + from_cache * price.get("cached", price["input"])) / 1_000_000


def seconds_at_work(work):
    return Fraction(work["hours"]) / 24 * YEAR_SECONDS


def work_flags(work):
    return ["--rate", work["rate"], "--hours-per-day", work["hours"], "--input-ratio",
            work["ratio"], "--cache-share", work["share"]]


def machine_flags(machine):
    flags = ["--speed", machine["speed"], "--prompt-speed", machine["prompt"], "--watts",
             machine["watts"], "--tariff", machine["tariff"], "--hardware-price",
             machine["price"], "--life", machine["life"]]
    return flags + (["--idle-watts", machine["idle"]] if "idle" in machine else [])


def machine_year(machine, work):
    """Number of machines, joules and euros or dollars of energy and of hardware."""
    written = Fraction(work["rate"]) * seconds_at_work(work)
    read = written * Fraction(work["ratio"]) * (1 - Fraction(work["share"]))
    busy = written / Fraction(machine["speed"]) + read / Fraction(machine["prompt"])
    n = -(-busy // seconds_at_work(work))
    joules = busy * Fraction(machine["watts"])
    joules += max(n * YEAR_SECONDS - busy, 0) * Fraction(machine.get("idle", "0"))
    energy = joules / 3_600_000 * Fraction(machine["tariff"])
    return n, joules, energy, n * Fraction(machine["price"]) / Fraction(machine["life"])


def rounding(work, price):
    """What half a token on either side of a whole one, three times, can cost."""
    prices = [price["output"], price["input"], price.get("cached", price["input"])]
    return 2 * max(prices) * MILLIONTH * (1 + Fraction(work["ratio"])) + 3 * MILLIONTH


def check_models(checker, book, work, told):
    for row in told["models"]:
        model = book[row["id"]]
        price = model["price"][0]
        year = dollars_per_second(price, work) * seconds_at_work(work)
        name = f"{row['id']} at {work}"
        checker.same(f"{name}: year", row["year_cost"], year, rounding(work, price))
        others = [dollars_per_second(other, work) * seconds_at_work(work)
                  for other in model["price"][1:]]
        for i, other in enumerate(others):
            checker.same(f"{name}: other year", row["other_year_costs"][i], other,
                         rounding(work, price))
        points = model["score"][0]["points"] if "score" in model else None
        checker.same(f"{name}: per point", row["year_cost_per_point"],
                     None if points is None else year / points, rounding(work, price))
    costs = [row["year_cost"] for row in told["models"]]
    if costs != sorted(costs) or len(costs) != len(book):
        checker.problems.append(f"{work}: not every model once, in the order of cost")


def check_machine(checker, machine, work, told):
    n, joules, energy, hardware = machine_year(machine, work)
    row = told["machine"]
    # Hours and their share of a year are rounded to a millionth: that times watts and price.
    slack = Fraction(1, 1000)
    name = f"machine {machine} at {work}"
    checker.same(f"{name}: machines", row["n_machines"], n, 0)
    checker.same(f"{name}: kWh", row["kwh"], joules / 3_600_000, slack)
    checker.same(f"{name}: energy", row["energy_cost"], energy, slack)
    checker.same(f"{name}: hardware", row["hardware_cost"], hardware, slack)
    checker.same(f"{name}: year", row["year_cost"], energy + hardware, slack)


def check_break_even(checker, book, machine, work):
    told = checker.ask("--break-even", *work_flags(work), *machine_flags(machine))
    n, _, energy, _ = machine_year(machine, work)
    for row in told["instead_of"]:
        year = dollars_per_second(book[row["id"]]["price"][0], work) * seconds_at_work(work)
        months = None
        if year > energy:
            months = n * Fraction(machine["price"]) / ((year - energy) / 12)
        name = f"{row['id']} against {machine} at {work}"
        checker.same(f"{name}: months", row["months"], months,
                     Fraction(1, 100) if months is None else months / 10**5)
        if row["never"] != (months is None):
            checker.problems.append(f"{name}: never is {row['never']}")


def check_trend(checker, book):
    told = checker.ask("--trend")
    shown = [row["id"] for row in told["releases"]]
    wanted = sorted((m for m in book.values() if "score" in m and "released" in m),
                    key=lambda m: (m["released"], m["price"][0]["output"]))
    if shown != [m["id"] for m in wanted]:
        checker.problems.append(f"the trend shows {shown}")
    day = datetime.date.fromisoformat
    m2, m25 = book["minimax-m2"], book["minimax-m2.5"]
    row = next(v for v in told["vendors"] if v["vendor"] == "MiniMax")
    checker.same("days from M2 to M2.5", row["days"],
                 (day(str(m25["released"])) - day(str(m2["released"]))).days, 0)
    checker.same("points from M2 to M2.5", row["points_gained"],
                 m25["score"][0]["points"] - m2["score"][0]["points"])


def main():
    checker = Checker(sys.argv[1])
    book = read_book()
    for name, rate, dollars in REFERENCE:
        row, = checker.ask("--models", name, "--rate", rate)["models"]
        checker.same(f"reference {name}", round(row["year_cost"]), Fraction(dollars), 0)
    quoted = checker.ask()["quoted"]
    checker.same("share of output", quoted["output_share"], Fraction(120, 2500))
    checker.same("price for 3 %", quoted["needed_output_price"], Fraction(75, 100))
    for work, machine in itertools.product(WORK, MACHINES):
        told = checker.ask(*work_flags(work), *machine_flags(machine))
        check_models(checker, book, work, told)
        check_machine(checker, machine, work, told)
    for work, machine in itertools.product(WORK[::5], MACHINES):
        check_break_even(checker, book, machine, work)
    check_trend(checker, book)
    print("\n".join(checker.problems[:20]), end="\n" if checker.problems else "")
    print(f"{checker.n_checked} figures, {len(checker.problems)} differ")
    return 1 if checker.problems else 0


if __name__ == "__main__":
    sys.exit(main())
