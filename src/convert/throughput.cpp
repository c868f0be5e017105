#include "convert/throughput.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "base/aligned_buffer.h"
#include "base/memory_info.h"
#include "base/thread_pool.h"
#include "kernels/machine_peak.h"
#include "model/model.h"
#include "weights/expert_cache.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostRead = std::size_t{1} << 30;  // in one pass over memory

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

ModelOptions model_options(int n_threads, const SpeedOptions& options) {
  ModelOptions model;
  model.n_threads = n_threads;
  model.max_batch = options.batch;
  model.kv_format = options.kv_format;
  model.experts = options.experts;
  model.foresight = options.foresight;
  model.recorder = options.recorder;
  return model;
}

// Counts of all that was done so far; of a run, what is between two of them.
SpeedFigure::Streaming counts_of(const ExpertCache& experts, const Foresight::Counts& foresight) {
  const ExpertCacheCounts cache = experts.counts();
  const DiskReaderCounts disk = experts.disk();
  SpeedFigure::Streaming counts;
  counts.n_needed = cache.n_needed;
  counts.n_hits = cache.n_hits;
  counts.n_foreseen = cache.n_expected;
  counts.n_in_time = cache.n_in_time;
  counts.n_missed = cache.n_missed;
  counts.n_guessed = foresight.n_guessed;
  counts.n_right = foresight.n_right;
  counts.n_guessable = foresight.n_chosen;
  counts.bytes_read = disk.direct_bytes;
  counts.disk_seconds = disk.busy_seconds;
  counts.waiting_seconds = cache.waiting_seconds;
  return counts;
}

void add_difference(SpeedFigure::Streaming& sum, const SpeedFigure::Streaming& before,
                    const SpeedFigure::Streaming& after) {
  using S = SpeedFigure::Streaming;
  for (const auto field : {&S::n_needed, &S::n_hits, &S::n_foreseen, &S::n_in_time, &S::n_missed,
                           &S::n_guessed, &S::n_right, &S::n_guessable, &S::bytes_read}) {
    sum.*field += after.*field - before.*field;
  }
  for (const auto field : {&S::disk_seconds, &S::waiting_seconds}) {
    sum.*field += after.*field - before.*field;
  }
}

// The model of one number of threads, with sequences that tests of one depth share.
class Bench {
 public:
  Bench(const M2Weights& weights, int n_threads, int n_sequences, const SpeedOptions& options)
      : weights_(weights),
        options_(options),
        model_(weights, model_options(n_threads, options)),
        sequences_(static_cast<std::size_t>(n_sequences)),
        logits_(static_cast<std::size_t>(weights.config.vocab_size) * sequences_.size()) {
    for (Filled& sequence : sequences_) {
      sequence.kv = std::make_unique<KvSequence>(model_.kv_layout());
    }
  }

  [[nodiscard]] Result<void> reserve(const SpeedTest& test) {
    const auto n_tokens = static_cast<std::uint64_t>(test.depth) + test.n_tokens;
    std::uint64_t needed = 0;
    for (int i = 0; i < test.n_sequences; ++i) {
      const auto there = static_cast<std::uint64_t>(at(i).kv->capacity());
      needed += model_.kv_layout().bytes_per_token() *
                (n_tokens - std::min(n_tokens, there) + kernels::kKeysPerPage);
    }
    const std::uint64_t available = memory_info().available_bytes;
    if (needed > available) {
      return fail("{} tokens of context for {} sequences need {} MB more, and {} MB are available",
                  n_tokens, test.n_sequences, needed / 1'000'000, available / 1'000'000);
    }
    for (int i = 0; i < test.n_sequences; ++i) at(i).kv->reserve(static_cast<int>(n_tokens));
    return {};
  }

