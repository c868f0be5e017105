#!/usr/bin/python3
"""Holds constraints against python3-jsonschema.

    compare.py CONSTRAINT_CLI TOKENIZER_JSON [SCHEMAS.jsonl ...] [--cases N] [--seed S]

For each schema: what a random model writes under the constraint must parse and validate; values
that the validator accepts must be accepted in every spelling, values that it refuses must not be.
A line of SCHEMAS.jsonl is {"schema": ..., and of these what applies: "name", "loose": true,
"error": part of the message, "dropped": [keywords], "valid": [...], "invalid": [...], "draft": N,
"unchecked": true where the validator does not know what ECMA-262 knows}. Then the large ones of
hostile.py, N random schemas, and N random lists of tools whose calls are read by the output parser.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import warnings

from hostile import hostile_cases
from schemas import Instances, Maker

SKIPPED = 77
try:
    warnings.simplefilter("ignore")
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(SKIPPED)

sys.setrecursionlimit(100_000)
N_WALKS = 6
checker = jsonschema.FormatChecker()


@checker.checks("date-time", raises=ValueError)
def is_date_time(text):
    if isinstance(text, str):
        datetime.datetime.fromisoformat(text)
        return re.match(r"^.{10}T.{8}(\.\d+)?(Z|[+-]\d\d:\d\d)$", text, re.ASCII) is not None
    return True


@checker.checks("time", raises=ValueError)
def is_time(text):
    return not isinstance(text, str) or is_date_time("2000-01-01T" + text)


def validator(schema, draft=2020):
    drafts = {4: jsonschema.Draft4Validator, 7: jsonschema.Draft7Validator,
              2020: jsonschema.Draft202012Validator}
    return drafts[draft](schema, format_checker=checker)


def spellings(value):
    """Every way in which clients and models commonly write a value."""
    return {json.dumps(value, ensure_ascii=False),
            json.dumps(value, ensure_ascii=False, separators=(",", ":")),
            json.dumps(value, ensure_ascii=False, indent=2),
            "\n\n" + json.dumps(value, ensure_ascii=False, indent="\t")}


class Comparer:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, encoding="utf-8")
        self.n_failures = 0
        self.counts = {}

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            print("the program ended at", json.dumps(request)[:2000])
            sys.exit(1)
        return json.loads(line)

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    def fail(self, schema, what):
        self.n_failures += 1
        if self.n_failures <= 10:
            print("FAILED", what, "\n    under", json.dumps(schema)[:2000])

    def check_walks(self, schema, seed, strict=True, draft=2020):
        """False if the schema is refused."""
        answer = self.ask({"walk": N_WALKS, "seed": seed, "schema": json.dumps(schema),
                           "strict": strict})
        if "error" in answer:
            return answer
        self.count("answers unfinished", len(answer.get("unfinished", [])))
        for text in answer.get("stuck", []):
            self.fail(schema, f"nothing may follow {text!r}")
        for text in answer.get("texts", []):
            self.count("answers")
            try:
                value = json.loads(text)
            except ValueError as error:
                self.fail(schema, f"{text!r} is not JSON: {error}")
                continue
            if answer["dropped"] or draft is None:
                continue
            errors = list(validator(schema, draft).iter_errors(value))
            if errors:
                self.fail(schema, f"{text!r}: {errors[0].message}")
        return answer

    def check_values(self, schema, values, expected, strict=True):
        texts = [text for value in values for text in spellings(value)]
        if not texts:
            return
        answer = self.ask({"accept": texts, "schema": json.dumps(schema), "strict": strict})
        for text, accepted in zip(texts, answer.get("accepted", [])):
            self.count("valid texts" if expected else "invalid texts")
            if accepted != expected:
                self.fail(schema, f"{text!r} is {'refused' if expected else 'accepted'}")

    def check_written(self, case, seed):
        """One line of a file."""
        schema, strict = case["schema"], not case.get("loose", False)
        draft = None if case.get("unchecked") else case.get("draft", 2020)
        answer = self.check_walks(schema, seed, strict, draft)
        self.count("written schemas")
        if "error" in case or "error" in answer:
            if case.get("error", "no error") not in answer.get("error", ""):
                self.fail(schema, f"{answer.get('error')!r} instead of {case.get('error')!r}")
            return
        dropped = sorted({each["keyword"] for each in answer["dropped"]})
        if dropped != sorted(case.get("dropped", [])):
            self.fail(schema, f"dropped {dropped} instead of {case.get('dropped', [])}")
        for value in case.get("valid", []):
            if not dropped and draft and not validator(schema, draft).is_valid(value):
                self.fail(schema, f"{value!r} is given as valid and is not")
        self.check_values(schema, case.get("valid", []), True, strict)
        self.check_values(schema, case.get("invalid", []), False, strict)

    def check_random(self, seed):
        schema = Maker(seed).schema()
        answer = self.check_walks(schema, seed)
        self.count("random schemas")
        if "error" in answer:
            self.count("random schemas refused")
            reason = re.sub(r'"[^"]*"', "...", answer["error"])
            self.count("  " + reason[:100])
            return
        instances = Instances(schema, seed)
        valid, invalid = [], []
        for _ in range(12):
            value = instances.make(schema)
            (valid if validator(schema).is_valid(value) else invalid).append(value)
            other = instances.mutated(value)
            if not validator(schema).is_valid(other):
                invalid.append(other)
        self.check_values(schema, [v for v in valid if can_be_written(schema, v)], True)
        self.check_values(schema, invalid, False)

    def check_calls(self, seed):
        maker = Maker(seed)
        tools = []
        for i in range(1 + seed % 3):
            parameters = maker.object(3)
            parameters["$defs"] = {}
            maker.defs = {}
            tools.append({"type": "function", "function": {
                "name": f"tool_{i}", "description": "It works.", "parameters": parameters}})
        rules = {"must_call": True, "parallel": seed % 2 == 0}
        if seed % 5 == 0:
            rules["only"] = "tool_0"
        answer = self.ask({"walk": N_WALKS, "seed": seed, "tools": tools, "rules": rules})
        self.count("tool lists")
        if "error" in answer:
            self.fail(tools, answer["error"])
            return
        dropped = {each["path"].split(".")[1] for each in answer["dropped"]}
        for calls in answer.get("calls") or []:
            self.check_call_list(tools, rules, dropped, calls)

    def check_call_list(self, tools, rules, dropped, calls):
        schemas = {t["function"]["name"]: t["function"]["parameters"] for t in tools}
        surprises = [text for text in calls["warnings"]
                     if "is not in the tool's schema" not in text]
        if calls["content"] or surprises:
            self.fail(tools, f"{calls['text']!r} leaves {calls['content']!r} {surprises}")
        n = len(calls["calls"])
        if n == 0 or (n > 1 and not rules["parallel"]):
            self.fail(tools, f"{n} calls in {calls['text']!r}")
        for call in calls["calls"]:
            self.count("calls")
            if rules.get("only", call["name"]) != call["name"]:
                self.fail(tools, f"{call['name']} was called")
            if call["name"][-1] in dropped:
                continue
            arguments = json.loads(call["arguments"])
            errors = list(validator(schemas[call["name"]]).iter_errors(arguments))
            if errors:
                self.fail(tools, f"{call} from {calls['text']!r}: {errors[0].message}")


def can_be_written(schema, value):
    """Whether our rules about numbers and free properties leave this valid value a way."""
    text = json.dumps(value)
    return "undeclared" not in text and not re.search(r"-0(?![.\d])|\de[+-]?\d|\d\.0\b", text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cli")
    parser.add_argument("tokenizer")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    comparer = Comparer([options.cli, options.tokenizer])
    for name in options.files:
        with open(name, encoding="utf-8") as file:
            for number, line in enumerate(file):
                if line.strip():
                    comparer.check_written(json.loads(line), options.seed + number)
    for case in hostile_cases():
        comparer.check_written(case, options.seed)
    for i in range(options.cases):
        comparer.check_random(options.seed + i)
        comparer.check_calls(options.seed + i)
    for what, n in comparer.counts.items():
        print(f"{n:8} {what}")
    print(comparer.n_failures, "failures")
    return 1 if comparer.n_failures else 0


if __name__ == "__main__":
    sys.exit(main())
