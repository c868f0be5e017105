"""Attention and experts for a GPU: block-sparse attention, one grouped product for all experts,
and layers compiled as a whole, which joins their many small steps into few kernels.

setup() tries the fastest way first and compares loss and gradients with the plain way of
model.py on the same batch; a way that fails or differs is not used.
"""
import torch
import torch.nn.functional as F

import model as m2

BLOCK = 128
DOCS = 1 << 15


def plan_slots(chosen, n_experts, multiple=32):
    """As model.plan_slots, with a fixed number of slots and without waiting for the device.

    Returns the end of each expert's list, slot [N, k], the pair of each slot, and the load.
    Behind the last list lie some slots that belong to no expert; what is in them is not read.
    """
    n_tokens, k = chosen.shape
    flat, device = chosen.reshape(-1), chosen.device
    load = torch.zeros(n_experts, dtype=torch.long, device=device).scatter_add_(
        0, flat, torch.ones_like(flat))
    padded = (load + multiple - 1) // multiple * multiple
    ends = torch.cumsum(padded, 0)
    order = torch.argsort(flat, stable=True)
    expert = flat[order]
    rank = torch.arange(flat.numel(), device=device) - (torch.cumsum(load, 0) - load)[expert]
    place = (ends - padded)[expert] + rank
    slot = torch.zeros_like(flat).scatter_(0, order, place)
    pair = torch.full((n_tokens * k + n_experts * multiple,), n_tokens * k, dtype=torch.long,
                      device=device).scatter_(0, place, order)
    return ends.to(torch.int32), slot.view(n_tokens, k), pair, load


def grouped_mm(x, w, ends):
    """x [slots, D] times w [E, D, F], each list of slots with its own expert."""
    if x.is_cuda:
        return torch._grouped_mm(x, w, offs=ends)
    parts, first = [], 0
    for e, end in enumerate(ends.tolist()):
        parts.append(x[first:end] @ w[e])
        first = end
    return torch.cat(parts + [x.new_zeros(x.shape[0] - first, w.shape[2])])


