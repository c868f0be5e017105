#include "convert/evaluate.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/atomic_file.h"
#include "base/memory_info.h"
#include "base/thread_pool.h"
#include "model/model.h"
#include "model/reference.h"
#include "model/routing_recorder.h"

namespace jevons {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

// Logits of one batch may take this much: with a vocabulary of 200,064 that is 83 tokens.
constexpr std::size_t kLogitsBytes = std::size_t{64} << 20;

Result<void> check_memory(const M2Weights& weights, std::size_t n_tokens, int batch,
                          const KvLayout& layout) {
  const std::uint64_t cache = layout.bytes_per_token() * (n_tokens + kernels::kKeysPerPage);
  const std::uint64_t needed = cache + Model::scratch_bytes(weights.config, batch) + kLogitsBytes;
  const std::uint64_t available = memory_info().available_bytes;
  if (needed <= available) return {};
  return fail("{} tokens need {} MB beside the weights, and {} MB are available", n_tokens,
              needed / 1'000'000, available / 1'000'000);
}

// As if all tokens had gone through the network at once.
void record(const RoutingTrace& trace, RoutingRecorder& recorder) {
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    for (int token = 0; token < trace.n_tokens; ++token) {
      recorder.add(layer, {trace.at(layer, token), static_cast<std::size_t>(trace.n_used)});
    }
  }
  recorder.flush();
}

Result<void> run_reference(const M2Weights& weights, std::span<const std::int32_t> ids,
                           const EvalOptions& options, const LogitsConsumer& consume) {
  ThreadPool pool(options.n_threads);
  RoutingTrace own = RoutingTrace::sized(weights.config.n_layers, static_cast<int>(ids.size()),
                                         weights.config.n_experts_used);
  RoutingTrace* const recorded = options.recorded != nullptr ? options.recorded : &own;
  const std::vector<float> logits =
      reference_forward(weights, ids, pool, {options.forced, recorded});
  if (options.recorder != nullptr) record(*recorded, *options.recorder);
  if (options.progress)
    options.progress(static_cast<int>(ids.size()), static_cast<int>(ids.size()));
  return consume(0, static_cast<int>(ids.size()), logits.data());
}

// -log softmax(logits)[target]
double negative_log_likelihood(const float* logits, int n, std::int32_t target) {
  const float maximum = *std::max_element(logits, logits + n);
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logits[i] - maximum));
  return std::log(sum) - static_cast<double>(logits[target] - maximum);
}

}  // namespace

Result<std::vector<std::int32_t>> read_token_ids(const std::string& path, int vocab_size) {
  JEVONS_ASSIGN(const std::string text, read_file(path));
  std::vector<std::int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (;;) {
    while (at != end && is_space(*at)) ++at;
    if (at == end) break;
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(at, end, id);
    if (error != std::errc{} || (stop != end && !is_space(*stop))) {
      return fail("{}: number {} is not a decimal token id", path, ids.size() + 1);
    }
    if (id < 0 || id >= vocab_size) {
      return fail("{}: token id {} (number {}) is outside the vocabulary of {}", path, id,
                  ids.size() + 1, vocab_size);
    }
    ids.push_back(id);
    at = stop;
  }
  if (ids.empty()) return fail("{} has no token ids", path);
  return ids;
}

