#include "convert/skill_score.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "text/m2_markers.h"

namespace jevons {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Not as a part of a longer word or number.
bool has_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  for (auto at = text.begin();; ++at) {
    at = std::search(at, text.end(), word.begin(), word.end(), same);
    if (at == text.end()) return false;
    const auto end = at + static_cast<std::ptrdiff_t>(word.size());
    const bool begins =
        at == text.begin() || !is_word_character(at[-1]) || !is_word_character(word.front());
    const bool ends =
        end == text.end() || !is_word_character(*end) || !is_word_character(word.back());
    if (begins && ends) return true;
  }
}

bool is_repetition(const ChatRequest& request, std::string_view text) {
  if (request.messages.empty()) return false;
  const Message& last = request.messages.back();
  return last.role == Role::kUser && trimmed(last.content.joined()) == text;
}

bool is_answer(const SkillCase& of, std::string_view text) {
  const WantedAnswer& wanted = of.answer;
  text = trimmed(text);
  if (!wanted.texts.empty()) {
    return std::any_of(wanted.texts.begin(), wanted.texts.end(),
                       [&](const std::string& one) { return trimmed(one) == text; });
  }
  if (!wanted.json.empty()) {
    const Json value = Json::parse(text, nullptr, false);
    return !value.is_discarded() && value == Json::parse(wanted.json);
  }
  if (is_repetition(of.request, text)) return false;
  return std::all_of(wanted.words.begin(), wanted.words.end(), [&](const auto& alternatives) {
    return std::any_of(alternatives.begin(), alternatives.end(),
                       [&](const std::string& word) { return has_word(text, word); });
  });
}

bool is_clean(const Message& message) {
  constexpr std::array kMarkers = {kBeginOfText, kRoleMarker,      kEndOfTurn,
                                   kThinkBegin,  kThinkEnd,        kToolCallBlockBegin,
                                   kInvokeBegin, kToolCallBlockEnd};
  const std::string text = message.content.joined() + message.reasoning.value_or("");
  return std::none_of(kMarkers.begin(), kMarkers.end(),
                      [&](std::string_view marker) { return text.contains(marker); });
}

Json without_spaces(Json value) {
  if (value.is_string()) {
    std::erase_if(value.get_ref<std::string&>(), [](char c) { return kSpace.contains(c); });
  }
  return value;
}

Json arguments_of(const std::string& text) {
  Json arguments = Json::parse(text, nullptr, false);
  if (!arguments.is_object()) return Json::object();
  for (auto& [key, value] : arguments.items()) value = without_spaces(std::move(value));
  return arguments;
}

// Required parameters that are there; types are the output parser's business, which warns.
bool has_required(const ToolDefinition& tool, const Json& arguments) {
  const Json schema = Json::parse(tool.parameters, nullptr, false);
  if (!schema.is_object() || !schema.contains("required")) return true;
  const Json& required = schema["required"];
  return !required.is_array() ||
         std::all_of(required.begin(), required.end(), [&](const Json& name) {
           return !name.is_string() || arguments.contains(name.get_ref<const std::string&>());
         });
}

bool is_format_valid(const SkillCase& wanted, const SkillTurn& turn) {
  if (turn.message.tool_calls.empty() || turn.has_cut_call || !turn.warnings.empty()) return false;
  return std::all_of(
      turn.message.tool_calls.begin(), turn.message.tool_calls.end(), [&](const ToolCall& call) {
        const auto& tools = wanted.request.tools;
        const auto tool = std::find_if(tools.begin(), tools.end(),
                                       [&](const auto& one) { return one.name == call.name; });
        return tool != tools.end() && has_required(*tool, arguments_of(call.arguments));
      });
}

int n_equal(const Json& wanted, const Json& given) {
  int n = 0;
  for (const auto& [key, value] : wanted.items()) {
    n += given.contains(key) && given[key] == value ? 1 : 0;
  }
  return n;
}

// Each wanted call takes the given one of its name that agrees best and is not taken yet.
void judge_calls(const SkillCase& wanted, const SkillTurn& turn, SkillVerdict& verdict) {
  std::vector<std::pair<std::string, Json>> given;
  given.reserve(turn.message.tool_calls.size());
  for (const ToolCall& call : turn.message.tool_calls) {
    given.emplace_back(call.name, arguments_of(call.arguments));
  }
  const bool same_number = given.size() == wanted.calls.size();
  bool all_right = same_number;
  verdict.right_tools = same_number;
  for (const WantedCall& call : wanted.calls) {
    const Json arguments = arguments_of(call.arguments);
    verdict.n_arguments += static_cast<int>(arguments.size());
    auto best = given.end();
    int most = -1;
    for (auto one = given.begin(); one != given.end(); ++one) {
      const int n = n_equal(arguments, one->second);
      if (one->first != call.name || n <= most) continue;
      best = one;
      most = n;
    }
    if (best == given.end()) {
      verdict.right_tools = all_right = false;
      continue;
    }
    verdict.n_right_arguments += most;
    all_right &= best->second == arguments;
    given.erase(best);
  }
  verdict.right = all_right && verdict.format_valid;
}

}  // namespace

SkillVerdict judge(const SkillCase& wanted, const SkillTurn& turn) {
  SkillVerdict verdict;
  verdict.ended = turn.closed_reasoning && turn.ended;
  verdict.is_clean = is_clean(turn.message);
  verdict.has_calls = !turn.message.tool_calls.empty();
  verdict.format_valid = is_format_valid(wanted, turn);
  verdict.wants_calls = !wanted.calls.empty();
  if (verdict.wants_calls) {
    judge_calls(wanted, turn, verdict);
  } else {
    verdict.right = !verdict.has_calls && is_answer(wanted, turn.message.content.joined());
  }
  verdict.right = verdict.right && verdict.ended && verdict.is_clean;
  return verdict;
}

Share::Interval Share::interval() const {
  if (n == 0) return {0, 1};
  constexpr double kZ = 1.959964;  // of a normal distribution, two sides, 95 %
  const double p = value();
  const double spread = kZ * kZ / n;
  const double middle = (p + spread / 2) / (1 + spread);
  const double half = kZ * std::sqrt(p * (1 - p) / n + spread / (4.0 * n)) / (1 + spread);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

void SkillScore::add(const SkillCase& wanted, const SkillTurn& turn, const SkillVerdict& verdict) {
  ended.count(verdict.ended);
  clean.count(verdict.is_clean);
  reasoning_tokens.push_back(turn.n_reasoning_tokens);
  if (wanted.is_taught) return taught.count(verdict.right);
  skills[wanted.skill].count(verdict.right);
  if (verdict.has_calls) format_valid.count(verdict.format_valid);
  if (!verdict.wants_calls) {
    silent.count(!verdict.has_calls);
    return right_answers.count(verdict.right);
  }
  called.count(verdict.has_calls);
  right_tools.count(verdict.format_valid && verdict.right_tools);
  right_calls.count(verdict.right);
  arguments.n += verdict.n_arguments;
  arguments.n_right += verdict.n_right_arguments;
}

}  // namespace jevons
