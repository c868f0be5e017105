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

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// "3.", "3," or "3:" before a digit: it belongs to the number.
bool is_inside_number(std::string_view before) {
  if (before.size() >= 2 && std::string_view(".,:").contains(before.back())) {
    return is_digit(before[before.size() - 2]);
  }
  const bool has_minus = !before.empty() && before.back() == '-';
  return has_minus && (before.size() == 1 || !is_word_character(before[before.size() - 2]));
}

bool goes_on_as_number(std::string_view after) {
  return after.size() >= 2 && std::string_view(".,:").contains(after[0]) && is_digit(after[1]);
}

bool stands_alone(std::string_view before, std::string_view word, std::string_view after) {
  const auto joins = [](char a, char b) { return is_word_character(a) && is_word_character(b); };
  if (!before.empty() && joins(before.back(), word.front())) return false;
  if (!after.empty() && joins(word.back(), after.front())) return false;
  if (is_digit(word.front()) && is_inside_number(before)) return false;
  return !is_digit(word.back()) || !goes_on_as_number(after);
}

// Not as a part of a longer word or number.
bool has_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  for (auto at = text.begin();; ++at) {
    at = std::search(at, text.end(), word.begin(), word.end(), same);
    if (at == text.end()) return false;
    const auto n_before = static_cast<std::size_t>(at - text.begin());
    if (stands_alone(text.substr(0, n_before), word, text.substr(n_before + word.size()))) {
      return true;
    }
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

// In strings, at any depth.
void remove_spaces(Json& value) {
  if (value.is_string()) {
    std::erase_if(value.get_ref<std::string&>(), [](char c) { return kSpace.contains(c); });
  } else if (value.is_structured()) {
    for (Json& item : value) remove_spaces(item);
  }
}

Json arguments_of(const std::string& text) {
  Json arguments = Json::parse(text, nullptr, false);
  if (!arguments.is_object()) return Json::object();
  remove_spaces(arguments);
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

struct Call {
  std::string name;
  Json arguments;
  bool operator==(const Call&) const = default;
};

template <typename Calls>
std::vector<Call> calls_of(const Calls& calls) {
  std::vector<Call> result;
  result.reserve(calls.size());
  for (const auto& call : calls) result.push_back({call.name, arguments_of(call.arguments)});
  return result;
}

// Of the calls that agree in all their arguments each side loses one; the other wanted ones then
// take the given one of their name that agrees best.
void judge_calls(const SkillCase& wanted, const SkillTurn& turn, SkillVerdict& verdict) {
  std::vector<Call> open = calls_of(wanted.calls);
  std::vector<Call> given = calls_of(turn.message.tool_calls);
  bool all_right = open.size() == given.size();
  verdict.right_tools = all_right;
  std::erase_if(open, [&](const Call& call) {
    verdict.n_arguments += static_cast<int>(call.arguments.size());
    const auto equal = std::find(given.begin(), given.end(), call);
    if (equal == given.end()) return false;
    verdict.n_right_arguments += static_cast<int>(call.arguments.size());
    given.erase(equal);
    return true;
  });
  all_right &= open.empty();
  for (const Call& call : open) {
    auto best = given.end();
    int most = -1;
    for (auto one = given.begin(); one != given.end(); ++one) {
      const int n = n_equal(call.arguments, one->arguments);
      if (one->name != call.name || n <= most) continue;
      best = one;
      most = n;
    }
    if (best == given.end()) {
      verdict.right_tools = false;
      continue;
    }
    verdict.n_right_arguments += most;
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
