// The word that was probably meant. Pure; any thread.
#pragma once

#include <string_view>
#include <vector>

namespace jevons {

/// The nearest of `words` if it is at most two edits away (one for short ones), else empty.
[[nodiscard]] std::string_view similar_word(std::string_view word,
                                            const std::vector<std::string_view>& words);

}  // namespace jevons
