// Encoding and decoding speed on one thread. TOKENIZER_JSON and TEXT name a vocabulary and a file
// to encode; without them, the small vocabulary and the English of the repository are taken.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/atomic_file.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace jevons {
namespace {

constexpr std::size_t kTextBytes = 4 << 20;

template <typename T>
T value_or_exit(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return std::move(*result);
}

std::string setting(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::string(JEVONS_SOURCE_DIR) + otherwise;
}

Vocabulary read_vocabulary() {
  return value_or_exit(
      read_tokenizer_json(setting("TOKENIZER_JSON", "/tests/data/text/tokenizer/vocabulary.json")));
}

const Tokenizer& tokenizer() {
  static const Tokenizer value = value_or_exit(Tokenizer::create(read_vocabulary()));
  return value;
}

const std::string& prose() {
  static const std::string text = [] {
    const std::string part = value_or_exit(read_file(setting("TEXT", "/training/facts.txt")));
    std::string whole = part;
    while (whole.size() < kTextBytes) whole += part;
    return whole;
  }();
  return text;
}

void encode(benchmark::State& state, const std::string& text) {
  std::size_t n_ids = 0;
  const Tokenizer& encoder = tokenizer();
  for (auto _ : state) n_ids = encoder.encode(text, SpecialTokens::kIgnore).size();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["bytes_per_token"] = static_cast<double>(text.size()) / static_cast<double>(n_ids);
}

void encode_prose(benchmark::State& state) { encode(state, prose()); }
BENCHMARK(encode_prose)->Unit(benchmark::kMillisecond);

/// A megabyte of one character: the cases that must not become quadratic.
void encode_run(benchmark::State& state, const char* unit) {
  std::string text;
  while (text.size() < 1 << 20) text += unit;
  encode(state, text);
}
BENCHMARK_CAPTURE(encode_run, letter, "a")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_run, space, " ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_run, emoji, "\U0001F600")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_run, word, "internationalization")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_run, broken, "\xff")->Unit(benchmark::kMillisecond);

void detokenize(benchmark::State& state) {
  const auto ids = tokenizer().encode(prose(), SpecialTokens::kIgnore);
  for (auto _ : state) {
    Detokenizer detokenizer(tokenizer());
    std::size_t n_bytes = 0;
    for (const std::int32_t id : ids) n_bytes += detokenizer.push(id).size();
    benchmark::DoNotOptimize(n_bytes);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(prose().size()));
}
BENCHMARK(detokenize)->Unit(benchmark::kMillisecond);

void create(benchmark::State& state) {
  const Vocabulary vocabulary = read_vocabulary();
  for (auto _ : state) {
    const auto made = Tokenizer::create(vocabulary);
    benchmark::DoNotOptimize(made.has_value());
  }
}
BENCHMARK(create)->Unit(benchmark::kMillisecond);

void read_json(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(read_vocabulary().tokens.size());
}
BENCHMARK(read_json)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace jevons

BENCHMARK_MAIN();
