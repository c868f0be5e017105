// What other threads see of the engine.
#include <algorithm>
#include <vector>

#include "engine/engine_core.h"

namespace jevons {
namespace {

using Phase = Sequence::Phase;

// The list of sequences is made anew this often at most while nothing but its numbers changes.
constexpr auto kRefresh = std::chrono::milliseconds(20);
// Pages are counted one by one.
constexpr auto kCountPages = std::chrono::milliseconds(100);

}  // namespace

EngineStatus::Sequence EngineCore::describe(const Sequence& s) const {
  EngineStatus::Sequence seen{};
  seen.id = s.id;
  seen.client = s.client;
  seen.priority = s.priority;
  seen.phase = s.phase;
  const bool stands_still = s.can_run() && s.priority != running_class_;
  const bool was_preempted = s.has_begun && !s.is_admitted();
  if (stands_still || was_preempted) seen.phase = Phase::kPaused;
  seen.n_prompt_tokens = s.n_prompt;
  seen.n_prompt_done = s.has_answered ? s.n_prompt : std::min(s.n_computed, s.n_prompt);
  seen.n_generated = s.answer.n_generated();
  seen.age_s = milliseconds_between(s.submitted, published_) / 1000;
  return seen;
}

void EngineCore::count_pages() {
  std::vector<const AlignedBuffer*> held;
  for (const auto& sequence : live_) {
    for (const KvPage& page : sequence->kv.pages()) held.push_back(page.get());
    for (const KvPage& page : sequence->loading) held.push_back(page.get());
  }
  std::sort(held.begin(), held.end());
  const auto n_used = std::unique(held.begin(), held.end()) - held.begin();
  counters_.n_pages_total = pool_.n_pages();
  counters_.page_bytes = pool_.page_bytes();
  counters_.n_pages_used = static_cast<int>(n_used);
  counters_.n_pages_cached = pool_.n_pages() - pool_.n_free() - counters_.n_pages_used;
}

void EngineCore::describe_all() {
  seen_.clear();
  // Prompts are read together: each ends when its own work and an equal share of the others' is
  // done, and none later than all of them.
  int n_reading = 0;
  int n_before = 0;
  for (const auto& s : live_) {
    if (s->phase != Phase::kPrompt) continue;
    ++n_reading;
    n_before += s->n_pending();
  }
  const double speed = prompt_speed_.tokens_per_s();
  for (const auto& s : live_) {
    EngineStatus::Sequence& seen = seen_.emplace_back(describe(*s));
    const int n_left = s->n_prompt - seen.n_prompt_done;
    if (!s->is_admitted()) n_before += n_left;
    if (speed == 0 || n_left == 0) continue;
    const bool is_reading = s->phase == Phase::kPrompt;
    seen.prompt_eta_s = (is_reading ? std::min(n_left * n_reading, n_before) : n_before) / speed;
  }
}

// `now`: somebody may rely on the new state.
void EngineCore::publish(bool now) {
  const Time time = EngineClock::now();
  const bool idle = live_.empty();
  if (now || idle || time - pages_counted_ >= kCountPages) {
    count_pages();
    pages_counted_ = time;
  }
  const bool refresh = now || idle || changed_ || time - published_ >= kRefresh;
  if (refresh) {
    published_ = time;
    describe_all();
  }
  counters_.prompt_tokens_per_s = prompt_speed_.tokens_per_s();
  counters_.generated_tokens_per_s = answer_speed_.tokens_per_s();
  const std::lock_guard lock(status_mutex_);
  if (refresh) snapshot_sequences_.swap(seen_);
  snapshot_ = counters_;
}

EngineStatus EngineCore::status() const {
  EngineStatus status;
  const Time now = EngineClock::now();
  Time progress;
  {
    const std::lock_guard lock(status_mutex_);
    status = snapshot_;
    status.sequences = snapshot_sequences_;
    progress = last_progress_;
  }
  status.n_accepted = n_accepted_.load();
  status.n_rejected = n_rejected_.load();
  status.has_work = n_live_.load() > 0;
  status.seconds_since_progress =
      status.has_work ? std::max(0.0, milliseconds_between(progress, now) / 1000) : 0;
  return status;
}

}  // namespace jevons
