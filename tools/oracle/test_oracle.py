"""Tests of the oracle itself: python3 -m unittest discover -s tools/oracle -p 'test_*.py'"""
import json
import math
import os
import struct
import tempfile
import unittest

import numpy as np

from compare_logits import compare
from m2_forward import Network, read_experts, read_ids
from m2_gguf import TENSOR_TYPES, TYPE_IDS, Gguf, dequantize
from make_fixture import SEED, SHAPES, write_fixture
from random_model import Shape, random_blocks, write_model

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/data/oracle")


def half(value):
    return struct.pack("<e", value)


def decode(type_name, raw):
    type_id = TYPE_IDS[type_name]
    elements = TENSOR_TYPES[type_id][1]
    raw = np.frombuffer(raw, np.uint8)
    return dequantize(type_id, raw, (len(raw) // TENSOR_TYPES[type_id][2] * elements,))


class Dequantisation(unittest.TestCase):
    """Blocks laid down by hand, with values worked out on paper."""

    def check(self, type_name, raw, expected):
        values = decode(type_name, raw)
        for index, value in expected.items():
            self.assertEqual(values[index], value, f"{type_name} element {index}")

    def test_floats(self):
        self.check("F16", half(1.5) + half(-2.0), {0: 1.5, 1: -2.0})
        self.check("BF16", b"\xc0\x3f\x20\xc1", {0: 1.5, 1: -10.0})
        self.check("F32", struct.pack("<f", 0.1), {0: np.float32(0.1)})

    def test_small_blocks(self):
        quants = b"\x3a" + b"\x00" * 14 + b"\xf1"
        self.check("Q4_0", half(2.0) + quants, {0: 4.0, 1: -16.0, 16: -10.0, 15: -14.0, 31: 14.0})
        self.check("Q4_1", half(2.0) + half(0.5) + quants, {0: 20.5, 1: 0.5, 16: 6.5, 31: 30.5})
        high = struct.pack("<I", 1 | 1 << 31)
        self.check("Q5_0", half(2.0) + high + quants, {0: 20.0, 16: -26.0, 15: -30.0, 31: 30.0})
        self.check("Q5_1", half(2.0) + half(1.0) + high + quants, {0: 53.0, 16: 7.0, 31: 63.0})
        self.check("Q8_0", half(0.5) + bytes([0x80, 0x7F]) + b"\x00" * 30, {0: -64.0, 1: 63.5})
        self.check("IQ4_NL", half(2.0) + quants, {0: 50.0, 1: -254.0, 16: -130.0, 31: 226.0})

    def test_q2_k(self):
        scales = bytes([0x21, 0x03] + [0] * 13 + [0x4F])
        quants = bytearray(64)
        quants[0] = 0b11_10_01_10   # element 0 is 2, element 32 is 1
        quants[16] = 0b01           # element 16 is 1
        quants[63] = 0b11_00_00_00  # element 255 is 3
        raw = scales + bytes(quants) + half(2.0) + half(0.5)
        self.check("Q2_K", raw, {0: 2 * 1 * 2 - 0.5 * 2, 1: -1.0, 16: 2 * 3 * 1, 32: 0.0,
                                 255: 2 * 15 * 3 - 0.5 * 4})

    def test_q3_k(self):
        high = bytearray(32)
        high[0], high[31] = 0b0000_0001, 0b1000_0000
        quants = bytearray(64)
        quants[0] = 0b10
        quants[63] = 0b01_00_00_00
        scales = bytearray(12)
        scales[0] = 0x05                # low bits of scale 0 are 5, of scale 8 are 0
        scales[8] = 0b0000_0011         # high bits of scale 0 are 3: 53 - 32 = 21
        scales[7], scales[11] = 0x90, 0b1000_0000  # scale 15 is 9 + 32: 9
        raw = bytes(high + quants + scales) + half(2.0)
        self.check("Q3_K", raw, {0: 2 * 21 * 2, 1: 2 * 21 * -4, 255: 2 * 9 * 1,
                                 254: 2 * 9 * -4, 16: 2 * -32 * -4})

    def test_q4_k_and_q5_k(self):
        scales = bytearray(12)
        scales[0], scales[4] = 0b10_000011, 0b01_000101  # scale 0 is 3, minimum 0 is 5
        scales[8] = 0x72                                 # scale 4 is 2 + 32, minimum 4 is 7 + 16
        quants = bytearray(128)
        quants[0], quants[64] = 0x4B, 0x0F  # elements 0 and 32; 128
        head = half(2.0) + half(0.5) + bytes(scales)
        self.check("Q4_K", head + bytes(quants),
                   {0: 2 * 3 * 11 - 2.5, 1: -2.5, 32: 0.0, 128: 2 * 34 * 15 - 0.5 * 23,
                    129: -11.5})
        high = bytearray(32)
        high[0] = 0b0001_0001  # elements 0 and 128
        self.check("Q5_K", head + bytes(high) + bytes(quants),
                   {0: 2 * 3 * 27 - 2.5, 1: -2.5, 128: 2 * 34 * 31 - 0.5 * 23, 129: -11.5})

    def test_q6_k(self):
        low, high, scales = bytearray(128), bytearray(64), bytearray(16)
        low[0], high[0] = 0x3A, 0b01_00_00_10  # element 0: 42 - 32; 64: 3 - 32; 96: 16 - 32
        low[127] = 0x50                        # element 255: 5 - 32
        scales[0], scales[4], scales[6], scales[15] = 3, 0xFF, 2, 0x80
        raw = bytes(low + high + scales) + half(0.5)
        self.check("Q6_K", raw, {0: 15.0, 1: 0.5 * 3 * -32, 64: 0.5 * -1 * -29,
                                 96: 0.5 * 2 * -16, 255: 0.5 * -128 * -27})

    def test_iq4_xs(self):
        quants = bytearray(128)
        quants[0], quants[127] = 0x80, 0xF0
        raw = half(2.0) + struct.pack("<H", 0b10 | 0b11 << 14) + bytes([0x05, 0, 0, 0x40])
        raw += bytes(quants)  # scale 0: 37 - 32 = 5; scale 7: 52 - 32 = 20
        self.check("IQ4_XS", raw, {0: 2 * 5 * -127, 16: 2 * 5 * 1, 255: 2 * 20 * 113,
                                   239: 2 * 20 * -127})

    def test_random_blocks_have_the_deviation_asked_for(self):
        rng = np.random.Generator(np.random.PCG64(3))
        for type_name in TYPE_IDS:
            values = decode(type_name, random_blocks(rng, type_name, (64, 256), 0.125))
            self.assertAlmostEqual(values.std(), 0.125, delta=0.01, msg=type_name)
            self.assertLess(abs(values.mean()), 0.03, type_name)


class TokenByToken:
    """The network a second time: one token after the other, vectors and loops, rotation by complex
    numbers, a growing list of keys. `mistake` puts in one of the known ways to get M2 wrong."""

    def __init__(self, path, mistake=None):
        self.file = Gguf(path)
        self.mistake = mistake
        self.n_layers = self.get("block_count")
        self.keys = [[] for _ in range(self.n_layers)]
        self.values = [[] for _ in range(self.n_layers)]

    def get(self, key):
        return self.file.metadata["minimax-m2." + key]

    def w(self, name):
        return self.file.tensors[name].values().astype(np.float64)

    def norm(self, x, name, n_groups=1):
        groups = x.reshape(n_groups, -1)
        eps = self.get("attention.layer_norm_rms_epsilon")
        scaled = [g / math.sqrt(float(g @ g) / len(g) + eps) for g in groups]
        return np.concatenate(scaled) * self.w(name)

    def turn(self, head, position):
        n = self.get("rope.dimension_count")
        if self.mistake == "rotate the whole head":
            n = len(head)
        half_n, out = n // 2, head.copy()
        for i in range(half_n):
            a, b = (2 * i, 2 * i + 1) if self.mistake == "interleaved pairs" else (i, i + half_n)
            angle = position / self.get("rope.freq_base") ** (2 * i / n)
            turned = complex(head[a], head[b]) * complex(math.cos(angle), math.sin(angle))
            out[a], out[b] = turned.real, turned.imag
        return out

    def attend(self, layer, x, position):
        at = f"blk.{layer}."
        n_heads, n_kv = self.get("attention.head_count"), self.get("attention.head_count_kv")
        by_head = self.mistake == "norm each head"
        q = self.norm(self.w(at + "attn_q.weight") @ x, at + "attn_q_norm.weight",
                      n_heads if by_head else 1).reshape(n_heads, -1)
        k = self.norm(self.w(at + "attn_k.weight") @ x, at + "attn_k_norm.weight",
                      n_kv if by_head else 1).reshape(n_kv, -1)
        v = (self.w(at + "attn_v.weight") @ x).reshape(n_kv, -1)
        self.keys[layer].append([self.turn(head, position) for head in k])
        self.values[layer].append(v)
        outputs = []
        for j in range(n_heads):
            shared = j % n_kv if self.mistake == "heads dealt in turn" else j * n_kv // n_heads
            query = self.turn(q[j], position)
            weights = [math.exp(float(query @ key[shared]) / math.sqrt(len(query)))
                       for key in self.keys[layer]]
            mixed = sum(w * value[shared] for w, value in zip(weights, self.values[layer]))
            outputs.append(mixed / sum(weights))
        return self.w(at + "attn_output.weight") @ np.concatenate(outputs)

    def mix(self, layer, y):
        at = f"blk.{layer}."
        scores = self.w(at + "ffn_gate_inp.weight") @ y
        bias = self.w(at + "exp_probs_b.bias")
        if self.mistake == "softmax router":
            p = np.exp(scores) / np.exp(scores).sum()
        else:
            p = np.array([1 / (1 + math.exp(-s)) for s in scores])
        best = sorted(range(len(p)), key=lambda e: -(p[e] + bias[e]))
        best = best[:self.get("expert_used_count")]
        if self.mistake == "bias in the weights":
            p = p + bias
        total = 1 if self.mistake == "weights not normalised" else sum(p[e] for e in best)
        out = np.zeros_like(y)
        for e in best:
            gate, up = self.gate_and_up(at, e)
            g = gate @ y
            inner = np.array([x / (1 + math.exp(-x)) for x in g]) * (up @ y)
            down = self.w(at + "ffn_down_exps.weight")[e]
            out += p[e] / total * (down @ inner)
        return out

    def gate_and_up(self, at, expert):
        if at + "ffn_gate_up_exps.weight" in self.file.tensors:
            both = self.w(at + "ffn_gate_up_exps.weight")[expert]
            return both[:len(both) // 2], both[len(both) // 2:]
        return (self.w(at + "ffn_gate_exps.weight")[expert],
                self.w(at + "ffn_up_exps.weight")[expert])

    def logits(self, ids):
        rows = []
        for position, token in enumerate(ids):
            h = self.w("token_embd.weight")[token]
            for layer in range(self.n_layers):
                at = f"blk.{layer}."
                h = h + self.attend(layer, self.norm(h, at + "attn_norm.weight"), position)
                h = h + self.mix(layer, self.norm(h, at + "ffn_norm.weight"))
            rows.append(self.w("output.weight") @ self.norm(h, "output_norm.weight"))
        return np.array(rows)


def fixture(name, ending):
    return os.path.join(FIXTURES, name + ending)


class Fixtures(unittest.TestCase):
    def test_committed_files_are_what_the_oracle_writes(self):
        with tempfile.TemporaryDirectory() as folder:
            for shape in SHAPES:
                logits, routing = write_fixture(folder, shape)
                for ending in (".gguf", ".ids"):
                    with open(os.path.join(folder, shape.name + ending), "rb") as new, \
                            open(fixture(shape.name, ending), "rb") as old:
                        self.assertEqual(new.read(), old.read(), shape.name + ending)
                committed = np.fromfile(fixture(shape.name, ".logits.f32"), "<f4")
                np.testing.assert_allclose(committed, logits.ravel(), rtol=1e-6, atol=1e-6)
                experts = read_experts(fixture(shape.name, ".routing.json"))
                np.testing.assert_array_equal(experts, routing.experts)

    def test_every_tensor_type_occurs(self):
        seen = {tensor.type_name for shape in SHAPES
                for tensor in Gguf(fixture(shape.name, ".gguf")).tensors.values()}
        self.assertEqual(seen, set(TYPE_IDS))

    def test_token_by_token_agrees(self):
        for shape in SHAPES:
            ids = read_ids(fixture(shape.name, ".ids"))[:24]
            expected, _ = Network(fixture(shape.name, ".gguf")).forward(ids)
            figures = compare(expected, TokenByToken(fixture(shape.name, ".gguf")).logits(ids))
            self.assertLess(figures["max_relative"], 1e-12, shape.name)

    def test_known_mistakes_show_in_the_fixtures(self):
        for mistake in ("norm each head", "rotate the whole head", "interleaved pairs",
                        "heads dealt in turn", "softmax router", "bias in the weights",
                        "weights not normalised"):
            shape = "k_quants" if mistake != "heads dealt in turn" else "small_blocks"
            ids = read_ids(fixture(shape, ".ids"))[:8]
            expected, _ = Network(fixture(shape, ".gguf")).forward(ids)
            wrong = TokenByToken(fixture(shape, ".gguf"), mistake).logits(ids)
            figures = compare(expected, wrong)
            self.assertGreater(figures["max_relative"], 0.01, mistake)
            self.assertGreater(figures["mean_kl"], 1e-4, mistake)


class Forward(unittest.TestCase):
    def test_later_tokens_do_not_change_earlier_logits(self):
        for shape in SHAPES:
            network = Network(fixture(shape.name, ".gguf"))
            ids = read_ids(fixture(shape.name, ".ids"))[:20]
            whole, _ = network.forward(ids)
            prefix, _ = network.forward(ids[:11])
            np.testing.assert_allclose(prefix, whole[:11], rtol=0, atol=1e-11)
            other, _ = network.forward(ids[:10] + [(ids[10] + 1) % 256])
            self.assertGreater(np.abs(other[10] - whole[10]).max(), 0.1)

    def test_f32_is_near_f64(self):
        for shape in SHAPES:
            ids = read_ids(fixture(shape.name, ".ids"))
            expected = np.fromfile(fixture(shape.name, ".logits.f32"), "<f4")
            logits, _ = Network(fixture(shape.name, ".gguf"), np.float32).forward(ids)
            self.assertEqual(logits.dtype, np.float32)
            figures = compare(expected.reshape(len(ids), -1), logits)
            self.assertLess(figures["max_relative"], 1e-4, shape.name)
            self.assertLess(figures["mean_kl"], 1e-9, shape.name)
            self.assertEqual(figures["greedy"], 1.0, shape.name)

    def test_a_recorded_routing_can_be_forced(self):
        network = Network(fixture("k_quants", ".gguf"))
        ids = read_ids(fixture("k_quants", ".ids"))
        free, routing = network.forward(ids)
        forced, _ = network.forward(ids, read_experts(fixture("k_quants", ".routing.json")))
        np.testing.assert_array_equal(free, forced)
        other = routing.experts.copy()
        other[0, 3] = [(e + 1) % 8 for e in other[0, 3]]
        changed, record = network.forward(ids, other)
        np.testing.assert_array_equal(record.experts, other)
        np.testing.assert_allclose(changed[:3], free[:3], rtol=0, atol=1e-11)
        self.assertGreater(np.abs(changed[3] - free[3]).max(), 0.01)
        with self.assertRaisesRegex(ValueError, "must have"):
            network.forward(ids[:5], other)

    def test_weights_of_a_routing_sum_to_one(self):
        with open(fixture("f32", ".routing.json"), encoding="ascii") as file:
            content = json.load(file)
        self.assertEqual(content["n_used"], 3)
        weights = np.array(content["weights"])
        np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-7)


class Comparison(unittest.TestCase):
    def test_figures(self):
        expected = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
        actual = np.log(np.array([[0.25, 0.5, 0.25], [0.1, 0.8, 0.1]])) + 7.0
        figures = compare(expected, actual)
        self.assertAlmostEqual(figures["max_kl"], 0.25 * math.log(2))
        self.assertAlmostEqual(figures["mean_kl"], 0.125 * math.log(2))
        self.assertEqual(figures["greedy"], 0.5)
        with self.assertRaises(SystemExit):
            compare(expected, np.full_like(expected, np.nan))


class OtherFiles(unittest.TestCase):
    def test_a_file_of_another_architecture_is_refused(self):
        shape = Shape("tiny", 1, 32, 1, 1, 32, 16, 2, 1, 32, 280)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.gguf")
            write_model(path, shape, SEED)
            with open(path, "r+b") as file:
                raw = file.read().replace(b"minimax-m2", b"minimax-m1")
                file.seek(0)
                file.write(raw)
            with self.assertRaises(ValueError):
                Network(path)


if __name__ == "__main__":
    unittest.main()
