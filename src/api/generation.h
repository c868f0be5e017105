// What every dialect is translated to and from: a request for one or more answers, and what
// happens to it. Plain data; any thread may hold its own copy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "meter/energy_meter.h"
#include "text/chat.h"
#include "text/output_parser.h"

namespace jevons {

struct ToolChoice {
  enum class Kind : std::uint8_t { kAuto, kNone, kRequired, kNamed };
  Kind kind = Kind::kAuto;
  std::string name{};                  // kNamed
  std::vector<std::string> allowed{};  // tools that may be called; empty: all
  bool parallel = true;
};

struct OutputFormat {
  enum class Kind : std::uint8_t { kText, kJsonObject, kJsonSchema };
  Kind kind = Kind::kText;
  std::string schema_json{};  // kJsonSchema
  bool strict = false;        // an unsupported keyword is an error, not a warning
};

struct Thinking {
  bool enabled = true;
  bool shown = true;  // false: the client asked not to be sent the text
  std::optional<int> budget_tokens{};
  /// For the response header: what the client asked for, "disabled", "budget 1024", or "".
  std::string asked{};
};

/// Sampling as a client asks for it; what is absent is the model's default.
struct SamplingWish {
  std::optional<float> temperature{}, top_p{}, min_p{}, presence_penalty{}, frequency_penalty{},
      repetition_penalty{};
  std::optional<int> top_k{};
  std::optional<std::uint64_t> seed{};
  std::vector<std::pair<std::int32_t, float>> logit_bias{};
};

/// What a dialect keeps of a request for its own writer.
struct DialectNotes {
  DialectNotes() = default;
  DialectNotes(const DialectNotes&) = delete;
  DialectNotes& operator=(const DialectNotes&) = delete;
  virtual ~DialectNotes() = default;
};

struct GenerationRequest {
  std::string model;  // as the client named it: echoed, not checked

  /// A conversation, or for /v1/completions plain prompts: text or token ids.
  std::variant<ChatRequest, std::vector<std::string>, std::vector<std::vector<std::int32_t>>> input;
  ToolChoice tool_choice{};
  OutputFormat format{};
  Thinking thinking{};
  SamplingWish sampling{};
  std::optional<int> max_tokens{};  // clamped to the context
  std::vector<std::string> stop{};
  int n = 1;            // answers to each prompt
  int n_logprobs = -1;  // as CompletionRequest
  bool echo = false;    // /v1/completions: the prompt before the answer
  /// Read the prompt into the cache and answer nothing: one token is computed and not sent.
  bool prompt_only = false;
  std::string call_id_prefix = "call_";  // of the ids of tool calls

  bool stream = false;
  bool return_progress = false;  // events while the prompt is read
  std::optional<Priority> priority{};
  std::optional<double> deadline_s{};
  /// What was ignored on purpose and is worth telling: "store: responses are not stored".
  std::vector<std::string> warnings{};
  std::shared_ptr<const DialectNotes> notes{};  // of the dialect that parsed it; may be null
};

enum class ApiErrorKind : std::uint8_t {
  kInvalidRequest,   // 400
  kContextOverflow,  // 400
  kAuthentication,   // 401
  kPermission,       // 403
  kNotFound,         // 404
  kMethod,           // 405
  kTooLarge,         // 413
  kUnsupported,      // 400 or 501: understood, and not there
  kRateLimit,        // 429
  kOverloaded,       // 503: loading, stopping
  kDeadline,         // 504
  kInternal,         // 500: our own defect, or logits that are not finite
};

struct ApiError {
  ApiErrorKind kind = ApiErrorKind::kInvalidRequest;
  std::string message;
  std::string param{};       // the field that is wrong, if one is
  std::string request_id{};  // for dialects that show it in the error object
  std::optional<double> retry_after_s{};
  int n_prompt_tokens = 0, context_length = 0;  // kContextOverflow
};
/// To requests that the end of the server cuts off.
[[nodiscard]] ApiError stopping_error();
[[nodiscard]] int http_status(ApiErrorKind kind);

/// Counts of one answer or the sum of all. Cached and written are parts of prompt_tokens.
struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;   // read from the prefix cache
  int written_tokens = 0;  // computed and now in the prefix cache
  int answer_tokens = 0;
  int reasoning_tokens = 0;  // of those
};

/// The extension field `jevons` of usage: the cache, why it broke, speeds, and energy.
struct GenerationReport {
  CacheReport cache{};
  std::string broke_where{};  // "messages[3]", "tools", "system"; "" if nowhere
  std::string cached_excerpt{}, prompt_excerpt{};  // both sides of the break as text
  int n_restored_reasonings = 0;
  double queue_ms = 0, prompt_ms = 0, generation_ms = 0;
  std::optional<EnergyUse> energy{};  // absent: nothing can measure it
  std::string currency{};             // of its cost
  std::vector<std::string> warnings{};
};

// What happens to a request, in order: Started once; Progress; for each choice ChoiceOutput any
// number of times, then ChoiceEnd; Finished once. Instead of the rest, one ApiError.
struct Started {
  int n_prompt_tokens = 0;
  int n_cached_tokens = 0;
  std::string prompt_text{};  // /v1/completions with echo
};
struct Progress {
  int n_done = 0, n_total = 0;
  int n_cached = 0;
  double elapsed_ms = 0;
  std::optional<double> eta_s{};
};
struct ChoiceOutput {
  int choice = 0;
  OutputEvent event;
  /// Of the tokens whose text these events carry; empty unless asked for. Given with the first
  /// event of a chunk.
  struct Token {
    std::string bytes;
    float logprob;
    std::vector<std::pair<std::string, float>> alternatives;  // bytes, logprob
  };
  std::vector<Token> tokens{};
};
struct ChoiceEnd {
  int choice = 0;
  StopReason reason = StopReason::kEndOfTurn;
  std::string stop_string{};  // kStopString
  bool has_tool_calls = false;
  Usage usage{};
};
struct Finished {
  Usage usage{};  // prompts and answers of all choices; a prompt is counted once
  GenerationReport report{};
};

}  // namespace jevons
