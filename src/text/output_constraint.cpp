#include "text/output_constraint.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "text/constraint/answer_rules.h"
#include "text/constraint/call_rules.h"
#include "text/constraint/grammar_automaton.h"
#include "text/constraint/standard_lexemes.h"
#include "text/m2_markers.h"

namespace jevons {
namespace {

constexpr std::size_t kMaxKeptSchemas = 16;

/// Follows one automaton. Before `marker` (if there is one) the answer is free.
class AutomatonConstraint final : public OutputConstraint {
 public:
  AutomatonConstraint(const Tokenizer& tokenizer, std::shared_ptr<GrammarAutomaton> automaton,
                      std::optional<std::int32_t> marker)
      : tokenizer_(tokenizer),
        end_of_turn_(tokenizer.vocabulary().eos_id),
        automaton_(std::move(automaton)),
        set_(automaton_->begin()),
        marker_(marker),
        phase_(marker ? Phase::kFree : Phase::kHeld) {}

  [[nodiscard]] bool is_active() const override { return phase_ != Phase::kFree; }

  void fill_mask(std::span<std::uint64_t> mask) override {
    if (phase_ == Phase::kFree) {
      std::fill(mask.begin(), mask.end(), ~std::uint64_t{0});
      return;
    }
    std::fill(mask.begin(), mask.end(), 0);
    if (phase_ == Phase::kHeld) automaton_->fill_mask(set_, mask);
    if (end_of_turn_ && may_end()) {
      const auto id = static_cast<std::uint32_t>(*end_of_turn_);
      mask[id / 64] |= std::uint64_t{1} << (id % 64);
    }
  }

  [[nodiscard]] bool accept(std::int32_t id) override {
    if (phase_ == Phase::kOver) return false;
    if (id == end_of_turn_) {
      const bool is_allowed = may_end();
      phase_ = Phase::kOver;
      return is_allowed;
    }
    if (phase_ == Phase::kFree) {
      if (id == marker_) phase_ = Phase::kHeld;
      return true;
    }
    const TokenKind kind = tokenizer_.kind(id);
    if (kind == TokenKind::kNormal || kind == TokenKind::kByte) {
      const std::string_view bytes = tokenizer_.token_bytes(id);
      set_ = bytes.empty() ? GrammarAutomaton::kNothing : automaton_->after(set_, bytes);
    } else {
      set_ = automaton_->after_token(set_, id);
    }
    if (set_ == GrammarAutomaton::kNothing) {
      phase_ = Phase::kOver;
      return false;
    }
    if (automaton_->is_large()) {
      auto renewed = automaton_->renewed();
      set_ = renewed->import(*automaton_, set_);
      automaton_ = std::move(renewed);
    }
    return true;
  }

  [[nodiscard]] bool may_end() const override {
    return phase_ != Phase::kHeld || automaton_->may_end(set_);
  }

 private:
  enum class Phase { kFree, kHeld, kOver };

  const Tokenizer& tokenizer_;
  std::optional<std::int32_t> end_of_turn_;
  std::shared_ptr<GrammarAutomaton> automaton_;
  GrammarAutomaton::SetId set_;
  std::optional<std::int32_t> marker_;
  Phase phase_;
};

}  // namespace

struct ConstraintCompiler::State {
  explicit State(const Tokenizer& tokenizer_in)
      : tokenizer(tokenizer_in),
        vocabulary(std::make_shared<const VocabularyTrie>(tokenizer)),
        lexemes(StandardLexemes::make()) {
    for (const auto& lexeme :
         {lexemes->json_string, lexemes->call_json_string, lexemes->raw_text}) {
      standard_masks.emplace(lexeme.get(), std::make_shared<LexemeMasks>(lexeme, *vocabulary));
    }
  }

  struct Compiled {
    std::string key;
    std::shared_ptr<GrammarAutomaton> automaton;
    ConstraintReport report;
  };

  std::shared_ptr<GrammarAutomaton> make_automaton(Grammar grammar) {
    std::vector<std::shared_ptr<LexemeMasks>> masks;
    std::unordered_map<const Lexeme*, std::shared_ptr<LexemeMasks>> own;
    for (const Grammar::Piece& piece : grammar.pieces) {
      const auto standard = standard_masks.find(piece.lexeme.get());
      if (standard != standard_masks.end()) {
        masks.push_back(standard->second);
        continue;
      }
      auto& mine = own[piece.lexeme.get()];
      if (mine == nullptr) mine = std::make_shared<LexemeMasks>(piece.lexeme, *vocabulary);
      masks.push_back(mine);
    }
    return std::make_shared<GrammarAutomaton>(std::make_shared<const Grammar>(std::move(grammar)),
                                              std::move(masks), vocabulary);
  }

