// Vocabularies in the three forms that are needed here: a list of tokens by rank (bytes as latin-1
// strings), tiktoken's text of ranks, and tokenizer.json.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Tiktoken } from "tiktoken";

export const kControlTokens = [
  "]!p~[", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>", "<reponame>", "<filename>",
  "]~b]", "[e~[", "]!d~[", "]~!b[",
];
export const kUserDefinedTokens = [
  "<think>", "</think>", "<minimax:tool_call>", "</minimax:tool_call>",
];

export function loadO200k() {
  const path = createRequire(import.meta.url).resolve("tiktoken/encoders/o200k_base.json");
  const file = JSON.parse(readFileSync(path, "utf8"));
  const tokens = [];
  for (const line of file.bpe_ranks.split("\n")) {
    const [, first, ...words] = line.split(" ");
    words.forEach((word, i) => {
      tokens[Number(first) + i] = Buffer.from(word, "base64").toString("latin1");
    });
  }
  return { tokens, pattern: file.pat_str };
}

/// The ids that follow the tokens, for the special ones.
export function specialIds(tokens) {
  return Object.fromEntries(
    [...kControlTokens, ...kUserDefinedTokens].map((text, i) => [text, tokens.length + i]));
}

export function makeOracle({ tokens, pattern }) {
  const words = tokens.map((token) => Buffer.from(token, "latin1").toString("base64"));
  return new Tiktoken(`! 0 ${words.join(" ")}`, specialIds(tokens), pattern);
}

/// Byte pairs merge by the rank of what they join to; the two parts that a token is made of are
/// those that remain when its bytes are merged with the tokens before it.
export function deriveMerges(tokens) {
  const rankOf = new Map(tokens.map((token, rank) => [token, rank]));
  const merges = [];
  tokens.forEach((token, rank) => {
    if (token.length === 1) return;
    const parts = [...token];
    while (parts.length > 2) {
      let lowest = rank, place = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const joined = rankOf.get(parts[i] + parts[i + 1]);
        if (joined !== undefined && joined < lowest) [lowest, place] = [joined, i];
      }
      if (place < 0) throw new Error(`token ${rank} is not made of two others`);
      parts.splice(place, 2, parts[place] + parts[place + 1]);
    }
    merges.push(parts);
  });
  return merges;
}

/// GPT-2's printable spelling of bytes.
function makeSpelling() {
  const spelling = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    spelling.push(String.fromCharCode(printable ? byte : next++));
  }
  return (token) => [...token].map((c) => spelling[c.charCodeAt(0)]).join("");
}

export function toTokenizerJson({ tokens, pattern }) {
  const spell = makeSpelling();
  const added = Object.entries(specialIds(tokens)).map(([content, id]) => ({
    id, content, single_word: false, lstrip: false, rstrip: false, normalized: false,
    special: !kUserDefinedTokens.includes(content),
  }));
  return {
    version: "1.0",
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pattern }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    model: {
      type: "BPE", dropout: null, unk_token: null, byte_fallback: false, ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [spell(token), id])),
      merges: deriveMerges(tokens).map(([left, right]) => `${spell(left)} ${spell(right)}`),
    },
  };
}

/// A small vocabulary in M2's layout: the bytes in order, then `nMerges` merges learned from text.
export function train(text, nMerges, pattern) {
  const tokens = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const counts = new Map();
  // The learner may cut the text by its own lights; only the oracle must be exact.
  for (const [word] of text.matchAll(/ ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => (
    { parts: [...Buffer.from(word).toString("latin1")], count }));
  while (tokens.length < 256 + nMerges) {
    const pairs = new Map();
    for (const { parts, count } of words) {
      for (let i = 0; i + 1 < parts.length; i++) {
        const key = `${parts[i].length}:${parts[i]}${parts[i + 1]}`;
        pairs.set(key, (pairs.get(key) ?? 0) + count);
      }
    }
    if (pairs.size === 0) break;
    const [best] = [...pairs].reduce((a, b) => (b[1] > a[1] ? b : a));
    const colon = best.indexOf(":");
    const left = best.slice(colon + 1, colon + 1 + Number(best.slice(0, colon)));
    const token = best.slice(colon + 1);
    for (const { parts } of words) {
      for (let i = 0; i + 1 < parts.length; i++) {
        if (parts[i] === left && parts[i] + parts[i + 1] === token) parts.splice(i, 2, token);
      }
    }
    tokens.push(token);
  }
  return { tokens, pattern };
}
