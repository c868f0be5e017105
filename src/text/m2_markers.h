// The marker strings of the M2 chat format, in one place for the prompt, the output parser and
// their tests. The first group are single tokens of the vocabulary, the second ordinary text.
#pragma once

#include <string_view>

namespace jevons {

inline constexpr std::string_view kBeginOfText = "]~!b[";
inline constexpr std::string_view kRoleMarker = "]~b]";
inline constexpr std::string_view kEndOfTurn = "[e~[";
inline constexpr std::string_view kThinkBegin = "<think>";
inline constexpr std::string_view kThinkEnd = "</think>";
inline constexpr std::string_view kToolCallBlockBegin = "<minimax:tool_call>";
inline constexpr std::string_view kToolCallBlockEnd = "</minimax:tool_call>";

inline constexpr std::string_view kInvokeBegin = "<invoke";
inline constexpr std::string_view kInvokeEnd = "</invoke>";
inline constexpr std::string_view kParameterBegin = "<parameter";
inline constexpr std::string_view kParameterEnd = "</parameter>";

}  // namespace jevons
