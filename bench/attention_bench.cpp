// Attention of one token over a deep context, one thread: how fast KV pages are read, beside how
// fast this thread can read memory at all. And of many tokens over the same pages, as in prefill.
#include <benchmark/benchmark.h>

#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernel_set.h"

namespace jevons::kernels {
namespace {

constexpr int kHeadDim = 128;
constexpr int kQueries = 6;
constexpr std::size_t kPoolBytes = std::size_t{512} << 20;  // beyond any cache

// Pages of keys and values one after the other, as many as fit the pool, all real.
class Pool {
 public:
  Pool(const KernelSet& set, KvFormat format)
      : head_bytes_(kKeysPerPage * set.kv_row_bytes(format, kHeadDim)),
        n_pages_(static_cast<int>(kPoolBytes / (2 * head_bytes_))),
        buffer_(kPoolBytes) {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal;
    std::vector<float> row(kHeadDim);
    for (int slot = 0; slot < kKeysPerPage; ++slot) {
      for (float& x : row) x = normal(generator);
      set.store_key(format, row.data(), kHeadDim, slot, keys(0));
      for (float& x : row) x = normal(generator);
      set.store_value(format, row.data(), kHeadDim, slot, values(0));
    }
    for (int page = 1; page < n_pages_; ++page) std::memcpy(keys(page), keys(0), 2 * head_bytes_);
  }

  int n_pages() const { return n_pages_; }
  std::size_t head_bytes() const { return head_bytes_; }
  std::byte* keys(int page) {
    return buffer_.data() + static_cast<std::size_t>(page) * 2 * head_bytes_;
  }
  std::byte* values(int page) { return keys(page) + head_bytes_; }

 private:
  std::size_t head_bytes_;
  int n_pages_;
  AlignedBuffer buffer_;
};

struct Queries {
  std::vector<std::byte> encoded;
  float maximum[kQueries] = {};
  float sum[kQueries] = {};
  float output[kQueries * kHeadDim] = {};

