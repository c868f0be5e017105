"""Held-out cases of every skill, and how many a GGUF file gets right.

A case is one turn of the model in a held-out conversation: what came before is the prompt, what
the recipe would write is the wanted turn. Right means: thought closed and turn ended, and the same
calls with the same arguments, or a right answer: word for word, one of several texts, one that
holds certain words, or JSON that is equal (see chat.assistant). The thought is free.
"""
import argparse
import collections
import dataclasses
import json
import math
import pathlib
import random
import re

import ask_server
import chat
import corpus
import longtext
import skills

INVOKE = re.compile(r"<invoke name=\"([^\"\n]+)\">\n(.*?)</invoke>\n", re.S)
PARAMETER = re.compile(r"<parameter name=\"([^\"\n]+)\">(.*?)</parameter>\n", re.S)
MAX_TOKENS = 320
OPEN, CLOSE, END = "\n<minimax:tool_call>\n", "</minimax:tool_call>", "[e~["


@dataclasses.dataclass
class Case:
    """One turn to write."""
    skill: str
    system: str
    tools: list
    messages: list
    wanted: dict

    def prompt(self):
        """The text that the model continues."""
        return (chat.system_text(self.system, self.tools)
                + "".join(t for t, _ in chat.render(self.messages)) + "]~b]ai\n<think>\n")

    def suite_line(self, number):
        """The case as a line of a skill suite (docs/FORMATS.md)."""
        request = {"messages": ask_server.messages(self)}
        if self.tools:
            request["tools"] = [{"type": "function", "function": t} for t in self.tools]
        check = dict(self.wanted["check"] or {"text": self.wanted["content"]})
        line = {"id": f"{self.skill}-{number:04}", "skill": self.skill}
        if check.pop("taught", False):
            line["taught"] = True
        calls = [{"name": n, "arguments": a} for n, a in self.wanted["calls"]]
        return line | {"request": request, "wanted": {"calls": calls} if calls else check}


@dataclasses.dataclass
class Turn:
    """What a model wrote. closed: the thought was; ended: the turn was; calls None: malformed."""
    closed: bool
    ended: bool
    thought: str
    content: str
    calls: list


def parse(text):
    """Takes a generated turn apart."""
    thought, close, rest = text.partition("\n</think>\n\n")
    ended = rest.endswith(END)
    rest = rest[:-len(END)] if ended else rest
    if "]~" in rest or "[e~[" in rest or "<think>" in rest:
        ended = False  # a token of the frame where it does not belong
    content, opened, block = rest.partition(OPEN)
    if not opened:
        return Turn(bool(close), ended, thought, content, [])
    calls = [[name, dict(PARAMETER.findall(body))] for name, body in INVOKE.findall(block)]
    again = chat.calls_text(calls)[len(OPEN):]
    return Turn(bool(close), ended, thought, content, calls if again == block else None)


def as_text(calls):
    """Calls with their arguments as they are written."""
    return [[n, {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
                 for k, v in a.items()}] for n, a in calls]


def has_word(text, alternatives):
    """Whether one of the words, separated by |, stands in the text, not inside a longer word."""
    return any(re.search(r"(?<![A-Za-z0-9])" + re.escape(w) + r"(?![A-Za-z0-9])", text, re.I)
               for w in alternatives.split("|"))


def answers(content, wanted):
    """Whether an answer is right, by the check of the wanted turn."""
    check = wanted["check"]
    if not check:
        return content == wanted["content"]
    if "any" in check:
        return content in check["any"]
    if "words" in check:
        return all(has_word(content, words) for words in check["words"])
    try:
        return json.loads(content) == check["json"]
    except ValueError:
        return False


