// Texts to encode: every character of Unicode, real text, and random texts of the kinds that
// tokenizers stumble over. The same for the same seed.

export function makeRandom(seed) {
  let state = seed >>> 0;
  const random = () => {  // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  return { random, below, pick };
}

const isSurrogate = (c) => c >= 0xd800 && c <= 0xdfff;

function charactersOf(pattern) {
  const characters = [];
  for (let c = 0; c <= 0x10ffff; c++) {
    if (isSurrogate(c)) continue;
    const text = String.fromCodePoint(c);
    if (pattern.test(text)) characters.push(text);
  }
  return characters;
}

/// Each assigned code point in surroundings that show its class: letter of either case, mark,
/// number, space or sign.
export function* everyCharacter() {
  let text = "";
  for (let c = 0; c <= 0x10ffff; c++) {
    if (isSurrogate(c)) continue;
    const x = String.fromCodePoint(c);
    text = `${x}a${x}A${x} ${x}1${x}!${x}\n${x}${x}  ${x}'s${x}`;
    yield { text, character: c };
  }
}

const kApostrophes = ["'", "\u2019", "\u02bc", "\uff07", "`", "\u2032"];
const kEndings = [
  "s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "vE", "M", "LL", "lL", "D",
  "\u017f", "\u212a", "st", "l", "r", "v", "x", "\u017ft", "e", "\ufb06",
];
const kSpaces = [
  " ", "  ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u180e",
  "\u2000", "\u2009", "\u200a", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u2060",
  "\u3000", "\ufeff", "\x1c", "\x1f",
];
const kCodePieces = [
  "{", "}", "();", "=>", "::", "//", "/*", "*/", "/", "\\", "\\n", "#include", "0x1F", "1e-9",
  "->", "!==", "&&", "||", "<div>", "</div>", "\"", "'", "...", "--", "__init__", "$x", "@", "%d",
];
const kHalfSpecials = [
  "]~b]", "[e~[", "]~!b[", "]~b", "~b]", "[e~", "]!", "<think>", "</think>", "<think", "think>",
  "<minimax:tool_call>", "</minimax:tool_call>", "<minimax:", "]]~b]]", "[e~[[e~[", "<fim_prefix>",
  "<fim_", "<<think>>", "]~b]user\n", "]~b]ai\n",
];

export function makeGenerators(samples, { below, pick, random }) {
  const letters = {
    upper: charactersOf(/^\p{Lu}$/u), lower: charactersOf(/^\p{Ll}$/u),
    title: charactersOf(/^\p{Lt}$/u), modifier: charactersOf(/^\p{Lm}$/u),
    other: charactersOf(/^\p{Lo}$/u), mark: charactersOf(/^\p{M}$/u),
    number: charactersOf(/^\p{N}$/u), sign: charactersOf(/^[\p{P}\p{S}]$/u),
    control: charactersOf(/^\p{C}$/u).slice(0, 5000),
    emoji: charactersOf(/^\p{Extended_Pictographic}$/u),
  };
  const kinds = Object.values(letters);
  const ascii = Array.from({ length: 128 }, (_, c) => String.fromCharCode(c));
  const scripts = [
    "Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Devanagari", "Bengali", "Tamil",
    "Thai", "Tibetan", "Georgian", "Hangul", "Ethiopic", "Cherokee", "Khmer", "Mongolian",
    "Hiragana", "Katakana", "Han", "Deseret", "Adlam", "Gothic", "Coptic", "Nko", "Javanese",
  ].map((name) => charactersOf(new RegExp(`^\\p{Script=${name}}$`, "u")));
  const many = (most, make) => Array.from({ length: 1 + below(most) }, make).join("");
  const anyKind = () => pick(pick(kinds));
  const word = () => pick(pick(samples).split(/(?= )/));
  return {
    sampleCut: () => {
      const sample = pick(samples), begin = below(sample.length);
      return sample.slice(begin, begin + 1 + below(200));
    },
    sampleWords: () => many(20, word),
    mixedClasses: () => many(24, anyKind),
    fewClasses: () => {
      const a = pick(kinds), b = pick(kinds);
      return many(30, () => pick(random() < 0.5 ? a : b));
    },
    script: () => {
      const script = pick(scripts);
      return many(40, () => pick(random() < 0.15 ? kSpaces : script));
    },
    anyCodePoint: () => many(12, () => String.fromCodePoint(below(0x110000)).toWellFormed()),
    ascii: () => many(60, () => pick(ascii)),
    contraction: () => many(6, () => pick([word(), anyKind(), "I", "DON", "l"]) +
      pick(kApostrophes) + pick(kEndings) + pick(["", " ", anyKind()])),
    spaces: () => many(16, () => pick(
      random() < 0.75 ? kSpaces : [word(), "x", "!", "1", "/"])),
    lineEnds: () => many(20, () => pick(
      ["\n", "\r", "\r\n", "\n\n", " ", "\t", "x", "//", "!", "/"])),
    numbers: () => many(14, () => pick(
      [String(below(1e9)), pick(letters.number), ".", ",", "-", " ", "e", "%", "\u0664\u0662"])),
    emoji: () => many(14, () => pick([pick(letters.emoji), "\u200d", "\ufe0f", "\u{1f3fd}",
      "\u{1f1e9}\u{1f1ea}", "\u20e3", " "])),
    marks: () => many(10, () => pick([pick(letters.lower), pick(letters.upper), " ", ""]) +
      many(5, () => pick(letters.mark))),
    casing: () => many(30, () => pick([pick(letters.upper), pick(letters.lower),
      pick(letters.title), pick(letters.modifier), "a", "B"])),
    code: () => many(20, () => pick([pick(kCodePieces), word(), pick(kSpaces), "\n    "])),
    specials: () => many(8, () => pick(
      [pick(kHalfSpecials), pick(kHalfSpecials), word(), pick(kSpaces), "]", "<", "["])),
    longRun: () => pick([pick(ascii), anyKind(), pick(pick(scripts)), pick(kSpaces),
      pick(kCodePieces)]).repeat(1 + below(600)) + pick(["", "x", " x", "\n", "1"]),
    longWord: () => many(800, () => pick(
      [pick(letters.lower), "a", "e", "th", "in", "er", "ation"])),
    brokenBytes: () => Buffer.from(many(60, () => pick([pick(ascii), word(), anyKind()])), "utf8")
      .map((b) => (random() < 0.05 ? below(256) : b)).toString("utf8"),
  };
}
