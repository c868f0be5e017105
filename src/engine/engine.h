// The engine: an open model, and completions from it. The one header of engine/ that api/, agent/
// and app/ see.
//
// complete() may be called from one thread at a time; const members from any thread. The engine
// owns the mapped model, the KV cache and the worker threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/sampling.h"
#include "text/chat.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace jevons {

enum class KvType : std::uint8_t { kF16, kQ8_0 };

struct EngineOptions {
  std::string model_path;
  int n_threads = 0;       // 0: every CPU this process may use
  int context_length = 0;  // 0: the least of the model's, 32,768 and what fits in memory
  KvType kv_type = KvType::kQ8_0;
  int prefill_chunk = 512;  // tokens of a prompt that go through the network at once
};

struct ModelFacts {
  std::string name;
  int model_context_length;  // as the file declares it
  int context_length;        // as planned here
  int vocab_size;
  int n_threads;
  const char* kernels;         // "scalar", "avx2", "avx512"
  std::uint64_t weight_bytes;  // of all tensors
  std::uint64_t kv_bytes_per_token;
};

struct CompletionRequest {
  std::vector<std::int32_t> prompt;
  SamplingParams sampling;
  int max_tokens = 0;                     // 0: until the context is full
  std::vector<std::string> stop_strings;  // cut from the text, may cross token borders
  std::vector<std::int32_t> stop_tokens;  // besides the model's own end of turn
  int n_logprobs = -1;                    // -1: none; 0: of the token; n: and of the n likeliest
};

struct TokenLogprob {
  std::int32_t id;
  float logprob;  // natural logarithm, of the model's distribution before sampling filters
};

/// One or more tokens' worth of text that can be shown now. Text that could still be the start of
/// a stop string or half a character is held back until it cannot.
struct CompletionChunk {
  std::string text;
  std::vector<std::int32_t> ids;
  std::vector<TokenLogprob> logprobs;                   // of `ids`, when asked for
  std::vector<std::vector<TokenLogprob>> alternatives;  // likewise
};

enum class StopReason : std::uint8_t {
  kEndOfTurn,
  kStopString,
  kMaxTokens,
  kContextFull,
  kCancelled
};
/// "stop", "stop_string", "length", "context", "cancelled"
[[nodiscard]] const char* stop_reason_name(StopReason reason);

struct CompletionResult {
  StopReason stop_reason;
  std::string stop_string;  // the one that matched
  std::uint64_t seed;       // the one used
  int n_prompt_tokens;      // of the whole prompt
  int n_cached_tokens;      // of those, not computed again
  int n_generated_tokens;   // the end of turn not counted
  double prompt_ms;
  double generation_ms;
};

struct CompletionSink {
  std::function<void(int n_done, int n_total)> on_prompt_progress;  // tokens; may be empty
  std::function<void(const CompletionChunk&)> on_chunk;             // may be empty
};

class Engine {
 public:
  /// Maps the model, plans memory, starts threads. Errors name the file or the size that is wrong.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> open(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const ModelFacts& facts() const;
  [[nodiscard]] const Tokenizer& tokenizer() const;
  [[nodiscard]] const PromptFormat& prompt_format() const;
  /// The model card's defaults: those of the file, else 1.0 / 0.95 / 40.
  [[nodiscard]] const SamplingParams& default_sampling() const;
  /// Tokens that the KV cache holds at the moment: what a prompt that begins so would not compute.
  [[nodiscard]] std::span<const std::int32_t> cached_tokens() const;

  /// Reads the prompt (reusing the longest prefix it has already read) and writes an answer.
  /// Errors, before any work: empty prompt, ids outside the vocabulary, prompt longer than the
  /// context, sampling parameters out of range. Cancellation takes effect within one step and is
  /// a result, not an error.
  [[nodiscard]] Result<CompletionResult> complete(const CompletionRequest& request,
                                                  const CompletionSink& sink,
                                                  const std::stop_token& cancel = {});

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Checks ranges; the error names the field, its value and the range.
[[nodiscard]] Result<void> validate(const SamplingParams& params);

}  // namespace jevons
