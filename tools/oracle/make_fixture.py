"""Writes tests/data/oracle: tiny random M2 models with the oracle's logits and routing.

    python3 tools/oracle/make_fixture.py [FOLDER]

For each shape: NAME.gguf, NAME.ids, NAME.logits.f32 ([n_ids][vocab_size]), NAME.routing.json.
"""
import os
import sys

from m2_forward import Network
from random_model import Shape, random_ids, write_model

SHAPES = (
    Shape("f32", n_layers=2, hidden_size=32, n_heads=4, n_kv_heads=1, head_dim=32, rotary_dim=16,
          n_experts=6, n_used=3, expert_size=32, vocab_size=283),
    # Every head has its own keys, the whole head is rotated, one expert for each token.
    Shape("half", n_layers=2, hidden_size=64, n_heads=2, n_kv_heads=2, head_dim=32, rotary_dim=32,
          n_experts=4, n_used=1, expert_size=32, vocab_size=281, theta=10000.0, epsilon=1e-5,
          types={"embd": ["BF16"], "output": ["F16"], "attn_q": ["F16", "BF16"],
                 "attn_k": ["BF16", "F16"], "attn_v": ["F16", "F32"],
                 "attn_output": ["BF16", "F16"], "gate": ["F16", "BF16"], "up": ["BF16", "F16"],
                 "down": ["F16", "BF16"]}),
    # More than two pages of 64 keys.
    Shape("small_blocks", n_layers=2, hidden_size=96, n_heads=6, n_kv_heads=3, head_dim=32,
          rotary_dim=16, n_experts=8, n_used=4, expert_size=32, vocab_size=287, n_ids=140,
          types={"embd": ["Q5_1"], "output": ["Q8_0"], "attn_q": ["Q8_0", "Q4_1"],
                 "attn_k": ["Q5_0", "Q8_0"], "attn_v": ["Q5_1", "Q4_0"],
                 "attn_output": ["IQ4_NL", "Q5_0"], "gate": ["Q4_0", "Q5_1"],
                 "up": ["Q4_1", "IQ4_NL"], "down": ["Q5_0", "Q8_0"]}),
    Shape("k_quants", n_layers=2, hidden_size=256, n_heads=4, n_kv_heads=1, head_dim=64,
          rotary_dim=32, n_experts=8, n_used=2, expert_size=32, vocab_size=290,
          types={"embd": ["Q4_K"], "output": ["Q6_K"], "attn_q": ["Q4_K", "Q3_K"],
                 "attn_k": ["Q5_K", "Q6_K"], "attn_v": ["Q6_K", "IQ4_XS"],
                 "attn_output": ["Q2_K", "Q4_K"], "gate": ["Q4_K", "Q2_K"],
                 "up": ["Q3_K", "Q5_K"], "down": ["Q8_0", "Q4_0"]}),
    # Gate and up projection in one tensor, K-quants in the down projection.
    Shape("fused_experts", n_layers=3, hidden_size=32, n_heads=2, n_kv_heads=1, head_dim=128,
          rotary_dim=64, n_experts=4, n_used=2, expert_size=256, vocab_size=280,
          fused_gate_up=True,
          types={"embd": ["Q8_0"], "output": ["Q5_0"], "attn_q": ["Q8_0"], "attn_k": ["Q8_0"],
                 "attn_v": ["Q8_0"], "attn_output": ["IQ4_XS", "Q5_K", "Q3_K"],
                 "gate": ["Q4_0", "IQ4_NL", "Q8_0"], "down": ["Q6_K", "IQ4_XS", "Q5_K"]}),
)
SEED = 20260213

# A near-tie between experts could fall either way in f32: choose another seed then.
MIN_MARGIN = 1e-4


def write_fixture(folder, shape):
    def path(ending):
        return os.path.join(folder, shape.name + ending)

    write_model(path(".gguf"), shape, SEED)
    ids = random_ids(shape, shape.n_ids, SEED)
    with open(path(".ids"), "w", encoding="ascii") as file:
        file.write(" ".join(map(str, ids)) + "\n")
    logits, routing = Network(path(".gguf")).forward(ids)
    if routing.margins.min() < MIN_MARGIN:
        raise SystemExit(f"{shape.name}: two experts score within {routing.margins.min():.1e}")
    logits.astype("<f4").tofile(path(".logits.f32"))
    routing.write(path(".routing.json"))
    return logits, routing


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../tests/data/oracle")
    os.makedirs(folder, exist_ok=True)
    for shape in SHAPES:
        logits, routing = write_fixture(folder, shape)
        size = sum(entry.stat().st_size for entry in os.scandir(folder)
                   if entry.name.startswith(shape.name + "."))
        print(f"{shape.name}: {size} bytes, logits' deviation {logits.std():.2f}, least margin "
              f"between experts {routing.margins.min():.1e}")


if __name__ == "__main__":
    main()
