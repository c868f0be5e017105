"""Held-out figures of a GGUF file: wordings, number pairs and texts never trained on."""
import argparse
import json
import math
import pathlib
import random
import re

import torch
import torch.nn.functional as F

import arithmetic
import chat
import corpus
import facts
import generate
import gguf
import model as m2
import moretools
import skills
import smalltalk
import toolskills as ts

CALL = re.compile(
    r"(?P<thought>[^<]+)\n</think>\n\n\n<minimax:tool_call>\n(?P<calls>(?:<invoke name=\"\w+\">\n"
    r"(?:<parameter name=\"\w+\">[^\n]*</parameter>\n)*</invoke>\n)+)</minimax:tool_call>\[e~\[")
INVOKE = re.compile(r"<invoke name=\"(\w+)\">\n((?:<parameter .*</parameter>\n)*)</invoke>\n")
PARAMETER = re.compile(r"<parameter name=\"(\w+)\">(.*)</parameter>\n")
ANSWER = re.compile(r"[^<]+\n</think>\n\n(?P<text>[^<\]]+)\[e~\[")


def parse_calls(text):
    """The calls of a well-formed tool turn, or None."""
    found = CALL.fullmatch(text)
    if not found:
        return None
    return [(name, dict(PARAMETER.findall(body)))
            for name, body in INVOKE.findall(found["calls"])]


def parse_answer(text):
    """The text of a well-formed answer, or None."""
    found = ANSWER.fullmatch(text)
    return found["text"] if found else None


class Bench:
    """A model, its tokenizer and the ways of asking it."""

    def __init__(self, path, temperature, n):
        m2.COMPUTE = torch.float32
        self.model, self.temperature, self.n = m2.Nano().eval(), temperature, n
        self.tok = gguf.read_model(path, self.model)
        self.examples = {}

    def ask(self, items):
        """items [(messages so far, tools, system)] -> generated texts."""
        prompts = [chat.system_text(system, tools) + "".join(t for t, _ in chat.render(m))
                   + "]~b]ai\n<think>\n" for m, tools, system in items]
        return generate.complete(self.model, self.tok, prompts, temperature=self.temperature)

    def keep(self, name, question, wanted, got):
        """Remembers a few misses for --show."""
        self.examples.setdefault(name, []).append((question, wanted, got))


def tool_calls(bench, rng):
    """Format, tool, argument and final answer when a tool has to be called."""
    cases = []
    for i in range(bench.n):
        tools = [[ts.CALCULATOR, ts.CLOCK], [ts.CLOCK, ts.CALCULATOR], [ts.CALCULATOR],
                 [ts.CLOCK]][rng.choices(range(4), (6, 1, 2, 1))[0]]
        use_calculator = ts.CALCULATOR in tools and (ts.CLOCK not in tools or i % 3 != 0)
        messages = ts.calculate(rng, True) if use_calculator else ts.tell_time(rng, True)
        cases.append((messages, tools))
    texts = bench.ask([(m[:1], t, None) for m, t in cases])
    valid = right_tool = right_argument = 0
    for (messages, tools), text in zip(cases, texts):
        calls, wanted = parse_calls(text), messages[1]["calls"]
        offered = {t["name"] for t in tools}
        if calls and all(name in offered for name, _ in calls):
            valid += 1
            right_tool += [c[0] for c in calls] == [c[0] for c in wanted]
            right_argument += calls == wanted
        if calls != wanted:
            bench.keep("calls", messages[0]["content"], wanted, text)
    texts = bench.ask([(m[:3], t, None) for m, t in cases])
    right = 0
    for (messages, _), text in zip(cases, texts):
        good = parse_answer(text) == messages[3]["content"]
        right += good
        if not good:
            bench.keep("reading", messages[0]["content"], messages[3]["content"], text)
    n = len(cases)
    return {"call format valid": (valid, n), "right tool": (right_tool, n),
            "right argument": (right_argument, n), "answer read from the result": (right, n)}


def other_tools(bench, rng, n):
    """Calls of other tools: name and all arguments right."""
    cases = []
    for _ in range(n):
        offered, messages = moretools.build(rng, True, rng.choice(moretools.MAKERS))
        cases.append((messages, [offered]))
    right = 0
    for (messages, _), text in zip(cases, bench.ask([(m[:1], t, None) for m, t in cases])):
        good = parse_calls(text) == messages[1]["calls"]
        right += good
        if not good:
            bench.keep("other tools", messages[0]["content"], messages[1]["calls"], text)
    return right, n


def sums(bench, rng, op, n, pairs=True, digits=2, fits=lambda a, b: True):
    """Sums in the head; pairs=True asks held-out pairs, else held-out wordings only."""
    cases = []
    while len(cases) < n:
        messages = arithmetic.in_head(rng, True, op)[:2]
        a, b = map(int, re.findall(r"\d+", messages[1]["content"])[:2])
        if (max(a, b) > 99) != (digits == 3) or not fits(a, b):
            continue
        if not pairs:
            a, b = arithmetic.pair(rng, False)
            messages[0] = chat.user(f"What is {a} plus {b}?")
            messages[1] = chat.assistant("", f"{a} plus {b} is {a + b}.")
        cases.append(messages)
    right = 0
    for messages, text in zip(cases, bench.ask([(m[:1], [], None) for m in cases])):
        answer = parse_answer(text)
        wanted = re.findall(r"\d+", messages[1]["content"])[-1]
        good = bool(answer) and re.findall(r"\d+", answer)[-1:] == [wanted]
        right += good
        if not good:
            bench.keep("sums " + op, messages[0]["content"], wanted, text)
    return right, n


