// How good a model is: raw logits of given tokens, and perplexity of a text. One thread calls.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/kernel_set.h"
#include "model/routing_trace.h"
#include "weights/m2_weights.h"

namespace jevons {

class ExpertCache;
class RoutingRecorder;

struct EvalOptions {
  int n_threads = 1;
  int batch = 512;
  kernels::KvFormat kv_format = kernels::KvFormat::kQ8_0;
  bool reference = false;                // the f32 oracle path: no batches, no cache
  int foresight = 1;                     // layers ahead whose experts are guessed, then
  ExpertCache* experts = nullptr;        // if they are not in memory
  const RoutingTrace* forced = nullptr;  // experts of the first tokens, as many as it has
  RoutingTrace* recorded = nullptr;      // filled with the experts that were taken
  RoutingRecorder* recorder = nullptr;   // told of them as they are taken
  RoutingTrace* foreseen = nullptr;      // filled with what each layer's router says one layer
                                         // ahead, from layer 1 on; not with `reference`
  std::function<void(int n_done, int n_total)> progress;  // tokens; may be empty
};

/// Decimal token ids separated by white space. Errors name the file and the id that is wrong.
[[nodiscard]] Result<std::vector<std::int32_t>> read_token_ids(const std::string& path,
                                                               int vocab_size);

/// Called with the logits [n][vocab_size] of tokens first, first + 1, ...
using LogitsConsumer = std::function<Result<void>(int first, int n, const float* logits)>;

/// Logits of every token of one text, in order, a batch at a time. Fails if the keys and values do
/// not fit into memory, or if the consumer fails.
[[nodiscard]] Result<void> for_each_logits(const M2Weights& weights,
                                           std::span<const std::int32_t> ids,
                                           const EvalOptions& options,
                                           const LogitsConsumer& consume);

/// [ids.size()][vocab_size] little-endian f32 without a header.
[[nodiscard]] Result<void> write_logits(const std::string& path, const M2Weights& weights,
                                        std::span<const std::int32_t> ids,
                                        const EvalOptions& options);

struct Perplexity {
  double perplexity;      // exp of the mean
  double mean_nll;        // natural logarithm, per token
  double standard_error;  // of mean_nll
  int n_scored;
  int n_windows;
};

/// The text in windows of `window` tokens, each read from nothing; the second half of each window
/// is scored, as llama.cpp's perplexity tool does it, and what does not fill a window is left out.
/// A text shorter than one window is one window, scored from its second token on.
[[nodiscard]] Result<Perplexity> measure_perplexity(const M2Weights& weights,
                                                    std::span<const std::int32_t> ids, int window,
                                                    const EvalOptions& options);

}  // namespace jevons
