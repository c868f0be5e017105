#include "text/constraint/call_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "text/constraint/parameter_rules.h"
#include "text/constraint/schema_limits.h"
#include "text/m2_markers.h"
#include "text/output_tags.h"

namespace jevons {
namespace {

class CallGrammar {
 public:
  CallGrammar(const StandardLexemes& lexemes, ConstraintReport& report, const std::stop_token& stop)
      : grammar_(kMaxGrammarSize),
        lexemes_(lexemes),
        report_(report),
        budget_(kCallsWorkBudget, stop) {}

  Result<Grammar> make(std::span<const ToolDefinition> tools,
                       const ConstraintCompiler::ToolRules& rules, CallMarkers markers) {
    const StateId begin = grammar_.add_state();
    StateId block = begin;
    if (rules.must_call) {
      block = grammar_.add_state();
      StateId line = begin;
      for (int i = 0; i <= rules.max_line_breaks; ++i) {
        grammar_.token(line, markers.begin, block);
        if (i < rules.max_line_breaks) line = grammar_.literal(line, "\n");
      }
    }
    const StateId call = grammar_.literal(block, "\n");
    const StateId after_call = grammar_.add_state();
    const StateId name = grammar_.literal(call, "<invoke name=\"");
    bool has_tool = false;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const bool is_wanted = rules.only.empty() || tools[i].name == rules.only;
      if (!is_wanted || !is_new_name(tools[i].name, i)) continue;
      has_tool = true;
      JEVONS_TRY(add_tool(tools[i], i, name, after_call));
    }
    if (!has_tool) return fail("no tool can be called");
    JEVONS_TRY(replace_impossible(tools));
    if (rules.parallel) grammar_.jump(after_call, call);
    grammar_.token(after_call, markers.end, grammar_.add_state(true));
    return grammar_.finish(grammar_.add_rule(begin));
  }

 private:
  using StateId = Grammar::StateId;

  bool is_new_name(const std::string& name, std::size_t index) {
    if (!can_be_named(name)) {
      drop(index, "name", "a name cannot be empty, contain a quote or a line break, or be long");
      return false;
    }
    return names_.insert(name).second;
  }

  void drop(std::size_t index, std::string_view keyword, std::string_view reason) {
    report_.dropped.push_back(
        {fmt::format("tools.{}.{}", index, keyword), std::string(keyword), std::string(reason)});
  }

  Result<void> add_tool(const ToolDefinition& tool, std::size_t index, StateId name, StateId to) {
    const StateId begin = grammar_.literal(grammar_.literal(name, tool.name), "\">\n");
    const StateId end = grammar_.add_state();
    grammar_.jump(grammar_.literal(end, "</invoke>\n"), to);
    const Grammar::RuleId rule = grammar_.add_rule(0);
    grammar_.call(begin, rule, end);
    tool_rules_.push_back({index, rule});
    ConstraintReport dropped;
    const auto parameters = make_parameters(grammar_, tool.parameters, lexemes_, dropped, budget_);
    JEVONS_TRY(budget_.spend(0));  // given up, not too complex
    if (!parameters) return make_free(tool, index, rule, parameters.error().message);
    for (DroppedKeyword& each : dropped.dropped) {
      each.path = fmt::format("tools.{}.parameters.{}", index, each.path);
      report_.dropped.push_back(std::move(each));
    }
    grammar_.set_rule(rule, *parameters);
    return {};
  }

  /// Gives up the schema of one tool.
  Result<void> make_free(const ToolDefinition& tool, std::size_t index, Grammar::RuleId rule,
                         std::string_view reason) {
    if (grammar_.is_full()) return fail("the tools' schemas are too large");
    drop(index, "parameters", reason);
    JEVONS_ASSIGN(const StateId begin, make_free_parameters(grammar_, tool.parameters, lexemes_));
    grammar_.set_rule(rule, begin);
    return {};
  }

  Result<void> replace_impossible(std::span<const ToolDefinition> tools) {
    const std::vector<bool> are_possible = grammar_.possible_rules();
    for (const auto& [index, rule] : tool_rules_) {
      if (are_possible[rule]) continue;
      JEVONS_TRY(make_free(tools[index], index, rule, "nothing satisfies the schema"));
    }
    return {};
  }

  GrammarBuilder grammar_;
  const StandardLexemes& lexemes_;
  ConstraintReport& report_;
  WorkBudget budget_;
  std::set<std::string> names_;
  struct ToolRule {
    std::size_t index;  // of the tool
    Grammar::RuleId rule;
  };
  std::vector<ToolRule> tool_rules_;
};

}  // namespace

Result<Grammar> make_call_grammar(std::span<const ToolDefinition> tools,
                                  const ConstraintCompiler::ToolRules& rules, CallMarkers markers,
                                  const StandardLexemes& lexemes, ConstraintReport& report,
                                  const std::stop_token& stop) {
  return CallGrammar(lexemes, report, stop).make(tools, rules, markers);
}

}  // namespace jevons
