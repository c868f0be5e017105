#include "convert/skill_suite.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/atomic_file.h"
#include "text/chat_json.h"
#include "text/json_value.h"

namespace jevons {
namespace {

Result<const JsonValue*> member(const JsonValue& object, std::string_view key,
                                JsonValue::Kind kind) {
  const JsonValue* value = object.find(key);
  if (value == nullptr) return fail("\"{}\" is missing", key);
  if (value->kind != kind) {
    return fail("\"{}\" must be {}, and is {}", key, json_kind_name(kind),
                json_kind_name(value->kind));
  }
  return value;
}

Result<std::vector<std::string>> strings(const JsonValue& list, std::string_view name) {
  std::vector<std::string> result;
  result.reserve(list.items.size());
  for (const JsonValue& item : list.items) {
    if (!item.is_string()) return fail("\"{}\" must be a list of strings", name);
    result.push_back(item.text);
  }
  if (!list.is_array() || result.empty()) return fail("\"{}\" must be a list of strings", name);
  return result;
}

std::vector<std::string> alternatives(std::string_view text) {
  std::vector<std::string> result;
  while (true) {
    const std::size_t bar = text.find('|');
    result.emplace_back(text.substr(0, bar));
    if (bar == std::string_view::npos) return result;
    text.remove_prefix(bar + 1);
  }
}

Result<void> read_calls(const JsonValue& list, const ChatRequest& request,
                        std::vector<WantedCall>& calls) {
  for (const JsonValue& item : list.items) {
    JEVONS_ASSIGN(const JsonValue* name, member(item, "name", JsonValue::Kind::kString));
    JEVONS_ASSIGN(const JsonValue* arguments, member(item, "arguments", JsonValue::Kind::kObject));
    const bool is_offered =
        std::any_of(request.tools.begin(), request.tools.end(),
                    [&](const ToolDefinition& tool) { return tool.name == name->text; });
    if (!is_offered) return fail("the wanted tool \"{}\" is not among those offered", name->text);
    calls.push_back({name->text, python_json(*arguments)});
  }
  if (!list.is_array() || calls.empty()) return fail("\"calls\" must be a list of calls");
  return {};
}

Result<void> read_answer(const JsonValue& wanted, WantedAnswer& answer) {
  if (const JsonValue* text = wanted.find("text"); text != nullptr) {
    if (!text->is_string()) return fail("\"text\" must be a string");
    answer.texts = {text->text};
  } else if (const JsonValue* any = wanted.find("any"); any != nullptr) {
    JEVONS_ASSIGN(answer.texts, strings(*any, "any"));
  } else if (const JsonValue* words = wanted.find("words"); words != nullptr) {
    JEVONS_ASSIGN(const auto all, strings(*words, "words"));
    for (const std::string& one : all) {
      answer.words.push_back(alternatives(one));
      const auto& either = answer.words.back();
      if (std::find(either.begin(), either.end(), "") != either.end()) {
        return fail("\"words\" has an empty alternative in \"{}\"", one);
      }
    }
  } else if (const JsonValue* json = wanted.find("json"); json != nullptr) {
    answer.json = python_json(*json);
  } else {
    return fail("\"wanted\" must have calls, text, any, words or json");
  }
  return {};
}

Result<SkillCase> parse_case(std::string_view line) {
  JEVONS_ASSIGN(const JsonValue root, parse_json(line));
  SkillCase result;
  JEVONS_ASSIGN(const JsonValue* id, member(root, "id", JsonValue::Kind::kString));
  JEVONS_ASSIGN(const JsonValue* skill, member(root, "skill", JsonValue::Kind::kString));
  JEVONS_ASSIGN(const JsonValue* request, member(root, "request", JsonValue::Kind::kObject));
  JEVONS_ASSIGN(const JsonValue* wanted, member(root, "wanted", JsonValue::Kind::kObject));
  result.id = id->text;
  result.skill = skill->text;
  if (const JsonValue* taught = root.find("taught"); taught != nullptr) {
    if (taught->kind != JsonValue::Kind::kBoolean) return fail("\"taught\" must be true or false");
    result.is_taught = taught->boolean;
  }
  JEVONS_ASSIGN(result.request, read_chat_request(*request));
  if (!result.request.warnings.empty()) return fail("{}", result.request.warnings.front());
  if (wanted->items.size() != 1) return fail("\"wanted\" must have one member");
  if (const JsonValue* calls = wanted->find("calls"); calls != nullptr) {
    JEVONS_TRY(read_calls(*calls, result.request, result.calls));
  } else {
    JEVONS_TRY(read_answer(*wanted, result.answer));
  }
  return result;
}

}  // namespace

Result<std::vector<SkillCase>> parse_skill_suite(std::string_view lines) {
  std::vector<SkillCase> cases;
  std::set<std::string> ids;
  for (int number = 1; !lines.empty(); ++number) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<SkillCase> parsed = parse_case(line);
    if (!parsed) return fail("line {}: {}", number, parsed.error().message);
    if (!ids.insert(parsed->id).second) {
      return fail("line {}: \"id\" is {}, which an earlier line has", number, parsed->id);
    }
    cases.push_back(*std::move(parsed));
  }
  if (cases.empty()) return fail("there are no cases");
  return cases;
}

Result<std::vector<SkillCase>> read_skill_suite(const std::string& path) {
  JEVONS_ASSIGN(const std::string text, read_file(path));
  auto cases = parse_skill_suite(text);
  if (!cases) return fail("{}: {}", path, cases.error().message);
  return cases;
}

Result<std::vector<SkillCase>> choose_cases(std::vector<SkillCase> cases,
                                            const std::vector<std::string>& skills, int n) {
  std::map<std::string, int> available;
  for (const SkillCase& one : cases) ++available[one.skill];
  std::string known;
  for (const auto& [skill, count] : available) known += (known.empty() ? "" : ", ") + skill;
  for (const std::string& skill : skills) {
    if (!available.contains(skill)) {
      return fail("there is no skill \"{}\"; the suite has {}", skill, known);
    }
  }
  std::erase_if(cases, [&](const SkillCase& one) {
    return !skills.empty() && std::find(skills.begin(), skills.end(), one.skill) == skills.end();
  });
  if (n <= 0 || static_cast<std::size_t>(n) >= cases.size()) return cases;
  // Round by round one more of each skill, until n are taken.
  std::map<std::string, int> seen;
  std::map<int, int> of_round;
  for (const SkillCase& one : cases) ++of_round[seen[one.skill]++];
  int last = 0;
  int before = 0;
  while (before + of_round[last] < n) before += of_round[last++];
  seen.clear();
  int n_of_last = n - before;
  std::erase_if(cases, [&](const SkillCase& one) {
    const int round = seen[one.skill]++;
    return round > last || (round == last && n_of_last-- <= 0);
  });
  return cases;
}

}  // namespace jevons
