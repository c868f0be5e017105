"""Reads GGUF files for the oracle: metadata, tensors, and exact dequantisation in NumPy.

Shares no code with the engine, so that a mistake in either shows as a difference. Block layouts
are those of the GGUF specification; each decoder computes in f32, in the order of its formula.
"""
import os
import re
import struct

import numpy as np

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q",
            12: "d"}
_STRING = 8
_ARRAY = 9
_ALIGNMENT = 32

_IQ4_VALUES = np.array([-127, -104, -83, -65, -49, -35, -22, -10,
                        1, 13, 25, 38, 53, 69, 89, 113], np.float32)


def _f16(blocks, at):
    """The half at byte `at` of every block, as an f32 column."""
    return blocks[:, at:at + 2].copy().view("<f2").astype(np.float32)


def _nibbles(quants):
    """[n, b] bytes -> [n, 2, b]: the low nibbles, then the high ones."""
    return np.stack([quants & 15, quants >> 4], axis=1)


def _fifth_bits(blocks, at):
    """The 32-bit word at byte `at` of every block -> its bits, times 16."""
    bits = np.unpackbits(blocks[:, at:at + 4], axis=1, bitorder="little")
    return bits << 4


def _q4_0(b):
    q = _nibbles(b[:, 2:18]).reshape(-1, 32).astype(np.float32)
    return _f16(b, 0) * (q - 8)


def _q4_1(b):
    q = _nibbles(b[:, 4:20]).reshape(-1, 32).astype(np.float32)
    return _f16(b, 0) * q + _f16(b, 2)


def _q5_0(b):
    q = _nibbles(b[:, 6:22]).reshape(-1, 32) | _fifth_bits(b, 2)
    return _f16(b, 0) * (q.astype(np.float32) - 16)


def _q5_1(b):
    q = _nibbles(b[:, 8:24]).reshape(-1, 32) | _fifth_bits(b, 4)
    return _f16(b, 0) * q.astype(np.float32) + _f16(b, 2)


def _q8_0(b):
    return _f16(b, 0) * b[:, 2:34].view(np.int8).astype(np.float32)


def _iq4_nl(b):
    return _f16(b, 0) * _IQ4_VALUES[_nibbles(b[:, 2:18]).reshape(-1, 32)]


def _two_bit_planes(quants):
    """[n, 64] bytes -> [n, 256]: halves of 128, each as four bit pairs of the same 32 bytes."""
    halves = quants.reshape(-1, 2, 1, 32)
    shifts = np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    return ((halves >> shifts) & 3).reshape(-1, 256)


def _q2_k(b):
    """[16 scale/minimum nibbles][64 quants][d][dmin]"""
    scales = b[:, :16]
    d, dmin = _f16(b, 80), _f16(b, 82)
    q = _two_bit_planes(b[:, 16:80]).reshape(-1, 16, 16).astype(np.float32)
    scale = d * (scales & 15).astype(np.float32)
    minimum = dmin * (scales >> 4).astype(np.float32)
    return scale[:, :, None] * q - minimum[:, :, None]


def _q3_k(b):
    """[32 high-bit bytes][64 quants][12 packed scales][d]; a clear high bit means minus 4."""
    low = _two_bit_planes(b[:, 32:96]).astype(np.int8)
    planes = np.unpackbits(b[:, :32, None], axis=2, bitorder="little")  # [n, 32, 8]
    high = planes.transpose(0, 2, 1).reshape(-1, 256).astype(np.int8)
    packed = b[:, 96:108]
    low4 = np.concatenate([packed[:, :8] & 15, packed[:, :8] >> 4], axis=1)
    shifts = np.array([0, 2, 4, 6], np.uint8).reshape(1, 4, 1)
    high2 = ((packed[:, None, 8:12] >> shifts) & 3).reshape(-1, 16)
    scale = _f16(b, 108) * ((low4 | (high2 << 4)).astype(np.float32) - 32)
    q = (low + 4 * high - 4).reshape(-1, 16, 16).astype(np.float32)
    return scale[:, :, None] * q


