"""Packed training rows, made on the fly and deterministic by seed and step."""
import argparse
import lzma
import pathlib
import random

import numpy as np

import bpe
import chat
import longtext
import skills

ROW = 512
EMPTY_GROUP = 255
LONG_TEXT = 600  # characters; a longer user message is a text to read, not a wording to learn
# kind of text: (share of pieces that count in the loss, weight of their tokens)
LOSS = {"answer": (1.0, 1.0), "past": (1.0, 0.4), "user": (0.3, 0.3), "given": (0.1, 0.2),
        "text": (0.1, 0.1), "prose": (1.0, 0.5)}
WEIGHTS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0], dtype=np.float32)
CODE = {float(round(w, 1)): i for i, w in enumerate(WEIGHTS.tolist())}
# ids, group, doc, position, and the index of the loss weight in WEIGHTS
DTYPES = (np.int16, np.uint8, np.int16, np.int16, np.uint8)


class Row:
    """One row of tokens: groups of documents behind shared prefixes."""

    def __init__(self, length):
        self.length = length
        self.ids, self.group, self.doc, self.pos, self.code = [], [], [], [], []

    def space(self):
        return self.length - len(self.ids)

    def add(self, ids, code, group, doc, first_pos):
        self.ids += ids
        self.code += code
        self.group += [group] * len(ids)
        self.doc += [doc] * len(ids)
        self.pos += range(first_pos, first_pos + len(ids))

    def arrays(self):
        """Padded arrays ids, group, doc, pos, code."""
        n = self.space()
        fill = ((self.ids, 0), (self.group, EMPTY_GROUP), (self.doc, 0), (self.pos, 0),
                (self.code, 0))
        return [np.array(values + [empty] * n, dtype=kind)
                for (values, empty), kind in zip(fill, DTYPES)]


class Corpus:
    """Turns groups of conversations and prose into rows."""

    def __init__(self, tokenizer, prose, prose_share=0.12):
        self.tok, self.prose, self.prose_share = tokenizer, prose, prose_share
        longtext.PROSE[:] = prose

    def encode(self, pieces, rng):
        """Token ids and weight codes of rendered pieces."""
        ids, code = [], []
        for text, kind in pieces:
            new = self.tok.encode(text)
            share, w = LOSS["text" if kind == "user" and len(text) > LONG_TEXT else kind]
            ids += new
            code += [CODE[w] if share == 1.0 or rng.random() < share else 0] * len(new)
        return ids, code

    def add_group(self, row, rng, number):
        """A system block with conversations behind it; False if not one of them fits."""
        system, tools, make, n = skills.any_group(rng, row.space())
        prefix, code = self.encode([(chat.system_text(system, tools), "given")], rng)
        if len(prefix) > row.space() * 0.7:
            return False
        start, doc = len(row.ids), 1
        row.add(prefix, code, number, 0, 0)
        for _ in range(n):
            ids, code = self.encode(chat.render(make(rng)), rng)
            if len(ids) <= row.space():
                row.add(ids, code, number, doc, len(prefix))
                doc += 1
        if doc == 1:
            for values in (row.ids, row.code, row.group, row.doc, row.pos):
                del values[start:]
        return doc > 1

    def chat_row(self, rng, length):
        """Groups until the row is full."""
        row, number, misses = Row(length), 0, 0
        while misses < 4 and row.space() > 100 and number < EMPTY_GROUP:
            if self.add_group(row, rng, number):
                number += 1
            else:
                misses += 1
        return row

    def prose_row(self, rng, length):
        """Paragraphs, each a document of its own."""
        row, group = Row(length), 0
        while row.space() > 20 and group < EMPTY_GROUP:
            ids = self.tok.encode(rng.choice(self.prose), specials=False)[:row.space()]
            row.add(ids, [CODE[LOSS["prose"][1]]] * len(ids), group, 0, 0)
            group += 1
        return row

    def row(self, seed, index, length):
        """The arrays of one row; the same for the same seed, index and length."""
        rng = random.Random(f"{seed}-{index}-{length}")
        make = self.prose_row if rng.random() < self.prose_share else self.chat_row
        return make(rng, length).arrays()

    def batch(self, seed, step, n_rows, length):
        """Arrays of n_rows rows for one step."""
        rows = [self.row(seed, step * n_rows + i, length) for i in range(n_rows)]
        return [np.stack(a) for a in zip(*rows)]


def read_prose(path):
    """One paragraph a line; of PATH.xz if PATH is not there."""
    packed = path.with_name(path.name + ".xz")
    if not path.exists() and packed.exists():
        return lzma.decompress(packed.read_bytes()).decode().splitlines()
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
