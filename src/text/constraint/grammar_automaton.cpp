#include "text/constraint/grammar_automaton.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace jevons {
namespace {

constexpr GrammarAutomaton::SetId kUnknown = 0xFFFFFFFF;
constexpr std::size_t kMaxSets = 40'000, kMaxStepTables = 16'000;
constexpr std::size_t kMaxMasksBytes = std::size_t{8} << 20;

void set_bit(std::span<std::uint64_t> mask, std::int32_t token) {
  const auto id = static_cast<std::uint32_t>(token);
  mask[id / 64] |= std::uint64_t{1} << (id % 64);
}

}  // namespace

GrammarAutomaton::GrammarAutomaton(std::shared_ptr<const Grammar> grammar,
                                   std::vector<std::shared_ptr<LexemeMasks>> lexeme_masks,
                                   std::shared_ptr<const VocabularyTrie> vocabulary)
    : grammar_(std::move(grammar)),
      lexeme_masks_(std::move(lexeme_masks)),
      vocabulary_(std::move(vocabulary)),
      sets_(*grammar_) {}

GrammarAutomaton::SetId GrammarAutomaton::begin() {
  const std::lock_guard lock(mutex_);
  sets_.begin();
  sets_.reach_rule(grammar_->root, kEmptyStack);
  return sets_.finish();
}

GrammarAutomaton::SetId GrammarAutomaton::after(SetId set, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (const char byte : bytes) {
    if (set == kNothing) break;
    set = step(set, static_cast<std::uint8_t>(byte));
  }
  return set;
}

GrammarAutomaton::SetId GrammarAutomaton::after_token(SetId set, std::int32_t special_token) {
  const std::lock_guard lock(mutex_);
  const std::vector<Reading> readings = sets_[set].readings;
  sets_.begin();
  for (const Reading& reading : readings) {
    if (reading.is_in_piece()) continue;
    for (const Grammar::TokenEdge& edge : grammar_->states[reading.state].tokens) {
      if (edge.token == special_token) {
        sets_.reach({Reading::kNone, edge.to, 0, reading.stack});
      }
    }
  }
  return sets_.finish();
}

bool GrammarAutomaton::may_end(SetId set) {
  const std::lock_guard lock(mutex_);
  return sets_[set].may_end;
}

GrammarAutomaton::SetId GrammarAutomaton::step(SetId set, std::uint8_t byte) {
  if (steps_.size() <= set) steps_.resize(sets_.n_sets());
  if (steps_[set] == nullptr) {
    steps_[set] = std::make_unique<SetId[]>(256);
    std::fill_n(steps_[set].get(), 256, kUnknown);
    ++n_step_tables_;
  }
  const SetId known = steps_[set][byte];
  if (known != kUnknown) return known;
  const SetId to = compute_step(set, byte);
  steps_[set][byte] = to;
  return to;
}

GrammarAutomaton::SetId GrammarAutomaton::compute_step(SetId set, std::uint8_t byte) {
  sets_.begin();
  // By index: reaching a reading makes no set, so the reference stays good.
  const std::vector<Reading>& readings = sets_[set].readings;
  for (const Reading& reading : readings) {
    if (reading.is_in_piece()) {
      const Grammar::Piece& piece = grammar_->pieces[reading.piece];
      const Lexeme::Position to =
          piece.lexeme->step({reading.state, reading.count}, byte, piece.limits);
      if (to.state != Lexeme::kDead) {
        sets_.reach({reading.piece, to.state, to.count, reading.stack});
      }
      continue;
    }
    for (const Grammar::ByteEdge& edge : grammar_->states[reading.state].bytes) {
      if (edge.first <= byte && byte <= edge.last) {
        sets_.reach({Reading::kNone, edge.to, 0, reading.stack});
      }
    }
  }
  return sets_.finish();
}

GrammarAutomaton::SetId GrammarAutomaton::after_return(StackId stack) {
  if (returns_.size() <= stack) returns_.resize(sets_.n_stacks(), kUnknown);
  if (returns_[stack] == kUnknown) {
    sets_.begin();
    sets_.reach_return(stack);
    const SetId set = sets_.finish();
    if (returns_.size() < sets_.n_stacks()) returns_.resize(sets_.n_stacks(), kUnknown);
    returns_[stack] = set;
  }
  return returns_[stack];
}

