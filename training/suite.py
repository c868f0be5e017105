"""Writes the suite of held-out cases that `jevons eval skills` asks: models/skills.jsonl.

A case is one turn of the model in a held-out conversation: what came before is the request, what
the recipe would write, or all that is as good (see chat.assistant), is the wanted turn. The
format is told in docs/FORMATS.md. Nothing of the packages' prose is in it: that is others' text.
"""
import argparse
import json
import pathlib
import random

import chat
import skills

LONGEST = 16000  # characters of a prompt


def openai_messages(system, conversation):
    """The messages of a conversation as chat completions takes them."""
    out, ids, n = [], [], 0
    if system:
        out.append({"role": "system", "content": system})
    for message in conversation:
        if message["role"] == "tool":
            out += [{"role": "tool", "tool_call_id": i, "content": r}
                    for i, r in zip(ids, message["results"])]
            continue
        new = {"role": message["role"], "content": message["content"]}
        if message["role"] == "assistant":
            new["reasoning_content"] = message["reasoning_content"]
            ids = [f"call_{n + i}" for i in range(len(message["calls"]))]
            n += len(ids)
            calls = [{"id": i, "type": "function", "function": {
                "name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}}
                for i, (name, arguments) in zip(ids, message["calls"])]
            new |= {"tool_calls": calls} if calls else {}
        out.append(new)
    return out


def conversation_of(rng, kind):
    """System text, tools and messages of a held-out conversation."""
    maker = skills.KINDS[kind][0]
    if kind == "long":
        system, tools, make = maker(rng, True, rng.choice((150, 500, 1200, 1800)))
    else:
        system, tools, make = maker(rng, True)
    return system, tools, make(rng)


def case(rng, kind, number):
    """A line of the suite, and its prompt; None if the prompt is too long."""
    system, tools, messages = conversation_of(rng, kind)
    last_user = max(i for i, m in enumerate(messages) if m["role"] == "user")
    turns = [i for i, m in enumerate(messages) if m["role"] == "assistant" and i > last_user]
    at = rng.choice(turns)
    wanted, before = messages[at], messages[:at]
    prompt = chat.system_text(system, tools) + "".join(t for t, _ in chat.render(before))
    if len(prompt) > LONGEST:
        return None
    request = {"messages": openai_messages(system, before)}
    if tools:
        request["tools"] = [{"type": "function", "function": t} for t in tools]
    check = dict(wanted["check"] or {"text": wanted["content"]})
    line = {"id": f"{kind}-{number:04}", "skill": kind}
    if check.pop("taught", False):
        line["taught"] = True
    calls = [{"name": n, "arguments": a} for n, a in wanted["calls"]]
    return line | {"request": request, "wanted": {"calls": calls} if calls else check}, prompt


def suite(seed, n):
    """n cases, the same number of every kind; no prompt twice."""
    rng, out, prompts, kinds = random.Random(f"{seed}-held"), [], set(), list(skills.KINDS)
    while len(out) < n:
        made = case(rng, kinds[len(out) % len(kinds)], len(out))
        if made and made[1] not in prompts:
            out.append(made[0])
            prompts.add(made[1])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1260)
    parser.add_argument("--seed", type=int, default=2025)
    parser.add_argument("out", type=pathlib.Path, nargs="?", default="models/skills.jsonl")
    args = parser.parse_args()
    args.out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n"
                                for line in suite(args.seed, args.n)))


if __name__ == "__main__":
    main()
