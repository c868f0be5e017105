"""Batched generation with a KV cache, in f32."""
import torch


HIDDEN = -30000.0


class Cache:
    """Keys and values of one layer, grown by concatenation."""

    def __init__(self):
        self.k = self.v = None

    def append(self, k, v):
        self.k = k if self.k is None else torch.cat((self.k, k), 1)
        self.v = v if self.v is None else torch.cat((self.v, v), 1)
        return self.k, self.v


def pick(logits, temperature, generator):
    """Greedy, or temperature with top-k 40 and top-p 0.95."""
    if temperature == 0:
        return logits.argmax(-1)
    values, ids = torch.topk(logits / temperature, 40)
    prob = torch.softmax(values, -1)
    prob[torch.cumsum(prob, -1) - prob > 0.95] = 0.0
    return ids.gather(1, torch.multinomial(prob, 1, generator=generator)).squeeze(1)


@torch.no_grad()
def complete(model, tokenizer, prompts, max_tokens=130, temperature=0.0, seed=0, batch=128):
    """Texts that follow the prompts, up to and with the end token."""
    end = tokenizer.specials["[e~["]
    generator = torch.Generator().manual_seed(seed)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    texts = [None] * len(prompts)
    for start in range(0, len(order), batch):
        part = order[start:start + batch]
        rows = [tokenizer.encode(prompts[i]) for i in part]
        for i, ids in zip(part, run(model, rows, end, max_tokens, temperature, generator)):
            texts[i] = tokenizer.decode(ids)
    return texts


def run(model, rows, end, max_tokens, temperature, generator):
    """Token ids after each row (lists of ids, padded on the left)."""
    n, width = len(rows), max(map(len, rows))
    pad = torch.tensor([width - len(r) for r in rows])
    ids = torch.tensor([[0] * (width - len(r)) + r for r in rows])
    column = torch.arange(width)
    positions = (column - pad.unsqueeze(1)).clamp(min=0)
    hidden = (column.unsqueeze(0) < pad.unsqueeze(1)).view(n, 1, 1, width)
    causal = torch.ones(width, width, dtype=torch.bool).triu(1)
    mask = torch.zeros(n, 1, width, width).masked_fill_(hidden | causal, HIDDEN)
    caches = [Cache() for _ in model.blk]
    last = model.hidden(ids, positions, mask, caches)[:, -1]
    done, out = torch.zeros(n, dtype=torch.bool), [[] for _ in rows]
    past = torch.zeros(n, 1, 1, width).masked_fill_(hidden, HIDDEN)
    for step in range(max_tokens):
        token = pick(model.logits(last), temperature, generator)
        for i in range(n):
            if not done[i]:
                out[i].append(int(token[i]))
        done |= token == end
        if bool(done.all()):
            break
        past = torch.cat((past, torch.zeros(n, 1, 1, 1)), -1)
        position = (width + step - pad).unsqueeze(1)
        last = model.hidden(token.unsqueeze(1), position, past, caches)[:, -1]
    return out
