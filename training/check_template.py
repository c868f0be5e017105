"""Checks chat_template.jinja against golden renderings and against chat.render."""
import argparse
import json
import pathlib
import random

import jinja2
import jinja2.sandbox

import chat
import skills

HERE = pathlib.Path(__file__).parent


def load_template():
    """The template, in an environment set up as model programs set it up."""
    def raise_exception(message):
        raise jinja2.TemplateError(message)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    env.filters["tojson"] = lambda x, ensure_ascii=False, **_: json.dumps(
        x, ensure_ascii=ensure_ascii)
    env.globals["raise_exception"] = raise_exception
    return env.from_string((HERE / "chat_template.jinja").read_text())


def to_api(messages):
    """Our messages in the shape that the template gets from a program."""
    out = []
    for m in messages:
        if m["role"] == "tool":
            out += [{"role": "tool", "content": r} for r in m["results"]]
        elif m["role"] == "assistant":
            out.append({**m, "tool_calls": [{"function": {"name": n, "arguments": a}}
                                            for n, a in m["calls"]]})
        else:
            out.append(m)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--goldens", type=pathlib.Path)
    args = parser.parse_args()
    template, n = load_template(), 0
    if args.goldens:
        for name, case in json.load(open(args.goldens))["cases"].items():
            want = case["rendered"].replace(
                "Your name is MiniMax-M2.5 and is built by MiniMax.",
                "Your name is Nano and is built by the Jevons project.").replace(
                "]~b]ai\nNone\n", "]~b]ai\n\n")
            got = template.render(add_generation_prompt=True, **case["input"])
            assert got == want, f"{name}:\n{got!r}\n{want!r}"
            n += 1
    rng = random.Random(5)
    for _ in range(600):
        system, tools, make, count = skills.any_group(rng, 2000)
        for _ in range(count):
            messages = make(rng)
            want = chat.system_text(system, tools) + "".join(t for t, _ in chat.render(messages))
            head = [{"role": "system", "content": system}] if system else []
            got = template.render(messages=head + to_api(messages), tools=[
                {"type": "function", "function": t} for t in tools])
            assert got == want, f"{got!r}\n{want!r}"
            n += 1
    print(f"{n} renderings agree")


if __name__ == "__main__":
    main()
