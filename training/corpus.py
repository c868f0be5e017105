"""Packed training rows, made on the fly and deterministic by seed and step."""
import argparse
import pathlib
import random

import numpy as np

import bpe
import chat
import skills

ROW = 512
EMPTY_GROUP = 255
# kind of text: (share of tokens that count in the loss, weight of each)
LOSS = {"answer": (1.0, 1.0), "past": (1.0, 0.4), "user": (0.3, 0.3), "given": (0.1, 0.2),
        "prose": (1.0, 0.5)}


class Row:
    """One row of tokens: groups of documents behind shared prefixes."""

    def __init__(self, length):
        self.length = length
        self.ids, self.group, self.doc, self.pos, self.weight = [], [], [], [], []

    def space(self):
        return self.length - len(self.ids)

    def add(self, ids, weight, group, doc, first_pos):
        self.ids += ids
        self.weight += weight
        self.group += [group] * len(ids)
        self.doc += [doc] * len(ids)
        self.pos += range(first_pos, first_pos + len(ids))

    def arrays(self):
        """Padded arrays ids, group, doc, pos, weight."""
        n = self.space()
        fill = ((self.ids, 0), (self.group, EMPTY_GROUP), (self.doc, 0), (self.pos, 0),
                (self.weight, 0.0))
        return [np.array(values + [empty] * n, dtype=np.float32 if i == 4 else np.int64)
                for i, (values, empty) in enumerate(fill)]


class Corpus:
    """Turns groups of conversations and prose into rows."""

    def __init__(self, tokenizer, prose, prose_share=0.09):
        self.tok, self.prose, self.prose_share = tokenizer, prose, prose_share

    def encode(self, pieces, rng):
        """Token ids and loss weights of rendered pieces."""
        ids, weight = [], []
        for text, kind in pieces:
            new = self.tok.encode(text)
            share, w = LOSS[kind]
            ids += new
            weight += [w if share == 1.0 or rng.random() < share else 0.0 for _ in new]
        return ids, weight

    def chat_row(self, rng, length):
        """A system prompt with as many conversations as fit.

        Rows longer than ROW hold long conversations.
        """
        row = Row(length)
        group = next(skills.groups(rng.random(), 1, False, per_group=1))
        prefix, weight = self.encode([(chat.system_text(group.system, group.tools), "given")], rng)
        row.add(prefix, weight, 0, 0, 0)
        doc, misses = 1, 0
        while misses < 3 and row.space() > 30:
            n = rng.randint(4, 12) if length > ROW and not misses else None
            messages = skills.conversation(rng, False, group.tools, group.name, n)
            ids, weight = self.encode(chat.render(messages), rng)
            if len(ids) > row.space():
                misses += 1
                continue
            row.add(ids, weight, 0, doc, len(prefix))
            doc += 1
        return row

    def prose_row(self, rng, length):
        """Paragraphs, each a document of its own."""
        row, group = Row(length), 0
        while row.space() > 20:
            ids = self.tok.encode(rng.choice(self.prose), specials=False)[:row.space()]
            row.add(ids, [LOSS["prose"][1]] * len(ids), group, 0, 0)
            group += 1
        return row

    def batch(self, seed, step, n_rows, long_share=0.08):
        """Arrays for one step: n_rows of ROW tokens, or half as many of twice the length."""
        rng = random.Random(f"{seed}-{step}")
        length = ROW
        if rng.random() < long_share:
            length, n_rows = 2 * ROW, n_rows // 2
        rows = [(self.prose_row if rng.random() < self.prose_share else self.chat_row)(rng, length)
                for _ in range(n_rows)]
        return [np.stack(a) for a in zip(*(r.arrays() for r in rows))]


def read_prose(path):
    """One paragraph a line."""
    return path.read_text().splitlines()


def main():
    parser = argparse.ArgumentParser(description="Trains the vocabulary on chats and prose.")
    parser.add_argument("--work", type=pathlib.Path, default="build/training")
    parser.add_argument("--groups", type=int, default=6000)
    args = parser.parse_args()
    texts = []
    for group in skills.groups(seed=11, n_groups=args.groups):
        texts.append(chat.system_text(group.system, group.tools))
        for messages in group.conversations:
            texts.append("".join(t for t, _ in chat.render(messages)))
    split = bpe.Tokenizer([], bpe.SPECIALS).split
    plain = [p for t in texts for p in split.split(t) if p not in bpe.SPECIALS]
    counts = bpe.count_words(plain + read_prose(args.work / "prose.txt"))
    merges = bpe.train(counts, bpe.N_BASE - 256)
    tokenizer = bpe.Tokenizer(merges, bpe.SPECIALS)
    tokenizer.save(args.work / "tokenizer.json")
    print(f"{len(counts)} words, {len(merges)} merges")


if __name__ == "__main__":
    main()
