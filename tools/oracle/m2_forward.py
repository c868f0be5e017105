"""The forward pass of MiniMax-M2 in NumPy, written from the published description alone.

    python3 tools/oracle/m2_forward.py model.gguf --ids ids.txt --out logits.f32
        [--routing out.json] [--force-routing in.json] [--dtype f64|f32]

ids.txt: decimal token ids separated by spaces. logits.f32: little-endian f32, [n_tokens][vocab].
Routing: {"n_layers": L, "n_used": k, "experts": [layer][token][rank], "weights": the same}, experts
in the router's order of rank. A forced routing replaces the choice; the weights follow from it.
"""
import argparse
import json
from dataclasses import dataclass

import numpy as np

from m2_gguf import Gguf

ARCHITECTURE = "minimax-m2"
_HEAD_ROWS = 8192  # of the output matrix in memory at once


@dataclass
class Config:
    n_layers: int
    hidden_size: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    rotary_dim: int
    n_experts: int
    n_used: int
    epsilon: float
    theta: float


def read_config(metadata):
    if metadata["general.architecture"] != ARCHITECTURE:
        raise ValueError(f"architecture is {metadata['general.architecture']}, "
                         f"must be {ARCHITECTURE}")

    def get(key):
        return metadata[f"{ARCHITECTURE}.{key}"]

    return Config(n_layers=get("block_count"), hidden_size=get("embedding_length"),
                  n_heads=get("attention.head_count"), n_kv_heads=get("attention.head_count_kv"),
                  head_dim=get("attention.key_length"), rotary_dim=get("rope.dimension_count"),
                  n_experts=get("expert_count"), n_used=get("expert_used_count"),
                  epsilon=get("attention.layer_norm_rms_epsilon"), theta=get("rope.freq_base"))


@dataclass
class Routing:
    """experts and weights: [n_layers, n_tokens, n_used], in order of rank. margins: [n_layers,
    n_tokens], how far the score of the last chosen lies above the first one left out."""
    experts: np.ndarray
    weights: np.ndarray
    margins: np.ndarray

    def write(self, path):
        content = {"n_layers": len(self.experts), "n_used": self.experts.shape[2],
                   "experts": self.experts.tolist(),
                   "weights": [[[float(f"{w:.9g}") for w in token] for token in layer]
                               for layer in self.weights.tolist()]}
        with open(path, "w", encoding="ascii") as file:
            json.dump(content, file, separators=(",", ":"))
            file.write("\n")


def read_experts(path):
    """The experts of a routing file: [n_layers, n_tokens, n_used]."""
    with open(path, encoding="ascii") as file:
        return np.array(json.load(file)["experts"], np.int64)


def rms_norm(x, weight, epsilon):
    """x [n_tokens, n] -> the same shape; one mean square for each row."""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * weight


def rotate(x, positions, rotary_dim, theta):
    """x [n_tokens, n_heads, head_dim]: turns the pairs (i, i + rotary_dim/2), leaves the rest."""
    half = rotary_dim // 2
    frequencies = theta ** (-2.0 * np.arange(half) / rotary_dim)
    angles = positions[:, None, None] * frequencies
    cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    first, second = x[..., :half], x[..., half:rotary_dim]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin,
                           x[..., rotary_dim:]], axis=-1)


