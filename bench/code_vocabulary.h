// A vocabulary of the size and make-up of M2's, without merges: words with and without a space
// before them, numbers, runs of punctuation and of white space as code has them, Chinese and
// Cyrillic, and the special tokens. Made from a seed.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "base/vocabulary.h"

namespace jevons {

class CodeVocabulary {
 public:
  explicit CodeVocabulary(std::size_t n_tokens) : random_(1), n_tokens_(n_tokens) {}

  Vocabulary make() {
    for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
    add_numbers();
    add_white_space();
    add_punctuation(12'000);
    add_foreign(0x4E00, 0x9FFF, 2, 45'000);
    add_foreign(0x430, 0x44F, 7, 18'000);
    add_words();
    finish();
    return std::move(vocabulary_);
  }

 private:
  static constexpr std::string_view kSpecials[] = {"]~!b[",
                                                   "]~b]",
                                                   "[e~[",
                                                   "<think>",
                                                   "</think>",
                                                   "<minimax:tool_call>",
                                                   "</minimax:tool_call>"};

  template <typename List>
  const auto& pick(const List& list) {
    return list[random_() % std::size(list)];
  }

  void add(std::string text) {
    if (vocabulary_.tokens.size() + std::size(kSpecials) >= n_tokens_) return;
    if (!known_.insert(text).second) return;
    vocabulary_.tokens.push_back(std::move(text));
    vocabulary_.kinds.push_back(TokenKind::kNormal);
  }

  void add_numbers() {
    for (int i = 0; i < 1000; ++i) {
      std::string digits = std::to_string(i);
      add(digits);
      while (digits.size() < 3) add(digits.insert(0, 1, '0'));
    }
  }

  void add_white_space() {
    for (std::size_t n = 1; n <= 96; ++n) {
      add(std::string(n, ' '));
      add(fmt::format("\n{}", std::string(n, ' ')));
      if (n <= 12) add(std::string(n, '\t'));
      if (n <= 12) add(fmt::format("\n{}", std::string(n, '\t')));
      if (n <= 12) add(std::string(n, '\n'));
    }
  }

  /// Frequent marks come together most often; a third begins with a space.
  void add_punctuation(std::size_t n) {
    static constexpr std::string_view kMarks[] = {"\"", "\"", "\"", ",", ",", ":", ":",  "{",  "}",
                                                  "[",  "]",  "(",  ")", ";", ".", "=",  "\\", "/",
                                                  "<",  ">",  "'",  "-", "_", "!", "?",  "*",  "&",
                                                  "|",  "+",  "#",  "$", "%", "@", "\n", " "};
    const std::size_t end = vocabulary_.tokens.size() + n / 2;
    while (vocabulary_.tokens.size() < end) {
      std::string text(random_() % 3 == 0 ? 1 : 0, ' ');
      const std::size_t length = 2 + random_() % 4;
      for (std::size_t i = 0; i < length; ++i) text += pick(kMarks);
      add(std::move(text));
    }
    while (vocabulary_.tokens.size() < end + n / 2) {
      add(std::string(pick(kMarks)) + word(1 + random_() % 2));
      add(word(1) + std::string(pick(kMarks)));
    }
  }

  void add_foreign(char32_t first, char32_t last, std::size_t longest, std::size_t n) {
    const std::size_t end = vocabulary_.tokens.size() + n;
    while (vocabulary_.tokens.size() < end) {
      std::string text(random_() % 4 == 0 ? 1 : 0, ' ');
      for (std::size_t i = 1 + random_() % longest; i > 0; --i) {
        utf8_append(text, first + static_cast<char32_t>(random_() % (last - first + 1)));
      }
      if (random_() % 20 == 0) text.pop_back();  // tokens end inside characters too
      add(std::move(text));
    }
  }

  std::string word(std::size_t n_syllables) {
    static constexpr std::string_view kOnsets[] = {"",  "b", "c",  "d",  "f",  "g",  "h",
                                                   "l", "m", "n",  "p",  "r",  "s",  "t",
                                                   "v", "w", "st", "tr", "pl", "ch", "pr"};
    static constexpr std::string_view kNuclei[] = {"a", "e", "i", "o", "u", "ea", "ou", "ai", "y"};
    static constexpr std::string_view kCodas[] = {"", "", "n", "r", "s", "t", "l", "ng", "st", "d"};
    std::string text;
    for (std::size_t i = 0; i < n_syllables; ++i) {
      text += pick(kOnsets);
      text += pick(kNuclei);
      text += pick(kCodas);
    }
    return text;
  }

  void add_words() {
    while (vocabulary_.tokens.size() + std::size(kSpecials) < n_tokens_) {
      std::string text = word(1 + random_() % 4);
      add(fmt::format(" {}", text));
      add(text);
      text[0] = static_cast<char>(text[0] - 'a' + 'A');
      add(text);
      if (random_() % 2 == 0) add(fmt::format(" {}", text));
    }
  }

  void finish() {
    for (const std::string_view text : kSpecials) {
      vocabulary_.tokens.emplace_back(text);
      const bool is_shown = text.starts_with('<');
      vocabulary_.kinds.push_back(is_shown ? TokenKind::kUserDefined : TokenKind::kControl);
      if (text == "[e~[") {
        vocabulary_.eos_id = static_cast<std::int32_t>(vocabulary_.tokens.size()) - 1;
      }
    }
    vocabulary_.pre_tokenizer = "minimax-m2";
  }

  std::mt19937 random_;
  std::size_t n_tokens_;
  Vocabulary vocabulary_;
  std::unordered_set<std::string> known_;
};

}  // namespace jevons
