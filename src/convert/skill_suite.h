// Cases that show what a model can do: a conversation, and what the next turn must be. Plain data;
// any thread.
//
// A suite is a file of JSON lines, one case each (docs/FORMATS.md, "Skill suites"):
//   {"id": "files-0007", "skill": "files", "request": {"messages": [...], "tools": [...]},
//    "wanted": {"calls": [{"name": "read", "arguments": {"path": "a.txt"}}]}}
// `request` is what a client of the OpenAI format would send. `wanted` has calls, or one of
//   "text": the answer, word for word        "any": [...] one of these texts, word for word
//   "words": ["a|b", "c"] all of these words or numbers stand in the answer, in either case; |
//            separates alternatives          "json": the answer is JSON of this value
// "taught": true marks what a model can only know that was trained on it; such cases count apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"

namespace jevons {

struct WantedCall {
  std::string name;
  std::string arguments;  // JSON text of an object
};

struct WantedAnswer {
  std::vector<std::string> texts;               // any of them, word for word
  std::vector<std::vector<std::string>> words;  // of each list one has to be there
  std::string json;                             // JSON text; empty: no JSON is wanted
};

struct SkillCase {
  std::string id, skill;
  bool is_taught = false;
  ChatRequest request;
  std::vector<WantedCall> calls;  // empty: an answer is wanted
  WantedAnswer answer;
};

/// Errors name the line and the member.
[[nodiscard]] Result<std::vector<SkillCase>> parse_skill_suite(std::string_view lines);

/// The same of a file; errors name it, too.
[[nodiscard]] Result<std::vector<SkillCase>> read_skill_suite(const std::string& path);

/// `n` cases, evenly of all skills and in the order of the suite; all of them for 0 or too large
/// an n. A name in `skills` that the suite does not have is an error; empty: all.
[[nodiscard]] Result<std::vector<SkillCase>> choose_cases(std::vector<SkillCase> cases,
                                                          const std::vector<std::string>& skills,
                                                          int n);

}  // namespace jevons