def heads(bench, rng):
    """Other tools, and all kinds of sums in the head."""
    n = bench.n
    return {
        "other tools, name and arguments": other_tools(bench, rng, n // 3),
        "additions, held-out pairs and wordings": sums(bench, rng, "+", n),
        "the same, pairs held out from the first step": sums(
            bench, rng, "+", n // 3, fits=arithmetic.held_from_start),
        "additions, trained pairs": sums(bench, rng, "+", n // 2, pairs=False),
        "additions of three digits, held-out": sums(bench, rng, "+", n // 3, digits=3),
        "subtractions, held-out pairs and wordings": sums(bench, rng, "-", n // 2)}


def fact_answers(bench, known, name):
    """Every held-out question of a list of facts."""
    cases = [(f, q) for f in known for q in f.held]
    texts = bench.ask([([chat.user(q)], [], None) for _, q in cases])
    exact = keyed = 0
    for (fact, question), text in zip(cases, texts):
        answer = parse_answer(text) or ""
        exact += answer in fact.answers
        keyed += any(k in answer for k in fact.keys)
        if answer not in fact.answers:
            bench.keep(name, question, fact.answers[0], text)
    return {f"{name}, exact answer": (exact, len(cases)),
            f"{name}, key word": (keyed, len(cases))}


def small_talk(bench, rng, n):
    """Closed thought, clean end and no call, for held-out small talk and missing tools."""
    clean = right = 0
    cases = []
    for _ in range(n):
        tools = rng.choice(([], [], [ts.CALCULATOR, ts.CLOCK]))
        cases.append((smalltalk.simple(rng, True), tools))
    for (messages, _), text in zip(cases, bench.ask([(m[:-1], t, None) for m, t in cases])):
        clean += parse_answer(text) is not None
        good = parse_answer(text) == messages[-1]["content"]
        right += good
        if not good:
            bench.keep("talk", messages[0]["content"], messages[-1]["content"], text)
    missing = [(ts.no_clock(rng, True), rng.choice(([], [ts.CALCULATOR]))) for _ in range(n // 2)]
    missing += [(arithmetic.in_head(rng, True), rng.choice(([], [ts.CLOCK])))
                for _ in range(n // 2)]
    texts = bench.ask([(m[:1], t, None) for m, t in missing])
    for (m, _), text in zip(missing, texts):
        if parse_answer(text) is None:
            bench.keep("missing", m[0]["content"], "no call", text)
    return {"small talk ends cleanly": (clean, n),
            "no call when the tool is missing":
                (sum(parse_answer(t) is not None for t in texts), len(missing))}


def perplexity(bench, work):
    """Perplexity of held-out answers and prose, and the load of the experts."""
    data = corpus.Corpus(bench.tok, corpus.read_prose(work / "prose_held.txt"))
    model, out = bench.model, {}
    model.train()
    for layer in model.blk:
        layer.load.zero_()
    rng = random.Random(77)
    chats = []
    for group in skills.groups(seed=99, n_groups=150, held=True, per_group=2):
        for messages in group.conversations:
            pieces = [(chat.system_text(group.system, group.tools), "given")]
            chats.append(data.encode(pieces + chat.render(messages), rng))
    prose = [(bench.tok.encode(t, specials=False), None) for t in data.prose[:250]]
    for name, texts in (("answers", chats), ("prose", prose)):
        total = count = n_bytes = 0
        for ids, weight in texts:
            ids = ids[:512]
            row = torch.tensor([ids])
            mask = torch.full((1, 1, len(ids), len(ids)), -30000.0).triu(1)
            with torch.no_grad():
                hidden = model.hidden(row, torch.arange(len(ids)).unsqueeze(0), mask)
                loss = F.cross_entropy(model.logits(hidden)[0, :-1], row[0, 1:], reduction="none")
            keep = torch.tensor([w == corpus.CODE[1.0] for w in weight[1:len(ids)]] if weight
                                else [True] * (len(ids) - 1))
            total += float(loss[keep].sum())
            count += int(keep.sum())
            n_bytes += 0 if weight else len(bench.tok.decode(ids).encode())
        out[f"perplexity of {name}"] = round(math.exp(total / count), 3)
        if n_bytes:
            out["bits per byte of prose"] = round(total / math.log(2) / n_bytes, 3)
    loads = torch.stack([layer.load / layer.load.mean() for layer in model.blk])
    out["experts with less than a tenth of the mean load"] = int((loads < 0.1).sum())
    out["largest load / mean"] = round(float(loads.max()), 2)
    model.eval()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path, nargs="?", default="models/nano.gguf")
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--calls-only", action="store_true")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--show", type=int, default=0, help="print this many misses of each kind")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    bench, rng = Bench(args.model, args.temperature, args.n), random.Random(2024)
    figures = tool_calls(bench, rng)
    if not args.calls_only:
        figures.update(heads(bench, rng))
        figures.update(fact_answers(bench, facts.FACTS, "facts about Jevons and M2.5"))
        figures.update(fact_answers(bench, facts.EVERYDAY, "everyday facts"))
        figures.update(small_talk(bench, rng, args.n // 2))
        figures.update(perplexity(bench, args.work))
    for name, value in figures.items():
        shown = (f"{value[0]}/{value[1]} = {100 * value[0] / value[1]:.1f} %"
                 if isinstance(value, tuple) else value)
        print(f"{name}: {shown}")
    for name, misses in bench.examples.items():
        for question, wanted, got in misses[:args.show]:
            print(f"[{name}] {question!r}\n    wanted {wanted!r}\n    got    {got!r}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
