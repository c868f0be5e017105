#!/usr/bin/env python3
"""Requests that are wrong in a thousand ways: each must get a 4xx with the dialect's error object.

    tools/serving/malformed.py [--requests 1000] [--seed 1]
"""
import argparse
import copy
import json
import random

from jevons_server import NANO, Server, row

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
GOOD = {
    "/v1/chat/completions": {
        "model": "m", "max_tokens": 1, "temperature": 1, "stop": ["x"], "n": 1,
        "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": [
            {"type": "text", "text": "b"}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": TOOL}}],
        "tool_choice": "auto", "response_format": {"type": "text"}},
    "/v1/completions": {"model": "m", "prompt": "a", "max_tokens": 1, "temperature": 1},
    "/v1/messages": {
        "model": "m", "max_tokens": 1, "system": [{"type": "text", "text": "a"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "b"}]}],
        "tools": [{"name": "f", "input_schema": TOOL}], "tool_choice": {"type": "auto"}},
    "/v1/responses": {
        "model": "m", "max_output_tokens": 1, "store": False,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "b"}]}],
        "tools": [{"type": "function", "name": "f", "parameters": TOOL}]},
}
REQUIRED = {"/v1/chat/completions": "messages", "/v1/completions": "prompt",
            "/v1/messages": "messages", "/v1/responses": "input"}
WRONG = (None, True, -1, 1e300, "", "x", [], {}, [[]], [None], {"type": 7}, "\u0000")


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(
        value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, path + (key,))


def broken(chance):
    """(path, body bytes, whether it is certainly wrong)."""
    path = chance.choice(sorted(GOOD))
    body = copy.deepcopy(GOOD[path])
    kind = chance.randrange(4)
    if kind == 0:  # no JSON
        text = json.dumps(body)
        return path, text[:chance.randrange(len(text))].encode(), True
    if kind == 1:  # bytes that are not UTF-8, or deep nesting
        return path, chance.choice((b"\xff\xfe{}", b"[" * 100000, b'{"a":' * 50000,
                                    json.dumps(body).encode().replace(b"m", b"\xc3"))), True
    if kind == 2:  # what is required is not there
        del body[REQUIRED[path]]
        return path, json.dumps(body).encode(), True
    where = chance.choice([p for p in places(body) if p])
    target = body
    for key in where[:-1]:
        target = target[key]
    target[where[-1]] = chance.choice(WRONG)
    return path, json.dumps(body).encode(), False


def is_error_object(path, answer):
    if not isinstance(answer, dict) or not isinstance(answer.get("error"), dict):
        return False
    if path == "/v1/messages" and answer.get("type") != "error":
        return False
    return bool(answer["error"].get("message")) and bool(answer["error"].get("type"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    counts, failures = {}, 0
    with Server("-c", "256", model=NANO) as server:
        for _ in range(options.requests):
            path, body, certainly_wrong = broken(chance)
            status, answer = server.request("POST", path, body)
            counts[status] = counts.get(status, 0) + 1
            fine = 400 <= status < 500 and is_error_object(path, answer) if (
                certainly_wrong or status != 200) else True
            if not fine:
                failures += 1
                print(f"{path} gave {status}: {body[:200]!r}: {str(answer)[:200]}")
        row("malformed requests", **{f"status_{k}": v for k, v in sorted(counts.items())},
            wrongly_answered=failures)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