  // Seconds for one run. Overwrites everything from the depth on. figure: takes the stages, or
  // null.
  [[nodiscard]] Result<double> time(const SpeedTest& test, SpeedFigure* figure) {
    const int n_tokens = test.depth + test.n_tokens;
    const int first = static_cast<int>(salt_) * n_tokens;
    extend_trace(options_.forced, first, n_tokens, trace_);
    extend_trace(options_.guessed, first, n_tokens, guessed_);
    for (int i = 0; i < test.n_sequences; ++i) JEVONS_TRY(fill(i, test.depth));
    if (options_.experts != nullptr) ++salt_;
    model_.time_stages(figure != nullptr ? &figure->stages : nullptr);
    SpeedFigure::Streaming before;
    if (options_.experts != nullptr) before = counts_of(*options_.experts, model_.foresight());
    const auto start = Clock::now();
    if (test.is_prompt) {
      JEVONS_TRY(read(0, test.depth, test.n_tokens));
    } else {
      for (int i = 0; i < test.n_tokens; ++i) {
        JEVONS_TRY(step(test.depth + i, test.n_sequences));
        if (figure != nullptr && options_.sample) sample(*figure);
      }
    }
    const double seconds = seconds_since(start);
    model_.time_stages(nullptr);
    if (figure != nullptr && options_.experts != nullptr) {
      if (!figure->streaming) figure->streaming = SpeedFigure::Streaming{};
      figure->streaming->seconds += seconds;
      add_difference(*figure->streaming, before, counts_of(*options_.experts, model_.foresight()));
    }
    return seconds;
  }

 private:
  void sample(SpeedFigure& figure) {
    const auto start = Clock::now();
    const auto vocab_size = static_cast<std::size_t>(weights_.config.vocab_size);
    for (int i = 0; i < figure.test.n_sequences; ++i) {
      options_.sample(
          std::span(logits_).subspan(static_cast<std::size_t>(i) * vocab_size, vocab_size));
    }
    figure.sampling_seconds += seconds_since(start);
  }

  struct Filled {
    std::unique_ptr<KvSequence> kv;
    int n_tokens = 0;  // that are the same for every test
  };
  [[nodiscard]] Filled& at(int sequence) { return sequences_[static_cast<std::size_t>(sequence)]; }
  [[nodiscard]] const Filled& at(int sequence) const {
    return sequences_[static_cast<std::size_t>(sequence)];
  }

  // Positions before `depth` hold the same tokens whatever the test; those after it will not.
  [[nodiscard]] Result<void> fill(int sequence, int depth) {
    Filled& filled = at(sequence);
    if (filled.n_tokens < depth) {
      JEVONS_TRY(read(sequence, filled.n_tokens, depth - filled.n_tokens));
    }
    filled.n_tokens = depth;
    return {};
  }

  [[nodiscard]] Result<void> read(int sequence, int first, int n) {
    for (int from = first; from < first + n; from += options_.batch) {
      batch_.clear();
      const int to = std::min(first + n, from + options_.batch);
      for (int i = from; i < to; ++i) {
        batch_.push_back({token_at(sequence, i), i, at(sequence).kv.get(), i + 1 == first + n});
      }
      JEVONS_TRY(forward());
    }
    return {};
  }

  // The next token of each sequence.
  [[nodiscard]] Result<void> step(int position, int n_sequences) {
    batch_.clear();
    for (int i = 0; i < n_sequences; ++i) {
      batch_.push_back({token_at(i, position), position, at(i).kv.get(), true});
    }
    return forward();
  }

  [[nodiscard]] Result<void> forward() {
    RoutingHooks hooks;
    if (options_.forced != nullptr) hooks.forced = &trace_;
    if (options_.guessed != nullptr) hooks.guessed = &guessed_;
    return model_.forward(batch_, logits_.data(), hooks);
  }

  // Positions before the depth have the same tokens in each run.
  [[nodiscard]] std::int32_t token_at(int sequence, int position) const {
    const unsigned salt = position < at(sequence).n_tokens ? 0 : salt_;
    std::minstd_rand random(static_cast<unsigned>(position) + 1 +
                            1'000'003U * static_cast<unsigned>(sequence) + 7'000'003U * salt);
    random.discard(3);  // neighbouring seeds begin alike
    return static_cast<std::int32_t>(random() % static_cast<unsigned>(weights_.config.vocab_size));
  }

  // As long as a test needs it, from token `first` of the source on, by beginning again.
  static void extend_trace(const RoutingTrace* source, int first, int n_tokens,
                           RoutingTrace& trace) {
    if (source == nullptr) return;
    trace = RoutingTrace::sized(source->n_layers, n_tokens, source->n_used);
    for (int layer = 0; layer < source->n_layers; ++layer) {
      for (int token = 0; token < n_tokens; ++token) {
        std::copy_n(source->at(layer, (first + token) % source->n_tokens), source->n_used,
                    trace.at(layer, token));
      }
    }
  }

  const M2Weights& weights_;
  const SpeedOptions& options_;
  Model model_;
  std::vector<Filled> sequences_;
  std::vector<float> logits_;  // [sequences][vocab_size]
  std::vector<BatchToken> batch_;
  RoutingTrace trace_, guessed_;
  // Grows with each run of a model that is larger than memory: what the same tokens want again
  // would be there.
  unsigned salt_ = 0;
};

