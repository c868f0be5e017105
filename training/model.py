"""The M2 architecture at nano size, for training.

One formula per function, in the order in which a token meets them. Matrix
products take bfloat16 inputs (f32 master weights, f32 accumulation); norms,
the router and the residual stream stay in f32.
"""
import dataclasses

import torch
from torch import nn
import torch.nn.functional as F


@dataclasses.dataclass
class Config:
    """Sizes, named as the GGUF metadata names them."""
    n_vocab: int = 4096
    n_embd: int = 256
    n_layers: int = 4
    n_heads: int = 4
    n_kv_heads: int = 2
    head_dim: int = 128
    rotary_dim: int = 64
    rope_theta: float = 5e6
    n_experts: int = 24
    n_experts_used: int = 2
    n_ff: int = 256
    rms_eps: float = 1e-6
    n_ctx: int = 65536


def rms_norm(x, weight, eps):
    """x / rms(x) * weight over the last dimension, in f32."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rope_tables(cfg, positions):
    """cos and sin for the rotary dims, shape positions.shape + [rotary_dim/2]."""
    half = cfg.rotary_dim // 2
    inv_freq = cfg.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = positions.to(torch.float32).unsqueeze(-1) * inv_freq.to(positions.device)
    return torch.cos(angle), torch.sin(angle)


def apply_rope(x, cos, sin, rotary_dim):
    """Rotate pairs (i, i + rotary_dim/2) of each head; x [B, T, H, head_dim]."""
    half = rotary_dim // 2
    a, b, rest = x.split((half, half, x.shape[-1] - rotary_dim), dim=-1)
    cos, sin = cos.unsqueeze(2), sin.unsqueeze(2)
    return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), dim=-1)


class Dispatch(torch.autograd.Function):
    """Copy token rows into expert slots.

    src [n_slots] is the token of each slot (n_tokens for an empty slot) and slot
    [n_tokens, k] its inverse, so that both directions are plain gathers.
    """

    @staticmethod
    def forward(ctx, x, src, slot):
        ctx.save_for_backward(slot)
        padded = torch.cat((x, x.new_zeros(1, x.shape[1])))
        return padded.index_select(0, src)

    @staticmethod
    def backward(ctx, grad):
        (slot,) = ctx.saved_tensors
        k = slot.shape[1]
        out = grad.index_select(0, slot[:, 0])
        for i in range(1, k):
            out = out + grad.index_select(0, slot[:, i])
        return out, None, None


class Collect(torch.autograd.Function):
    """Copy the rows of expert slots back: y [n_slots, D] -> [n_tokens * k, D]."""

    @staticmethod
    def forward(ctx, y, pair_of_slot, slot):
        ctx.save_for_backward(pair_of_slot)
        return y.index_select(0, slot.reshape(-1))

    @staticmethod
    def backward(ctx, grad):
        (pair_of_slot,) = ctx.saved_tensors
        padded = torch.cat((grad, grad.new_zeros(1, grad.shape[1])))
        return padded.index_select(0, pair_of_slot), None, None


def plan_slots(chosen, n_experts, multiple=32):
    """Give each (token, rank) pair a slot in its expert's list.

    Lists lie one after the other, each padded to a multiple of 32 (few shapes,
    so that the matrix library reuses its kernels). Returns the bounds of the
    lists, slot [N, k], the token of each slot and the pair of each slot (both
    with one value past the end for empty slots), and the load.
    """
    n_tokens, k = chosen.shape
    flat = chosen.reshape(-1)
    load = torch.bincount(flat, minlength=n_experts)
    padded = (load + multiple - 1) // multiple * multiple
    first = torch.cumsum(padded, 0) - padded
    order = torch.argsort(flat, stable=True)
    sorted_expert = flat[order]
    rank = torch.arange(flat.numel(), device=flat.device) - (
        torch.cumsum(load, 0) - load)[sorted_expert]
    slot_sorted = first[sorted_expert] + rank
    slot = torch.empty_like(flat)
    slot[order] = slot_sorted
    pair_of_slot = torch.full((int(padded.sum()),), n_tokens * k, dtype=torch.long,
                              device=flat.device)
    pair_of_slot[slot_sorted] = order
    bounds = [(f, f + p) for f, p in zip(first.tolist(), padded.tolist())]
    return bounds, slot.view(n_tokens, k), pair_of_slot // k, pair_of_slot, load


class Experts(torch.autograd.Function):
    """down(silu(gate x) * up x), each list of slots with its own expert.

    Written by hand so that no gradient of a slice fills a whole weight tensor.
    """

    @staticmethod
    def forward(ctx, x, w_gate, w_up, w_down, bounds):
        gate = x.new_empty(x.shape[0], w_gate.shape[1])
        up, y = torch.empty_like(gate), torch.empty_like(x)
        for e, (s, t) in enumerate(bounds):
            if t > s:
                torch.mm(x[s:t], w_gate[e].t(), out=gate[s:t])
                torch.mm(x[s:t], w_up[e].t(), out=up[s:t])
        inner = F.silu(gate) * up
        for e, (s, t) in enumerate(bounds):
            if t > s:
                torch.mm(inner[s:t], w_down[e].t(), out=y[s:t])
        ctx.save_for_backward(x, gate, up, inner, w_gate, w_up, w_down)
        ctx.bounds = bounds
        return y

    @staticmethod
    def backward(ctx, grad):
        x, gate, up, inner, w_gate, w_up, w_down = ctx.saved_tensors
        grad, d_inner, dx = grad.contiguous(), torch.empty_like(inner), torch.empty_like(x)
        d_gate_w, d_up_w, d_down_w = (torch.zeros_like(w) for w in (w_gate, w_up, w_down))
        for e, (s, t) in enumerate(ctx.bounds):
            if t > s:
                torch.mm(grad[s:t], w_down[e], out=d_inner[s:t])
                torch.mm(grad[s:t].t(), inner[s:t], out=d_down_w[e])
        s_gate = torch.sigmoid(gate)
        d_up = d_inner * gate * s_gate
        d_gate = d_inner * up * s_gate * (1 + gate * (1 - s_gate))
        for e, (s, t) in enumerate(ctx.bounds):
            if t > s:
                torch.mm(d_gate[s:t], w_gate[e], out=dx[s:t])
                dx[s:t] += torch.mm(d_up[s:t], w_up[e])
                torch.mm(d_gate[s:t].t(), x[s:t], out=d_gate_w[e])
                torch.mm(d_up[s:t].t(), x[s:t], out=d_up_w[e])
        return dx, d_gate_w, d_up_w, d_down_w, None


def mix_listed(layer, y, chosen, weight):
    """The chosen experts of every token, weighted and summed; also the load of each expert."""
    cfg = layer.cfg
    bounds, slot, src, pair, load = plan_slots(chosen, cfg.n_experts)
    x = Dispatch.apply(low(y), src, slot)
    out = Experts.apply(x, low(layer.ffn_gate_exps), low(layer.ffn_up_exps),
                        low(layer.ffn_down_exps), bounds)
    out = Collect.apply(out, pair, slot).view(-1, cfg.n_experts_used, cfg.n_embd)
    return (out * weight.unsqueeze(-1)).sum(1), load


class Layer(nn.Module):
    """Attention and experts of one layer."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        d, q, kv = cfg.n_embd, cfg.n_heads * cfg.head_dim, cfg.n_kv_heads * cfg.head_dim
        self.attn_norm = nn.Parameter(torch.ones(d))
        self.attn_q = nn.Parameter(torch.randn(q, d) * d ** -0.5)
        self.attn_k = nn.Parameter(torch.randn(kv, d) * d ** -0.5)
        self.attn_v = nn.Parameter(torch.randn(kv, d) * d ** -0.5)
        self.attn_q_norm = nn.Parameter(torch.ones(q))
        self.attn_k_norm = nn.Parameter(torch.ones(kv))
        self.attn_output = nn.Parameter(torch.randn(d, q) * q ** -0.5 * 0.3)
        self.ffn_norm = nn.Parameter(torch.ones(d))
        self.ffn_gate_inp = nn.Parameter(torch.randn(cfg.n_experts, d) * 0.2 * d ** -0.5)
        self.ffn_gate_exps = nn.Parameter(torch.randn(cfg.n_experts, cfg.n_ff, d) * d ** -0.5)
        self.ffn_up_exps = nn.Parameter(torch.randn(cfg.n_experts, cfg.n_ff, d) * d ** -0.5)
        self.ffn_down_exps = nn.Parameter(
            torch.randn(cfg.n_experts, d, cfg.n_ff) * cfg.n_ff ** -0.5 * 0.3)
        self.register_buffer("exp_probs_b", torch.zeros(cfg.n_experts))
        self.register_buffer("load", torch.zeros(cfg.n_experts), persistent=False)
        self.attend, self.mix = None, mix_listed  # fast.py puts others in

    def attention(self, h, cos, sin, mask, cache=None):
        """Causal grouped-query attention with whole-row QK-norm and partial rotary."""
        cfg, (b, t, _) = self.cfg, h.shape
        x = rms_norm(h, self.attn_norm, cfg.rms_eps)
        q = rms_norm(linear(x, self.attn_q), self.attn_q_norm, cfg.rms_eps)
        k = rms_norm(linear(x, self.attn_k), self.attn_k_norm, cfg.rms_eps)
        v = linear(x, self.attn_v).view(b, t, cfg.n_kv_heads, cfg.head_dim)
        q = apply_rope(q.view(b, t, cfg.n_heads, cfg.head_dim), cos, sin, cfg.rotary_dim)
        k = apply_rope(k.view(b, t, cfg.n_kv_heads, cfg.head_dim), cos, sin, cfg.rotary_dim)
        if self.attend is not None:
            out = self.attend(*(low(a).transpose(1, 2) for a in (q, k, v)), mask)
            return h + linear(out.transpose(1, 2).reshape(b, t, -1), self.attn_output)
        if cache is not None:
            k, v = cache.append(k, v)
        group = cfg.n_heads // cfg.n_kv_heads
        q = low(q).view(b, t, cfg.n_kv_heads, group, cfg.head_dim).permute(0, 2, 3, 1, 4)
        q = q.reshape(b * cfg.n_kv_heads, group * t, cfg.head_dim)
        k = low(k).transpose(1, 2).reshape(b * cfg.n_kv_heads, -1, cfg.head_dim)
        v = low(v).transpose(1, 2).reshape(b * cfg.n_kv_heads, -1, cfg.head_dim)
        score = torch.bmm(q, k.transpose(1, 2)) * cfg.head_dim ** -0.5
        score = score.view(b, cfg.n_heads, t, -1) + mask
        prob = torch.softmax(score, dim=-1).view(b * cfg.n_kv_heads, group * t, -1)
        out = torch.bmm(prob, v).view(b, cfg.n_kv_heads, group, t, cfg.head_dim)
        out = out.permute(0, 3, 1, 2, 4).reshape(b, t, -1)
        return h + linear(out, self.attn_output)

    def route(self, y):
        """Sigmoid router: the bias chooses, the unbiased scores weigh."""
        prob = torch.sigmoid(F.linear(y, self.ffn_gate_inp))
        chosen = torch.topk(prob + self.exp_probs_b, self.cfg.n_experts_used, dim=-1).indices
        weight = prob.gather(1, chosen)
        return chosen, weight / weight.sum(-1, keepdim=True)

    def experts(self, h):
        """The chosen experts of every token, weighted and summed."""
        cfg, shape = self.cfg, h.shape
        y = rms_norm(h, self.ffn_norm, cfg.rms_eps).view(-1, cfg.n_embd)
        chosen, weight = self.route(y)
        out, load = self.mix(self, y, chosen, weight)
        if self.training:
            self.load += load
        return h + out.view(shape)

    def forward(self, h, cos, sin, mask, cache=None):
        return self.experts(self.attention(h, cos, sin, mask, cache))