void GrammarAutomaton::walk(VocabularyTrie::Node top, SetId set, std::span<std::uint64_t> mask) {
  walk_vocabulary(
      *vocabulary_, top, set, path_,
      [this](SetId& at, std::uint8_t byte) {
        at = step(at, byte);
        return at != kNothing;
      },
      [&](VocabularyTrie::Node node, SetId) {
        for (const std::int32_t token : vocabulary_->tokens(node)) set_bit(mask, token);
      });
}

void GrammarAutomaton::compute_mask(SetId set, std::span<std::uint64_t> mask) {
  const ReadingSets::Set current = sets_[set];
  std::vector<Reading> others;
  for (const Reading& reading : current.readings) {
    if (!reading.is_in_piece() || !grammar_->pieces[reading.piece].lexeme->is_text) {
      others.push_back(reading);
      continue;
    }
    const auto inside = lexeme_masks_[reading.piece]->at(reading.state);
    const CountLimits limits = grammar_->pieces[reading.piece].limits;
    inside->add_to(mask, reading.count, limits);
    const SetId outside = after_return(reading.stack);
    if (sets_[outside].readings.empty()) continue;
    for (const LexemeStateMask::Exit& exit : inside->exits()) {
      if (inside->is_open(exit, reading.count, limits)) walk(exit.node, outside, mask);
    }
  }
  if (others.empty()) return;
  for (const Reading& reading : others) {
    if (reading.is_in_piece()) continue;
    for (const Grammar::TokenEdge& edge : grammar_->states[reading.state].tokens) {
      set_bit(mask, edge.token);
    }
  }
  walk(VocabularyTrie::kRoot, sets_.of(std::move(others), false), mask);
}

void GrammarAutomaton::fill_mask(SetId set, std::span<std::uint64_t> mask) {
  const std::lock_guard lock(mutex_);
  if (const auto kept = masks_.find(set); kept != masks_.end()) {
    if (!kept->second.is_list) {
      std::copy(kept->second.bits.begin(), kept->second.bits.end(), mask.begin());
    }
    for (const std::int32_t token : kept->second.tokens) set_bit(mask, token);
    return;
  }
  compute_mask(set, mask);
  // A count that has a limit changes with every token: such a set will not come again.
  const bool comes_again = std::none_of(
      sets_[set].readings.begin(), sets_[set].readings.end(), [&](const Reading& reading) {
        if (!reading.is_in_piece()) return false;
        return grammar_->pieces[reading.piece].limits.max != CountLimits::kNone;
      });
  if (comes_again) keep(set, mask);
}

void GrammarAutomaton::keep(SetId set, std::span<const std::uint64_t> mask) {
  KeptMask kept;
  std::size_t n_tokens = 0;
  for (const std::uint64_t word : mask) n_tokens += static_cast<std::size_t>(std::popcount(word));
  kept.is_list = n_tokens * sizeof(std::int32_t) < mask.size() * sizeof(std::uint64_t) / 2;
  if (kept.is_list) {
    for (std::size_t i = 0; i < mask.size(); ++i) {
      for (std::uint64_t word = mask[i]; word != 0; word &= word - 1) {
        kept.tokens.push_back(static_cast<std::int32_t>(i * 64) + std::countr_zero(word));
      }
    }
  } else {
    kept.bits.assign(mask.begin(), mask.end());
  }
  masks_bytes_ += sizeof kept + 64 + kept.tokens.size() * sizeof(std::int32_t) +
                  kept.bits.size() * sizeof(std::uint64_t);
  if (masks_bytes_ > kMaxMasksBytes) {
    masks_.clear();
    masks_bytes_ = 0;
  }
  masks_.emplace(set, std::move(kept));
}

bool GrammarAutomaton::is_large() {
  const std::lock_guard lock(mutex_);
  return sets_.n_sets() > kMaxSets || n_step_tables_ > kMaxStepTables;
}

std::shared_ptr<GrammarAutomaton> GrammarAutomaton::renewed() const {
  return std::make_shared<GrammarAutomaton>(grammar_, lexeme_masks_, vocabulary_);
}

GrammarAutomaton::SetId GrammarAutomaton::import(GrammarAutomaton& from, SetId set) {
  const std::scoped_lock lock(mutex_, from.mutex_);
  std::vector<Reading> readings = from.sets_[set].readings;
  for (Reading& reading : readings) {
    reading.stack = sets_.import_stack(from.sets_, reading.stack);
  }
  std::sort(readings.begin(), readings.end());
  return sets_.of(std::move(readings), from.sets_[set].may_end);
}

}  // namespace jevons
