// Follows a grammar byte by byte through all readings at once. The readings that are possible at a
// point form a set; sets, the steps between them and the masks of tokens are kept, so that a place
// that comes again costs a look-up.
//
// A reading is a place in a rule and the calls that are open around it. Calls are shared between
// readings as a tree. Shared by the constraints of one schema; any thread (it locks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/constraint/grammar.h"
#include "text/constraint/lexeme_masks.h"
#include "text/constraint/reading_set.h"
#include "text/constraint/vocabulary_trie.h"

namespace jevons {

class GrammarAutomaton {
 public:
  using SetId = std::uint32_t;
  static constexpr SetId kNothing = 0;  // no reading is left

  /// `lexeme_masks`: one for each piece of the grammar.
  GrammarAutomaton(std::shared_ptr<const Grammar> grammar,
                   std::vector<std::shared_ptr<LexemeMasks>> lexeme_masks,
                   std::shared_ptr<const VocabularyTrie> vocabulary);

  [[nodiscard]] SetId begin();
  [[nodiscard]] SetId after(SetId set, std::string_view bytes);
  [[nodiscard]] SetId after_token(SetId set, std::int32_t special_token);
  [[nodiscard]] bool may_end(SetId set);

  /// All tokens, special ones included, after which a reading is left. mask: all zero before.
  void fill_mask(SetId set, std::span<std::uint64_t> mask);

  /// The tables have grown past their limit: a constraint should move to a new automaton.
  [[nodiscard]] bool is_large();
  /// The same grammar with empty tables.
  [[nodiscard]] std::shared_ptr<GrammarAutomaton> renewed() const;
  /// A set of another automaton of the same grammar, here.
  [[nodiscard]] SetId import(GrammarAutomaton& from, SetId set);

 private:
  struct KeptMask {
    std::vector<std::uint64_t> bits;  // or, where they are few,
    std::vector<std::int32_t> tokens;
    bool is_list = false;
  };

  SetId step(SetId set, std::uint8_t byte);
  SetId compute_step(SetId set, std::uint8_t byte);
  SetId after_return(StackId stack);
  void compute_mask(SetId set, std::span<std::uint64_t> mask);
  void walk(VocabularyTrie::Node top, SetId set, std::span<std::uint64_t> mask);
  void keep(SetId set, std::span<const std::uint64_t> mask);

  std::shared_ptr<const Grammar> grammar_;
  std::vector<std::shared_ptr<LexemeMasks>> lexeme_masks_;
  std::shared_ptr<const VocabularyTrie> vocabulary_;

  std::mutex mutex_;
  ReadingSets sets_;
  std::vector<std::unique_ptr<SetId[]>> steps_;  // [set][byte]; absent until needed
  std::vector<SetId> returns_;                   // [stack]: the readings after its top returns
  std::unordered_map<SetId, KeptMask> masks_;
  std::vector<SetId> path_;  // scratch space of walk()
  std::size_t n_step_tables_ = 0, masks_bytes_ = 0;
};

}  // namespace jevons
