// The regular expressions of JSON schema (ECMA-262 without flags, as far as they are regular) as a
// syntax tree. Meanings are ECMA's: \d and \w are ASCII, `.` is anything but a line end, the search
// may match anywhere unless ^ and $ say otherwise.
//
// Not supported, each an error that names it: lookaround, back references, \b, \B, \p.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/constraint/code_point_set.h"

namespace jevons {

struct RegexNode {
  enum class Kind {
    kSet,        // one character of `set`
    kSequence,   // the children one after the other; none: the empty text
    kChoice,     // one of the children
    kRepeat,     // the only child, min to max times
    kTextBegin,  // ^
    kTextEnd,    // $
  };
  static constexpr int kNoLimit = -1;

  Kind kind = Kind::kSequence;
  CodePointSet set{};
  std::vector<RegexNode> children{};
  int min = 0, max = kNoLimit;
};

/// `pattern` is UTF-8.
[[nodiscard]] Result<RegexNode> parse_regex(std::string_view pattern);

}  // namespace jevons
