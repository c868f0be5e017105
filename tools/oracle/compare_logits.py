"""How far one file of logits is from another.

    python3 tools/oracle/compare_logits.py expected.f32 actual.f32 --vocab 200064
        [--max-relative 1e-3] [--max-kl 1e-6] [--min-greedy 1.0]

Files are little-endian f32, [n_tokens][vocab] without header, or .npy. The exit status is 1 if a
limit is exceeded.
"""
import argparse
import sys

import numpy as np


def read_logits(path, vocab_size):
    """-> f64 [n_tokens, vocab_size]"""
    if path.endswith(".npy"):
        return np.load(path).astype(np.float64)
    flat = np.fromfile(path, "<f4")
    if not vocab_size or flat.size % vocab_size:
        raise SystemExit(f"{path}: {flat.size} values are no multiple of --vocab {vocab_size}")
    return flat.reshape(-1, vocab_size).astype(np.float64)


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def compare(expected, actual):
    """Both [n_tokens, vocab] -> figures as a dict. Relative: to the row's max - min."""
    if expected.shape != actual.shape:
        raise SystemExit(f"shapes differ: {expected.shape} and {actual.shape}")
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    if not np.isfinite(actual).all():
        raise SystemExit(f"{np.count_nonzero(~np.isfinite(actual))} logits are not finite")
    spread = expected.max(axis=1) - expected.min(axis=1)
    relative = np.abs(expected - actual).max(axis=1) / spread
    p, q = log_softmax(expected), log_softmax(actual)
    kl = (np.exp(p) * (p - q)).sum(axis=1)
    same = expected.argmax(axis=1) == actual.argmax(axis=1)
    return {"n_tokens": len(expected), "max_relative": float(relative.max()),
            "mean_kl": float(kl.mean()), "max_kl": float(kl.max()),
            "greedy": float(same.mean())}


def main():
    parser = argparse.ArgumentParser(description="How far one file of logits is from another.")
    parser.add_argument("expected")
    parser.add_argument("actual")
    parser.add_argument("--vocab", type=int, default=0)
    parser.add_argument("--max-relative", type=float, default=np.inf)
    parser.add_argument("--max-kl", type=float, default=np.inf, help="limit of the mean")
    parser.add_argument("--min-greedy", type=float, default=0.0)
    arguments = parser.parse_args()
    figures = compare(read_logits(arguments.expected, arguments.vocab),
                      read_logits(arguments.actual, arguments.vocab))
    print("tokens {n_tokens}  max relative {max_relative:.3e}  KL mean {mean_kl:.3e} "
          "max {max_kl:.3e}  greedy {greedy:.4f}".format(**figures))
    good = (figures["max_relative"] <= arguments.max_relative
            and figures["mean_kl"] <= arguments.max_kl
            and figures["greedy"] >= arguments.min_greedy)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
