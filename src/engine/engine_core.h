// The engine's thread and everything it owns: sequences, pages, prefix cache. Each turn of its loop
// takes the messages that came, gives places to those that wait, and runs one step of the network
// with a token of every answer, tokens that are guessed to follow it, and a slice of the prompts.
//
// Public members: any thread. Private ones: the engine's thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/answer.h"
#include "engine/completion.h"
#include "engine/kv_page_pool.h"
#include "engine/mailbox.h"
#include "engine/prefix_cache.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "engine/speculation_gate.h"
#include "engine/step_timing.h"
#include "engine/work_log.h"
#include "model/model.h"

namespace jevons {

struct EngineCoreOptions {
  int context_length = 0;
  int n_parallel = 1;
  int queue_length = 16;
  int n_pages = 0;
  int prefill_chunk = 512;
  double slice_ms = 200;
  bool speculate = true;
  int forced_guesses = 0;               // see EngineOptions
  RoutingRecorder* recorder = nullptr;  // of the model, to be asked for its problems; may be null
  // Runs answers between the layers of a long pass over prompts; on the same weights, not owned.
  // Null: answers are in that pass.
  Model* between = nullptr;
  WorkLog* work_log = nullptr;  // where steps say what they did; may be null
};

class EngineCore {
 public:
  /// All three must outlive the core; nobody else touches model and cache from now on.
  EngineCore(Model& model, const Tokenizer& tokenizer, PrefixCache& cache,
             const EngineCoreOptions& options);
  /// Cancels what is there and joins the thread.
  ~EngineCore();
  EngineCore(const EngineCore&) = delete;
  EngineCore& operator=(const EngineCore&) = delete;

  /// The request has been checked. Refuses when the queue is full or the engine stops.
  [[nodiscard]] std::expected<CompletionId, SubmitError> submit(CompletionRequest&& request,
                                                                CompletionSink&& sink);
  void cancel(CompletionId id);
  void stop_accepting() { accepting_.store(false); }
  void count_rejected() { n_rejected_.fetch_add(1); }
  /// All but `disk`.
  [[nodiscard]] EngineStatus status() const;
  /// Pages of the cache that the store has not taken yet, as of the thread's last turn.
  [[nodiscard]] int n_waiting_for_disk() const { return n_waiting_for_disk_.load(); }
  /// Makes the thread hand pages to the store now, even if it has nothing else to do.
  void write_behind();
  [[nodiscard]] const AnswerRules& rules() const { return rules_; }

 private:
  using Time = EngineClock::time_point;
  struct Ended {
    CompletionId id;
    CompletionSink sink;
    Result<CompletionResult> result;
  };
  struct Step {
    std::vector<Sequence*> running;
    std::vector<BatchToken> batch;
    std::vector<WorkShare> shares;  // of running, in its order
    Time began{};                   // or went on
    std::vector<float> logits;      // [n_parallel and guesses][vocab_size]
  };
  enum class Admission { kAdmitted, kWaitsForPrefix, kNoMemory };

  // The loop: engine_core.cpp
  void run();
  [[nodiscard]] Mail next_mail(bool worked);
  void take(Mail mail);
  void expire();
  [[nodiscard]] Sequence* find(CompletionId id);
  void end(Sequence& sequence, Result<StopReason> how);
  void settle();

  // Places and pages: engine_admission.cpp
  void admit();
  void collect_entries();
  [[nodiscard]] bool has_place(Priority priority) const;
  [[nodiscard]] Admission try_admit(Sequence& sequence);
  [[nodiscard]] bool must_wait_for_prefix(Sequence& sequence);
  [[nodiscard]] bool has_memory_for(const Sequence& sequence, int n_new_pages);
  [[nodiscard]] bool start_load(Sequence& sequence);
  void begin_prompt(Sequence& sequence, int n_loaded_pages);
  void report_start(Sequence& sequence, int n_loaded_pages);
  [[nodiscard]] KvPage acquire_page();
  [[nodiscard]] int make_room(Sequence& sequence, int n_tokens);
  [[nodiscard]] bool preempt_for(Sequence& sequence);
  void preempt(Sequence& sequence);
  void insert_whole_pages(Sequence& sequence);
  void release(Sequence& sequence, bool keep_on_disk);