def _six_bit_pairs(packed):
    """12 bytes -> eight 6-bit scales and eight 6-bit minimums, as f32."""
    first, second, rest = packed[:, :4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([first & 63, (rest & 15) | ((first >> 6) << 4)], axis=1)
    minimums = np.concatenate([second & 63, (rest >> 4) | ((second >> 6) << 4)], axis=1)
    return scales.astype(np.float32), minimums.astype(np.float32)


def _scaled_with_minimum(b, q):
    scales, minimums = _six_bit_pairs(b[:, 4:16])
    scale = _f16(b, 0) * scales
    minimum = _f16(b, 2) * minimums
    return scale[:, :, None] * q.astype(np.float32) - minimum[:, :, None]


def _q4_k(b):
    """[d][dmin][12 packed scales][128 quants]: each 32 bytes hold two runs of 32."""
    return _scaled_with_minimum(b, _nibbles(b[:, 16:144].reshape(-1, 32)).reshape(-1, 8, 32))


def _q5_k(b):
    """[d][dmin][12 packed scales][32 high-bit bytes][128 quants]: bit i belongs to run i."""
    low = _nibbles(b[:, 48:176].reshape(-1, 32)).reshape(-1, 8, 32)
    planes = np.unpackbits(b[:, 16:48, None], axis=2, bitorder="little")  # [n, 32, 8]
    return _scaled_with_minimum(b, low | (planes.transpose(0, 2, 1) << 4))


def _q6_k(b):
    """[128 low nibbles][64 high pairs][16 signed scales][d]"""
    low = _nibbles(b[:, :128].reshape(-1, 64)).reshape(-1, 256)  # halves of 128: 64 low, 64 high
    q = (low | (_two_bit_planes(b[:, 128:192]) << 4)).astype(np.float32) - 32
    scale = _f16(b, 208) * b[:, 192:208].view(np.int8).astype(np.float32)
    return scale[:, :, None] * q.reshape(-1, 16, 16)


def _iq4_xs(b):
    """[d][16 high scale bits][4 bytes of low scale nibbles][128 quants]"""
    high = b[:, 2:4].copy().view("<u2")
    high2 = (high >> np.arange(0, 16, 2, dtype=np.uint16)) & 3
    low4 = np.stack([b[:, 4:8] & 15, b[:, 4:8] >> 4], axis=2).reshape(-1, 8)
    scale = _f16(b, 0) * ((low4 | (high2 << 4)).astype(np.float32) - 32)
    q = _IQ4_VALUES[_nibbles(b[:, 8:136].reshape(-1, 16)).reshape(-1, 8, 32)]
    return scale[:, :, None] * q


def _f32(b):
    return b.view("<f4")


def _f16_plain(b):
    return b.view("<f2").astype(np.float32)


def _bf16(b):
    return (b.view("<u2").astype(np.uint32) << 16).view(np.float32)


# type id -> name, elements of a block, bytes of a block, decoder of [n_blocks, block_bytes]
TENSOR_TYPES = {
    0: ("F32", 1, 4, _f32), 1: ("F16", 1, 2, _f16_plain), 30: ("BF16", 1, 2, _bf16),
    2: ("Q4_0", 32, 18, _q4_0), 3: ("Q4_1", 32, 20, _q4_1),
    6: ("Q5_0", 32, 22, _q5_0), 7: ("Q5_1", 32, 24, _q5_1), 8: ("Q8_0", 32, 34, _q8_0),
    10: ("Q2_K", 256, 84, _q2_k), 11: ("Q3_K", 256, 110, _q3_k), 12: ("Q4_K", 256, 144, _q4_k),
    13: ("Q5_K", 256, 176, _q5_k), 14: ("Q6_K", 256, 210, _q6_k),
    20: ("IQ4_NL", 32, 18, _iq4_nl), 23: ("IQ4_XS", 256, 136, _iq4_xs),
}
TYPE_IDS = {facts[0]: type_id for type_id, facts in TENSOR_TYPES.items()}


def dequantize(type_id, raw, shape):
    """`raw` bytes of a tensor (uint8 array) -> f32 array of `shape` (slowest dimension first)."""
    _, _, block_bytes, decode = TENSOR_TYPES[type_id]
    return decode(raw.reshape(-1, block_bytes)).reshape(shape)


class Tensor:
    """One tensor of a mapped file. `shape` has the slowest dimension first: [rows, columns]."""

    def __init__(self, name, type_id, shape, raw):
        self.name, self.type_id, self.shape, self.raw = name, type_id, shape, raw

    @property
    def type_name(self):
        return TENSOR_TYPES[self.type_id][0]

    def values(self):
        return dequantize(self.type_id, self.raw, self.shape)

    def rows(self, begin, end):
        """Values of a range of the slowest dimension, [end - begin, ...]."""
        step = len(self.raw) // self.shape[0]
        return dequantize(self.type_id, self.raw[begin * step:end * step],
                          (end - begin, *self.shape[1:]))


class _Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def scalar(self, code):
        size = struct.calcsize("<" + code)
        value = struct.unpack("<" + code, self.data[self.at:self.at + size].tobytes())[0]
        self.at += size
        return value

    def string(self):
        n = self.scalar("Q")
        self.at += n
        return self.data[self.at - n:self.at].tobytes().decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            element, n = self.scalar("I"), self.scalar("Q")
            return [self.value(element) for _ in range(n)]
        return self.scalar(_SCALARS[kind])


class Gguf:
    """metadata: {key: value}; tensors: {name: Tensor}, of all shards if the file is one of some."""

    def __init__(self, path):
        self.metadata, self.tensors = self._read(path)
        for other in self._other_shards(path):
            self.tensors.update(self._read(other)[1])

    def _other_shards(self, path):
        n_shards = self.metadata.get("split.count", 1)
        if n_shards <= 1:
            return []
        stem, number = re.fullmatch(r"(.*)-(\d{5})-of-\d{5}\.gguf", path).groups()
        names = [f"{stem}-{i:05}-of-{n_shards:05}.gguf" for i in range(1, n_shards + 1)
                 if i != int(number)]
        if int(number) != 1:
            self.metadata = self._read(names[0])[0]
        return names

    @staticmethod
    def _read(path):
        data = np.memmap(path, np.uint8, "r")
        cursor = _Cursor(data)
        if data[:4].tobytes() != b"GGUF":
            raise ValueError(f"{path}: not a GGUF file")
        cursor.at = 4
        version = cursor.scalar("I")
        if version not in (2, 3):
            raise ValueError(f"{path}: GGUF version {version}, must be 2 or 3")
        n_tensors, n_pairs = cursor.scalar("Q"), cursor.scalar("Q")
        metadata = {}
        for _ in range(n_pairs):
            key = cursor.string()
            metadata[key] = cursor.value(cursor.scalar("I"))
        entries = []
        for _ in range(n_tensors):
            name = cursor.string()
            shape = [cursor.scalar("Q") for _ in range(cursor.scalar("I"))][::-1]
            entries.append((name, shape, cursor.scalar("I"), cursor.scalar("Q")))
        alignment = metadata.get("general.alignment", _ALIGNMENT)
        start = -(-cursor.at // alignment) * alignment
        tensors = {}
        for name, shape, type_id, offset in entries:
            if type_id not in TENSOR_TYPES:
                raise ValueError(f"{path}: tensor '{name}' has type {type_id}, which the oracle "
                                 "cannot read")
            _, elements, block_bytes, _ = TENSOR_TYPES[type_id]
            size = int(np.prod(shape, dtype=np.int64)) // elements * block_bytes
            if start + offset + size > os.path.getsize(path):
                raise ValueError(f"{path}: tensor '{name}' ends behind the end of the file")
            raw = data[start + offset:start + offset + size]
            tensors[name] = Tensor(name, type_id, tuple(shape), raw)
        return metadata, tensors
