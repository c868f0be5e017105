// How fast a model is on this machine, and what this machine could do. One thread calls; on a
// machine that does other things meanwhile the figures mean nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/kernel_set.h"
#include "model/routing_trace.h"
#include "model/stage_times.h"
#include "weights/m2_weights.h"

namespace jevons {

class ExpertCache;
class RoutingRecorder;

/// As llama-bench means them: "prompt" reads n tokens in batches, "generation" runs n tokens one by
/// one, both after `depth` tokens that are not timed. Random tokens, no sampling. Several sequences
/// generate side by side, each its own tokens.
struct SpeedTest {
  bool is_prompt;
  int n_tokens;  // of one sequence
  int depth;
  int n_threads;
  int n_sequences = 1;
};

struct SpeedFigure {
  SpeedTest test;
  std::vector<double> tokens_per_second;  // of each repetition, all sequences together
  double mean;
  double deviation;  // standard deviation of the repetitions, 0 for one
  // What the machine could do just before and after, the better of both; 0 if it was not asked.
  double memory_bytes_per_second = 0, int8_operations_per_second = 0;
  // Of all repetitions together, if it was asked for or there are several sequences.
  StageTimes stages{};
  double sampling_seconds = 0;
  // The same, of a model that is larger than memory.
  struct Streaming {
    double seconds = 0;  // of the counted repetitions
    std::uint64_t n_needed = 0, n_hits = 0, n_foreseen = 0, n_in_time = 0, n_missed = 0;
    std::uint64_t n_guessed = 0, n_right = 0, n_guessable = 0;
    std::uint64_t bytes_read = 0;
    double disk_seconds = 0;     // during which something was being read
    double waiting_seconds = 0;  // for the disk
    // What the disk could do just before and after, the better of both; 0 if it was not asked.
    double disk_bytes_per_second = 0;
  };
  std::optional<Streaming> streaming{};
};

/// Bytes of weights that one token reads, by stage.
struct StageBytes {
  double projections = 0, router = 0, experts = 0, head = 0;
};
[[nodiscard]] StageBytes stage_bytes(const M2Weights& weights);

/// Weights that each token of a prompt is multiplied with. Of the last layer it needs its key and
/// value alone, and of the head nothing: they are computed for the prompt's last token only.
[[nodiscard]] double prompt_multiplications(const M2Weights& weights);

struct SpeedOptions {
  int n_repetitions = 5;
  int batch = 512;
  kernels::KvFormat kv_format = kernels::KvFormat::kQ8_0;
  const RoutingTrace* forced = nullptr;   // repeated for as many tokens as a test has
  const RoutingTrace* guessed = nullptr;  // the same, of what is foreseen
  ExpertCache* experts = nullptr;         // if they are not in memory
  int foresight = 1;                      // layers ahead that are guessed, then
  RoutingRecorder* recorder = nullptr;    // told of the experts that tokens take
  std::function<bool()> is_cancelled;     // asked between repetitions; may be empty
  std::function<void(const std::string& what)> progress;  // may be empty
  bool measure_limits = false;  // of the machine, around each test: a second and a GiB
  std::function<Result<double>()> measure_disk;  // bytes per second; with `experts`; may be empty
  bool breakdown = false;  // measure the stages; a generation's tokens are then sampled, too
  std::function<void(std::span<const float> logits)> sample;  // how; may be empty
};

/// One figure for each test, in order, after one run that does not count. Tests of the same depth
/// and number of threads should stand together: the depth is filled once for them. Fails if keys
/// and values of a test do not fit into memory.
[[nodiscard]] Result<std::vector<SpeedFigure>> measure_speed(const M2Weights& weights,
                                                             const std::vector<SpeedTest>& tests,
                                                             const SpeedOptions& options);

enum class PageSize { kSmall, kLarge };  // 4 kB; 2 MB where the kernel grants them

/// Bytes per second of reading a buffer much larger than the caches with `n_threads`: the best of
/// several passes, each thread reading one stream or two.
[[nodiscard]] double measure_memory_bandwidth(int n_threads, PageSize pages = PageSize::kLarge);

/// The same for memory that is there, as a mapped file is: at most a GiB of it, read once before.
[[nodiscard]] double measure_memory_bandwidth(int n_threads, std::span<const std::byte> bytes);

/// Multiplications and additions of 8-bit integers per second, on `n_threads` at once, with the
/// best instructions of this CPU.
[[nodiscard]] double measure_int8_peak(int n_threads);

/// The same of 32-bit floats.
[[nodiscard]] double measure_f32_peak(int n_threads);

}  // namespace jevons