  /// What was compiled under `key` before, or what `make` gives now.
  template <typename Make>
  Result<std::shared_ptr<GrammarAutomaton>> find_or_make(std::string key, ConstraintReport& report,
                                                         const std::stop_token& stop, Make&& make) {
    {
      const std::lock_guard lock(mutex);
      const auto known = std::find_if(kept.begin(), kept.end(),
                                      [&](const Compiled& each) { return each.key == key; });
      if (known != kept.end()) {
        kept.splice(kept.begin(), kept, known);
        if (known->automaton->is_large()) known->automaton = known->automaton->renewed();
        report.dropped.insert(report.dropped.end(), known->report.dropped.begin(),
                              known->report.dropped.end());
        return known->automaton;
      }
    }
    ConstraintReport dropped;
    JEVONS_ASSIGN(Grammar grammar, make(dropped));
    // What ran out of its budget by being given up is not what the schema says.
    if (stop.stop_requested()) return fail("given up: nobody waits for it any more");
    auto automaton = make_automaton(std::move(grammar));
    report.dropped.insert(report.dropped.end(), dropped.dropped.begin(), dropped.dropped.end());
    const std::lock_guard lock(mutex);
    kept.push_front({std::move(key), automaton, std::move(dropped)});
    if (kept.size() > kMaxKeptSchemas) kept.pop_back();
    return automaton;
  }

  const Tokenizer& tokenizer;
  std::shared_ptr<const VocabularyTrie> vocabulary;
  std::shared_ptr<const StandardLexemes> lexemes;
  std::unordered_map<const Lexeme*, std::shared_ptr<LexemeMasks>> standard_masks;
  std::mutex mutex;
  std::list<Compiled> kept;  // the last used first
};

ConstraintCompiler::ConstraintCompiler(const Tokenizer& tokenizer)
    : state_(std::make_unique<State>(tokenizer)) {}
ConstraintCompiler::~ConstraintCompiler() = default;

Result<std::unique_ptr<OutputConstraint>> ConstraintCompiler::json_schema(
    std::string_view schema_json, Unsupported unsupported, ConstraintReport& report,
    const std::stop_token& stop) {
  std::string key = unsupported == Unsupported::kRefuse ? "strict " : "loose ";
  key += schema_json;
  JEVONS_ASSIGN(auto automaton,
                state_->find_or_make(std::move(key), report, stop, [&](ConstraintReport& dropped) {
                  return make_schema_grammar(schema_json, unsupported, *state_->lexemes, dropped,
                                             stop);
                }));
  return std::make_unique<AutomatonConstraint>(state_->tokenizer, std::move(automaton),
                                               std::nullopt);
}

std::unique_ptr<OutputConstraint> ConstraintCompiler::json_object() {
  ConstraintReport report;
  auto automaton = state_->find_or_make("object", report, {}, [&](ConstraintReport&) {
    return Result<Grammar>(make_object_grammar(*state_->lexemes));
  });
  JEVONS_CHECK(automaton.has_value());
  return std::make_unique<AutomatonConstraint>(state_->tokenizer, std::move(*automaton),
                                               std::nullopt);
}

Result<std::unique_ptr<OutputConstraint>> ConstraintCompiler::tool_calls(
    std::span<const ToolDefinition> tools, const ToolRules& rules, ConstraintReport& report,
    const std::stop_token& stop) {
  const bool is_offered =
      rules.only.empty() || std::any_of(tools.begin(), tools.end(),
                                        [&](const auto& tool) { return tool.name == rules.only; });
  if (!is_offered) return fail("the tool \"{}\" is not among the tools", rules.only);
  const auto begin = state_->tokenizer.special_token(kToolCallBlockBegin);
  const auto end = state_->tokenizer.special_token(kToolCallBlockEnd);
  if (!begin || !end) return fail("this model's vocabulary has no token {}", kToolCallBlockBegin);
  std::string key = fmt::format("calls {} {} {} {}", rules.must_call, rules.max_line_breaks,
                                rules.parallel, rules.only);
  for (const ToolDefinition& tool : tools) {
    key += fmt::format("\n{} {} {} {}", tool.name.size(), tool.name, tool.parameters.size(),
                       tool.parameters);
  }
  JEVONS_ASSIGN(auto automaton,
                state_->find_or_make(std::move(key), report, stop, [&](ConstraintReport& dropped) {
                  return make_call_grammar(tools, rules, {*begin, *end}, *state_->lexemes, dropped,
                                           stop);
                }));
  return std::make_unique<AutomatonConstraint>(state_->tokenizer, std::move(automaton),
                                               rules.must_call ? std::nullopt : begin);
}

}  // namespace jevons
