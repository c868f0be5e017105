// What finding, keeping and dropping pages costs with 100,000 of them in memory: conversations that
// share a system prompt, as agents have them. Pages are tiny; only the tree is measured.
#include <benchmark/benchmark.h>

#include <vector>

#include "engine/prefix_cache.h"

namespace jevons {
namespace {

constexpr int kSystemPages = 100;
constexpr int kConversationPages = 400;
constexpr int kPages = 100'000;

using Tokens = std::vector<std::int32_t>;

/// The prompt of conversation `number`: 32,000 tokens.
Tokens prompt_of(int number) {
  Tokens tokens;
  for (int i = 0; i < kSystemPages * kernels::kKeysPerPage; ++i) tokens.push_back(i % 1000);
  for (int i = 0; i < kConversationPages * kernels::kKeysPerPage; ++i) {
    tokens.push_back(i == 0 ? number : i % 777);
  }
  return tokens;
}

std::vector<KvPage> pages_after(const PrefixMatch& match) {
  std::vector<KvPage> pages = match.pages;
  while (static_cast<int>(pages.size()) < kSystemPages + kConversationPages) {
    pages.push_back(std::make_shared<AlignedBuffer>(64));
  }
  return pages;
}

void converse(PrefixCache& cache, int number) {
  const Tokens tokens = prompt_of(number);
  cache.insert({}, tokens, pages_after(cache.match({}, tokens)), false);
}

int fill(PrefixCache& cache) {
  int n_conversations = 0;
  while (cache.n_pages() < kPages) converse(cache, n_conversations++);
  return n_conversations;
}

void match_500_pages(benchmark::State& state) {
  PrefixCache cache(nullptr);
  const int n_conversations = fill(cache);
  int number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const Tokens tokens = prompt_of(number++ % n_conversations);
    state.ResumeTiming();
    benchmark::DoNotOptimize(cache.match({}, tokens).n_tokens);
  }
}
BENCHMARK(match_500_pages)->Unit(benchmark::kMicrosecond);

void evict_and_insert_400_pages(benchmark::State& state) {
  PrefixCache cache(nullptr);
  int number = fill(cache);
  for (auto _ : state) {
    state.PauseTiming();
    const Tokens tokens = prompt_of(number++);
    const std::vector<KvPage> pages = pages_after(cache.match({}, tokens));
    state.ResumeTiming();
    benchmark::DoNotOptimize(cache.evict(kConversationPages));
    cache.insert({}, tokens, pages, false);
  }
}
BENCHMARK(evict_and_insert_400_pages)->Unit(benchmark::kMicrosecond);

void count_evictable(benchmark::State& state) {
  PrefixCache cache(nullptr);
  const int n_conversations = fill(cache);
  std::vector<PrefixMatch> in_use;  // 16 sequences
  for (int i = 0; i < 16; ++i) in_use.push_back(cache.match({}, prompt_of(i % n_conversations)));
  for (auto _ : state) benchmark::DoNotOptimize(cache.n_evictable_pages());
}
BENCHMARK(count_evictable)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace jevons

BENCHMARK_MAIN();
