#include "engine/engine_core.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

// With work that cannot go on by itself (reads from disk, pages being written), the thread looks
// again after this time even if nobody wakes it.
constexpr auto kLookAgain = std::chrono::milliseconds(50);
constexpr auto kLookForPages = std::chrono::milliseconds(2);
// How soon pages are offered again to a store whose queue was full, at first and at last.
constexpr std::chrono::milliseconds kFirstWritePause{5};
constexpr std::chrono::milliseconds kLongestWritePause{1000};

}  // namespace

EngineCore::EngineCore(Model& model, const Tokenizer& tokenizer, PrefixCache& cache,
                       const EngineCoreOptions& options)
    : model_(model),
      cache_(cache),
      options_(options),
      rules_(AnswerRules::of(tokenizer)),
      pool_(model.kv_layout().page_bytes, options.n_pages),
      sizer_(options.slice_ms, options.prefill_chunk) {
  JEVONS_CHECK(model.max_batch() >=
               options.n_parallel + n_guess_rows(options.speculate) + options.prefill_chunk);
  const auto n_logits =
      static_cast<std::size_t>(options.n_parallel + n_guess_rows(options.speculate)) *
      static_cast<std::size_t>(model.config().vocab_size);
  step_.batch.reserve(static_cast<std::size_t>(model.max_batch()));
  step_.logits.resize(n_logits);
  if (options.between != nullptr) {
    held_.batch.reserve(step_.batch.capacity());
    held_.logits.resize(n_logits);
  }
  publish(true);
  thread_ = std::thread([this] { run(); });
}

EngineCore::~EngineCore() {
  accepting_.store(false);
  mailbox_.send([](Mail& mail) { mail.stop = true; });
  thread_.join();
}

std::expected<CompletionId, SubmitError> EngineCore::submit(CompletionRequest&& request,
                                                            CompletionSink&& sink) {
  const auto refuse = [&](SubmitError error) {
    n_rejected_.fetch_add(1);
    return std::unexpected(std::move(error));
  };
  if (!accepting_.load()) {
    return refuse({SubmitError::Kind::kStopping, "the engine is shutting down"});
  }
  const int limit = options_.n_parallel + options_.queue_length;
  const int n_before = n_live_.fetch_add(1);
  if (n_before >= limit) {
    n_live_.fetch_sub(1);
    SubmitError error{SubmitError::Kind::kQueueFull,
                      fmt::format("the queue is full: {} requests run and {} wait",
                                  options_.n_parallel, options_.queue_length)};
    error.retry_after_s = std::clamp(seconds_per_request_.load(), 1.0, 600.0);
    return refuse(std::move(error));
  }
  // What the engine did not do while it had nothing to do is no lack of progress.
  if (n_before == 0) note_progress();
  n_accepted_.fetch_add(1);
  const bool is_interactive = request.priority == Priority::kInteractive;
  CompletionId id = 0;
  mailbox_.send([&](Mail& mail) {
    id = next_id_++;
    mail.submitted.push_back(std::make_unique<Sequence>(id, std::move(request), std::move(sink),
                                                        rules_, model_.kv_layout()));
  });
  if (is_interactive) interactive_arrived_.store(true);
  return id;
}

void EngineCore::write_behind() {
  mailbox_.send([](Mail& mail) { mail.look_again = true; });
}

void EngineCore::cancel(CompletionId id) {
  mailbox_.send([&](Mail& mail) { mail.cancelled.push_back(id); });
}

Mail EngineCore::next_mail(bool worked) {
  if (worked) return mailbox_.take();
  if (live_.empty()) {
    if (n_waiting_for_disk_.load() == 0) return mailbox_.wait(std::nullopt);
    return mailbox_.wait(EngineClock::now() + write_pause_);
  }
  auto limit = EngineClock::now() + (lacks_pages_ ? kLookForPages : kLookAgain);
  for (const auto& sequence : live_) {
    if (sequence->deadline) limit = std::min(limit, *sequence->deadline);
  }
  return mailbox_.wait(limit);
}

void EngineCore::run() {
  ::pthread_setname_np(::pthread_self(), "engine");
  bool worked = false;
  for (;;) {
    // Cleared before the mail is taken: what comes later sets it again.
    interactive_arrived_.store(false);
    Mail mail = next_mail(worked);
    const Time begin = EngineClock::now();
    take(std::move(mail));
    if (stop_) {
      for (const auto& sequence : live_) end(*sequence, StopReason::kCancelled);
      settle();
      return;
    }
    changed_ = false;
    lacks_pages_ = false;
    expire();
    admit();
    worked = step() || changed_;
    counters_.busy_seconds += milliseconds_between(begin, EngineClock::now()) / 1000;
    settle();
  }
}

