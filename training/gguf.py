"""GGUF version 3: a writer and a reader for the types that nano uses.

Shapes are written in ggml order (fastest dimension first); arrays here are
NumPy arrays in the usual order, so the shape is reversed on the way.
"""
import struct

import numpy as np

import bpe

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NUMBER = {0: "<B", 1: "<b", 2: "<H", 3: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<?",
          10: "<Q", 11: "<q", 12: "<d"}
TYPE_F32, TYPE_Q8_0 = 0, 8
BLOCK = np.dtype([("scale", "<f2"), ("quants", "i1", 32)])


def quantise_q8_0(x):
    """Blocks of 32 values: f16 scale = max|x| / 127 and rounded int8 values."""
    x = np.ascontiguousarray(x, dtype=np.float32).reshape(-1, 32)
    scale = np.abs(x).max(axis=1, keepdims=True) / 127.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.empty(len(x), BLOCK)
    scaled = x * inverse
    out["quants"] = (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int8)
    out["scale"] = scale[:, 0].astype(np.float16)
    return out


def dequantise_q8_0(data):
    """f32 values of Q8_0 bytes."""
    blocks = np.frombuffer(data, BLOCK)
    return (blocks["quants"].astype(np.float32)
            * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def pack_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def pack_value(kind, value):
    """Bytes of one metadata value; an array is (element kind, list)."""
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(
            pack_value(element, i) for i in items)
    return struct.pack(NUMBER[kind], value)


def write(path, metadata, tensors):
    """metadata: [(key, kind, value)]; tensors: [(name, array, type)]."""
    infos, blobs, offset = [], [], 0
    for name, array, kind in tensors:
        data = (quantise_q8_0(array) if kind == TYPE_Q8_0
                else np.ascontiguousarray(array, "<f4")).tobytes()
        shape = array.shape[::-1]
        infos.append(pack_string(name) + struct.pack("<I", len(shape))
                     + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, offset))
        data += b"\0" * (-len(data) % ALIGNMENT)
        blobs.append(data)
        offset += len(data)
    head = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    head += b"".join(pack_string(k) + struct.pack("<I", t) + pack_value(t, v)
                     for k, t, v in metadata) + b"".join(infos)
    head += b"\0" * (-len(head) % ALIGNMENT)
    with open(path, "wb") as out:
        out.write(head)
        for blob in blobs:
            out.write(blob)


class Reader:
    """Reads a file into .metadata {key: value} and .tensors {name: f32 array}."""

    def __init__(self, path):
        self.data, self.at = open(path, "rb").read(), 4
        if self.data[:4] != MAGIC:
            raise ValueError(f"{path} is not a GGUF file")
        _, n_tensors, n_keys = self.take("<I"), self.take("<Q"), self.take("<Q")
        self.metadata = {}
        for _ in range(n_keys):
            key, kind = self.string(), self.take("<I")
            self.metadata[key] = self.value(kind)
        infos = []
        for _ in range(n_tensors):
            name, n_dims = self.string(), self.take("<I")
            shape = [self.take("<Q") for _ in range(n_dims)]
            infos.append((name, shape, self.take("<I"), self.take("<Q")))
        base = -(-self.at // ALIGNMENT) * ALIGNMENT
        self.tensors = {}
        for name, shape, kind, offset in infos:
            n, start = int(np.prod(shape)), base + offset
            if kind == TYPE_Q8_0:
                flat = dequantise_q8_0(self.data[start:start + n // 32 * 34])
            else:
                flat = np.frombuffer(self.data, "<f4", n, start)
            self.tensors[name] = flat.reshape(shape[::-1])

    def take(self, code):
        (value,) = struct.unpack_from(code, self.data, self.at)
        self.at += struct.calcsize(code)
        return value

    def string(self):
        n = self.take("<Q")
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, n = self.take("<I"), self.take("<Q")
            return [self.value(element) for _ in range(n)]
        return self.take(NUMBER[kind])


def read_tokenizer(metadata):
    """The BPE tokenizer in the metadata of a file."""
    table = {c: b for b, c in bpe.byte_unicode().items()}
    ids = {token: i for i, token in enumerate(metadata["tokenizer.ggml.tokens"][:bpe.N_BASE])}
    merges = []
    for merge in metadata["tokenizer.ggml.merges"]:
        left, right = merge.split(" ")
        merges.append((ids[left], ids[right]))
    assert all(len(c) == 1 and c in table for t in ids for c in t)
    names = metadata["tokenizer.ggml.tokens"][bpe.N_BASE:bpe.N_BASE + len(bpe.SPECIALS)]
    return bpe.Tokenizer(merges, names)


def read_model(path, model):
    """Loads the weights of a GGUF file into a model; returns its tokenizer."""
    import torch
    reader = Reader(path)
    state = {ours: torch.from_numpy(np.array(reader.tensors[theirs]))
             for ours, theirs in tensor_names(model.cfg).items()}
    model.load_state_dict(state)
    return read_tokenizer(reader.metadata)


def tensor_names(cfg):
    """{name in the model: name in GGUF}, in the order of the file."""
    names = {"token_embd": "token_embd.weight"}
    for i in range(cfg.n_layers):
        for part in ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_q_norm", "attn_k_norm",
                     "attn_output", "ffn_norm", "ffn_gate_inp"):
            names[f"blk.{i}.{part}"] = f"blk.{i}.{part}.weight"
        names[f"blk.{i}.exp_probs_b"] = f"blk.{i}.exp_probs_b.bias"
        for part in ("ffn_gate_exps", "ffn_down_exps", "ffn_up_exps"):
            names[f"blk.{i}.{part}"] = f"blk.{i}.{part}.weight"
    names["output_norm"] = "output_norm.weight"
    names["output"] = "output.weight"
    return names
