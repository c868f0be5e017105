"""Writes small M2 GGUF files with random weights, of any shape and mix of tensor types.

Deterministic by seed. Quantised tensors are made of random valid blocks rather than by a
quantiser: every bit pattern of the quants and scales occurs.
"""
import struct
from dataclasses import dataclass, field

import numpy as np

from m2_gguf import TENSOR_TYPES, TYPE_IDS, dequantize

_ALIGNMENT = 32
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5

_MERGES = ["Ġ t", "Ġ a", "i n", "e r", "h e", "o n", "Ġt he", "r e", "Ġ s", "a t", "e n", "o r",
           "i s", "Ġ w", "Ġ o", "in g"]
_SPECIALS = [("]!d~[", _CONTROL), ("]~!b[", _CONTROL), ("]~b]", _CONTROL), ("[e~[", _CONTROL),
             ("<think>", _USER_DEFINED), ("</think>", _USER_DEFINED),
             ("<minimax:tool_call>", _USER_DEFINED), ("</minimax:tool_call>", _USER_DEFINED)]

# Where a block keeps its f16 scale, and its f16 minimum with the ratio that centres the values.
_SCALE_PLACES = {"Q4_0": (0, None), "Q5_0": (0, None), "Q8_0": (0, None), "IQ4_NL": (0, None),
                 "IQ4_XS": (0, None), "Q3_K": (108, None), "Q6_K": (208, None),
                 "Q4_1": (0, (2, -7.5)), "Q5_1": (0, (2, -15.5)), "Q2_K": (80, (82, 1.5)),
                 "Q4_K": (0, (2, 7.5)), "Q5_K": (0, (2, 15.5))}


@dataclass
class Shape:
    """`types`: tensor role -> type names, one for each layer, repeated from the start if fewer
    than layers. Roles: embd, output, attn_q, attn_k, attn_v, attn_output, gate, up, down."""
    name: str
    n_layers: int
    hidden_size: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    rotary_dim: int
    n_experts: int
    n_used: int
    expert_size: int
    vocab_size: int
    types: dict = field(default_factory=dict)
    default_type: str = "F32"
    fused_gate_up: bool = False
    tied_head: bool = False  # no output.weight: the embedding's matrix serves
    epsilon: float = 1e-6
    theta: float = 5e6
    n_ids: int = 32

    def type_of(self, role, layer=0):
        names = self.types.get(role, (self.default_type,))
        return names[layer % len(names)]


