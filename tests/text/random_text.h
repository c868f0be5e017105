// Vocabularies and texts by seed, for the tests of the tokenizer.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "base/vocabulary.h"

namespace jevons {

class RandomText {
 public:
  explicit RandomText(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t n) { return engine_() % n; }

  template <typename List>
  const auto& pick(const List& list) {
    return list[below(std::size(list))];
  }

  std::string bytes(std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text.push_back(static_cast<char>(below(256)));
    return text;
  }

  /// Mostly valid text of parts that meet in odd ways, with a few broken bytes.
  std::string mixed(std::size_t n_parts) {
    static const std::string kParts[] = {
        "a",    "b",        "ab",         "the",      " ",      "  ",     "\n",     "\r\n",
        "\t",   "1",        "234",        "'s",       "'LL",    "\u00e9", "\u0301", "!",
        "/",    "\u4e2d",   "\U0001F600", "\u200d",   "\u00a0", "\u3000", "A",      "\xff",
        "\xe2", "\xf0\x9f", "<think>",    "</think>", "]~b]",   "[e~[",   "]~",     "<thi",
        "[",    "nk>",      "\u0660",     "\u01c5",   "<think", "]",      "~b]",    "b]"};
    std::string text;
    for (std::size_t i = 0; i < n_parts; ++i) text += pick(kParts);
    return text;
  }

  /// Words over few letters, so that merges meet often.
  std::string letters(std::size_t n, std::string_view alphabet) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text.push_back(alphabet[below(alphabet.size())]);
    return text;
  }

 private:
  std::mt19937 engine_;
};

inline Vocabulary byte_vocabulary() {
  Vocabulary vocabulary;
  for (int byte = 0; byte < 256; ++byte) vocabulary.tokens.emplace_back(1, static_cast<char>(byte));
  vocabulary.kinds.assign(256, TokenKind::kNormal);
  vocabulary.pre_tokenizer = "minimax-m2";
  return vocabulary;
}

inline std::int32_t add_token(Vocabulary& vocabulary, std::string bytes, TokenKind kind) {
  vocabulary.tokens.push_back(std::move(bytes));
  vocabulary.kinds.push_back(kind);
  return static_cast<std::int32_t>(vocabulary.tokens.size()) - 1;
}

/// Merges of tokens over `alphabet` in an order that has nothing to do with their making: some can
/// never happen, some lead to the same token, some lead to another than the one with these bytes.
inline Vocabulary random_vocabulary(RandomText& random, std::size_t n_merges,
                                    std::string_view alphabet) {
  Vocabulary vocabulary = byte_vocabulary();
  std::vector<std::int32_t> parts;
  std::map<std::string, std::int32_t> known;
  for (const char c : alphabet) parts.push_back(static_cast<unsigned char>(c));
  std::map<std::pair<std::int32_t, std::int32_t>, bool> taken;
  for (std::size_t i = 0; i < n_merges; ++i) {
    const std::int32_t left = random.pick(parts);
    const std::int32_t right = random.pick(parts);
    if (!taken.emplace(std::pair(left, right), true).second) continue;
    std::string whole = vocabulary.tokens[static_cast<std::size_t>(left)] +
                        vocabulary.tokens[static_cast<std::size_t>(right)];
    if (whole.size() > 40) continue;
    const auto [place, is_new] = known.try_emplace(whole, 0);
    if (is_new) {
      place->second = add_token(vocabulary, whole, TokenKind::kNormal);
      parts.push_back(place->second);
    }
    const auto at = static_cast<std::ptrdiff_t>(random.below(vocabulary.merges.size() + 1));
    vocabulary.merges.insert(vocabulary.merges.begin() + at, {left, right, place->second});
  }
  return vocabulary;
}

/// The same with M2's kinds of special tokens.
inline Vocabulary random_vocabulary_with_specials(RandomText& random) {
  Vocabulary vocabulary = random_vocabulary(random, 200, "abthe \n\xe2\x80\xf0\x9f<>");
  for (const char* text : {"]~b]", "[e~[", "]~!b[", "]~b]]"}) {
    add_token(vocabulary, text, TokenKind::kControl);
  }
  for (const char* text : {"<think>", "</think>"}) {
    add_token(vocabulary, text, TokenKind::kUserDefined);
  }
  add_token(vocabulary, "ab", TokenKind::kUnused);
  return vocabulary;
}

}  // namespace jevons