def mix_grouped(layer, y, chosen, weight):
    """The chosen experts of each token, by grouped products."""
    cfg = layer.cfg
    ends, slot, pair, load = plan_slots(chosen, cfg.n_experts)
    x = m2.Dispatch.apply(m2.low(y), pair // cfg.n_experts_used, slot)
    gate = grouped_mm(x, m2.low(layer.ffn_gate_exps).transpose(1, 2), ends)
    up = grouped_mm(x, m2.low(layer.ffn_up_exps).transpose(1, 2), ends)
    out = grouped_mm(F.silu(gate) * up, m2.low(layer.ffn_down_exps).transpose(1, 2), ends)
    out = m2.Collect.apply(out, pair, slot).view(-1, cfg.n_experts_used, cfg.n_embd)
    return (out * weight.unsqueeze(-1)).sum(1), load


def mix_dense(layer, y, chosen, weight):
    """All experts for every token, those not chosen with weight zero: plain large products."""
    cfg, x = layer.cfg, m2.low(y)
    share = torch.zeros(y.shape[0], cfg.n_experts, device=y.device).scatter(1, chosen, weight)
    gate = x @ m2.low(layer.ffn_gate_exps).reshape(-1, cfg.n_embd).t()
    up = x @ m2.low(layer.ffn_up_exps).reshape(-1, cfg.n_embd).t()
    inner = (F.silu(gate) * up).view(-1, cfg.n_experts, cfg.n_ff) * m2.low(share).unsqueeze(-1)
    down = m2.low(layer.ffn_down_exps).transpose(1, 2).reshape(-1, cfg.n_embd)
    load = torch.zeros(cfg.n_experts, dtype=torch.long, device=y.device).scatter_add_(
        0, chosen.reshape(-1), torch.ones_like(chosen.reshape(-1)))
    return (inner.flatten(1) @ down).float(), load


class Visible:
    """Which earlier tokens a token sees, in buffers that keep their place from step to step."""

    def __init__(self, n_rows, length, device):
        self.shape = n_rows, length
        self.own = torch.zeros(n_rows, length, dtype=torch.int32, device=device)
        self.base = torch.zeros_like(self.own)

    def set(self, group, doc):
        """Takes the rows of a step."""
        self.base.copy_(group * DOCS)
        self.own.copy_(group * DOCS + doc)

    def rule(self):
        """The mask function of a block mask."""
        own, base = self.own, self.base

        def allowed(b, h, q, k):
            return (q >= k) & ((own[b, k] == own[b, q]) | (own[b, k] == base[b, q]))
        return allowed

    def dense(self):
        """The mask as booleans [rows, 1, length, length]."""
        own, base = self.own.unsqueeze(1), self.base.unsqueeze(2)
        seen = (own == self.own.unsqueeze(2)) | (own == base)
        return seen.tril_().unsqueeze(1)


class BlockSparse:
    """Attention that skips blocks of which nothing is seen."""

    def __init__(self, visible):
        from torch.nn.attention import flex_attention as flex
        self.visible, self.rule = visible, visible.rule()
        self.attention = torch.compile(flex.flex_attention, dynamic=False)
        self.plain = flex.create_block_mask
        self.create = torch.compile(self.plain, dynamic=False)

    def mask(self):
        n_rows, length = self.visible.shape
        sizes = (self.rule, n_rows, None, length, length)
        device = str(self.visible.own.device)
        try:
            return self.create(*sizes, device=device, BLOCK_SIZE=BLOCK)
        except Exception as problem:  # the plain function only needs more memory
            if self.create is self.plain:
                raise
            print(f"block mask: {type(problem).__name__}: {str(problem)[:200]}", flush=True)
            self.create = self.plain
            return self.mask()

    def attend(self, q, k, v, mask):
        return self.attention(q, k, v, block_mask=mask, enable_gqa=True)


class Dense:
    """Attention with a mask of booleans."""

    def __init__(self, visible):
        self.visible = visible

    def mask(self):
        return self.visible.dense()

    def attend(self, q, k, v, mask):
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        if hasattr(F, "scaled_dot_product_attention"):
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        score = (q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).masked_fill(~mask, -30000.0)
        return torch.softmax(score, -1) @ v


# name, attention, experts, whether a layer is compiled as a whole
WAYS = (("compiled layers, block-sparse, grouped experts", BlockSparse, mix_grouped, True),
        ("block-sparse attention, grouped experts", BlockSparse, mix_grouped, False),
        ("block-sparse attention, all experts", BlockSparse, mix_dense, False),
        ("dense attention, grouped experts", Dense, mix_grouped, False),
        ("dense attention, all experts", Dense, mix_dense, False))


def install(model, attention, mix, compiled=False):
    """Lets every layer use this attention and these experts; None is the plain way."""
    for layer in model.blk:
        layer.attend = attention.attend if attention else None
        layer.mix = mix or m2.mix_listed
        layer._compiled_call_impl = None  # what Module.compile() sets, and nothing else unsets
        if compiled:
            layer.compile(dynamic=False)


def gradients(model):
    """Takes the gradients off the model."""
    out = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    for p in model.parameters():
        p.grad = None
    return out


def reference(model, batch, loss_parts):
    """Loss and gradients of the plain way, two rows at a time to save memory."""
    total, count = 0.0, 0.0
    ids, group, doc, pos, weight = batch
    for i in range(0, ids.shape[0], 2):
        part = tuple(t[i:i + 2] for t in batch)
        mask = m2.packed_mask(part[1], part[2], m2.COMPUTE)
        loss, wanted, _ = loss_parts(model, part, mask)
        loss.backward()
        total, count = total + float(loss.detach()), count + float(wanted)
    return total / count, {n: g / count for n, g in gradients(model).items()}


def agrees(mine, wanted):
    """Whether loss and gradients are those of the plain way, but for rounding; and how near."""
    (loss, grads), (right, right_grads) = mine, wanted
    worst = 1.0
    for name, g in right_grads.items():
        near = F.cosine_similarity(grads[name].flatten().float(), g.flatten().float(), 0)
        worst = min(worst, float(near))
    return abs(loss - right) < 0.01 * right and worst > 0.95, abs(loss - right) / right, worst


def setup(model, batch, loss_parts, ways=WAYS):
    """Installs the first way that works and agrees; returns it and its Visible, or None, None.

    batch: tensors of one step on the device. loss_parts(model, batch, mask) -> (weighted sum of
    losses, sum of weights, plain loss on answers).
    """
    install(model, None, None)
    wanted = reference(model, batch, loss_parts)
    visible = Visible(*batch[0].shape, batch[0].device)
    for name, kind, mix, compiled in ways:
        try:
            attention = kind(visible)
            install(model, attention, mix, compiled)
            visible.set(batch[1], batch[2])
            loss, count, _ = loss_parts(model, batch, attention.mask())
            (loss / count).backward()
            good, apart, near = agrees((float(loss / count), gradients(model)), wanted)
            print(f"{name}: loss apart by {apart:.1e}, gradients alike {near:.4f}", flush=True)
            if good:
                return attention, visible
        except Exception as problem:  # any failure of a compiler or kernel: take the next way
            print(f"{name}: {type(problem).__name__}: {str(problem)[:400]}", flush=True)
            gradients(model)
    install(model, None, None)
    return None, None
