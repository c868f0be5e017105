// Which tokens may come inside a lexeme, worked out once for each of its states: the tokens that
// end inside, and the places in the vocabulary where a token leaves it. Text lexemes let nearly
// every token pass, so this is what makes masks fast: what follows the lexeme is asked only for the
// few tokens that leave it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/constraint/lexeme.h"
#include "text/constraint/vocabulary_trie.h"

namespace jevons {

/// Tokens that may come at one state of a lexeme.
class LexemeStateMask {
 public:
  LexemeStateMask(const Lexeme& lexeme, std::uint32_t state, const VocabularyTrie& vocabulary);

  /// A place where the lexeme may be over while the token goes on.
  struct Exit {
    VocabularyTrie::Node node;
    std::uint32_t added;  // characters
    std::uint32_t state;  // of the lexeme, accepting
  };

  /// Sets the bits of the tokens that end inside the lexeme or with it.
  void add_to(std::span<std::uint64_t> mask, std::uint32_t count, CountLimits limits) const;
  [[nodiscard]] std::span<const Exit> exits() const { return exits_; }
  /// Whether an exit is open after `count` characters.
  [[nodiscard]] bool is_open(const Exit& exit, std::uint32_t count, CountLimits limits) const {
    return lexeme_.allows(exit.state, std::uint64_t{count} + exit.added, limits);
  }
  [[nodiscard]] std::size_t size_bytes() const;

 private:
  struct Conditional {
    std::int32_t token;
    std::uint32_t added, state;
  };
  using Bits = std::vector<std::uint64_t>;

  void walk(std::uint32_t state, const VocabularyTrie& vocabulary,
            std::vector<std::vector<std::int32_t>>& by_need);

  const Lexeme& lexeme_;
  // Tokens without another condition than the room they need: the characters that they add and
  // those that must then follow. The smallest first.
  std::vector<std::int32_t> tokens_;
  std::vector<std::uint32_t> ends_;  // [largest room + 1]: where those that need i end
  std::vector<Bits> bits_;           // bits_[i]: all that need at most i; may be shorter than ends_
  Bits all_bits_;                    // where there are many; else empty
  std::vector<Conditional> conditional_;
  std::vector<Exit> exits_;
};

/// The masks of one lexeme, made when they are asked for. Any thread.
class LexemeMasks {
 public:
  LexemeMasks(std::shared_ptr<const Lexeme> lexeme, const VocabularyTrie& vocabulary)
      : lexeme_(std::move(lexeme)), vocabulary_(vocabulary) {}

  [[nodiscard]] std::shared_ptr<const LexemeStateMask> at(std::uint32_t state);

 private:
  std::shared_ptr<const Lexeme> lexeme_;
  const VocabularyTrie& vocabulary_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, std::shared_ptr<const LexemeStateMask>> masks_;
  std::size_t size_bytes_ = 0;
};

/// Calls visit(node, state) for each node below `top` whose bytes lead from `state` through
/// step(state, byte), which returns false where they lead nowhere. `path` is scratch space.
template <typename State, typename Step, typename Visit>
void walk_vocabulary(const VocabularyTrie& vocabulary, VocabularyTrie::Node top, const State& state,
                     std::vector<State>& path, Step&& step, Visit&& visit) {
  if (path.size() <= vocabulary.longest()) path.resize(vocabulary.longest() + 1);
  const std::uint16_t base = vocabulary.depth(top);
  path[0] = state;
  const VocabularyTrie::Node end = vocabulary.end(top);
  for (VocabularyTrie::Node node = top + 1; node < end;) {
    const auto depth = static_cast<std::size_t>(vocabulary.depth(node) - base);
    State& here = path[depth];
    here = path[depth - 1];
    if (!step(here, vocabulary.byte(node))) {
      node = vocabulary.end(node);
      continue;
    }
    visit(node, here);
    ++node;
  }
}

}  // namespace jevons