void summarise(SpeedFigure& figure) {
  const auto n = static_cast<double>(figure.tokens_per_second.size());
  for (const double speed : figure.tokens_per_second) figure.mean += speed / n;
  double squares = 0;
  for (const double speed : figure.tokens_per_second) {
    squares += (speed - figure.mean) * (speed - figure.mean);
  }
  figure.deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
}

Result<void> note_limits(SpeedFigure& figure, const SpeedOptions& options) {
  if (options.progress) options.progress("measuring the machine");
  if (options.experts != nullptr && options.measure_disk) {
    JEVONS_ASSIGN(const double speed, options.measure_disk());
    if (!figure.streaming) figure.streaming = SpeedFigure::Streaming{};
    figure.streaming->disk_bytes_per_second =
        std::max(figure.streaming->disk_bytes_per_second, speed);
  }
  const int n_threads = figure.test.n_threads;
  if (figure.test.is_prompt) {
    figure.int8_operations_per_second =
        std::max(figure.int8_operations_per_second, measure_int8_peak(n_threads));
  } else {
    figure.memory_bytes_per_second =
        std::max(figure.memory_bytes_per_second, measure_memory_bandwidth(n_threads));
  }
  return {};
}

std::string test_text(const SpeedTest& test) {
  return fmt::format("{} {} at depth {}, {} threads, {} sequences",
                     test.is_prompt ? "prompt" : "generation", test.n_tokens, test.depth,
                     test.n_threads, test.n_sequences);
}

// Adds up `n` words of each of two streams; the sum keeps the compiler from leaving it out.
std::uint64_t sum_streams(const std::uint64_t* a, const std::uint64_t* b, std::size_t n) {
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) sums[k] += a[i + k];
    for (std::size_t k = 0; k < 8; ++k) sums[k] ^= b[i + k];
  }
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  return total;
}

std::uint64_t sum_stream(const std::uint64_t* a, std::size_t n) {
  std::uint64_t sums[16] = {};
  for (std::size_t i = 0; i + 16 <= n; i += 16) {
    for (std::size_t k = 0; k < 16; ++k) sums[k] += a[i + k];
  }
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  return total;
}

}  // namespace

Result<std::vector<SpeedFigure>> measure_speed(const M2Weights& weights,
                                               const std::vector<SpeedTest>& tests,
                                               const SpeedOptions& options) {
  std::vector<SpeedFigure> figures;
  std::unique_ptr<Bench> bench;
  int n_threads = 0;
  int most_sequences = 1;
  for (const SpeedTest& test : tests) most_sequences = std::max(most_sequences, test.n_sequences);
  if (most_sequences > options.batch) {
    return fail("{} sequences side by side are more than the {} tokens of a batch", most_sequences,
                options.batch);
  }
  for (const SpeedTest& test : tests) {
    if (bench == nullptr || n_threads != test.n_threads) {
      bench.reset();  // its memory first
      bench = std::make_unique<Bench>(weights, test.n_threads, most_sequences, options);
      n_threads = test.n_threads;
    }
    JEVONS_TRY(bench->reserve(test));
    SpeedFigure figure{.test = test, .tokens_per_second = {}, .mean = 0, .deviation = 0};
    if (options.measure_limits) JEVONS_TRY(note_limits(figure, options));
    for (int i = 0; i <= options.n_repetitions; ++i) {
      if (options.is_cancelled && options.is_cancelled()) return fail("interrupted");
      if (options.progress) {
        options.progress(
            fmt::format("{}, run {} of {}", test_text(test), i, options.n_repetitions));
      }
      const bool counts = i > 0;  // the first warms up
      const bool wants_stages =
          options.breakdown || test.n_sequences > 1 || options.experts != nullptr;
      JEVONS_ASSIGN(const double seconds,
                    bench->time(test, counts && wants_stages ? &figure : nullptr));
      if (counts) figure.tokens_per_second.push_back(test.n_tokens * test.n_sequences / seconds);
    }
    summarise(figure);
    if (options.measure_limits) JEVONS_TRY(note_limits(figure, options));
    figures.push_back(std::move(figure));
  }
  return figures;
}

