// A made-up vocabulary that obeys every rule of a real M2 one: bytes at ids 0 to 255, merge i makes
// token 256 + i, each token is what its own bytes encode to, the special tokens of M2 and unused
// padding at the end. Any thread may call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/vocabulary.h"

namespace jevons {

/// The 54 special tokens of M2 in the order of their ids; the last four are shown to the user, the
/// others are control tokens. In the released models the first has id 200000.
[[nodiscard]] std::span<const std::string_view> m2_special_tokens();

/// The same for the same arguments on any machine. An error if `n_tokens` is under 310, the bytes
/// and the special tokens, or over a million.
[[nodiscard]] Result<Vocabulary> make_synth_vocabulary(int n_tokens, std::uint64_t seed,
                                                       const std::string& chat_template);

}  // namespace jevons
