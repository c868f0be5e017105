// See run. Arguments: SOURCE_DIR PROGRAM WORK_DIR [--golden] [--seconds N] [--seed N] [FILE...]
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { everyCharacter, makeGenerators, makeRandom } from "./cases.mjs";
import {
  kUserDefinedTokens, loadO200k, makeOracle, toTokenizerJson, train,
} from "./vocabulary.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    golden: { type: "boolean", default: false },
    seconds: { type: "string", default: "120" },
    seed: { type: "string", default: "1" },
  },
});
const [sourceDir, program, workDir, ...files] = positionals;

function realTexts() {
  const names = execFileSync("git", ["-C", sourceDir, "ls-files", "-z"], { encoding: "utf8" })
    .split("\0").filter((name) => /\.(md|txt|h|cpp|py|mjs|cmake|json|jinja)$/.test(name))
    .map((name) => join(sourceDir, name));
  return [...names, ...files].filter((name) => existsSync(name))
    .map((name) => readFileSync(name, "utf8")).filter((text) => text.length > 0);
}

const samples = readFileSync(join(workDir, "samples.txt"), "utf8").trimEnd().split("\n")
  .map((line) => line.replaceAll("\\n", "\n").replaceAll("\\t", "\t").replaceAll("\\r", "\r"));

function encodeWithOracle(oracle, { text, parse }) {
  return oracle.encode(text, parse ? "all" : kUserDefinedTokens, []);
}

function encodeWithProgram(vocabularyPath, cases) {
  const input = Buffer.concat(cases.flatMap(({ text, parse }) => {
    const bytes = Buffer.from(text, "utf8");
    const head = Buffer.alloc(5);
    head.writeUInt8(parse ? 1 : 0, 0);
    head.writeUInt32LE(bytes.length, 1);
    return [head, bytes];
  }));
  const result = spawnSync(program, [vocabularyPath], { input, maxBuffer: 2 ** 31 });
  if (result.status !== 0) throw new Error(`${program}: ${result.stderr}`);
  const words = new Uint32Array(result.stdout.buffer.slice(
    result.stdout.byteOffset, result.stdout.byteOffset + result.stdout.byteLength));
  const answers = [];
  for (let at = 0; at < words.length; at += 1 + words[at]) {
    answers.push(words.subarray(at + 1, at + 1 + words[at]));
  }
  if (answers.length !== cases.length) throw new Error(`${answers.length} answers`);
  return answers;
}

const isSame = (a, b) => a.length === b.length && a.every((id, i) => id === b[i]);
const total = { cases: 0, bytes: 0, ids: 0 };

/// Returns the cases that differ.
function compare(oracle, vocabularyPath, cases) {
  const answers = encodeWithProgram(vocabularyPath, cases);
  return cases.filter((one, i) => {
    const expected = encodeWithOracle(oracle, one);
    total.cases++;
    total.bytes += Buffer.byteLength(one.text);
    total.ids += expected.length;
    if (isSame(expected, answers[i])) return false;
    one.expected = Array.from(expected);
    one.answer = Array.from(answers[i]);
    return true;
  });
}

function stopAt(differences) {
  if (differences.length === 0) return;
  for (const { text, parse, expected, answer } of differences.slice(0, 5)) {
    console.log(JSON.stringify({ text: text.slice(0, 300), parse }));
    const at = expected.findIndex((id, i) => id !== answer[i]);
    console.log("  from token", at, "oracle:", expected.slice(at, at + 12).join(" "));
    console.log("  from token", at, "  ours:", answer.slice(at, at + 12).join(" "));
  }
  console.log(`${differences.length} of these cases differ`);
  process.exit(1);
}

/// An endless supply of lists of cases.
function* randomBatches(random, n) {
  const generators = Object.values(makeGenerators(samples, random));
  const text = () => Array.from({ length: 1 + random.below(3) }, () => random.pick(generators)());
  for (;;) {
    yield Array.from({ length: n }, () => (
      { text: text().join("").toWellFormed(), parse: random.below(2) === 1 }));
  }
}