def attend(q, k, v):
    """q [n_tokens, n_heads, head_dim], k and v [n_tokens, n_kv_heads, head_dim] ->
    [n_tokens, n_heads * head_dim]; causal."""
    n_tokens, n_heads, head_dim = q.shape
    group = n_heads // k.shape[1]
    hidden_from = np.triu(np.ones((n_tokens, n_tokens), bool), 1)
    out = np.empty_like(q)
    for head in range(n_heads):
        scores = q[:, head] @ k[:, head // group].T / np.sqrt(head_dim).astype(q.dtype)
        scores[hidden_from] = -np.inf
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        out[:, head] = scores / scores.sum(axis=1, keepdims=True) @ v[:, head // group]
    return out.reshape(n_tokens, -1)


def choose_experts(probabilities, bias, n_used):
    """[n_tokens, n_experts] -> chosen [n_tokens, n_used] by rank, margins [n_tokens]. The bias
    counts in the choice only; of equal scores the lower index goes first."""
    scores = probabilities + bias
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    if n_used == scores.shape[1]:
        return order, np.full(len(scores), np.inf)
    return order[:, :n_used], ranked[:, n_used - 1] - ranked[:, n_used]


class Network:
    """An M2 file and the type to compute in. Weights are dequantised when a layer needs them."""

    def __init__(self, path, dtype=np.float64):
        gguf = Gguf(path)
        self.tensors, self.dtype = gguf.tensors, dtype
        self.config = read_config(gguf.metadata)

    def weights(self, name):
        return self.tensors[name].values().astype(self.dtype)

    def _expert(self, layer, expert):
        """gate w1, up w3 [expert_size, hidden], down w2 [hidden, expert_size]"""
        def one(name):
            tensor = self.tensors[f"blk.{layer}.{name}.weight"]
            return tensor.rows(expert, expert + 1)[0].astype(self.dtype)

        for fused in ("ffn_gate_up_exps", "ffn_up_gate_exps"):
            if f"blk.{layer}.{fused}.weight" in self.tensors:
                gate, up = np.split(one(fused), 2)  # the gate comes first under either name
                return gate, up, one("ffn_down_exps")
        return one("ffn_gate_exps"), one("ffn_up_exps"), one("ffn_down_exps")

    def attention(self, layer, x, positions):
        c, at = self.config, f"blk.{layer}."
        q = rms_norm(x @ self.weights(at + "attn_q.weight").T,
                     self.weights(at + "attn_q_norm.weight"), c.epsilon)
        k = rms_norm(x @ self.weights(at + "attn_k.weight").T,
                     self.weights(at + "attn_k_norm.weight"), c.epsilon)
        v = x @ self.weights(at + "attn_v.weight").T
        q = rotate(q.reshape(len(x), c.n_heads, c.head_dim), positions, c.rotary_dim, c.theta)
        k = rotate(k.reshape(len(x), c.n_kv_heads, c.head_dim), positions, c.rotary_dim, c.theta)
        v = v.reshape(len(x), c.n_kv_heads, c.head_dim)
        return attend(q, k, v) @ self.weights(at + "attn_output.weight").T

    def experts(self, layer, y, forced):
        """y [n_tokens, hidden] -> (mixture, chosen, weights, margins)"""
        c, at = self.config, f"blk.{layer}."
        router_logits = y @ self.weights(at + "ffn_gate_inp.weight").T
        probabilities = 1.0 / (1.0 + np.exp(-router_logits))
        chosen, margins = choose_experts(probabilities, self.weights(at + "exp_probs_b.bias"),
                                         c.n_used)
        if forced is not None:
            chosen = forced
        weights = np.take_along_axis(probabilities, chosen, axis=1)
        weights = weights / weights.sum(axis=1, keepdims=True)
        mixture = np.zeros_like(y)
        for expert in np.unique(chosen):
            tokens, ranks = np.nonzero(chosen == expert)
            gate, up, down = self._expert(layer, expert)
            inner = y[tokens] @ gate.T
            inner = inner / (1.0 + np.exp(-inner)) * (y[tokens] @ up.T)
            mixture[tokens] += weights[tokens, ranks][:, None] * (inner @ down.T)
        return mixture, chosen, weights, margins

    def head(self, h):
        """h [n_tokens, hidden] -> logits [n_tokens, vocab], some rows of the matrix at a time. A
        file without a head shares the embedding's matrix."""
        matrix = self.tensors.get("output.weight", self.tensors["token_embd.weight"])
        n_rows = matrix.shape[0]
        parts = []
        for begin in range(0, n_rows, _HEAD_ROWS):
            rows = matrix.rows(begin, min(begin + _HEAD_ROWS, n_rows)).astype(self.dtype)
            parts.append(h @ rows.T)
        return np.concatenate(parts, axis=1)

    def forward(self, ids, forced=None):
        """ids -> (logits [n_tokens, vocab], Routing). forced: [n_layers, n_tokens, n_used]."""
        c = self.config
        n_tokens = len(ids)
        if forced is not None and forced.shape != (c.n_layers, n_tokens, c.n_used):
            raise ValueError(f"the forced routing has shape {forced.shape}, must have "
                             f"{(c.n_layers, n_tokens, c.n_used)}")
        positions = np.arange(n_tokens, dtype=np.float64)
        embedding = self.tensors["token_embd.weight"]
        h = np.concatenate([embedding.rows(i, i + 1) for i in ids]).astype(self.dtype)
        records = []
        for layer in range(c.n_layers):
            x = rms_norm(h, self.weights(f"blk.{layer}.attn_norm.weight"), c.epsilon)
            h = h + self.attention(layer, x, positions)
            y = rms_norm(h, self.weights(f"blk.{layer}.ffn_norm.weight"), c.epsilon)
            mixture, *record = self.experts(layer, y, None if forced is None else forced[layer])
            h = h + mixture
            records.append(record)
        logits = self.head(rms_norm(h, self.weights("output_norm.weight"), c.epsilon))
        return logits, Routing(*(np.stack(column) for column in zip(*records)))


def read_ids(path):
    with open(path, encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def main():
    parser = argparse.ArgumentParser(description="Logits of an M2 GGUF file, for every position.")
    parser.add_argument("model")
    parser.add_argument("--ids", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--routing", help="write the chosen experts here")
    parser.add_argument("--force-routing", help="take the chosen experts from here")
    parser.add_argument("--dtype", choices=("f64", "f32"), default="f64")
    arguments = parser.parse_args()
    dtype = np.float64 if arguments.dtype == "f64" else np.float32
    forced = read_experts(arguments.force_routing) if arguments.force_routing else None
    logits, routing = Network(arguments.model, dtype).forward(read_ids(arguments.ids), forced)
    logits.astype("<f4").tofile(arguments.out)
    if arguments.routing:
        routing.write(arguments.routing)


if __name__ == "__main__":
    main()
