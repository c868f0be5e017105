#include "convert/synth_vocabulary.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/check.h"
#include "convert/random_numbers.h"

namespace jevons {
namespace {

constexpr std::string_view kSpecialTokens[] = {
    "]!p~[",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<reponame>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<empty_output>",
    "<commit_before>",
    "<commit_msg>",
    "<commit_after>",
    "]~b]",
    "[e~[",
    "]!d~[",
    "<function_call>",
    "<code_interpreter>",
    "]<]speech[>[",
    "]<]image[>[",
    "]<]video[>[",
    "]<]start of speech[>[",
    "]<]end of speech[>[",
    "]<]start of image[>[",
    "]<]end of image[>[",
    "]<]start of video[>[",
    "]<]end of video[>[",
    "]<]vision pad[>[",
    "]~!b[",
    "<jupyter_error>",
    "<add_file>",
    "<delete_file>",
    "<rename_file>",
    "<edit_file>",
    "<commit_message>",
    "<empty_source_file>",
    "<repo_struct>",
    "<code_context>",
    "<file_content>",
    "<source_files>",
    "<pr_start>",
    "<review_comment>",
    "<filepath>",
    "<file_sep>",
    "<think>",
    "</think>",
    "<minimax:tool_call>",
    "</minimax:tool_call>",
};
constexpr int kSpecials = static_cast<int>(std::size(kSpecialTokens));
static_assert(kSpecials == 54);
constexpr int kShown = 4;  // user-defined ones, at the end of the table

// Places in the table above.
constexpr std::int32_t kPadding = 4, kEndOfTurn = 20, kUnknown = 21, kBeginOfText = 34;

constexpr int kBytes = 256;
constexpr int kUnusedTokens = 10;
constexpr int kMaxTokens = 1'000'000;

/// Grows tokens level by level: letters to syllables, syllables to words, words to compounds. At
/// each level only a part of one class is ever merged with a following part of another class, so
/// no two merges compete for a part, and byte-pair encoding of a token's bytes arrives at it.
class MergeMaker {
 public:
  MergeMaker(Vocabulary& vocabulary, std::uint64_t seed, int n_merges)
      : vocabulary_(vocabulary),
        random_(seed, "vocabulary", 0),
        n_tokens_(vocabulary.tokens.size() + static_cast<std::size_t>(n_merges)) {}

  void make() {
    std::vector<std::int32_t> first_syllables;   // only these begin a word,
    std::vector<std::int32_t> second_syllables;  // and only these end it
    add_syllables(bytes_of("bcdfghjklmnpqrstvwxz"), bytes_of("aeiouy"), first_syllables,
                  second_syllables);
    if (n_tokens_ >= 2000) {
      const auto consonants = add_cyrillic({0xb1, 0xb2, 0xb3, 0xb4, 0xb7, 0xba, 0xbb, 0xbc, 0xbd});
      const auto vowels = add_cyrillic({0xb0, 0xb5, 0xb8, 0xbe});
      add_syllables(consonants, vowels, first_syllables, second_syllables);
    }
    add_words(all_pairs(first_syllables, second_syllables));
    add_compounds();
  }

 private:
  using Ids = std::vector<std::int32_t>;
  using Pairs = std::vector<std::pair<std::int32_t, std::int32_t>>;

  [[nodiscard]] bool full() const { return vocabulary_.tokens.size() >= n_tokens_; }

  /// The id of the merged token, or -1 if the vocabulary is full.
  std::int32_t add(std::int32_t left, std::int32_t right) {
    if (full()) return -1;
    const auto id = static_cast<std::int32_t>(vocabulary_.tokens.size());
    vocabulary_.tokens.push_back(vocabulary_.tokens[static_cast<std::size_t>(left)] +
                                 vocabulary_.tokens[static_cast<std::size_t>(right)]);
    vocabulary_.kinds.push_back(TokenKind::kNormal);
    vocabulary_.merges.push_back({left, right, id});
    return id;
  }

  static Ids bytes_of(std::string_view letters) { return {letters.begin(), letters.end()}; }

  /// Letters of two bytes each, so that tokens begin and end inside characters too.
  Ids add_cyrillic(const Ids& second_bytes) {
    Ids letters;
    for (const std::int32_t byte : second_bytes) letters.push_back(add(0xd0, byte));
    return letters;
  }

