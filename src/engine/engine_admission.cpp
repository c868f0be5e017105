// Places and pages: who may begin, what of its prompt is there already, and who gives up pages when
// there are none left.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "engine/engine_core.h"

namespace jevons {
namespace {

using Phase = Sequence::Phase;

// Room for this much of an answer is kept free ahead of it, at admission and ever after.
constexpr int kAnswerReserve = 512;
constexpr auto kMemoryRetry = std::chrono::milliseconds(20);

SchedulerEntry entry_of(const Sequence& sequence, std::size_t index) {
  return {index, sequence.priority, sequence.client, sequence.id, sequence.has_begun};
}

// Tokens of both that are the same and may be shared.
int common_prefix(const Sequence& a, const Sequence& b) {
  const auto [at, other] =
      std::mismatch(a.tokens.begin(), a.tokens.end(), b.tokens.begin(), b.tokens.end());
  const auto n = static_cast<int>(at - a.tokens.begin());
  if (a.scope.scope == b.scope.scope) return n;
  return std::min({n, a.scope.n_shared, b.scope.n_shared});
}

int whole_pages(int n_tokens) { return n_tokens / kernels::kKeysPerPage * kernels::kKeysPerPage; }

}  // namespace

void EngineCore::collect_entries() {
  waiting_.clear();
  admitted_.clear();
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const Sequence& sequence = *live_[i];
    if (sequence.has_ended) continue;
    (sequence.is_admitted() ? admitted_ : waiting_).push_back(entry_of(sequence, i));
  }
}

// Background sequences that stand still have pages but no place that interactive work could want.
bool EngineCore::has_place(Priority priority) const {
  const auto n_interactive = std::count_if(
      admitted_.begin(), admitted_.end(),
      [](const SchedulerEntry& entry) { return entry.priority == Priority::kInteractive; });
  if (priority == Priority::kInteractive) return n_interactive < options_.n_parallel;
  return n_interactive == 0 && static_cast<int>(admitted_.size()) < options_.n_parallel;
}

void EngineCore::admit() {
  collect_entries();
  if (waiting_.empty() || !has_place(Priority::kInteractive)) return;
  if (EngineClock::now() < memory_retry_) return;
  while (!waiting_.empty()) {
    const std::size_t index = *next_to_admit(waiting_, admitted_, history_);
    Sequence& sequence = *live_[index];
    if (!has_place(sequence.priority)) return;
    const Admission outcome = try_admit(sequence);
    if (outcome == Admission::kNoMemory) {
      // Nobody passes it, or a large request would never find room.
      sequence.phase = Phase::kQueued;
      memory_retry_ = EngineClock::now() + kMemoryRetry;
      return;
    }
    if (outcome == Admission::kWaitsForPrefix) {
      sequence.phase = Phase::kWaitingForPrefix;
      std::erase_if(waiting_, [&](const SchedulerEntry& entry) { return entry.index == index; });
      continue;
    }
    history_[sequence.client] = ++n_served_;
    changed_ = true;
    collect_entries();  // making room may have sent others back to wait
  }
}

EngineCore::Admission EngineCore::try_admit(Sequence& sequence) {
  if (must_wait_for_prefix(sequence)) return Admission::kWaitsForPrefix;
  PrefixMatch match = cache_.match(sequence.scope, sequence.tokens);
  JEVONS_CHECK(match.n_tokens + match.n_disk_tokens < sequence.n_tokens() + kernels::kKeysPerPage);
  JEVONS_CHECK(match.n_tokens < sequence.n_tokens());
  const int n_planned =
      pages_for(sequence.n_planned_tokens(kAnswerReserve, options_.context_length));
  const int n_new = n_planned - static_cast<int>(match.pages.size());
  while (!has_memory_for(sequence, n_new)) {
    // Background work gives up its pages for interactive work, never the other way round.
    std::vector<SchedulerEntry> background;
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const Sequence& other = *live_[i];
      if (takes_part(other) && other.priority > sequence.priority) {
        background.push_back(entry_of(other, i));
      }
    }
    const auto victim = next_to_preempt(background);
    if (!victim) return Admission::kNoMemory;
    preempt(*live_[*victim]);
  }
  if (!sequence.has_begun) sequence.admitted = EngineClock::now();
  for (KvPage& page : match.pages) sequence.kv.append_page(std::move(page));
  match.pages.clear();
  sequence.n_computed = sequence.kv.capacity();
  sequence.n_inserted = sequence.n_computed;
  sequence.match = std::move(match);
  if (sequence.match.n_disk_tokens > 0 && start_load(sequence)) return Admission::kAdmitted;
  begin_prompt(sequence, 0);
  return Admission::kAdmitted;
}

