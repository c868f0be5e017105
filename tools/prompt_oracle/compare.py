#!/usr/bin/python3
"""Renders random chat requests with jinja2 and with Jevons and compares them byte for byte.

    compare.py RENDER_CLI TEMPLATE [--cases N] [--seed S] [--write-goldens FILE]

TEMPLATE is the chat template of the model. jinja2 is set up as transformers sets it up. The two
known defects of the template are put right before it is asked: null content is empty, arguments
that are a JSON string are parsed. A request that the template refuses must be refused by Jevons.
"""

import argparse
import json
import os
import subprocess
import sys

from conversations import Maker

SKIPPED = 77
try:
    from jinja2.exceptions import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("skipped: python3-jinja2 is not installed")
    sys.exit(SKIPPED)


def raise_exception(message):
    raise TemplateError(message)


def load_template(path):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value, ensure_ascii=False: json.dumps(
        value, ensure_ascii=ensure_ascii)
    environment.globals["raise_exception"] = raise_exception
    with open(path, encoding="utf-8") as file:
        return environment.from_string(file.read())


def put_right(request):
    for message in request["messages"]:
        if message.get("content") is None:
            message["content"] = ""
        for call in message.get("tool_calls") or []:
            function = call.get("function") or call
            if isinstance(function["arguments"], str):
                function["arguments"] = json.loads(function["arguments"])
    return request


def expected(template, line):
    """The prompt, or None if the template refuses the request."""
    request = put_right(json.loads(line))
    try:
        return template.render(messages=request["messages"], tools=request.get("tools"),
                               add_generation_prompt=True)
    except TemplateError:
        return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("render_cli")
    parser.add_argument("template")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write-goldens")
    arguments = parser.parse_args()

    if not os.path.exists(arguments.template):
        print(f"skipped: {arguments.template} is not there")
        sys.exit(SKIPPED)
    maker = Maker(arguments.seed)
    lines = [maker.request() for _ in range(arguments.cases)]
    template = load_template(arguments.template)
    prompts = [expected(template, line) for line in lines]
    run = subprocess.run([arguments.render_cli, arguments.template],
                         input="".join(line + "\n" for line in lines).encode(),
                         stdout=subprocess.PIPE, check=True)
    answers = [json.loads(answer) for answer in run.stdout.decode().split("\n")[:-1]]
    if len(answers) != len(lines):
        sys.exit(f"{len(answers)} answers to {len(lines)} requests")

    n_different = 0
    for line, prompt, answer in zip(lines, prompts, answers):
        if answer.get("prompt") == prompt:
            continue
        n_different += 1
        if n_different <= 5:
            print(f"request:  {line}\njinja2:   {prompt!r}\njevons:   {answer!r}\n")
    n_refused = sum(prompt is None for prompt in prompts)
    print(f"{len(lines)} requests, {n_refused} refused by the template, {n_different} differences")
    if arguments.write_goldens:
        with open(arguments.write_goldens, "w", encoding="utf-8") as file:
            for line, prompt in zip(lines, prompts):
                file.write(json.dumps({"request": line, "prompt": prompt}) + "\n")
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main())
