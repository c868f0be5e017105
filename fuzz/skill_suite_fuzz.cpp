// Any text as a skill suite: an error that names the line, or cases that can be judged, on which
// the wanted calls themselves are right.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "convert/skill_score.h"
#include "convert/skill_suite.h"
#include "text/output_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jevons;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cases = parse_skill_suite(text);
  if (!cases) {
    JEVONS_CHECK(cases.error().message.starts_with("line ") ||
                 cases.error().message == "there are no cases");
    return 0;
  }
  SkillScore score;
  for (const SkillCase& one : *cases) {
    SkillTurn turn;
    turn.message = new_assistant_message();
    turn.closed_reasoning = turn.ended = true;
    for (const WantedCall& call : one.calls) {
      turn.message.tool_calls.push_back({"id", call.name, call.arguments});
    }
    std::string answer = one.answer.json;
    if (!one.answer.texts.empty()) answer = one.answer.texts.front();
    for (const auto& words : one.answer.words) answer += " " + words.back() + "; " + words.front();
    if (one.calls.empty()) turn.message.content = answer;
    const SkillVerdict verdict = judge(one, turn);
    if (verdict.wants_calls) JEVONS_CHECK(verdict.right_tools);
    JEVONS_CHECK(verdict.n_right_arguments == verdict.n_arguments || !verdict.wants_calls);
    score.add(one, turn, verdict);
  }
  JEVONS_CHECK(score.ended.n == static_cast<int>(cases->size()));
  JEVONS_CHECK(choose_cases(*cases, {}, 1).value().size() == 1);
  return 0;
}
