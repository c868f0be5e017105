// One completion inside the engine, from the queue to its end. Owned and touched by the engine's
// thread alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/answer.h"
#include "engine/completion.h"
#include "engine/draft_lookup.h"
#include "engine/prefix_cache.h"
#include "engine/speculation_gate.h"
#include "model/kv_cache.h"

namespace jevons {

using EngineClock = std::chrono::steady_clock;

[[nodiscard]] inline double milliseconds_between(EngineClock::time_point from,
                                                 EngineClock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

[[nodiscard]] inline int pages_for(int n_tokens) {
  return (n_tokens + kernels::kKeysPerPage - 1) / kernels::kKeysPerPage;
}

struct Sequence {
  using Phase = EngineStatus::Sequence::Phase;

  Sequence(CompletionId request_id, CompletionRequest&& request, CompletionSink&& its_sink,
           AnswerRules& rules, const KvLayout& layout);

  [[nodiscard]] bool is_admitted() const {
    return phase == Phase::kLoading || phase == Phase::kPrompt || phase == Phase::kAnswer;
  }
  [[nodiscard]] bool can_run() const { return phase == Phase::kPrompt || phase == Phase::kAnswer; }
  [[nodiscard]] int n_tokens() const { return static_cast<int>(tokens.size()); }
  [[nodiscard]] int n_pending() const { return n_tokens() - n_computed; }
  [[nodiscard]] int n_pages() const { return static_cast<int>(kv.pages().size()); }
  /// Tokens whose keys and values it will want before long: all so far and `reserve` more.
  [[nodiscard]] int n_planned_tokens(int reserve, int context_length) const;

  /// Takes all pages that hold nothing yet away.
  void trim_pages() { kv.truncate_pages(pages_for(n_computed)); }
  /// Tells the client how far its prompt is; never a step back, even after pages were lost.
  void report_progress();
  [[nodiscard]] CompletionResult result(StopReason reason, EngineClock::time_point now) const;

  const CompletionId id;  // grows with arrival
  const Priority priority;
  const std::string client;
  const PrefixScope scope;
  const std::optional<EngineClock::time_point> deadline;
  const int n_prompt;
  const int max_tokens;
  const EngineClock::time_point submitted;
  CompletionSink sink;

  Phase phase = Phase::kQueued;
  std::vector<std::int32_t> tokens;  // prompt and answer
  int n_computed = 0;                // of tokens: their keys and values are in kv
  int n_inserted = 0;                // of tokens: whole pages that the cache has been given
  KvSequence kv;
  Answer answer;
  CacheReport cache;

  // What was found in the cache, until the rest has been read from disk.
  PrefixMatch match;
  std::vector<KvPage> loading;
  std::uint64_t load_ticket = 0;
  // Another sequence that reads the same prefix right now, and how far it must come.
  CompletionId waits_for = 0;
  int waits_until = 0;

  CompletionWork work;  // so far
  int n_reported = -1;  // of the prompt, read as far as the client knows
  // What may come next, for speculation.
  DraftLookup lookup;
  GuessRecord guess_record{30};
  std::vector<std::int32_t> draft;  // guessed tokens in the step at hand, after `tokens`

  int n_step = 0;             // tokens in the step at hand, those of draft included
  bool has_begun = false;     // on_start was called
  bool has_answered = false;  // the prompt was read once
  bool has_ended = false;     // about to be removed
  bool in_long_pass = false;  // that answers go on beside: nothing of it may change meanwhile
  std::optional<StopReason> ends_as;  // what it was to end with during that pass
  EngineClock::time_point admitted{}, answer_started{};
};

}  // namespace jevons