Result<void> for_each_logits(const M2Weights& weights, std::span<const std::int32_t> ids,
                             const EvalOptions& options, const LogitsConsumer& consume) {
  const ModelConfig& config = weights.config;
  if (options.recorded != nullptr) {
    *options.recorded =
        RoutingTrace::sized(config.n_layers, static_cast<int>(ids.size()), config.n_experts_used);
  }
  if (options.foreseen != nullptr) {
    *options.foreseen =
        RoutingTrace::sized(config.n_layers, static_cast<int>(ids.size()), config.n_experts_used);
  }
  if (options.reference) return run_reference(weights, ids, options, consume);

  const auto vocab_size = static_cast<std::size_t>(config.vocab_size);
  const auto fitting = static_cast<int>(kLogitsBytes / (vocab_size * sizeof(float)));
  const int batch_size = std::max(1, std::min(options.batch, fitting));
  ModelOptions model_options;
  model_options.n_threads = options.n_threads;
  model_options.max_batch = batch_size;
  model_options.kv_format = options.kv_format;
  model_options.experts = options.experts;
  model_options.foresight = options.foresight;
  model_options.recorder = options.recorder;
  Model model(weights, model_options);
  JEVONS_TRY(check_memory(weights, ids.size(), batch_size, model.kv_layout()));
  KvSequence sequence(model.kv_layout());
  const auto n_tokens = static_cast<int>(ids.size());
  sequence.reserve(n_tokens);
  std::vector<float> logits(static_cast<std::size_t>(batch_size) * vocab_size);
  std::vector<BatchToken> batch;
  for (int first = 0; first < n_tokens; first += batch_size) {
    batch.clear();
    for (int i = first; i < std::min(n_tokens, first + batch_size); ++i) {
      batch.push_back({ids[static_cast<std::size_t>(i)], i, &sequence, true});
    }
    JEVONS_TRY(model.forward(batch, logits.data(),
                             {options.forced, options.recorded, nullptr, options.foreseen}));
    JEVONS_TRY(consume(first, static_cast<int>(batch.size()), logits.data()));
    if (options.progress) options.progress(first + static_cast<int>(batch.size()), n_tokens);
  }
  return {};
}

Result<void> write_logits(const std::string& path, const M2Weights& weights,
                          std::span<const std::int32_t> ids, const EvalOptions& options) {
  JEVONS_ASSIGN(AtomicFile file, AtomicFile::create(path));
  const auto vocab_size = static_cast<std::size_t>(weights.config.vocab_size);
  JEVONS_TRY(for_each_logits(
      weights, ids, options, [&](int /*first*/, int n, const float* logits) -> Result<void> {
        const std::span values(logits, static_cast<std::size_t>(n) * vocab_size);
        return file.write(std::as_bytes(values));
      }));
  return file.commit();
}

Result<Perplexity> measure_perplexity(const M2Weights& weights, std::span<const std::int32_t> ids,
                                      int window, const EvalOptions& options) {
  if (ids.size() < 2) return fail("the text has {} tokens, and at least 2 are needed", ids.size());
  const auto length = std::min(static_cast<std::size_t>(std::max(2, window)), ids.size());
  const int n_skipped =
      ids.size() < static_cast<std::size_t>(window) ? 0 : static_cast<int>(length / 2);
  double sum = 0;
  double squares = 0;
  Perplexity result{};
  const auto n_total = static_cast<int>(ids.size() / length * length);
  for (std::size_t start = 0; start + length <= ids.size(); start += length) {
    const std::span<const std::int32_t> text = ids.subspan(start, length);
    const auto score = [&](int first, int n, const float* logits) -> Result<void> {
      for (int i = 0; i < n; ++i) {
        const int position = first + i;
        if (position < n_skipped || position + 1 >= static_cast<int>(length)) continue;
        const double nll = negative_log_likelihood(
            logits +
                static_cast<std::size_t>(i) * static_cast<std::size_t>(weights.config.vocab_size),
            weights.config.vocab_size, text[static_cast<std::size_t>(position) + 1]);
        sum += nll;
        squares += nll * nll;
        ++result.n_scored;
      }
      return {};
    };
    EvalOptions of_window = options;
    of_window.progress = [&](int n_done, int) {
      if (options.progress) options.progress(static_cast<int>(start) + n_done, n_total);
    };
    JEVONS_TRY(for_each_logits(weights, text, of_window, score));
    ++result.n_windows;
  }
  result.mean_nll = sum / result.n_scored;
  const double variance =
      std::max(0.0, squares / result.n_scored - result.mean_nll * result.mean_nll);
  result.standard_error = std::sqrt(variance / result.n_scored);
  result.perplexity = std::exp(result.mean_nll);
  return result;
}

}  // namespace jevons