void EngineCore::take(Mail mail) {
  stop_ = stop_ || mail.stop;
  for (auto& sequence : mail.submitted) live_.push_back(std::move(sequence));
  for (const Mail::Loaded& loaded : mail.loaded) {
    Sequence* sequence = find(loaded.id);
    if (sequence == nullptr || sequence->phase != Sequence::Phase::kLoading ||
        sequence->load_ticket != loaded.ticket) {
      continue;
    }
    begin_prompt(*sequence, loaded.n_good_pages);
  }
  if (!mail.loaded.empty()) note_progress();
  for (const CompletionId id : mail.cancelled) {
    if (Sequence* sequence = find(id)) end(*sequence, StopReason::kCancelled);
  }
}

void EngineCore::expire() {
  const Time now = EngineClock::now();
  for (const auto& sequence : live_) {
    if (sequence->deadline && *sequence->deadline <= now) end(*sequence, StopReason::kDeadline);
  }
}

Sequence* EngineCore::find(CompletionId id) {
  const auto at = std::lower_bound(
      live_.begin(), live_.end(), id,
      [](const auto& sequence, CompletionId wanted) { return sequence->id < wanted; });
  return at != live_.end() && (*at)->id == id && !(*at)->has_ended ? at->get() : nullptr;
}

// Everything but the call of on_end, which comes when the sequence is out of all books.
void EngineCore::end(Sequence& sequence, Result<StopReason> how) {
  if (sequence.has_ended) return;
  if (sequence.in_long_pass && how) {
    sequence.ends_as = *how;
    return;
  }
  const Time now = EngineClock::now();
  if (const auto chunk = sequence.answer.finish(); chunk && sequence.sink.on_chunk) {
    sequence.sink.on_chunk(*chunk);
  }
  sequence.has_ended = true;
  changed_ = true;
  memory_retry_ = {};
  if (!how) {
    spdlog::error("request {} of client '{}' failed: {}", sequence.id, sequence.client,
                  how.error().message);
    ++counters_.n_failed;
    sequence.n_computed = 0;  // what led to that is not kept
  } else if (*how == StopReason::kCancelled || *how == StopReason::kDeadline) {
    ++counters_.n_cancelled;
  } else {
    ++counters_.n_finished;
  }
  Result<CompletionResult> result =
      how ? Result<CompletionResult>(sequence.result(*how, now))
          : Result<CompletionResult>(std::unexpected(std::move(how).error()));
  release(sequence, /*keep_on_disk=*/true);
  ended_.push_back({sequence.id, std::move(sequence.sink), std::move(result)});

  constexpr double kWeight = 0.2;
  const Time since = std::max(last_end_, sequence.submitted);
  const double seconds = milliseconds_between(since, now) / 1000;
  const double average = seconds_per_request_.load();
  seconds_per_request_.store(average == 0 ? seconds : average + kWeight * (seconds - average));
  last_end_ = now;
}

// Takes the ended ones out of the books, shows the new state, and only then tells their owners: who
// asks for the status after an on_end does not find the sequence any more.
void EngineCore::settle() {
  const int n_waiting = cache_.write_behind();
  const bool store_took_some = n_waiting < n_waiting_for_disk_.exchange(n_waiting);
  write_pause_ = store_took_some
                     ? kFirstWritePause
                     : std::clamp(2 * write_pause_, kFirstWritePause, kLongestWritePause);
  if (ended_.empty()) return publish(false);
  std::erase_if(live_, [](const auto& sequence) { return sequence->has_ended; });
  std::erase_if(history_, [&](const auto& served) {
    return std::none_of(live_.begin(), live_.end(),
                        [&](const auto& sequence) { return sequence->client == served.first; });
  });
  n_live_.fetch_sub(static_cast<int>(ended_.size()));
  publish(true);
  for (const Ended& ended : std::exchange(ended_, {})) {
    if (options_.work_log != nullptr) options_.work_log->add({.id = ended.id, .is_last = true});
    if (ended.sink.on_end) ended.sink.on_end(ended.result);
  }
}

}  // namespace jevons
