"""Trains nano. Start, go on from a checkpoint, or go on from a GGUF (--from).

    train.py --steps 5000
    train.py --steps 9000                 # goes on where the checkpoint ended
    train.py --from models/nano.gguf --steps 2000 --fresh
"""
import argparse
import csv
import os
import pathlib
import signal
import time

for key, value in (("OMP_WAIT_POLICY", "passive"), ("GOMP_SPINCOUNT", "0")):
    os.environ.setdefault(key, value)

import torch
import torch.nn.functional as F

import bpe
import corpus
import fast
import gguf
import loader
import model as m2
import optimizer
import parts


def learning_rate(step, args, elapsed):
    """Factor of the learning rates: warm-up, constant, linear decay to nearly zero.

    The schedule follows the steps, or with --minutes the time of this call.
    """
    if step < args.warmup:
        return (step + 1) / args.warmup
    progress = elapsed / (60 * args.minutes) if args.minutes else step / args.steps
    return max(0.01, min(1.0, (1 - progress) / args.decay))


def on_device(arrays, device):
    """Arrays of a step as tensors: ids, group, doc, positions (int64) and weights (f32)."""
    tensors = [torch.from_numpy(a).to(device, non_blocking=True) for a in arrays]
    weights = torch.from_numpy(corpus.WEIGHTS).to(device)
    return [t.long() for t in tensors[:4]] + [weights[tensors[4].long()]]


def loss_parts(model, batch, mask):
    """Of packed rows: sum of weighted losses, sum of weights, mean loss on answers."""
    ids, group, doc, pos, weight = batch
    hidden = model.hidden(ids, pos, mask)
    # position t predicts t + 1, inside one document or from a prefix into its last document
    same = (group[:, 1:] == group[:, :-1]) & (doc[:, 1:] == doc[:, :-1])
    wanted = weight[:, 1:] * same
    rows = wanted.reshape(-1).nonzero().squeeze(1)
    chosen = hidden[:, :-1].reshape(-1, hidden.shape[-1]).index_select(0, rows)
    target, w = ids[:, 1:].reshape(-1)[rows], wanted.reshape(-1)[rows]
    each = F.cross_entropy(model.logits(chosen), target, reduction="none")
    answers = (w == 1.0).float()
    plain = (each.detach() * answers).sum() / answers.sum().clamp(min=1)
    return (each * w).sum(), w.sum(), plain


class Step:
    """One pass forward and backward, by the fastest way that the device has."""

    def __init__(self, model, device, arrays):
        self.model, self.device, self.attention, self.visible = model, device, None, None
        if device.startswith("cuda"):
            self.attention, self.visible = fast.setup(model, on_device(arrays, device), loss_parts)
            for layer in model.blk:
                layer.load.zero_()

    def __call__(self, arrays):
        """Leaves the gradients in the model; returns loss and loss on answers (tensors)."""
        batch = on_device(arrays, self.device)
        if self.attention:
            self.visible.set(batch[1], batch[2])
            mask = self.attention.mask()
        else:
            mask = m2.packed_mask(batch[1], batch[2], m2.COMPUTE)
        total, count, plain = loss_parts(self.model, batch, mask)
        loss = total / count
        loss.backward()
        return loss.detach(), plain


def save(path, model, opt, step, n_tokens, seconds):
    """Writes a checkpoint beside the old one, then swaps the names."""
    temporary = path.with_suffix(".new")
    torch.save({"model": model.state_dict(), "optimizer": opt.state_dict(), "step": step,
                "tokens": n_tokens, "seconds": seconds}, temporary)
    os.replace(temporary, path)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--steps", type=int, default=5000, help="last step of the schedule")
    parser.add_argument("--minutes", type=float, help="end after this time instead")
    parser.add_argument("--decay", type=float, default=0.3,
                        help="share of the schedule that decays")
    parser.add_argument("--warmup", type=int, default=60)
    parser.add_argument("--rows", type=int, default=8, help="rows per step")
    parser.add_argument("--length", type=int, default=corpus.ROW, help="tokens of a row")
    parser.add_argument("--workers", type=int, default=0, help="processes that make the data")
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=3e-3)
    parser.add_argument("--balance", type=float, default=3e-3, help="step of the router bias")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--checkpoint", default="nano.pt")
    parser.add_argument("--fresh", action="store_true", help="ignore an old checkpoint")
    parser.add_argument("--from", dest="source", type=pathlib.Path,
                        help="GGUF file whose weights and vocabulary are the start")
    parser.add_argument("--f32", action="store_true",
                        help="f32 products, for a processor without bfloat16")
    parser.add_argument("--vocabulary", type=pathlib.Path,
                        help="GGUF file of which only the vocabulary is taken")
    parser.add_argument("--save-seconds", type=float, default=150)
    parser.add_argument("--parts", type=pathlib.Path,
                        help="folder that also gets the weights, in files of 15 MiB")
    return parser.parse_args()