// Whether somebody who runs is reading a prefix of this prompt that the cache does not have yet.
bool EngineCore::must_wait_for_prefix(Sequence& sequence) {
  const auto is_reading = [](const Sequence& other) {
    return !other.has_ended && (other.phase == Phase::kLoading || other.phase == Phase::kPrompt);
  };
  if (sequence.waits_for != 0) {
    const Sequence* leader = find(sequence.waits_for);
    if (leader != nullptr && is_reading(*leader) && leader->n_inserted < sequence.waits_until) {
      return true;
    }
    sequence.waits_for = 0;
  }
  int most = 0;
  for (const auto& other : live_) {
    // A background sequence may stand still; nothing interactive waits for one.
    if (!is_reading(*other) || other->priority > sequence.priority) continue;
    const int n = whole_pages(
        std::min({common_prefix(sequence, *other), sequence.n_tokens() - 1, other->n_tokens()}));
    if (n <= std::max(most, other->n_inserted)) continue;
    most = n;
    sequence.waits_for = other->id;
    sequence.waits_until = n;
  }
  if (most > 0 && whole_pages(cache_.count(sequence.scope, sequence.tokens)) < most) return true;
  sequence.waits_for = 0;
  return false;
}

// Whether its new pages fit beside what others were promised. Who is alone always fits: submit()
// refused what is larger than all memory.
bool EngineCore::has_memory_for(const Sequence& sequence, int n_new_pages) {
  int n_promised = 0;
  bool is_alone = true;
  for (const auto& other : live_) {
    if (!other->is_admitted() || other->has_ended || other.get() == &sequence) continue;
    is_alone = false;
    const int n_planned =
        pages_for(other->n_planned_tokens(kAnswerReserve, options_.context_length));
    const int n_held = other->n_pages() + static_cast<int>(other->loading.size());
    n_promised += std::max(0, n_planned - n_held);
  }
  if (is_alone) return true;
  return n_new_pages + n_promised <= pool_.n_free() + cache_.n_evictable_pages();
}

bool EngineCore::start_load(Sequence& sequence) {
  const int first_page = sequence.n_pages();
  for (int n = sequence.match.n_disk_tokens / kernels::kKeysPerPage; n > 0; --n) {
    KvPage page = acquire_page();
    if (!page) break;
    sequence.loading.push_back(std::move(page));
  }
  if (sequence.loading.empty()) return false;
  sequence.phase = Phase::kLoading;
  sequence.load_ticket = ++n_loads_;
  const auto n_tokens = (static_cast<std::size_t>(first_page) + sequence.loading.size()) *
                        static_cast<std::size_t>(kernels::kKeysPerPage);
  cache_.load(
      sequence.scope, std::span(sequence.tokens).first(n_tokens), first_page, sequence.loading,
      [this, id = sequence.id, ticket = sequence.load_ticket](int n_good_pages) {
        mailbox_.send([&](Mail& mail) { mail.loaded.push_back({id, ticket, n_good_pages}); });
      });
  return true;
}

// Everything that was there already is there; the rest of the prompt is to be read.
void EngineCore::begin_prompt(Sequence& sequence, int n_loaded_pages) {
  sequence.phase = Phase::kPrompt;
  changed_ = true;
  if (n_loaded_pages > 0) {
    for (int i = 0; i < n_loaded_pages; ++i) {
      sequence.kv.append_page(std::move(sequence.loading[static_cast<std::size_t>(i)]));
    }
    sequence.n_computed = sequence.kv.capacity();
    cache_.insert(sequence.scope,
                  std::span(sequence.tokens).first(static_cast<std::size_t>(sequence.n_computed)),
                  sequence.kv.pages(), /*keep_on_disk=*/false);
    sequence.n_inserted = sequence.n_computed;
  } else if (sequence.match.partial) {
    // Shared with whoever wrote it; this sequence writes on behind it, so it needs a copy.
    if (KvPage page = acquire_page()) {
      std::memcpy(page->data(), sequence.match.partial->data(), pool_.page_bytes());
      sequence.kv.append_page(std::move(page));
      sequence.n_computed = sequence.match.n_tokens;
    }
  }
  sequence.loading.clear();
  sequence.match.partial.reset();
  if (!sequence.has_begun) report_start(sequence, n_loaded_pages);
}