  // One step: engine_step.cpp
  [[nodiscard]] bool step();
  [[nodiscard]] bool plan_step();
  void build_batch();
  [[nodiscard]] bool run_batch();
  void report_recording() const;
  void take_results(double ms);
  void count_step(const SpeculationGate::Step& facts);
  [[nodiscard]] int advance(Sequence& sequence, std::span<const float> logits);

  // Answers beside a long pass: engine_between.cpp
  [[nodiscard]] bool takes_part(const Sequence& sequence) const {
    return sequence.can_run() && !sequence.has_ended && !sequence.in_long_pass;
  }
  void leave_answers_out();
  void begin_long_pass();
  [[nodiscard]] bool go_on_between();
  void end_long_pass(bool has_results);

  // What steps do for whom: engine_work.cpp
  [[nodiscard]] Time work_begins();
  [[nodiscard]] Time begin_work();
  [[nodiscard]] Time end_work();
  void note_work(Step& step, Time end) const;

  // Tokens that are guessed ahead: engine_speculation.cpp
  void plan_drafts();
  [[nodiscard]] int most_guesses(const Sequence& sequence) const;
  void write_draft(Sequence& sequence, int n_guesses);
  void learn_guess(Sequence& sequence);

  // What others see: engine_status.cpp
  void note_progress();  // any thread
  void publish(bool now);
  void count_pages();
  void describe_all();
  [[nodiscard]] EngineStatus::Sequence describe(const Sequence& sequence) const;

  Model& model_;
  PrefixCache& cache_;
  const EngineCoreOptions options_;
  AnswerRules rules_;
  KvPagePool pool_;

  // In the order of arrival.
  std::vector<std::unique_ptr<Sequence>> live_;
  std::vector<Ended> ended_;
  ServiceHistory history_;
  std::uint64_t n_served_ = 0;
  std::uint64_t n_loads_ = 0;
  double background_scale_ = 1;              // of its slices: less while steps are abandoned
  std::chrono::milliseconds write_pause_{};  // until pages are offered to the store again
  Priority running_class_ = Priority::kInteractive;
  bool changed_ = false;      // something happened without a step
  bool lacks_pages_ = false;  // someone waits for pages that are being written to disk
  Time memory_retry_{};       // when a sequence that did not fit is looked at again

  // Scratch, kept so that a step allocates nothing.
  std::vector<SchedulerEntry> waiting_, admitted_;
  std::vector<PromptWork> prompts_;
  Step step_;  // at hand
  Step held_;  // of the long pass, while one runs between its layers
  bool in_long_pass_ = false;
  bool is_between_ = false;
  bool stop_ = false;
  std::vector<SpeculationGate::Candidate> candidates_;

  SliceSizer sizer_;
  SpeculationGate gate_;
  SpeedMeter prompt_speed_, answer_speed_;
  EngineStatus counters_{};  // but for its sequences
  std::vector<EngineStatus::Sequence> seen_;
  Time pages_counted_{}, published_{};

  // Shared between threads.
  mutable std::mutex status_mutex_;
  EngineStatus snapshot_{};                                 // guarded by status_mutex_
  std::vector<EngineStatus::Sequence> snapshot_sequences_;  // guarded by status_mutex_
  Time last_progress_{};                                    // guarded by status_mutex_
  std::atomic<int> n_live_{0};
  std::atomic<bool> accepting_{true};
  std::atomic<bool> interactive_arrived_{false};  // since the step began
  std::atomic<int> n_waiting_for_disk_{0};
  std::atomic<std::uint64_t> n_accepted_{0}, n_rejected_{0};
  std::atomic<double> seconds_per_request_{0};  // between two ends, while there is work
  Time last_end_{};
  std::uint64_t next_id_ = 1;  // guarded by the mailbox
  Mailbox mailbox_;
  std::thread thread_;
};

}  // namespace jevons