COMPUTE = torch.bfloat16


def low(x):
    """The type of matrix products: bfloat16 in training, f32 in evaluation."""
    return x.to(COMPUTE)


def linear(x, weight):
    """x weight^T with low-precision inputs and an f32 result."""
    shape = x.shape
    out = torch.mm(low(x).reshape(-1, shape[-1]), low(weight).t())
    return out.float().view(*shape[:-1], weight.shape[0])


class Nano(nn.Module):
    """Embedding, layers, head."""

    def __init__(self, cfg=None):
        super().__init__()
        self.cfg = cfg = cfg or Config()
        self.token_embd = nn.Parameter(torch.randn(cfg.n_vocab, cfg.n_embd) * 0.1)
        self.blk = nn.ModuleList(Layer(cfg) for _ in range(cfg.n_layers))
        self.output_norm = nn.Parameter(torch.ones(cfg.n_embd))
        self.output = nn.Parameter(torch.randn(cfg.n_vocab, cfg.n_embd) * 0.02)

    def hidden(self, ids, positions, mask, caches=None):
        """Normed last hidden state for ids [B, T]; mask is added to the scores."""
        cos, sin = rope_tables(self.cfg, positions)
        h = F.embedding(ids, self.token_embd)
        for i, layer in enumerate(self.blk):
            h = layer(h, cos, sin, mask, caches[i] if caches else None)
        return rms_norm(h, self.output_norm, self.cfg.rms_eps)

    def logits(self, hidden):
        """Scores over the vocabulary for hidden [..., n_embd]."""
        return linear(hidden, self.output)

    def balance(self, rate):
        """Move each correction bias towards equal load; returns max/mean load (a tensor)."""
        ratio = torch.zeros((), device=self.output_norm.device)
        for layer in self.blk:
            load = layer.load / layer.load.sum().clamp(min=1) * self.cfg.n_experts
            layer.exp_probs_b += rate * torch.sign(1.0 - load)
            layer.exp_probs_b -= layer.exp_probs_b.mean()
            ratio = torch.maximum(ratio, load.max())
            layer.load.zero_()
        return ratio


def packed_mask(group, doc, dtype):
    """Additive mask [B, 1, T, T] for packed rows.

    A token sees earlier tokens of its own document and of the prefix
    (document 0) of its own group.
    """
    same_group = group.unsqueeze(2) == group.unsqueeze(1)
    visible = (doc.unsqueeze(2) == doc.unsqueeze(1)) | (doc.unsqueeze(1) == 0)
    t = group.shape[1]
    causal = torch.ones(t, t, dtype=torch.bool, device=group.device).tril()
    allowed = same_group & visible & causal
    mask = torch.zeros(allowed.shape, dtype=dtype, device=group.device)
    return mask.masked_fill_(~allowed, -30000.0).unsqueeze(1)
