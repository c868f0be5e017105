// Matrix kernels of one thread: one token from memory beside the read bandwidth, many tokens
// beside the int8 peak, both limits measured in the same run just before and after.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "kernels/kernel_set.h"
#include "kernels/machine_peak.h"

namespace jevons::kernels {
namespace {

constexpr std::size_t kWeightBytes = std::size_t{384} << 20;  // many times the caches
constexpr int kColumns = 3072;
constexpr int kRowsAtOnce = 1536;

/// Pseudo-random bytes of which no pair is an infinite or negative half.
const AlignedBuffer& weight_bytes() {
  static const AlignedBuffer kBytes = [] {
    AlignedBuffer bytes(kWeightBytes);
    std::uint64_t state = 88172645463325252U;
    for (std::size_t i = 0; i < kWeightBytes; i += 8) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      const std::uint64_t word = state & 0x3B3B3B3B3B3B3B3BU;
      std::memcpy(bytes.data() + i, &word, sizeof(word));
    }
    return bytes;
  }();
  return kBytes;
}

/// Tokens encoded for a format, and room for their results.
class Tokens {
 public:
  Tokens(const KernelSet& set, WeightFormat format, int n_tokens)
      : y_(static_cast<std::size_t>(n_tokens), kRowsAtOnce) {
    const ActivationFormat activation = set.activation_format(format);
    const std::size_t stride = (activation_bytes(activation, kColumns) + 63) / 64 * 64;
    x_ = AlignedBuffer(stride * static_cast<std::size_t>(n_tokens));
    std::vector<float> x(kColumns);
    for (int i = 0; i < kColumns; ++i) {
      x[static_cast<std::size_t>(i)] = static_cast<float>(i * 7919 % 255 - 127) * 0.01F;
    }
    for (std::size_t t = 0; t < static_cast<std::size_t>(n_tokens); ++t) {
      set.encode(activation)(x.data(), kColumns, x_.data() + t * stride);
      x_pointers_.push_back(x_.data() + t * stride);
      y_pointers_.push_back(y_.row(t));
    }
  }

  /// Rows at `weights`, as many as fit one call, times all tokens.
  void multiply(const KernelSet& set, WeightFormat format, const std::byte* weights) const {
    set.matmul(format)({weights, row_bytes(format, kColumns), kRowsAtOnce, kColumns,
                        x_pointers_.data(), y_pointers_.data(),
                        static_cast<int>(x_pointers_.size())});
    benchmark::ClobberMemory();
  }

 private:
  AlignedBuffer x_;
  FloatRows y_;
  std::vector<const std::byte*> x_pointers_;
  std::vector<float*> y_pointers_;
};

double read_bandwidth() {
  return read_bandwidth_bytes_per_second(weight_bytes().data(), kWeightBytes);
}

void run_one_token(benchmark::State& state, Isa isa, WeightFormat format) {
  const KernelSet& set = kernel_set(isa);
  const Tokens tokens(set, format, 1);
  const std::size_t call_bytes = row_bytes(format, kColumns) * kRowsAtOnce;
  const std::size_t n_calls = kWeightBytes / call_bytes;
  double limit = read_bandwidth();
  for (auto _ : state) {
    for (std::size_t i = 0; i < n_calls; ++i) {
      tokens.multiply(set, format, weight_bytes().data() + i * call_bytes);
    }
  }
  limit = std::max(limit, read_bandwidth());
  const double n_bytes =
      static_cast<double>(n_calls * call_bytes) * static_cast<double>(state.iterations());
  state.counters["GB/s"] = benchmark::Counter(n_bytes / 1e9, benchmark::Counter::kIsRate);
  state.counters["of_bandwidth"] = benchmark::Counter(n_bytes / limit, benchmark::Counter::kIsRate);
  state.counters["limit_GB/s"] = limit / 1e9;
}

void run_many_tokens(benchmark::State& state, Isa isa, WeightFormat format) {
  const KernelSet& set = kernel_set(isa);
  const auto n_tokens = static_cast<int>(state.range(0));
  const Tokens tokens(set, format, n_tokens);
  const std::size_t call_bytes = row_bytes(format, kColumns) * kRowsAtOnce;
  const std::size_t n_calls = kWeightBytes / call_bytes;
  double limit = int8_peak_operations_per_second(isa);
  std::size_t call = 0;
  for (auto _ : state) {
    tokens.multiply(set, format, weight_bytes().data() + call * call_bytes);
    call = (call + 1) % n_calls;
  }
  limit = std::max(limit, int8_peak_operations_per_second(isa));
  const double n_operations =
      2.0 * kColumns * kRowsAtOnce * n_tokens * static_cast<double>(state.iterations());
  state.counters["GOP/s"] = benchmark::Counter(n_operations / 1e9, benchmark::Counter::kIsRate);
  state.counters["of_peak"] = benchmark::Counter(n_operations / limit, benchmark::Counter::kIsRate);
  state.counters["limit_GOP/s"] = limit / 1e9;
}

void register_benchmarks() {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const WeightFormat format : kAllWeightFormats) {
      const std::string name = std::string(isa_name(isa)) + "/" + facts(format).name;
      benchmark::RegisterBenchmark(("one_token/" + name).c_str(), run_one_token, isa, format)
          ->Unit(benchmark::kMillisecond);
      if (isa == Isa::kScalar) continue;
      benchmark::RegisterBenchmark(("many_tokens/" + name).c_str(), run_many_tokens, isa, format)
          ->Arg(2)
          ->Arg(3)
          ->Arg(4)
          ->Arg(6)
          ->Arg(8)
          ->Arg(16)
          ->Arg(64)
          ->Arg(256)
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace jevons::kernels

int main(int argc, char** argv) {
  jevons::kernels::register_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
