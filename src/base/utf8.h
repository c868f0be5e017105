// UTF-8 as the Unicode standard defines it (table 3-7): no surrogates, no overlong forms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jevons {

/// Length of the longest prefix of `text` that can be shown now: it ends at a character border.
/// Bytes that can never become valid count as complete (they are shown as U+FFFD later); only a
/// character that is still on its way is held back, at most three bytes.
[[nodiscard]] std::size_t utf8_complete_prefix(std::string_view text);

/// Length in bytes (1 to 4) of the valid character at the start of `text`, 0 if there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text);

[[nodiscard]] bool utf8_is_valid(std::string_view text);

/// Every maximal invalid part replaced by U+FFFD, as browsers do it.
[[nodiscard]] std::string utf8_sanitize(std::string_view text);

/// Appends `code_point` (a Unicode scalar value) in UTF-8.
void utf8_append(std::string& text, char32_t code_point);

}  // namespace jevons
