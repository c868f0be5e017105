#!/usr/bin/env python3
"""kill -9 at random moments of a server that writes its ledger, again and again on one file: after
each the file must be whole, rows and sums of days must agree to the last digit, and no request may
be missing that was answered more than a second before.

    tools/meter/ledger_kills.py [--program build/release/jevons] [--kills 20] [--seed 1]

Prints what is wrong and a line of figures; the exit code is 1 if anything is wrong.
"""
import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serving"))
from jevons_server import DEFAULT_BINARY, Server, row  # noqa: E402

FLUSH_SECONDS = 1.0
# On a loaded machine the ledger's thread wakes up late and its disk is slow.
LATE_SECONDS = 1.5
CLIENTS = 4
SUMS = ("tokens_in", "tokens_cached", "tokens_out", "microjoules", "marginal_microjoules",
        "nano_cost")


def ask_until_killed(server, name, answered):
    """Short requests, one after another; notes when each was answered, by the name that the ledger
    has for it."""
    for i in range(10**6):
        client = f"{name}-{i}"
        try:
            server.chat("hi", max_tokens=2, headers={"X-Jevons-Client": client})
        except (OSError, RuntimeError, ValueError):
            return
        answered[client] = time.monotonic()


def problems_of(path, due):
    """What is wrong with the file; `due`: requests that must be in it."""
    problems = []
    ledger = sqlite3.connect(path)
    verdict = ledger.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        problems.append(f"integrity_check says {verdict}")
    n, n_days = (ledger.execute(sql).fetchone()[0] for sql in (
        "SELECT count(*) FROM requests", "SELECT ifnull(sum(n), 0) FROM days"))
    if n != n_days:
        problems.append(f"{n} rows, and the days count {n_days}")
    for column in SUMS:
        rows, days = (ledger.execute(f"SELECT ifnull(sum({column}), 0) FROM {table}").fetchone()[0]
                      for table in ("requests", "days"))
        if rows != days:
            problems.append(f"{column}: {rows} in rows, {days} in days")
    twice = ledger.execute("SELECT client FROM requests GROUP BY client HAVING count(*) > 1")
    problems += [f"{client} is there twice" for client, in twice]
    there = {client for client, in ledger.execute("SELECT client FROM requests")}
    problems += [f"{client} is missing" for client in due - there]
    ledger.close()
    return problems, n


def one_round(options, path, number, chance):
    """(problems, rows, requests that were answered, that must be there, that are lost)."""
    answered = {}
    with Server("--ledger", path, "--watts", "60", "--idle-watts", "20", "--tariff", "0.31",
                "--currency", "EUR", "-t", "1", binary=options.program) as server:
        clients = [threading.Thread(target=ask_until_killed,
                                    args=(server, f"{number}-{k}", answered))
                   for k in range(CLIENTS)]
        for client in clients:
            client.start()
        # Every fourth round is long enough for requests that must be there.
        time.sleep(FLUSH_SECONDS + LATE_SECONDS + 1 if number % 4 == 0 else 3 * chance.random())
        killed = time.monotonic()
        server.stop(signal.SIGKILL)
        for client in clients:
            client.join()
    due = {client for client, at in answered.items()
           if killed - at > FLUSH_SECONDS + LATE_SECONDS}
    problems, n_rows = problems_of(path, due)
    report = subprocess.run(
        [options.program, "cost", "report", "--by", "client", "--since", "all", "--json",
         "--ledger", path], capture_output=True, text=True, check=True).stdout
    lines = {line["client"] for line in json.loads(report)["lines"]}
    if len(lines) != n_rows:
        problems.append(f"the report has {len(lines)} clients, and the file {n_rows}")
    lost = len(set(answered) - lines)
    return problems, n_rows, len(answered), len(due), lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=DEFAULT_BINARY)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("JEVONS_")]:
        del os.environ[name]
    os.environ["JEVONS_CONFIG"] = os.path.join(os.sep, "nonexistent", "config.toml")
    chance = random.Random(options.seed)
    n_bad = n_answered = n_due = n_lost = most_lost = n_rows = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.kills):
            problems, n_rows, answered, due, lost = one_round(
                options, os.path.join(folder, "ledger.db"), number, chance)
            for problem in problems[:10]:
                print(f"kill {number + 1}: {problem}")
            n_bad += len(problems)
            n_answered += answered
            n_due += due
            n_lost += lost
            most_lost = max(most_lost, lost)
    row("ledger after kill -9", kills=options.kills, answered=n_answered, due=n_due,
        rows=n_rows, lost=n_lost, most_lost_at_once=most_lost, problems=n_bad)
    if n_due == 0:
        print("no request was answered early enough to be missed: the machine is too slow for this")
    return 1 if n_bad or n_due == 0 else 0


if __name__ == "__main__":
    raise SystemExit(main())
