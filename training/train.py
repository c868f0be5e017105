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
import gguf
import model as m2
import optimizer


def learning_rate(step, args, elapsed):
    """Factor of the learning rates: warm-up, constant, linear decay to nearly zero.

    The schedule follows the steps, or with --minutes the time of this call.
    """
    if step < args.warmup:
        return (step + 1) / args.warmup
    progress = elapsed / (60 * args.minutes) if args.minutes else step / args.steps
    return max(0.01, min(1.0, (1 - progress) / args.decay))


def loss_of(model, arrays, device):
    """Weighted loss of packed rows; also the plain loss on answers."""
    ids, group, doc, pos, weight = (torch.from_numpy(a).to(device) for a in arrays)
    mask = m2.packed_mask(group, doc, m2.COMPUTE)
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
    return (each * w).sum() / w.sum(), plain


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
    parser.add_argument("--rows", type=int, default=8, help="rows of 512 tokens per step")
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
    parser.add_argument("--save-seconds", type=float, default=150)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    model, step, n_tokens, seconds = m2.Nano(), 0, 0, 0.0
    if args.source:
        tokenizer = gguf.read_model(args.source, model)
    else:
        tokenizer = bpe.Tokenizer.load(args.work / "tokenizer.json")
    model.to(args.device)
    opt = optimizer.Optimizer(model, args.muon_lr, args.adam_lr)
    path = args.work / args.checkpoint
    if path.exists() and not args.fresh:
        state = torch.load(path, map_location=args.device)
        model.load_state_dict(state["model"])
        opt.load_state_dict(state["optimizer"])
        step, n_tokens, seconds = state["step"], state["tokens"], state["seconds"]
    data = corpus.Corpus(tokenizer, corpus.read_prose(args.work / "prose.txt"))
    log = open(args.work / "loss.csv", "w" if step == 0 else "a", newline="")
    writer = csv.writer(log)
    if step == 0:
        writer.writerow("step tokens seconds loss answer_loss factor load_ratio".split())
    run(args, model, opt, data, writer, log, path, (step, n_tokens, seconds))


def run(args, model, opt, data, writer, log, path, start):
    """The training loop; SIGTERM saves and ends it."""
    step, n_tokens, seconds = start
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    total = answer = ratio = 0.0
    began = last_save = last_log = time.time()
    n_logged = n_tokens
    while not stop:
        arrays = data.batch(args.seed, step, args.rows)
        loss, plain = loss_of(model, arrays, args.device)
        loss.backward()
        factor = learning_rate(step, args, time.time() - began)
        opt.step(factor)
        rate = args.balance * max(factor, 0.1) * (1.0 + 9.0 * max(0.0, 1.0 - step / 300))
        ratio = max(ratio, model.balance(rate))
        step += 1
        n_tokens += int((arrays[1] != corpus.EMPTY_GROUP).sum())
        total += loss.item()
        answer += plain.item()
        now = time.time()
        if (now - began > 60 * args.minutes) if args.minutes else step >= args.steps:
            stop.append(True)
        if step % 20 == 0:
            spent = seconds + now - began
            writer.writerow([step, n_tokens, f"{spent:.0f}", f"{total / 20:.4f}",
                             f"{answer / 20:.4f}", f"{factor:.3f}", f"{ratio:.2f}"])
            log.flush()
            speed = (n_tokens - n_logged) / (now - last_log)
            print(f"step {step} tokens {n_tokens / 1e6:.2f}M loss {total / 20:.3f} answers "
                  f"{answer / 20:.4f} lr {factor:.2f} load {ratio:.2f} {speed:.0f} tok/s",
                  flush=True)
            total = answer = ratio = 0.0
            last_log, n_logged = now, n_tokens
        if now - last_save > args.save_seconds or stop:
            save(path, model, opt, step, n_tokens, seconds + now - began)
            last_save = now


if __name__ == "__main__":
    main()