def random_blocks(rng, type_name, shape, std):
    """Bytes of a tensor of `shape` (slowest first) whose values have about this deviation."""
    n = int(np.prod(shape))
    if type_name in ("F32", "F16", "BF16"):
        values = (rng.standard_normal(n) * std).astype(np.float32)
        if type_name == "BF16":
            return (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        return values.astype("<f4" if type_name == "F32" else "<f2").tobytes()
    _, elements, block_bytes, _ = TENSOR_TYPES[TYPE_IDS[type_name]]
    blocks = rng.integers(0, 256, (n // elements, block_bytes), np.uint8)
    scale_at, minimum = _SCALE_PLACES[type_name]

    def put(at, values):
        blocks[:, at:at + 2] = values.astype("<f2").view(np.uint8).reshape(-1, 2)

    spread = rng.uniform(0.5, 1.5, len(blocks))
    if minimum is None:
        spread *= rng.choice([-1.0, 1.0], len(blocks))
    factor = 1.0
    for _ in range(2):  # the first round measures what a scale of 1 gives
        put(scale_at, spread * factor)
        if minimum is not None:
            put(minimum[0], spread * factor * minimum[1])
        factor = std / dequantize(TYPE_IDS[type_name], blocks.ravel(), (n,)).std()
    return blocks.tobytes()


def tensors(shape, rng):
    """Yields (name, type name, dimensions with the slowest first, bytes)."""
    s = shape
    q_size, kv_size = s.n_heads * s.head_dim, s.n_kv_heads * s.head_dim

    def matrix(name, type_name, dims, gain=1.0):
        std = gain / np.sqrt(dims[-1])
        return name + ".weight", type_name, dims, random_blocks(rng, type_name, dims, std)

    def vector(name, n, mean, std):
        values = (mean + rng.standard_normal(n) * std).astype("<f4")
        return name, "F32", (n,), values.tobytes()

    yield matrix("token_embd", s.type_of("embd"), (s.vocab_size, s.hidden_size),
                 1 if s.tied_head else np.sqrt(s.hidden_size))
    for i in range(s.n_layers):
        at = f"blk.{i}."
        yield vector(at + "attn_norm.weight", s.hidden_size, 1, 0.25)
        yield matrix(at + "attn_q", s.type_of("attn_q", i), (q_size, s.hidden_size))
        yield matrix(at + "attn_k", s.type_of("attn_k", i), (kv_size, s.hidden_size))
        yield matrix(at + "attn_v", s.type_of("attn_v", i), (kv_size, s.hidden_size))
        yield vector(at + "attn_q_norm.weight", q_size, 1.5, 0.4)
        yield vector(at + "attn_k_norm.weight", kv_size, 1, 0.25)
        yield matrix(at + "attn_output", s.type_of("attn_output", i), (s.hidden_size, q_size), 2)
        yield vector(at + "ffn_norm.weight", s.hidden_size, 1, 0.25)
        yield matrix(at + "ffn_gate_inp", "F32", (s.n_experts, s.hidden_size), 1.5)
        yield vector(at + "exp_probs_b.bias", s.n_experts, 0, 0.2)
        wide = (s.n_experts, s.expert_size, s.hidden_size)
        if s.fused_gate_up:
            fused = (s.n_experts, 2 * s.expert_size, s.hidden_size)
            yield matrix(at + "ffn_gate_up_exps", s.type_of("gate", i), fused)
        else:
            yield matrix(at + "ffn_gate_exps", s.type_of("gate", i), wide)
            yield matrix(at + "ffn_up_exps", s.type_of("up", i), wide)
        yield matrix(at + "ffn_down_exps", s.type_of("down", i),
                     (s.n_experts, s.hidden_size, s.expert_size), 2)
    yield vector("output_norm.weight", s.hidden_size, 1, 0.25)
    if s.tied_head:
        return
    # No gain: the logits' deviation becomes about 1, as an untrained network's. Limits on KL hold
    # for that: it grows with the square of the deviation.
    yield matrix("output", s.type_of("output"), (s.vocab_size, s.hidden_size))


def byte_spellings():
    """The printable character that stands for each byte in byte-level BPE vocabularies."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spellings, n_others = [], 0
    for byte in range(256):
        if byte in printable:
            spellings.append(chr(byte))
        else:
            spellings.append(chr(256 + n_others))
            n_others += 1
    return spellings


def vocabulary(vocab_size):
    """-> (tokens, kinds, index of the first special token)"""
    tokens = byte_spellings() + [merge.replace(" ", "") for merge in _MERGES]
    first_special = len(tokens)
    kinds = [_NORMAL] * first_special + [kind for _, kind in _SPECIALS]
    tokens += [name for name, _ in _SPECIALS]
    while len(tokens) < vocab_size:
        tokens.append(f"[PAD{len(tokens)}]")
        kinds.append(_UNUSED)
    if len(tokens) != vocab_size:
        raise ValueError(f"the vocabulary must have {len(tokens)} tokens or more")
    return tokens, kinds, first_special


def metadata(shape):
    """Yields (key, GGUF type code, value)."""
    s, arch = shape, "minimax-m2"
    yield "general.architecture", "s", arch
    yield "general.name", "s", f"Random {s.name}"
    for key, value in (
            ("block_count", s.n_layers), ("context_length", 4096),
            ("embedding_length", s.hidden_size), ("feed_forward_length", s.expert_size),
            ("attention.head_count", s.n_heads), ("attention.head_count_kv", s.n_kv_heads),
            ("attention.key_length", s.head_dim), ("attention.value_length", s.head_dim),
            ("expert_count", s.n_experts), ("expert_used_count", s.n_used),
            ("expert_gating_func", 2), ("expert_feed_forward_length", s.expert_size),
            ("rope.dimension_count", s.rotary_dim)):
        yield f"{arch}.{key}", "I", value
    yield f"{arch}.rope.freq_base", "f", s.theta
    yield f"{arch}.attention.layer_norm_rms_epsilon", "f", s.epsilon
    tokens, kinds, special = vocabulary(s.vocab_size)
    yield "tokenizer.ggml.model", "s", "gpt2"
    yield "tokenizer.ggml.pre", "s", arch
    yield "tokenizer.ggml.tokens", "s[]", tokens
    yield "tokenizer.ggml.token_type", "i[]", kinds
    yield "tokenizer.ggml.merges", "s[]", _MERGES
    yield "tokenizer.ggml.unknown_token_id", "I", special
    yield "tokenizer.ggml.bos_token_id", "I", special + 1
    yield "tokenizer.ggml.eos_token_id", "I", special + 3
    yield "tokenizer.ggml.add_bos_token", "?", False


def _pack_string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _pack_value(code, value):
    type_ids = {"I": 4, "i": 5, "f": 6, "?": 7, "s": 8}
    if code.endswith("[]"):
        items = [_pack_string(v) if code == "s[]" else struct.pack("<i", v) for v in value]
        return struct.pack("<IIQ", 9, type_ids[code[0]], len(value)) + b"".join(items)
    body = _pack_string(value) if code == "s" else struct.pack("<" + code, value)
    return struct.pack("<I", type_ids[code]) + body


def _padding(n):
    return b"\0" * (-n % _ALIGNMENT)


def write_model(path, shape, seed):
    all_tensors = list(tensors(shape, np.random.Generator(np.random.PCG64(seed))))
    pairs = [_pack_string(key) + _pack_value(code, value) for key, code, value in metadata(shape)]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(pairs)) + b"".join(pairs)
    offset = 0
    for name, type_name, dims, raw in all_tensors:
        head += _pack_string(name) + struct.pack("<I", len(dims))
        head += b"".join(struct.pack("<Q", n) for n in reversed(dims))
        head += struct.pack("<IQ", TYPE_IDS[type_name], offset)
        offset += len(raw) + len(_padding(len(raw)))
    with open(path, "wb") as file:
        file.write(head + _padding(len(head)))
        for _, _, _, raw in all_tensors:
            file.write(raw + _padding(len(raw)))


def random_ids(shape, n_ids, seed):
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    return rng.integers(0, shape.vocab_size, n_ids).tolist()