void EngineCore::report_start(Sequence& sequence, int n_loaded_pages) {
  sequence.has_begun = true;
  CacheReport& report = sequence.cache;
  report.n_cached_tokens = sequence.n_computed;
  report.n_from_disk_tokens = n_loaded_pages * kernels::kKeysPerPage;
  report.broke_at = std::move(sequence.match.broke_at);
  // What memory did not have the disk may have had.
  if (report.broke_at && report.broke_at->token_index < sequence.n_computed) {
    report.broke_at.reset();
  }
  const double speed = prompt_speed_.tokens_per_s();
  if (report.broke_at && speed > 0) report.lost_seconds = report.broke_at->n_lost_tokens / speed;
  counters_.n_cached_tokens += static_cast<std::uint64_t>(report.n_cached_tokens);
  counters_.n_disk_tokens += static_cast<std::uint64_t>(report.n_from_disk_tokens);
  if (sequence.sink.on_start) sequence.sink.on_start(report);
  sequence.report_progress();
}

// Null if all pages are held by sequences, or by the disk's writer for a moment.
KvPage EngineCore::acquire_page() {
  if (KvPage page = pool_.acquire()) return page;
  const int n_at_once = std::clamp(pool_.n_pages() / 64, 1, 16);
  if (cache_.evict(n_at_once) == 0) return nullptr;
  return pool_.acquire();
}

// Takes pages for the next n_tokens of a sequence, from others if need be. How many tokens of them
// can go: 0 if there is no room now, or the sequence itself had to go back to wait.
int EngineCore::make_room(Sequence& sequence, int n_tokens) {
  while (sequence.kv.capacity() < sequence.n_computed + n_tokens) {
    if (KvPage page = acquire_page()) {
      sequence.kv.append_page(std::move(page));
      continue;
    }
    // What a long pass holds is in use, and who runs beside it can wait for its end.
    if (is_between_ || !preempt_for(sequence)) {
      lacks_pages_ = true;
      break;
    }
    if (!sequence.can_run()) return 0;
  }
  return std::min(n_tokens, sequence.kv.capacity() - sequence.n_computed);
}

bool EngineCore::preempt_for(Sequence& sequence) {
  std::vector<SchedulerEntry> holders;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const Sequence& other = *live_[i];
    if (other.can_run() && !other.has_ended && other.n_pages() > 0) {
      holders.push_back(entry_of(other, i));
    }
  }
  const auto victim = next_to_preempt(holders);
  if (!victim) return false;
  Sequence& chosen = *live_[*victim];
  // The last one has nobody to wait for but the disk's writer, and one with room left goes on.
  const bool can_go_on = holders.size() == 1 || sequence.kv.capacity() > sequence.n_computed;
  if (&chosen == &sequence && can_go_on) return false;
  preempt(chosen);
  return true;
}

// Its tokens stay, its pages become the cache's, and it waits for its turn to compute again what
// the cache has lost by then. Its client sees a delay.
void EngineCore::preempt(Sequence& sequence) {
  spdlog::debug("request {} gives up {} pages", sequence.id, sequence.n_pages());
  release(sequence, /*keep_on_disk=*/false);
  sequence.phase = Phase::kQueued;
  sequence.n_step = 0;
  ++counters_.n_preempted;
  changed_ = true;
}

void EngineCore::insert_whole_pages(Sequence& sequence) {
  const int n = whole_pages(sequence.n_computed);
  if (n <= sequence.n_inserted) return;
  const auto n_pages = static_cast<std::size_t>(n / kernels::kKeysPerPage);
  cache_.insert(sequence.scope, std::span(sequence.tokens).first(static_cast<std::size_t>(n)),
                std::span(sequence.kv.pages()).first(n_pages), /*keep_on_disk=*/true);
  sequence.n_inserted = n;
}

void EngineCore::release(Sequence& sequence, bool keep_on_disk) {
  sequence.trim_pages();
  if (sequence.n_computed > sequence.n_inserted) {
    cache_.insert(sequence.scope,
                  std::span(sequence.tokens).first(static_cast<std::size_t>(sequence.n_computed)),
                  sequence.kv.pages(), keep_on_disk);
  }
  sequence.kv.truncate_pages(0);
  sequence.loading.clear();
  sequence.match = {};
  sequence.n_computed = 0;
  sequence.n_inserted = 0;
}

}  // namespace jevons
