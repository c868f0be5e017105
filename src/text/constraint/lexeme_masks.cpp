#include "text/constraint/lexeme_masks.h"

#include <algorithm>

namespace jevons {
namespace {

constexpr std::size_t kMaxCachedBytes = std::size_t{8} << 20;  // for one lexeme
constexpr std::size_t kMaxBitSets = 24;
constexpr std::size_t kManyTokens = 2048;  // above this, bits are faster than a list

void set_bit(std::span<std::uint64_t> mask, std::int32_t token) {
  const auto id = static_cast<std::uint32_t>(token);
  mask[id / 64] |= std::uint64_t{1} << (id % 64);
}

void add_bits(std::span<std::uint64_t> mask, std::span<const std::uint64_t> bits) {
  for (std::size_t i = 0; i < bits.size(); ++i) mask[i] |= bits[i];
}

}  // namespace

LexemeStateMask::LexemeStateMask(const Lexeme& lexeme, std::uint32_t state,
                                 const VocabularyTrie& vocabulary)
    : lexeme_(lexeme) {
  std::vector<std::vector<std::int32_t>> by_need(1);
  walk(state, vocabulary, by_need);
  for (const auto& tokens : by_need) {
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    ends_.push_back(static_cast<std::uint32_t>(tokens_.size()));
  }
  if (tokens_.size() <= kManyTokens) return;
  Bits bits(vocabulary.n_words(), 0);
  std::uint32_t begin = 0;
  for (const std::uint32_t end : ends_) {
    for (; begin < end; ++begin) set_bit(bits, tokens_[begin]);
    if (lexeme.is_counted() && bits_.size() < kMaxBitSets) bits_.push_back(bits);
  }
  all_bits_ = std::move(bits);
}

void LexemeStateMask::walk(std::uint32_t state, const VocabularyTrie& vocabulary,
                           std::vector<std::vector<std::int32_t>>& by_need) {
  struct At {
    std::uint32_t state, added;
  };
  const auto step = [&](At& at, std::uint8_t byte) {
    const std::size_t edge = at.state * lexeme_.n_classes + lexeme_.byte_class[byte];
    at.state = lexeme_.next[edge];
    if (lexeme_.is_counted()) at.added += lexeme_.increments[edge];
    return at.state != Lexeme::kDead;
  };
  const auto visit = [&](VocabularyTrie::Node node, const At& at) {
    const bool is_end = lexeme_.accepting[at.state] != 0;
    if (is_end && vocabulary.has_children(node)) exits_.push_back({node, at.added, at.state});
    const auto tokens = vocabulary.tokens(node);
    if (tokens.empty()) return;
    std::uint32_t needed = at.added;
    if (lexeme_.is_counted()) {
      const Lexeme::Room& room = lexeme_.rooms[at.state];
      if (is_end || room.pending > 0) {
        for (const std::int32_t token : tokens) conditional_.push_back({token, at.added, at.state});
        return;
      }
      needed += room.open;
    }
    if (by_need.size() <= needed) by_need.resize(needed + 1);
    by_need[needed].insert(by_need[needed].end(), tokens.begin(), tokens.end());
  };
  std::vector<At> path;
  walk_vocabulary(vocabulary, VocabularyTrie::kRoot, At{state, 0}, path, step, visit);
}

void LexemeStateMask::add_to(std::span<std::uint64_t> mask, std::uint32_t count,
                             CountLimits limits) const {
  std::size_t n_tokens = tokens_.size();
  std::size_t begin = 0;  // of the tokens that no bit set brought
  if (lexeme_.is_counted()) {
    const std::size_t room = limits.max - count;
    if (room + 1 < ends_.size()) {
      n_tokens = ends_[room];
      if (!bits_.empty()) {
        const std::size_t i = std::min(room, bits_.size() - 1);
        add_bits(mask, bits_[i]);
        begin = ends_[i];
      }
    }
    for (const Conditional& token : conditional_) {
      if (lexeme_.allows(token.state, std::uint64_t{count} + token.added, limits)) {
        set_bit(mask, token.token);
      }
    }
  }
  if (n_tokens == tokens_.size() && !all_bits_.empty()) {
    add_bits(mask, all_bits_);
    return;
  }
  for (std::size_t i = begin; i < n_tokens; ++i) set_bit(mask, tokens_[i]);
}

std::size_t LexemeStateMask::size_bytes() const {
  return sizeof *this + tokens_.size() * sizeof(std::int32_t) + ends_.size() * 4 +
         (bits_.size() + 1) * all_bits_.size() * 8 + conditional_.size() * sizeof(Conditional) +
         exits_.size() * sizeof(Exit);
}

std::shared_ptr<const LexemeStateMask> LexemeMasks::at(std::uint32_t state) {
  const std::lock_guard lock(mutex_);
  if (const auto known = masks_.find(state); known != masks_.end()) return known->second;
  auto mask = std::make_shared<const LexemeStateMask>(*lexeme_, state, vocabulary_);
  size_bytes_ += mask->size_bytes();
  if (size_bytes_ > kMaxCachedBytes) {
    masks_.clear();
    size_bytes_ = mask->size_bytes();
  }
  masks_.emplace(state, mask);
  return mask;
}

}  // namespace jevons