/// Characters that the two Unicode tables class differently because they are of different years:
/// PCRE2 10.42 has Unicode 14, tiktoken a later one. All must be newer than Unicode 14.
function compareCharacters(oracle, vocabularyPath) {
  const cases = [...everyCharacter()].map((one) => ({ ...one, parse: false }));
  const differing = compare(oracle, vocabularyPath, cases).map(({ character }) => character);
  const ranges = [];
  for (const c of differing) {
    if (ranges.length > 0 && ranges.at(-1)[1] === c - 1) ranges.at(-1)[1] = c;
    else ranges.push([c, c]);
  }
  console.log(`${differing.length} characters are of another class in the oracle's Unicode:`,
    ranges.map(([a, b]) => (a === b ? a.toString(16) : `${a.toString(16)}-${b.toString(16)}`))
      .join(" "));
  const unexpected = differing.filter((c) => !isNewerThanUnicode14(c));
  if (unexpected.length > 0) throw new Error(`among them older ones: ${unexpected.join(" ")}`);
  return new Set(differing);
}

function compareAll() {
  const vocabulary = loadO200k();
  const vocabularyPath = join(workDir, "o200k.json");
  writeFileSync(vocabularyPath, JSON.stringify(toTokenizerJson(vocabulary)));
  const oracle = makeOracle(vocabulary);
  const differing = compareCharacters(oracle, vocabularyPath);
  const isKnown = ({ text }) => ![...text].some((c) => differing.has(c.codePointAt(0)));

  const real = realTexts().map((text) => ({ text: text.toWellFormed(), parse: false }));
  stopAt(compare(oracle, vocabularyPath, real.filter(isKnown)));
  console.log("real text:", real.length, "files;", JSON.stringify(total));

  const end = Date.now() + 1000 * Number(options.seconds);
  for (const batch of randomBatches(makeRandom(Number(options.seed)), 5000)) {
    stopAt(compare(oracle, vocabularyPath, batch.filter(isKnown)));
    if (Date.now() > end) break;
  }
  console.log("no difference;", JSON.stringify(total));
}

const kNewerThanUnicode14 = [
  [0x897, 0x897], [0xcf3, 0xcf3], [0xece, 0xece], [0x1c89, 0x1c8a], [0xa7cb, 0xa7cd],
  [0xa7da, 0xa7dc], [0x105c0, 0x105f3], [0x10d40, 0x10d85], [0x10ec2, 0x10ec4],
  [0x10efc, 0x10eff], [0x1123f, 0x11241], [0x11380, 0x113e2], [0x116d0, 0x116e3],
  [0x11bc0, 0x11bf9], [0x11f00, 0x11f5a], [0x1342f, 0x1342f], [0x13440, 0x143fa],
  [0x16100, 0x16139], [0x16d40, 0x16d79], [0x18cff, 0x18cff], [0x1b132, 0x1b132],
  [0x1b155, 0x1b155], [0x1ccf0, 0x1ccf9], [0x1d2c0, 0x1d2d3], [0x1df25, 0x1df2a],
  [0x1e030, 0x1e08f], [0x1e4d0, 0x1e4f9], [0x1e5d0, 0x1e5fa], [0x2b739, 0x2b739],
  [0x2ebf0, 0x2ee5d], [0x31350, 0x323af],
];
const isNewerThanUnicode14 = (c) => kNewerThanUnicode14.some(([a, b]) => c >= a && c <= b);

/// A vocabulary of our own and what the oracle makes of texts with it, for the tests.
function writeGolden() {
  const vocabulary = train(samples.join("\n"), 1000, loadO200k().pattern);
  const folder = join(sourceDir, "tests/data/text/tokenizer");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "vocabulary.json"),
    `${JSON.stringify(toTokenizerJson(vocabulary))}\n`);
  const oracle = makeOracle(vocabulary);
  const random = randomBatches(makeRandom(Number(options.seed)), 2500).next().value;
  const short = ({ text: t }) => t.length < 150;
  // The full comparison sorts out characters that PCRE2's tables are too old for.
  const isOld = ({ text: t }) => ![...t].some((c) => isNewerThanUnicode14(c.codePointAt(0)));
  const cases = [
    ...samples.map((t) => ({ text: t, parse: false })),
    ...random.filter(short).filter(isOld),
  ];
  writeFileSync(join(folder, "cases.jsonl"), cases.map((one) => `${JSON.stringify(
    { ...one, ids: Array.from(encodeWithOracle(oracle, one)) })}\n`).join(""));
  console.log(`${cases.length} cases in ${folder}`);
}

if (options.golden) writeGolden();
else compareAll();
