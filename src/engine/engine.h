// The engine: an open model, one thread that runs it, and completions from it. The one header of
// engine/ that api/, agent/ and app/ see.
//
// Any thread may call any member. One engine thread owns all state of the sequences; submit() and
// cancel() are messages to it and take effect within one step. The engine owns the mapped model,
// the KV pages, the prefix cache and the worker threads.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/memory_info.h"
#include "base/result.h"
#include "engine/chat_prompt.h"
#include "engine/completion.h"
#include "engine/sampling.h"
#include "text/chat.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace jevons {

enum class KvType : std::uint8_t { kF16, kQ8_0 };

struct EngineOptions {
  std::string model_path;
  int n_threads = 0;       // 0: every CPU this process may use
  int context_length = 0;  // of one sequence; 0: the least of the model's, 32,768 and what fits
  KvType kv_type = KvType::kQ8_0;
  // Tokens of a prompt that go through the network at once, at most; 0: 512, or up to 2,048 of a
  // model that is larger than memory, because each such pass reads nearly all of it.
  int prefill_chunk = 0;

  std::uint64_t ram_bytes = 0;                  // of the whole program; 0: what is available
  std::uint64_t program_bytes = kProgramBytes;  // of them for the program itself
  std::string statistics_folder;  // how much experts are used, if they are read from disk
  bool verify = false;            // that what is read again is what was read before, then
  int foresight = 1;              // layers ahead whose experts are guessed, then
  std::string trace_path;         // where the experts of all tokens are recorded; empty: nowhere

  int n_parallel = 1;                 // sequences that run at once; others wait in the queue
  int queue_length = 0;               // requests that wait at most; 0: 16 times n_parallel
  std::uint64_t kv_memory_bytes = 0;  // for all pages, cached ones included; 0: planned
  double slice_ms = 200;              // prefill per step while others write their answers

  bool speculate = true;            // guess tokens of answers ahead where that is measured to pay
  int forced_guesses = 0;           // for tests: so many for each answer, whether it pays or not
  bool answers_go_between = false;  // for tests: beside long passes also if all is in memory

  bool logs_work = false;  // for take_work()

  std::string cache_dir;                // pages on disk; empty: none
  std::uint64_t cache_disk_bytes = 0;   // 0: 10 % of what the disk has free, at most 64 GiB
  std::uint64_t daily_write_bytes = 0;  // 0: no limit
};

struct ModelFacts {
  std::string name;
  std::string quantisation;  // of most of the weights: "Q4_K"
  int model_context_length;  // as the file declares it
  int context_length;        // of one sequence, as planned here
  int vocab_size;
  int n_threads;
  const char* kernels;  // "scalar", "avx2", "avxvnni", "avx512", "neon"
  std::uint64_t n_parameters;
  std::uint64_t weight_bytes;  // of all tensors
  std::uint64_t kv_bytes_per_token;
  // Multiplications and additions of a token, but for what follows; of its logits; and of each key
  // that it is compared with, with its value, in all layers and heads.
  double operations_per_token, operations_per_logits, operations_per_position;
  bool is_streamed;         // larger than memory: experts are read from disk
  std::string fingerprint;  // changes with anything that changes logits or keys and values
};

class Engine {
 public:
  /// Maps the model, plans memory, starts threads. Errors name the file or the size that is wrong.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> open(const EngineOptions& options);
  /// Cancels what is running, writes what the disk cache still has to write, joins the threads.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const ModelFacts& facts() const;
  [[nodiscard]] const Tokenizer& tokenizer() const;
  [[nodiscard]] const PromptFormat& prompt_format() const;
  /// The model card's defaults: those of the file, else 1.0 / 0.95 / 40.
  [[nodiscard]] const SamplingParams& default_sampling() const;
  [[nodiscard]] ConstraintCompiler& constraints() const;
  /// Answers given so far, so that conversations go on token for token (engine/chat_prompt.h).
  [[nodiscard]] TurnStore& turns() const;

  /// Puts a request into the queue; the sink is called from then on until its on_end. Refused
  /// before any work: an empty prompt, ids outside the vocabulary, a prompt longer than the
  /// context, parameters out of range, a full queue.
  [[nodiscard]] std::expected<CompletionId, SubmitError> submit(CompletionRequest request,
                                                                CompletionSink sink);
  /// Ends a request within one step, in whatever phase; its on_end says kCancelled. An id that has
  /// ended is ignored.
  void cancel(CompletionId id);

  /// submit() and wait. Cancellation is a result, not an error.
  [[nodiscard]] Result<CompletionResult> complete(CompletionRequest request,
                                                  const CompletionSink& sink,
                                                  const std::stop_token& cancel = {});

  [[nodiscard]] EngineStatus status() const;
  /// Appends what steps did since the last call (EngineOptions::logs_work), in order. One thread
  /// at a time. All of a completion is there when its on_end is called.
  WorkHorizon take_work(std::vector<WorkShare>& shares);
  /// No new requests from now on; those that are there go on.
  void stop_accepting();
  /// Waits until answers and pages that are ready to be written are on disk, `timeout_ms` at most.
  void flush_disk_cache(double timeout_ms);

 private:
  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
