// Whether a turn is what a case of a skill suite wants, and the sums over many. Pure; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "convert/skill_suite.h"
#include "text/chat.h"

namespace jevons {

/// A turn as the output parser understood it.
struct SkillTurn {
  Message message;                    // text, reasoning, calls
  std::vector<std::string> warnings;  // what in it was not as the format has it
  bool closed_reasoning = false;
  bool ended = false;         // by itself, not because the tokens ran out
  bool has_cut_call = false;  // it ended inside a call
  int n_reasoning_tokens = 0;
};

struct SkillVerdict {
  bool ended = false;         // reasoning closed and turn ended
  bool is_clean = false;      // no marker of the chat format where it does not belong
  bool has_calls = false;     // at least one, perhaps not whole
  bool format_valid = false;  // of tools on offer, whole, arguments as their schemas say
  bool wants_calls = false;   // what follows up to right_arguments is judged only then
  bool right_tools = false;   // the same tools as often as wanted, in any order
  int n_arguments = 0;        // wanted, of all calls
  int n_right_arguments = 0;  // of them
  bool right = false;         // the whole turn: the calls with exactly their arguments, or
                              // the answer; ended and clean
};

/// Arguments are compared as JSON values; strings without their white space, so that 2+3 is 2 + 3.
/// A call more or an argument more than wanted is wrong.
[[nodiscard]] SkillVerdict judge(const SkillCase& wanted, const SkillTurn& turn);

struct Share {
  int n_right = 0;
  int n = 0;

  void count(bool right) {
    ++n;
    n_right += right ? 1 : 0;
  }
  [[nodiscard]] double value() const { return n == 0 ? 0 : static_cast<double>(n_right) / n; }
  /// Wilson's interval of 95 %: between 0 and 1, also for a share of 0 or 1.
  struct Interval {
    double low, high;
  };
  [[nodiscard]] Interval interval() const;
};

struct SkillScore {
  Share ended, clean;
  Share called;        // of turns in which calls are wanted: there are some
  Share format_valid;  // of turns with calls, wanted or not
  Share right_tools, arguments, right_calls;
  Share silent;  // of turns in which an answer is wanted: there is no call
  Share right_answers;
  Share taught;                         // turns of cases that are marked so; not in those below
  std::map<std::string, Share> skills;  // right turns
  std::vector<int> reasoning_tokens;    // of each turn, in order

  void add(const SkillCase& wanted, const SkillTurn& turn, const SkillVerdict& verdict);
};

}  // namespace jevons
