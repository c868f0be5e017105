// What the engine is asked for and what it gives back, as plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/sampling.h"
#include "text/output_constraint.h"

namespace jevons {

/// Interactive work goes first: background sequences stand still while any of it can run.
enum class Priority : std::uint8_t { kInteractive, kBackground };

struct CompletionRequest {
  std::vector<std::int32_t> prompt;
  SamplingParams sampling;
  int max_tokens = 0;                     // 0: until the context is full
  std::vector<std::string> stop_strings;  // cut from the text, may cross token borders
  std::vector<std::int32_t> stop_tokens;  // besides the model's own end of turn
  int n_logprobs = -1;                    // -1: none; 0: of the token; n: and of the n likeliest

  // Scheduling.
  Priority priority = Priority::kInteractive;
  std::string client{};  // within a class, clients take turns
  std::optional<std::chrono::steady_clock::time_point> deadline{};

  // Prefix cache. Pages are shared only between requests of one scope; of the prompt's first
  // n_shared_prefix tokens also between scopes.
  std::string cache_scope{};
  int n_shared_prefix = 0;

  // Reasoning and constrained output.
  bool starts_in_reasoning = false;  // the prompt ends inside <think>
  int reasoning_budget = -1;         // tokens; when spent, the block is closed. -1: no limit
  std::shared_ptr<OutputConstraint> constraint{};  // of the answer after the reasoning; may be null