def cases(seed, n, kinds=None, limit=4000):
    """n held-out cases, the same number of groups from every kind of skills.KINDS."""
    rng, out, names = random.Random(f"{seed}-held"), [], list(kinds or skills.KINDS)
    while len(out) < n:
        name = names[len(out) % len(names)]
        maker = skills.KINDS[name][0]
        if name == "long":
            system, tools, make = maker(rng, True, rng.choice((150, 500, 1200, 1800)))
        else:
            system, tools, make = maker(rng, True)
        messages = make(rng)
        last_user = max(i for i, m in enumerate(messages) if m["role"] == "user")
        turns = [i for i, m in enumerate(messages) if m["role"] == "assistant" and i > last_user]
        at = rng.choice(turns)
        case = Case(name, system, tools, messages[:at], messages[at])
        if len(case.prompt()) < limit * 4:
            out.append(case)
    return out


def interval(right, n, z=1.96):
    """Wilson's interval of a share, in percent."""
    if not n:
        return 0.0, 100.0
    p, d = right / n, 1 + z * z / n
    middle, half = (p + z * z / (2 * n)) / d, z * math.sqrt(
        p * (1 - p) / n + z * z / (4 * n * n)) / d
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def score(all_cases, texts, show=0):
    """{measure: (right, of)} over all skills and for each."""
    sums, misses = collections.Counter(), collections.Counter()

    def count(name, good):
        sums[name, 1] += 1
        sums[name, 0] += bool(good)
    for case, text in zip(all_cases, texts):
        turn, wanted = parse(text), case.wanted
        count("thought closed", turn.closed)
        count("turn ended, no stray token", turn.ended)
        right = turn.closed and turn.ended and turn.calls is not None
        if wanted["calls"]:
            calls = as_text(wanted["calls"])
            offered = {t["name"] for t in case.tools}
            valid = bool(turn.calls) and all(n in offered for n, _ in turn.calls)
            right = right and turn.calls == calls
            count("call format valid, tool offered", valid)
            count("right tools", valid and [c[0] for c in turn.calls] == [c[0] for c in calls])
            count("right tools and arguments", right)
        else:
            right = right and not turn.calls and answers(turn.content, wanted)
            count("right answer", right)
        count(f"{case.skill}: right turn", right)
        if not right and misses[case.skill] < show:
            misses[case.skill] += 1
            print(f"[{case.skill}] {case.messages[-1]}\n    wanted "
                  f"{chat.calls_text(wanted['calls'])}{wanted['content']!r}\n    got    {text!r}")
    return {name: (sums[name, 0], sums[name, 1]) for name, i in sums if i == 1}


def by_torch(args, chosen):
    """The turns of the recipe's own model, in f32."""
    import torch
    import generate
    import gguf
    import model as m2
    torch.set_num_threads(args.threads)
    m2.COMPUTE = torch.float32
    model = m2.Nano().eval()
    tokenizer = gguf.read_model(args.model, model)
    return generate.complete(model, tokenizer, [c.prompt() for c in chosen],
                             max_tokens=MAX_TOKENS, temperature=args.temperature, batch=32)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path, nargs="?", default="models/nano.gguf")
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--kinds", nargs="*", help="only these kinds of skills.KINDS")
    parser.add_argument("--temperature", type=float, default=0.0,
                        help="below 0: the default of the server")
    parser.add_argument("--server", help="address of a running jevons serve to ask instead, "
                        "for example http://127.0.0.1:8080")
    parser.add_argument("--show", type=int, default=0, help="print this many misses of each skill")
    parser.add_argument("--write", type=pathlib.Path, help="only write the cases, as a skill suite")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    held = args.work / "prose_held.txt"
    longtext.PROSE[:] = corpus.read_prose(held) if held.exists() else []
    chosen = cases(2025, args.n, args.kinds)
    if args.write:
        args.write.write_text("".join(json.dumps(c.suite_line(i), ensure_ascii=False) + "\n"
                                      for i, c in enumerate(chosen)))
        return
    if args.server:
        texts = ask_server.complete(args.server, chosen, MAX_TOKENS,
                                    args.temperature if args.temperature >= 0 else None)
    else:
        texts = by_torch(args, chosen)
    figures = score(chosen, texts, args.show)
    for name, (right, n) in figures.items():
        low, high = interval(right, n)
        print(f"{name}: {right}/{n} = {100 * right / n:.1f} % ({low:.1f} to {high:.1f})")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