  Pairs all_pairs(const Ids& lefts, const Ids& rights) {
    Pairs pairs;
    for (const std::int32_t left : lefts) {
      for (const std::int32_t right : rights) pairs.emplace_back(left, right);
    }
    for (std::size_t i = pairs.size(); i > 1; --i) {
      std::swap(pairs[i - 1], pairs[random_.below(static_cast<std::uint32_t>(i))]);
    }
    return pairs;
  }

  void add_syllables(const Ids& consonants, const Ids& vowels, Ids& firsts, Ids& seconds) {
    for (const auto& [consonant, vowel] : all_pairs(consonants, vowels)) {
      const std::int32_t syllable = add(consonant, vowel);
      if (syllable < 0) return;
      (consonant % 2 == 0 ? firsts : seconds).push_back(syllable);
    }
  }

  /// Each word alone and with a space before it.
  void add_words(const Pairs& pairs) {
    bool is_first = false;
    for (const auto& [left, right] : pairs) {
      const std::int32_t word = add(left, right);
      const std::int32_t spaced = word < 0 ? -1 : add(' ', word);
      if (spaced < 0) return;
      is_first = !is_first;
      if (is_first) {
        first_words_.push_back(word);
        spaced_first_words_.push_back(spaced);
      } else {
        second_words_.push_back(word);
      }
    }
  }

  void add_compounds() {
    const std::size_t n_firsts = first_words_.size();
    const std::size_t n_seconds = second_words_.size();
    for (std::size_t i = 0; i < n_firsts * n_seconds && !full(); ++i) {
      const std::size_t first = i % n_firsts;
      const std::int32_t second = second_words_[(i / n_firsts + first) % n_seconds];
      add(first_words_[first], second);
      if (!full()) add(spaced_first_words_[first], second);
    }
  }

  Vocabulary& vocabulary_;
  RandomNumbers random_;
  std::size_t n_tokens_;  // how far to go
  Ids first_words_, spaced_first_words_, second_words_;
};

}  // namespace

std::span<const std::string_view> m2_special_tokens() { return kSpecialTokens; }

Result<Vocabulary> make_synth_vocabulary(int n_tokens, std::uint64_t seed,
                                         const std::string& chat_template) {
  if (n_tokens < kBytes + kSpecials || n_tokens > kMaxTokens) {
    return fail("the vocabulary size is {}, must be {} to {}", n_tokens, kBytes + kSpecials,
                kMaxTokens);
  }
  const int n_unused = std::min(kUnusedTokens, n_tokens - kBytes - kSpecials);
  const std::int32_t first_special = n_tokens - n_unused - kSpecials;
  Vocabulary vocabulary;
  vocabulary.tokens.reserve(static_cast<std::size_t>(n_tokens));
  for (int byte = 0; byte < kBytes; ++byte) {
    vocabulary.tokens.emplace_back(1, static_cast<char>(byte));
    vocabulary.kinds.push_back(TokenKind::kNormal);
  }
  MergeMaker(vocabulary, seed, first_special - kBytes).make();
  JEVONS_CHECK(vocabulary.tokens.size() == static_cast<std::size_t>(first_special));
  for (int i = 0; i < kSpecials; ++i) {
    vocabulary.tokens.emplace_back(kSpecialTokens[i]);
    vocabulary.kinds.push_back(i < kSpecials - kShown ? TokenKind::kControl
                                                      : TokenKind::kUserDefined);
  }
  for (int id = n_tokens - n_unused; id < n_tokens; ++id) {
    vocabulary.tokens.push_back(fmt::format("[PAD{}]", id));
    vocabulary.kinds.push_back(TokenKind::kUnused);
  }
  vocabulary.pre_tokenizer = "minimax-m2";
  vocabulary.bos_id = first_special + kBeginOfText;
  vocabulary.eos_id = first_special + kEndOfTurn;
  vocabulary.unknown_id = first_special + kUnknown;
  vocabulary.padding_id = first_special + kPadding;
  vocabulary.chat_template = chat_template;
  vocabulary.sampling = {.temperature = 1.0f, .top_p = 0.95f, .top_k = 40};
  return vocabulary;
}

}  // namespace jevons