def start(args):
    """Model, optimiser, tokenizer and what a checkpoint says: (step, tokens, seconds)."""
    model, done = m2.Nano(), (0, 0, 0.0)
    if args.source:
        tokenizer = gguf.read_model(args.source, model)
    elif args.vocabulary:
        tokenizer = gguf.read_tokenizer(gguf.Reader(args.vocabulary).metadata)
    else:
        tokenizer = bpe.Tokenizer.load(args.work / "tokenizer.json")
    data = corpus.Corpus(tokenizer, corpus.read_prose(args.work / "prose.txt"))
    path, state = args.work / args.checkpoint, None
    if path.exists() and not args.fresh:
        state = torch.load(path, map_location="cpu")
        done = state["step"], state["tokens"], state["seconds"]
    # the workers are forked before a GPU is touched
    batches = loader.Loader(data, args.seed, done[0], args.rows, args.length, args.workers)
    model.to(args.device)
    opt = optimizer.Optimizer(model, args.muon_lr, args.adam_lr, kind=m2.COMPUTE)
    if state:
        model.load_state_dict(state["model"])
        opt.load_state_dict(state["optimizer"])
    return model, opt, batches, path, done


class Log:
    """Means over 20 steps, to loss.csv and to the terminal."""

    def __init__(self, path, done):
        self.file = open(path, "a" if done[0] else "w", newline="")
        self.writer = csv.writer(self.file)
        if not done[0]:
            self.writer.writerow("step tokens seconds loss answer_loss factor load_ratio".split())
        self.parts, self.since, self.tokens = [], time.time(), done[1]

    def add(self, *tensors):
        """Loss, loss on answers and load ratio of a step; they stay on the device."""
        self.parts.append(torch.stack([t.float() for t in tensors]))

    def write(self, step, n_tokens, seconds, factor):
        """One line for the steps since the last."""
        values = torch.stack(self.parts).cpu()
        loss, answer, ratio = values[:, 0].mean(), values[:, 1].mean(), values[:, 2].max()
        speed = (n_tokens - self.tokens) / (time.time() - self.since)
        self.writer.writerow([step, n_tokens, f"{seconds:.0f}", f"{loss:.4f}", f"{answer:.4f}",
                              f"{factor:.3f}", f"{ratio:.2f}"])
        self.file.flush()
        print(f"step {step} tokens {n_tokens / 1e6:.2f}M loss {loss:.3f} answers {answer:.4f} "
              f"lr {factor:.2f} load {ratio:.2f} {speed:.0f} tok/s", flush=True)
        self.parts, self.since, self.tokens = [], time.time(), n_tokens


def main():
    args = parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    m2.COMPUTE = torch.float32 if args.f32 else torch.bfloat16
    args.work.mkdir(parents=True, exist_ok=True)
    began = time.time()  # --minutes counts the setting up, too
    model, opt, batches, path, done = start(args)
    try:
        run(args, model, opt, batches, path, done, began)
    finally:
        batches.close()


def run(args, model, opt, batches, path, done, began):
    """The training loop; SIGTERM saves and ends it."""
    step, n_tokens, seconds = done
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    arrays = batches.next()
    advance, log, last_save = Step(model, args.device, arrays), Log(args.work / "loss.csv", done), (
        time.time())
    print(f"ready after {time.time() - began:.0f} s", flush=True)
    while not stop:
        loss, plain = advance(arrays)
        factor = learning_rate(step, args, time.time() - began)
        opt.step(factor)
        rate = args.balance * max(factor, 0.1) * (1.0 + 9.0 * max(0.0, 1.0 - step / 300))
        log.add(loss, plain, model.balance(rate))
        step += 1
        n_tokens += int((arrays[1] != corpus.EMPTY_GROUP).sum())
        now = time.time()
        if (now - began > 60 * args.minutes) if args.minutes else step >= args.steps:
            stop.append(True)
        if step % 20 == 0 or stop:
            log.write(step, n_tokens, seconds + now - began, factor)
        if now - last_save > args.save_seconds or stop:
            save(path, model, opt, step, n_tokens, seconds + now - began)
            if args.parts:
                parts.write(args.parts, model, step)
            last_save = time.time()
        if not stop:
            arrays = batches.next()


if __name__ == "__main__":
    main()
