// Recognising the tags of the M2 format at the start of text that may still be arriving.
//
// A function of this file says yes or no only if no further text could change it; with all text
// there (`at_end`) it always decides. That makes the parser independent of how the stream is cut.
// Lengths are bounded, so that little is ever held back.
#pragma once

#include <cstddef>
#include <string_view>

namespace jevons {

enum class Match { kNo, kNeedMore, kYes };

struct TagMatch {
  Match match = Match::kNo;
  std::size_t length = 0;  // bytes of the tag
  std::string_view name;   // of a named tag; points into the text
};

inline constexpr std::size_t kMaxGapBytes = 256;   // of whitespace between two tags
inline constexpr std::size_t kMaxNameBytes = 512;  // of a tool or parameter

[[nodiscard]] bool is_space(char c);

/// Length of the whitespace at the start of `text`.
[[nodiscard]] std::size_t leading_space(std::string_view text);

/// `text` begins with `literal`.
[[nodiscard]] TagMatch match_literal(std::string_view text, std::string_view literal, bool at_end);

/// `text` begins with `opening` (such as "<invoke"), then name="N">, with " or ' or no quotes and
/// spaces where XML allows them. N ends at the first quote that > follows.
[[nodiscard]] TagMatch match_named_tag(std::string_view text, std::string_view opening,
                                       bool at_end);

/// `text` begins with <minimax:tool_call> and a complete <invoke> tag. `length` is that of the
/// marker alone.
[[nodiscard]] TagMatch match_block_begin(std::string_view text, bool at_end);

}  // namespace jevons
