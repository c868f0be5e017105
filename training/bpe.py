"""Byte-level BPE: training, encoding, decoding.

Ids 0 to 255 are the bytes, merge i makes id 256 + i, special tokens follow.
No merge contains a digit, so that every digit is a token of its own.
"""
import collections
import json

import regex

PATTERN = regex.compile(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

N_VOCAB = 4096
N_BASE = N_VOCAB - 64
SPECIALS = (
    "]!p~[", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<reponame>",
    "<filename>", "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>",
    "<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>",
    "<commit_before>", "<commit_msg>", "<commit_after>", "]~b]", "[e~[", "]!d~[",
    "<function_call>", "<code_interpreter>", "]<]speech[>[", "]<]image[>[", "]<]video[>[",
    "]<]start of speech[>[", "]<]end of speech[>[", "]<]start of image[>[", "]<]end of image[>[",
    "]<]start of video[>[", "]<]end of video[>[", "]<]vision pad[>[", "]~!b[", "<jupyter_error>",
    "<add_file>", "<delete_file>", "<rename_file>", "<edit_file>", "<commit_message>",
    "<empty_source_file>", "<repo_struct>", "<code_context>", "<file_content>", "<source_files>",
    "<pr_start>", "<review_comment>", "<filepath>", "<file_sep>", "<think>", "</think>",
    "<minimax:tool_call>", "</minimax:tool_call>",
)


def byte_unicode():
    """GPT-2's printable character for each byte."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


def train(text_counts, n_merges):
    """Learn merges from {word bytes: count}; returns a list of id pairs."""
    digits = set(b"0123456789")
    words = [list(w) for w in text_counts]
    counts = list(text_counts.values())
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, word in enumerate(words):
        for pair in zip(word, word[1:]):
            if pair[0] not in digits and pair[1] not in digits:
                pairs[pair] += counts[i]
                where[pair].add(i)
    merges = []
    while len(merges) < n_merges and pairs:
        best = max(pairs.items(), key=lambda kv: (kv[1], (-kv[0][0], -kv[0][1])))[0]
        new = 256 + len(merges)
        merges.append(best)
        for i in where.pop(best):
            word, n = words[i], counts[i]
            for pair in zip(word, word[1:]):
                if pair in pairs:
                    pairs[pair] -= n
                    if pairs[pair] <= 0:
                        del pairs[pair]
            out, j = [], 0
            while j < len(word):
                if j + 1 < len(word) and (word[j], word[j + 1]) == best:
                    out.append(new)
                    j += 2
                else:
                    out.append(word[j])
                    j += 1
            words[i] = out
            for pair in zip(out, out[1:]):
                if pair[0] not in digits and pair[1] not in digits:
                    pairs[pair] += n
                    where[pair].add(i)
        pairs.pop(best, None)
    return merges


def count_words(texts):
    """Pre-token counts of an iterable of texts."""
    counts = collections.Counter()
    for text in texts:
        counts.update(PATTERN.findall(text))
    return {w.encode(): c for w, c in counts.items()}


class Tokenizer:
    """Encoder and decoder for a list of merges and a list of special tokens."""

    def __init__(self, merges, specials):
        self.merges = [tuple(m) for m in merges]
        self.rank = {pair: 256 + i for i, pair in enumerate(self.merges)}
        self.bytes_of = [bytes([b]) for b in range(256)]
        for a, b in self.merges:
            self.bytes_of.append(self.bytes_of[a] + self.bytes_of[b])
        self.specials = {s: N_BASE + i for i, s in enumerate(specials)}
        self.special_names = {i: s for s, i in self.specials.items()}
        self.split = regex.compile("(" + "|".join(regex.escape(s) for s in specials) + ")")
        self.cache = {}

    @staticmethod
    def load(path):
        """Reads what save wrote."""
        data = json.load(open(path))
        return Tokenizer(data["merges"], data["specials"])

    def save(self, path):
        """Writes merges and specials as JSON."""
        json.dump({"merges": self.merges, "specials": list(self.specials)}, open(path, "w"))

    def encode_word(self, word):
        """Merge one pre-token, lowest rank first."""
        ids = self.cache.get(word)
        if ids is not None:
            return ids
        ids = list(word.encode())
        while len(ids) > 1:
            ranked = [(self.rank.get(p, 1 << 30), i) for i, p in enumerate(zip(ids, ids[1:]))]
            rank, i = min(ranked)
            if rank == 1 << 30:
                break
            ids[i:i + 2] = [rank]
        if len(self.cache) > 1 << 18:  # invented words come once
            self.cache.clear()
        self.cache[word] = ids
        return ids

    def encode(self, text, specials=True):
        """Token ids of a text; special tokens are recognised if asked."""
        out = []
        for part in (self.split.split(text) if specials else [text]):
            if specials and part in self.specials:
                out.append(self.specials[part])
            elif part:
                for word in PATTERN.findall(part):
                    out += self.encode_word(word)
        return out

    def decode(self, ids):
        """Text of ids, special tokens by name."""
        data = b"".join(self.bytes_of[i] if i < len(self.bytes_of)
                        else self.special_names.get(i, f"[PAD{i}]").encode() for i in ids)
        return data.decode(errors="replace")
