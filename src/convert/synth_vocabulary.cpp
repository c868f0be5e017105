#include "convert/synth_vocabulary.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

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
constexpr std::size_t kMaxTokenBytes = 14;

/// Grows tokens by merging two that exist, and keeps a merge only if byte-pair encoding really
/// arrives at it: the merged bytes must encode to exactly the two parts.
class MergeMaker {
 public:
  MergeMaker(Vocabulary& vocabulary, std::uint64_t seed)
      : vocabulary_(vocabulary), random_(seed, "vocabulary", 0) {
    for (char c = 'a'; c <= 'z'; ++c) add_word(static_cast<unsigned char>(c));
    for (char c = 'A'; c <= 'Z'; ++c) starts_.push_back(static_cast<unsigned char>(c));
    starts_.push_back(' ');
  }

  void make(int n_merges) {
    const std::size_t target = vocabulary_.merges.size() + static_cast<std::size_t>(n_merges);
    if (n_merges >= 1000) add_cyrillic_letters();
    while (vocabulary_.merges.size() < target) try_one();
  }

 private:
  void add_word(std::int32_t id) {
    starts_.push_back(id);
    continuations_.push_back(id);
  }

  const std::string& bytes(std::int32_t id) const {
    return vocabulary_.tokens[static_cast<std::size_t>(id)];
  }

  void add(std::int32_t left, std::int32_t right) {
    const auto result = static_cast<std::int32_t>(vocabulary_.tokens.size());
    const auto rank = static_cast<std::int32_t>(vocabulary_.merges.size());
    vocabulary_.tokens.push_back(bytes(left) + bytes(right));
    vocabulary_.kinds.push_back(TokenKind::kNormal);
    vocabulary_.merges.push_back({left, right, result});
    known_.insert(vocabulary_.tokens.back());
    ranks_.emplace(pair_key(left, right), rank);
  }

  /// Two-byte letters, so that tokens end inside and at the border of characters.
  void add_cyrillic_letters() {
    for (int c = 0xb0; c <= 0xbf; ++c) {
      add(0xd0, c);
      add_word(static_cast<std::int32_t>(vocabulary_.tokens.size()) - 1);
    }
  }

  void try_one() {
    const std::int32_t left = starts_[random_.below(static_cast<std::uint32_t>(starts_.size()))];
    const std::int32_t right =
        continuations_[random_.below(static_cast<std::uint32_t>(continuations_.size()))];
    const std::string whole = bytes(left) + bytes(right);
    if (whole.size() > kMaxTokenBytes || known_.contains(whole)) return;
    if (!encodes_to(whole, left, right)) return;
    add(left, right);
    const auto id = static_cast<std::int32_t>(vocabulary_.tokens.size()) - 1;
    starts_.push_back(id);
    const auto first = static_cast<unsigned char>(whole[0]);
    if (first != ' ' && !(first >= 'A' && first <= 'Z')) continuations_.push_back(id);
  }

  bool encodes_to(const std::string& text, std::int32_t left, std::int32_t right) {
    pieces_.clear();
    for (const char c : text) pieces_.push_back(static_cast<unsigned char>(c));
    while (true) {
      std::int32_t best = INT32_MAX;
      std::size_t place = 0;
      for (std::size_t i = 0; i + 1 < pieces_.size(); ++i) {
        const auto found = ranks_.find(pair_key(pieces_[i], pieces_[i + 1]));
        if (found != ranks_.end() && found->second < best) {
          best = found->second;
          place = i;
        }
      }
      if (best == INT32_MAX) break;
      pieces_[place] = kBytes + best;
      pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
    return pieces_.size() == 2 && pieces_[0] == left && pieces_[1] == right;
  }

  static std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }

  Vocabulary& vocabulary_;
  RandomNumbers random_;
  std::vector<std::int32_t> starts_, continuations_;
  std::unordered_set<std::string> known_;
  std::unordered_map<std::uint64_t, std::int32_t> ranks_;
  std::vector<std::int32_t> pieces_;
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
  MergeMaker(vocabulary, seed).make(first_special - kBytes);
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
