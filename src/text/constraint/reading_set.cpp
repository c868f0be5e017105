#include "text/constraint/reading_set.h"

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

// Each reading can go on by itself, so leaving some out of a huge set loses ways to write something
// but allows nothing wrong.
constexpr std::size_t kMaxReadings = 20'000;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ hash >> 32;
}

}  // namespace

std::size_t ReadingSets::ReadingHash::operator()(const Reading& reading) const {
  std::uint64_t hash = mix(reading.piece, reading.state);
  hash = mix(hash, std::uint64_t{reading.count} << 32 | reading.stack);
  return static_cast<std::size_t>(hash);
}

ReadingSets::ReadingSets(const Grammar& grammar) : grammar_(grammar), seen_slots_(64, 0) {
  stacks_.push_back({0, kEmptyStack, 0});
  (void)of({}, false);  // number 0: nothing is left
}

StackId ReadingSets::push(Grammar::StateId back, StackId parent) {
  const auto [place, is_new] = stack_ids_.try_emplace(std::uint64_t{back} << 32 | parent,
                                                      static_cast<StackId>(stacks_.size()));
  if (is_new) {
    const auto depth = static_cast<std::uint16_t>(stacks_[parent].depth + 1);
    stacks_.push_back({back, parent, depth});
  }
  return place->second;
}

void ReadingSets::begin() {
  current_.readings.clear();
  current_.may_end = false;
  open_.clear();
  for (const Reading& reading : seen_) {
    std::size_t slot = ReadingHash()(reading) & (seen_slots_.size() - 1);
    while (seen_slots_[slot] != 0) {
      seen_slots_[slot] = 0;
      slot = (slot + 1) & (seen_slots_.size() - 1);
    }
  }
  seen_.clear();
}

/// Opens a reading that was not met yet.
void ReadingSets::add(const Reading& reading) {
  if (seen_.size() >= kMaxReadings) return;
  if (seen_.size() * 2 >= seen_slots_.size()) {
    seen_slots_.assign(seen_slots_.size() * 2, 0);
    for (std::uint32_t i = 0; i < seen_.size(); ++i) {
      std::size_t slot = ReadingHash()(seen_[i]) & (seen_slots_.size() - 1);
      while (seen_slots_[slot] != 0) slot = (slot + 1) & (seen_slots_.size() - 1);
      seen_slots_[slot] = i + 1;
    }
  }
  std::size_t slot = ReadingHash()(reading) & (seen_slots_.size() - 1);
  for (; seen_slots_[slot] != 0; slot = (slot + 1) & (seen_slots_.size() - 1)) {
    if (seen_[seen_slots_[slot] - 1] == reading) return;
  }
  seen_.push_back(reading);
  seen_slots_[slot] = static_cast<std::uint32_t>(seen_.size());
  open_.push_back(reading);
}

void ReadingSets::reach(const Reading& reading) {
  add(reading);
  follow();
}

void ReadingSets::reach_rule(Grammar::RuleId rule, StackId stack) {
  const Grammar::Rule& begin = grammar_.rules[rule];
  if (begin.is_piece) {
    reach({begin.index, Lexeme::kStart, 0, stack});
  } else {
    reach({Reading::kNone, begin.index, 0, stack});
  }
}

void ReadingSets::reach_return(StackId stack) {
  if (stack == kEmptyStack) {
    current_.may_end = true;
    return;
  }
  reach({Reading::kNone, stacks_[stack].back, 0, stacks_[stack].parent});
}

void ReadingSets::follow() {
  while (!open_.empty()) {
    const Reading reading = open_.back();
    open_.pop_back();
    expand(reading);
  }
}

void ReadingSets::expand(const Reading& reading) {
  bool may_return = false;
  if (reading.is_in_piece()) {
    const Lexeme& lexeme = *grammar_.pieces[reading.piece].lexeme;
    may_return = lexeme.accepting[reading.state] != 0;
    if (lexeme.has_next[reading.state] != 0) current_.readings.push_back(reading);
  } else {
    const Grammar::State& state = grammar_.states[reading.state];
    // Too deep to be completed: another way was open where this one was entered.
    if (stacks_[reading.stack].depth + state.depth_needed > Grammar::kMaxDepth) return;
    may_return = state.is_end;
    if (!state.bytes.empty() || !state.tokens.empty()) current_.readings.push_back(reading);
    for (const Grammar::StateId to : state.jumps) {
      add({Reading::kNone, to, 0, reading.stack});
    }
    for (const Grammar::Call& each : state.calls) call(each, reading.stack);
  }
  if (!may_return) return;
  if (reading.stack == kEmptyStack) {
    current_.may_end = true;
    return;
  }
  const Stack& top = stacks_[reading.stack];
  add({Reading::kNone, top.back, 0, top.parent});
}

void ReadingSets::call(const Grammar::Call& call, StackId stack) {
  // A call with nothing after it needs no place to come back to.
  const bool comes_back = !grammar_.states[call.back].is_only_end;
  const StackId inside = comes_back ? push(call.back, stack) : stack;
  const Grammar::Rule& begin = grammar_.rules[call.rule];
  if (begin.is_piece) {
    add({begin.index, Lexeme::kStart, 0, inside});
  } else {
    add({Reading::kNone, begin.index, 0, inside});
  }
}

ReadingSets::SetId ReadingSets::finish() {
  std::sort(current_.readings.begin(), current_.readings.end());
  return of(current_.readings, current_.may_end);
}

ReadingSets::SetId ReadingSets::of(std::vector<Reading> readings, bool may_end) {
  std::uint64_t hash = may_end ? 1 : 0;
  for (const Reading& reading : readings) hash = mix(hash, ReadingHash()(reading));
  const auto [first, last] = set_ids_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    const Set& set = sets_[known->second];
    if (set.may_end == may_end && set.readings == readings) return known->second;
  }
  const auto id = static_cast<SetId>(sets_.size());
  sets_.push_back({std::move(readings), may_end});
  set_ids_.emplace(hash, id);
  return id;
}

StackId ReadingSets::import_stack(const ReadingSets& from, StackId stack) {
  std::vector<Grammar::StateId> backs;
  for (; stack != kEmptyStack; stack = from.stacks_[stack].parent) {
    backs.push_back(from.stacks_[stack].back);
  }
  StackId here = kEmptyStack;
  while (!backs.empty()) {
    here = push(backs.back(), here);
    backs.pop_back();
  }
  return here;
}

}  // namespace jevons
