"""Draws the loss curve of loss.csv as a small picture."""
import argparse
import csv
import pathlib

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt


def smooth(values, window=5):
    """Mean over the last few entries."""
    return [sum(values[max(0, i - window):i + 1]) / len(values[max(0, i - window):i + 1])
            for i in range(len(values))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--out", type=pathlib.Path, default="models/loss.png")
    args = parser.parse_args()
    rows = list(csv.DictReader(open(args.work / "loss.csv")))
    tokens = [float(r["tokens"]) / 1e6 for r in rows]
    figure, axes = plt.subplots(figsize=(6, 3.2), dpi=100)
    axes.plot(tokens, smooth([float(r["loss"]) for r in rows]), label="all weighted tokens", lw=1)
    axes.plot(tokens, smooth([float(r["answer_loss"]) for r in rows]), label="answers", lw=1)
    axes.set_yscale("log")
    axes.set_xlabel("million tokens")
    axes.set_ylabel("cross-entropy, nats")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(args.out)
    print(args.out)


if __name__ == "__main__":
    main()
