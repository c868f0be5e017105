"""How far a jevons binary's logits are from the oracle's, on models of many shapes and types.

    python3 tools/quality/check_logits.py build/release/jevons [--only REGEX] [--work FOLDER]
        [--kv f16,q8_0] [--model FILE.gguf --ids FILE]

Runs `jevons eval logits` on the fixtures of tests/data/oracle and on larger random models, which
are written to FOLDER with their oracle logits and kept there: the f32 reference, and the product
path with the experts of its own choice and with those of the oracle. Prints a table; the exit
status is 1 if a limit is exceeded. --model adds a file of the user's own.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "tools/oracle"))

from compare_logits import compare, read_logits  # noqa: E402
from m2_forward import Network, read_ids         # noqa: E402
from make_fixture import SHAPES                  # noqa: E402
from random_model import Shape, random_ids, write_model  # noqa: E402

SEED = 7

# The reference computes what the oracle computes. The product path rounds activations to 8 bits;
# with the experts chosen freely, near-ties fall otherwise and no limit holds on random models.
REFERENCE_LIMITS = {"max_relative": 1e-3, "mean_kl": 1e-6}
FORCED_LIMITS = {"mean_kl": 1e-3}

_MEDIUM = Shape("medium", n_layers=4, hidden_size=512, n_heads=8, n_kv_heads=2, head_dim=128,
                rotary_dim=64, n_experts=16, n_used=4, expert_size=256, vocab_size=4096, n_ids=256)
_TYPES = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K",
          "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS")
# As a Q4_K_M file has them: the value and down projections of some layers one size up.
_MIXED = {"embd": ["Q4_K"], "output": ["Q6_K"], "attn_q": ["Q4_K"], "attn_k": ["Q4_K"],
          "attn_v": ["Q6_K", "Q4_K"], "attn_output": ["Q4_K"], "gate": ["Q4_K"], "up": ["Q4_K"],
          "down": ["Q6_K", "Q4_K", "Q4_K", "Q5_K"]}
_OTHERS = (
    # Heads, experts and ranks as many as in M2.5; everything else small.
    Shape("many_experts", n_layers=2, hidden_size=256, n_heads=48, n_kv_heads=8, head_dim=32,
          rotary_dim=16, n_experts=256, n_used=8, expert_size=32, vocab_size=1000, n_ids=100),
    Shape("deep", n_layers=24, hidden_size=256, n_heads=4, n_kv_heads=2, head_dim=64,
          rotary_dim=32, n_experts=8, n_used=2, expert_size=64, vocab_size=600, n_ids=100),
    Shape("long", n_layers=2, hidden_size=256, n_heads=4, n_kv_heads=2, head_dim=64,
          rotary_dim=32, n_experts=8, n_used=2, expert_size=64, vocab_size=512, n_ids=3000),
)


def of_type(shape, type_name):
    return replace(shape, name=f"{shape.name}_{type_name.lower()}", default_type=type_name)


GENERATED = (
    *(of_type(_MEDIUM, type_name) for type_name in _TYPES),
    replace(_MEDIUM, name="medium_mixed", types=_MIXED),
    replace(of_type(_MEDIUM, "Q8_0"), name="fused", fused_gate_up=True),
    replace(of_type(_MEDIUM, "Q4_K"), name="tied", tied_head=True),
    *(of_type(shape, type_name) for shape in _OTHERS for type_name in ("F32", "Q8_0")),
)


@dataclass
class Case:
    """Files of one model: `stem` + .gguf, .ids, .logits.f32, .routing.json."""
    name: str
    model: str
    ids: str
    stem: str

    def prepare(self):
        """Computes the oracle's files unless they are there and newer than the model."""
        if (os.path.exists(self.routing)
                and os.path.getmtime(self.routing) >= os.path.getmtime(self.model)):
            return
        logits, routing = Network(self.model).forward(read_ids(self.ids))
        logits.astype("<f4").tofile(self.logits)
        routing.write(self.routing)

    @property
    def logits(self):
        return self.stem + ".logits.f32"

    @property
    def routing(self):
        return self.stem + ".routing.json"


def fixture_case(shape):
    stem = os.path.join(ROOT, "tests/data/oracle", shape.name)
    return Case(shape.name, stem + ".gguf", stem + ".ids", stem)


def generated_case(shape, folder):
    stem = os.path.join(folder, shape.name)
    case = Case(shape.name, stem + ".gguf", stem + ".ids", stem)
    if not os.path.exists(case.routing):
        write_model(case.model, shape, SEED)
        with open(case.ids, "w", encoding="ascii") as file:
            file.write(" ".join(map(str, random_ids(shape, shape.n_ids, SEED))) + "\n")
    case.prepare()
    return case


def user_case(model, ids, folder):
    name = os.path.basename(model)
    case = Case(name, model, ids, os.path.join(folder, name))
    case.prepare()
    return case


def run_jevons(binary, case, flags, out):
    command = [binary, "eval", "logits", "-m", case.model, "--ids", case.ids, "--out", out, *flags]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed with {result.returncode}: {result.stderr}")


def check_case(binary, case, kv_formats):
    """Prints one line for each way of computing; returns whether all limits hold."""
    n_tokens = len(read_ids(case.ids))
    vocab_size = os.path.getsize(case.logits) // 4 // n_tokens
    expected = read_logits(case.logits, vocab_size)
    ways = [("reference", ["--reference"], REFERENCE_LIMITS)]
    for kv in kv_formats:
        ways.append((f"{kv} forced", ["--kv-type", kv, "--force-routing", case.routing],
                     FORCED_LIMITS))
        ways.append((f"{kv} free", ["--kv-type", kv], {}))
    good = True
    for way, flags, limits in ways:
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "logits.f32")
            run_jevons(binary, case, flags, out)
            figures = compare(expected, read_logits(out, vocab_size))
        over = [key for key, limit in limits.items() if not figures[key] <= limit]
        if limits is REFERENCE_LIMITS and figures["greedy"] < 1:
            over.append("greedy")
        good = good and not over
        print(f"{case.name:18} {way:12} {figures['max_relative']:10.2e} {figures['mean_kl']:10.2e} "
              f"{figures['max_kl']:10.2e} {figures['greedy']:8.4f}  "
              f"{'OVER: ' + ', '.join(over) if over else 'ok' if limits else '-'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description="How far logits are from the oracle's.")
    parser.add_argument("binary")
    parser.add_argument("--only", default="", help="models whose name matches this pattern")
    parser.add_argument("--work", default=os.path.join(ROOT, "build/quality"))
    parser.add_argument("--kv", default="f16,q8_0")
    parser.add_argument("--model", help="a model of your own, with --ids")
    parser.add_argument("--ids")
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)
    if arguments.model:
        cases = [lambda: user_case(arguments.model, arguments.ids, arguments.work)]
    else:
        cases = [lambda s=s: fixture_case(s) for s in SHAPES if re.search(arguments.only, s.name)]
        cases += [lambda s=s: generated_case(s, arguments.work) for s in GENERATED
                  if re.search(arguments.only, s.name)]
    print(f"{'model':18} {'path':12} {'max rel.':>10} {'mean KL':>10} {'max KL':>10} {'greedy':>8}")
    results = [check_case(arguments.binary, case(), arguments.kv.split(",")) for case in cases]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