StageBytes stage_bytes(const M2Weights& weights) {
  const auto bytes_of = [](const auto& matrix) {
    return static_cast<double>(matrix.row_bytes) * static_cast<double>(matrix.n_rows);
  };
  const ModelConfig& config = weights.config;
  StageBytes bytes;
  for (const LayerWeights& layer : weights.layers) {
    for (const Matrix* matrix : {&layer.q, &layer.k, &layer.v, &layer.attention_output}) {
      bytes.projections += bytes_of(*matrix);
    }
    bytes.router += static_cast<double>(config.n_experts) * config.hidden_size * sizeof(float);
    for (const ExpertMatrices* matrices : {&layer.gate, &layer.up, &layer.down}) {
      bytes.experts += config.n_experts_used * bytes_of(*matrices);
    }
  }
  bytes.head = bytes_of(weights.output);
  return bytes;
}

double prompt_multiplications(const M2Weights& weights) {
  const auto elements_of = [](const auto& matrix) {
    return static_cast<double>(matrix.n_rows) * static_cast<double>(matrix.n_columns);
  };
  const ModelConfig& config = weights.config;
  double n = 0;
  for (const LayerWeights& layer : weights.layers) {
    n += elements_of(layer.k) + elements_of(layer.v);
    if (&layer == &weights.layers.back()) break;
    n += elements_of(layer.q) + elements_of(layer.attention_output);
    n += static_cast<double>(config.n_experts) * config.hidden_size;
    for (const ExpertMatrices* matrices : {&layer.gate, &layer.up, &layer.down}) {
      n += config.n_experts_used * elements_of(*matrices);
    }
  }
  return n;
}

double measure_memory_bandwidth(int n_threads, std::span<const std::byte> bytes) {
  constexpr int kPasses = 5;
  const std::size_t n_words = std::min(bytes.size(), kMostRead) / sizeof(std::uint64_t);
  const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.data());
  const std::size_t share = n_words / static_cast<std::size_t>(n_threads) / 32 * 32;
  ThreadPool pool(n_threads);
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(n_threads));
  double best = 0;
  for (int pass = 0; pass < 1 + 2 * kPasses; ++pass) {
    const bool two_streams = pass % 2 == 1;
    const auto start = Clock::now();
    pool.parallel_for(n_threads, [&](int index, int) {
      const std::uint64_t* mine = words + static_cast<std::size_t>(index) * share;
      sums[static_cast<std::size_t>(index)] +=
          two_streams ? sum_streams(mine, mine + share / 2, share / 2) : sum_stream(mine, share);
    });
    const auto n_read = static_cast<double>(share) * n_threads * sizeof(std::uint64_t);
    if (pass > 0) best = std::max(best, n_read / seconds_since(start));
  }
  // The sums are used, so that the reads happen.
  const volatile std::uint64_t sink = sums.front();
  static_cast<void>(sink);
  return best;
}

double measure_memory_bandwidth(int n_threads, PageSize pages) {
  const std::size_t n_bytes =
      std::min<std::size_t>(kMostRead, memory_info().available_bytes / 4) / 4096 * 4096;
  const AlignedBuffer buffer(n_bytes);
  if (pages == PageSize::kSmall) ::madvise(buffer.data(), n_bytes, MADV_NOHUGEPAGE);
  ThreadPool pool(n_threads);
  const std::size_t share = n_bytes / static_cast<std::size_t>(n_threads);
  // Touched by the threads that read it, as weights are.
  pool.parallel_for(n_threads, [&](int index, int) {
    std::memset(buffer.data() + static_cast<std::size_t>(index) * share, index + 1, share);
  });
  return measure_memory_bandwidth(n_threads, {buffer.data(), n_bytes});
}

namespace {

// Of all threads at once.
double sum_of_peaks(int n_threads, double (*peak)(kernels::Isa isa, double seconds)) {
  constexpr double kSeconds = 0.05;
  ThreadPool pool(n_threads);
  std::vector<double> peaks(static_cast<std::size_t>(n_threads));
  pool.parallel_for(n_threads, [&](int index, int) {
    peaks[static_cast<std::size_t>(index)] = peak(kernels::best_isa(), kSeconds);
  });
  double sum = 0;
  for (const double one : peaks) sum += one;
  return sum;
}

}  // namespace

double measure_int8_peak(int n_threads) {
  return sum_of_peaks(n_threads, kernels::int8_peak_operations_per_second);
}

double measure_f32_peak(int n_threads) {
  return sum_of_peaks(n_threads, kernels::f32_peak_operations_per_second);
}

}  // namespace jevons