  Queries(const KernelSet& set, KvFormat format)
      : encoded(set.query_bytes(format, kQueries, kHeadDim)) {
    std::mt19937 generator(2);
    std::normal_distribution<float> normal;
    std::vector<float> queries(kQueries * kHeadDim);
    for (float& x : queries) x = normal(generator);
    set.encode_queries(format, queries.data(), kQueries, kHeadDim, encoded.data());
  }
  void clear() {
    for (float& x : maximum) x = -std::numeric_limits<float>::infinity();
    std::memset(sum, 0, sizeof sum);
    std::memset(output, 0, sizeof output);
  }
  void attend(const KernelSet& set, KvFormat format, Pool& pool, int page) {
    set.attend_page(format,
                    {encoded.data(), kQueries, pool.keys(page), pool.values(page), kKeysPerPage,
                     kHeadDim, maximum, sum, output, pool.keys((page + 1) % pool.n_pages())});
  }
};

// Pages of `depth` keys from memory, a fresh part of the pool each time: one KV head in decode.
void decode(benchmark::State& state, Isa isa, KvFormat format) {
  if (!cpu_supports(isa)) return state.SkipWithError("not on this CPU");
  const KernelSet& set = kernel_set(isa);
  Pool pool(set, format);
  Queries queries(set, format);
  const int depth_pages = static_cast<int>(state.range(0)) / kKeysPerPage;
  int page = 0;
  for (auto _ : state) {
    queries.clear();
    if (page + depth_pages > pool.n_pages()) page = 0;
    for (int i = 0; i < depth_pages; ++i) queries.attend(set, format, pool, page + i);
    page += depth_pages;
    benchmark::DoNotOptimize(queries.output[0]);
  }
  state.SetBytesProcessed(state.iterations() * depth_pages *
                          static_cast<std::int64_t>(2 * pool.head_bytes()));
}

// 16 tokens against the same pages: one KV head in prefill. Counts multiply-adds of both products.
void prefill(benchmark::State& state, Isa isa, KvFormat format) {
  if (!cpu_supports(isa)) return state.SkipWithError("not on this CPU");
  constexpr int kTokens = 16;
  const KernelSet& set = kernel_set(isa);
  Pool pool(set, format);
  std::vector<Queries> tokens(kTokens, Queries(set, format));
  const int depth_pages = static_cast<int>(state.range(0)) / kKeysPerPage;
  for (auto _ : state) {
    for (Queries& queries : tokens) queries.clear();
    for (int page = 0; page < depth_pages; ++page) {
      for (Queries& queries : tokens) queries.attend(set, format, pool, page);
    }
    benchmark::DoNotOptimize(tokens[0].output[0]);
  }
  const double macs = 2.0 * kTokens * kQueries * kHeadDim * static_cast<double>(state.range(0));
  state.counters["GMAC/s"] = benchmark::Counter(
      macs * static_cast<double>(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
}

// The limit: a plain sum over the pool.
void read_memory(benchmark::State& state) {
  const AlignedBuffer buffer(kPoolBytes);
  std::memset(buffer.data(), 1, kPoolBytes);
  const auto* words = reinterpret_cast<const std::uint64_t*>(buffer.data());

  for (auto _ : state) {
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < kPoolBytes / sizeof(std::uint64_t); i += 8) {
      for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
    }
    benchmark::DoNotOptimize(sums);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kPoolBytes));
}
BENCHMARK(read_memory)->Unit(benchmark::kMillisecond);

#define JEVONS_ATTENTION_BENCH(isa, format)                              \
  BENCHMARK_CAPTURE(decode, isa##_##format, Isa::isa, KvFormat::format)  \
      ->Arg(4096)                                                        \
      ->Arg(32768)                                                       \
      ->Unit(benchmark::kMicrosecond);                                   \
  BENCHMARK_CAPTURE(prefill, isa##_##format, Isa::isa, KvFormat::format) \
      ->Arg(2048)                                                        \
      ->Unit(benchmark::kMicrosecond)
JEVONS_ATTENTION_BENCH(kScalar, kF16);
JEVONS_ATTENTION_BENCH(kScalar, kQ8_0);
JEVONS_ATTENTION_BENCH(kAvx2, kF16);
JEVONS_ATTENTION_BENCH(kAvx2, kQ8_0);
JEVONS_ATTENTION_BENCH(kAvx512, kF16);
JEVONS_ATTENTION_BENCH(kAvx512, kQ8_0);
JEVONS_ATTENTION_BENCH(kNeon, kF16);
JEVONS_ATTENTION_BENCH(kNeon, kQ8_0);
#undef JEVONS_ATTENTION_BENCH

void rms_norm(benchmark::State& state, Isa isa) {
  if (!cpu_supports(isa)) return state.SkipWithError("not on this CPU");
  const int n = static_cast<int>(state.range(0));
  std::vector<float> x(static_cast<std::size_t>(n), 1.5F);
  std::vector<float> out(x.size());
  for (auto _ : state) {
    kernel_set(isa).rms_norm(x.data(), x.data(), out.data(), n, 1e-6F);
    benchmark::DoNotOptimize(out[0]);
  }
}
BENCHMARK_CAPTURE(rms_norm, avx2, Isa::kAvx2)->Arg(6144);
BENCHMARK_CAPTURE(rms_norm, avx512, Isa::kAvx512)->Arg(6144);
BENCHMARK_CAPTURE(rms_norm, neon, Isa::kNeon)->Arg(6144);

void silu_multiply(benchmark::State& state, Isa isa) {
  if (!cpu_supports(isa)) return state.SkipWithError("not on this CPU");
  const int n = static_cast<int>(state.range(0));
  std::vector<float> x(static_cast<std::size_t>(n), 1.5F);
  std::vector<float> out(x.size());
  for (auto _ : state) {
    kernel_set(isa).silu_multiply(x.data(), x.data(), out.data(), n);
    benchmark::DoNotOptimize(out[0]);
  }
}
BENCHMARK_CAPTURE(silu_multiply, avx2, Isa::kAvx2)->Arg(1536);
BENCHMARK_CAPTURE(silu_multiply, avx512, Isa::kAvx512)->Arg(1536);
BENCHMARK_CAPTURE(silu_multiply, neon, Isa::kNeon)->Arg(1536);

}  // namespace
}  // namespace jevons::kernels

BENCHMARK_MAIN();
