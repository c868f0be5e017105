// A model that knows nothing: it writes any token that a constraint lets pass. What it writes shows
// what a constraint really holds.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "text/output_constraint.h"
#include "text/tokenizer.h"

namespace jevons {

class RandomModel {
 public:
  RandomModel(const Tokenizer& tokenizer, std::uint32_t seed)
      : tokenizer_(tokenizer), random_(seed) {}

  struct Answer {
    std::string text;
    std::vector<std::int32_t> ids;
    bool is_finished = false;  // false: too long,
    bool is_stuck = false;     // or no token was left
  };

  /// Writes until the end of the turn. After a while it prefers what closes something.
  Answer write(OutputConstraint& constraint, std::size_t max_tokens = 1500) {
    Answer answer;
    const std::size_t n_free = 1 + random_() % 80;
    mask_.assign((static_cast<std::size_t>(tokenizer_.n_tokens()) + 63) / 64, 0);
    while (answer.ids.size() < max_tokens) {
      constraint.fill_mask(mask_);
      const std::int32_t id = choose(answer.ids.size() >= n_free);
      if (id < 0 || !constraint.accept(id)) {
        answer.is_stuck = true;
        return answer;
      }
      answer.ids.push_back(id);
      if (id == tokenizer_.vocabulary().eos_id) {
        answer.is_finished = true;
        return answer;
      }
      answer.text += tokenizer_.token_bytes(id);
    }
    return answer;
  }

 private:
  [[nodiscard]] bool is_allowed(std::int32_t id) const {
    const auto bit = static_cast<std::uint32_t>(id);
    return (mask_[bit / 64] >> (bit % 64) & 1) != 0;
  }

  std::int32_t choose(bool wants_to_end) {
    allowed_.clear();
    closing_.clear();
    for (std::int32_t id = 0; id < tokenizer_.n_tokens(); ++id) {
      if (!is_allowed(id)) continue;
      allowed_.push_back(id);
      const std::string_view bytes = tokenizer_.token_bytes(id);
      const bool closes = bytes == "\"" || bytes == "}" || bytes == "]" || bytes == "</" ||
                          bytes == "<" || bytes == "/";
      if (closes) closing_.push_back(id);
    }
    const auto end = tokenizer_.vocabulary().eos_id;
    if (end && is_allowed(*end) && (wants_to_end || random_() % 4 == 0)) return *end;
    const std::vector<std::int32_t>& from =
        wants_to_end && !closing_.empty() && random_() % 8 != 0 ? closing_ : allowed_;
    return from.empty() ? -1 : from[random_() % from.size()];
  }

  const Tokenizer& tokenizer_;
  std::mt19937 random_;
  std::vector<std::uint64_t> mask_;
  std::vector<std::int32_t> allowed_, closing_;
};

/// The token of each single byte.
inline std::vector<std::int32_t> byte_tokens(const Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids(256, -1);
  for (std::int32_t id = tokenizer.n_tokens() - 1; id >= 0; --id) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    if (bytes.size() == 1) ids[static_cast<unsigned char>(bytes.front())] = id;
  }
  return ids;
}

/// Whether `text`, written in single bytes, is a whole answer.
inline bool accepts_bytes(OutputConstraint& constraint, const std::vector<std::int32_t>& bytes,
                          std::string_view text) {
  for (const char byte : text) {
    if (!constraint.accept(bytes[static_cast<unsigned char>(byte)])) return false;
  }
  return constraint.may_end();
}

}  // namespace jevons
