"""Muon for the hidden matrices, Adam for everything else."""
import torch


def orthogonalise(g, kind=torch.bfloat16, steps=5):
    """Newton-Schulz iteration towards the nearest orthogonal matrix; g [..., m, n].

    kind is the type of its products; bfloat16 is enough.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.to(kind)
    flip = x.shape[-2] > x.shape[-1]
    if flip:
        x = x.transpose(-2, -1)
    x = x / (x.float().flatten(-2).norm(dim=-1).view(*x.shape[:-2], 1, 1) + 1e-7).to(x.dtype)
    x = x.contiguous()
    for _ in range(steps):
        xx = torch.bmm(x, x.transpose(1, 2))
        y = torch.baddbmm(xx, xx, xx, beta=b, alpha=c)
        x = torch.baddbmm(x, y, x, beta=a)
    return (x.transpose(-2, -1) if flip else x).float()


class Optimizer:
    """Both update rules with one learning-rate factor.

    Matrices of the layers (not the router) are updated by Muon: momentum, then
    the orthogonal factor. Embedding, head, norms and router by Adam.
    """

    def __init__(self, model, muon_lr=0.02, adam_lr=3e-3, weight_decay=0.02,
                 kind=torch.bfloat16):
        self.muon_lr, self.adam_lr, self.weight_decay = muon_lr, adam_lr, weight_decay
        self.kind = kind
        named = dict(model.named_parameters())
        self.matrices = {n: p for n, p in named.items() if n.startswith("blk")
                         and p.dim() >= 2 and "gate_inp" not in n}
        self.others = {n: p for n, p in named.items() if n not in self.matrices}
        self.momentum = {n: torch.zeros_like(p) for n, p in self.matrices.items()}
        self.first = {n: torch.zeros_like(p) for n, p in self.others.items()}
        self.second = {n: torch.zeros_like(p) for n, p in self.others.items()}
        self.n_steps = 0

    def state_dict(self):
        return {"momentum": self.momentum, "first": self.first, "second": self.second,
                "n_steps": self.n_steps}

    def load_state_dict(self, state):
        self.n_steps = state["n_steps"]
        for mine, theirs in ((self.momentum, state["momentum"]), (self.first, state["first"]),
                             (self.second, state["second"])):
            for name, value in theirs.items():
                mine[name].copy_(value)

    @torch.no_grad()
    def step(self, factor):
        """One update with learning rates scaled by factor; clears the gradients."""
        self.n_steps += 1
        beta = 0.95 if self.n_steps > 100 else 0.85 + 0.001 * self.n_steps
        shapes = {}
        for name, p in self.matrices.items():
            shapes.setdefault(p.shape[-2:], []).append((p, self.momentum[name]))
        for (rows, columns), members in shapes.items():
            self.muon([p for p, _ in members], [m for _, m in members], beta,
                      factor * max(1.0, rows / columns) ** 0.5, factor)
        b1, b2 = 0.9, 0.95
        c1, c2 = 1 - b1 ** self.n_steps, 1 - b2 ** self.n_steps
        for name, p in self.others.items():
            g, m, v = p.grad, self.first[name], self.second[name]
            m.mul_(b1).add_(g, alpha=1 - b1)
            v.mul_(b2).addcmul_(g, g, value=1 - b2)
            p.addcdiv_(m, (v / c2).sqrt_().add_(1e-8), value=-self.adam_lr * factor / c1)
            p.grad = None

    def muon(self, parameters, momenta, beta, scaled, factor):
        """Updates matrices of one shape together: few large products instead of many small."""
        updates = []
        for p, m in zip(parameters, momenta):
            g = p.grad
            m.mul_(beta).add_(g, alpha=1 - beta)
            updates.append(g.mul_(1 - beta).add_(m, alpha=beta).reshape(-1, *p.shape[-2:]))
            p.grad = None
        update = orthogonalise(torch.cat(updates), self.kind)
        for p, u in zip(parameters, update.split([len(u) for u in updates])):
            p.mul_(1 - self.muon_lr * factor * self.weight_decay)
            p.add_(u.view_as(p), alpha=-self.muon_lr * scaled)