  /// For tests: these tokens are taken instead of sampled ones, through all the same machinery.
  std::vector<std::int32_t> script{};
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
  kCancelled,
  kDeadline,
};
/// "stop", "stop_string", "length", "context", "cancelled", "deadline"
[[nodiscard]] const char* stop_reason_name(StopReason reason);

/// How much of a prompt was there already, and why not more.
struct CacheReport {
  int n_prompt_tokens = 0;
  int n_cached_tokens = 0;     // not computed again
  int n_from_disk_tokens = 0;  // of those, read from the store on disk
  /// Where the prompt leaves the closest one in the cache. Absent if the prompt goes on where a
  /// cached one ended, or nothing in the cache begins like it.
  struct Break {
    int token_index;                   // the first token that differs
    std::vector<std::int32_t> cached;  // up to 24 tokens of the cached side from there on
    std::vector<std::int32_t> prompt;  // and of this prompt
    int n_lost_tokens;                 // cached tokens behind the break that could not be used
  };
  std::optional<Break> broke_at{};
  double lost_seconds = 0;  // estimate: reading n_lost_tokens again, at the speed measured lately
};

using CompletionId = std::uint64_t;

/// What one step of the engine did for one completion. Shares of a step stand together and have the
/// same times.
struct WorkShare {
  using Time = std::chrono::steady_clock::time_point;
  CompletionId id = 0;
  Time begin{}, end{};           // of the step
  int n_tokens = 0;              // that went through the network, guesses that came to nothing too
  int n_logits = 0;              // of those, tokens whose logits were computed
  std::int64_t n_positions = 0;  // keys that they were compared with, in one head of one layer
  // The step was interrupted by another, and this is the time after that: its numbers are those of
  // the share before.
  bool is_continued = false;
  bool is_last = false;  // no work but a mark: the completion is over
};
/// How far shares are known: of steps that ended before `until` none is missing.
struct WorkHorizon {
  WorkShare::Time until{};
  std::uint64_t n_lost = 0;  // shares that found no room, ever
  bool is_busy = false;      // a step is running
};

/// The sum of a completion's shares.
struct CompletionWork {
  std::uint64_t n_tokens = 0;
  std::uint64_t n_positions = 0;
  double seconds = 0;  // of the steps that it took part in
};

struct CompletionResult {
  CompletionId id;
  StopReason stop_reason;
  std::string stop_string;  // the one that matched
  std::uint64_t seed;       // the one used
  CacheReport cache;
  int n_prompt_tokens;            // of the whole prompt
  int n_cached_tokens;            // of those, not computed again
  int n_generated_tokens;         // the end of turn not counted
  int n_reasoning_tokens;         // of those, inside the reasoning
  bool reasoning_was_cut;         // the budget was spent and the block closed
  std::vector<std::int32_t> ids;  // all generated, without the end of turn
  double queue_ms;
  double prompt_ms;
  double generation_ms;
  CompletionWork work;
};

/// Called on the engine's thread; each may be empty, none may block or call complete(). After
/// on_end nothing more is called.
struct CompletionSink {
  std::function<void(const CacheReport&)> on_start;  // left the queue; what of the prompt is there
  std::function<void(int n_done, int n_total)> on_prompt_progress;  // tokens
  std::function<void(const CompletionChunk&)> on_chunk;
  /// Errors: logits that are not finite, a constraint that allows no token.
  std::function<void(const Result<CompletionResult>&)> on_end;
};

/// Why a request was not accepted.
struct SubmitError {
  enum class Kind : std::uint8_t {
    kInvalid,        // the request itself is wrong
    kPromptTooLong,  // for the context or for all of memory
    kQueueFull,
    kStopping,  // the engine is shutting down
  };
  Kind kind;
  std::string message;
  int n_prompt_tokens = 0, context_length = 0;  // with kPromptTooLong
  double retry_after_s = 0;                     // with kQueueFull, an estimate
};

/// What the engine is doing, for status pages and metrics. Counters never go back.
struct EngineStatus {
  struct Sequence {
    CompletionId id;
    std::string client;
    Priority priority;
    enum class Phase : std::uint8_t {
      kQueued,
      kWaitingForPrefix,
      kLoading,
      kPrompt,
      kAnswer,
      kPaused
    };
    Phase phase;
    int n_prompt_tokens, n_prompt_done, n_generated;
    double age_s;
    std::optional<double> prompt_eta_s;
  };
  std::vector<Sequence> sequences;  // queued ones too, in order
  // A request that was accepted ends as finished, cancelled (by its client or its deadline) or
  // failed.
  std::uint64_t n_accepted, n_finished, n_cancelled, n_failed, n_rejected;
  // n_prompt_tokens: those that went through the network, for a second time after a preemption too;
  // n_cached_tokens: those that did not need to, n_disk_tokens of them read from disk.
  std::uint64_t n_prompt_tokens, n_cached_tokens, n_disk_tokens, n_generated_tokens;
  std::uint64_t n_steps, n_preempted;
  std::uint64_t n_steps_between;  // of them, between the layers of a long pass over prompts
  std::uint64_t n_drafted_tokens, n_accepted_drafts;   // guessed ahead, and of those, gained
  double prompt_tokens_per_s, generated_tokens_per_s;  // lately, 0 before the first
  double busy_seconds;                                 // of the engine's thread
  double seconds_since_progress;  // since a step ended or the engine was found idle
  bool has_work;
  int n_pages_total, n_pages_used,
      n_pages_cached;  // used: held by sequences; cached: by the cache alone
  std::uint64_t page_bytes;
  struct Disk {
    bool enabled;
    std::uint64_t bytes, max_bytes, written_today_bytes, daily_write_bytes;
    std::uint64_t n_pages, n_pages_read, n_pages_written, n_pages_bad;
    std::uint64_t n_pages_left_out;  // not written: queue full, limit reached, or an error
  } disk;
  /// Of a model that is larger than memory. An expert that several tokens of a pass chose counts
  /// once for its layer.
  struct Experts {
    bool enabled;
    std::uint64_t memory_bytes, held_bytes;  // that experts may take, and do
    double resident_share;                   // of all experts
    std::uint64_t n_needed, n_hits, n_missed;
    std::uint64_t n_foreseen, n_foreseen_in_time;  // read on a guess that came true
    std::uint64_t n_guessed, n_guessed_right;      // their quotient is the precision
    std::uint64_t n_guessable;                     // n_guessed_right over it is the recall
    std::uint64_t n_wrong_reads;                   // begun on a guess that did not come true
    std::uint64_t n_bytes_read, n_failed_reads;
    double disk_seconds;     // during which something was being read
    double waiting_seconds;  // of the engine, for the disk
    double waiting_since_s;  // 0: it does not wait
    const char* method;      // "io_uring" or "threads"
    bool bypasses_page_cache;
  } experts;
};

}  // namespace jevons
