#include "text/constraint/vocabulary_trie.h"

#include <algorithm>
#include <compare>
#include <string_view>

namespace jevons {
namespace {

constexpr std::size_t kMaxTokenBytes = 1024;  // longer ones are never needed

bool is_ordinary(const Tokenizer& tokenizer, std::int32_t id) {
  const TokenKind kind = tokenizer.kind(id);
  const std::size_t length = tokenizer.token_bytes(id).size();
  return (kind == TokenKind::kNormal || kind == TokenKind::kByte) && length > 0 &&
         length <= kMaxTokenBytes;
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(in_a - a.begin());
}

/// The first eight bytes as a number: most comparisons need no more.
std::uint64_t sort_key(std::string_view bytes) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    key = key << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
  }
  return key;
}

struct Ordinary {
  std::uint64_t key;
  std::string_view bytes;
  std::int32_t id;
  auto operator<=>(const Ordinary&) const = default;
};

}  // namespace

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer) {
  n_tokens_ = static_cast<std::size_t>(tokenizer.n_tokens());
  n_words_ = (n_tokens_ + 63) / 64;
  std::vector<Ordinary> tokens;
  for (std::int32_t id = 0; id < tokenizer.n_tokens(); ++id) {
    if (!is_ordinary(tokenizer, id)) continue;
    const std::string_view bytes = tokenizer.token_bytes(id);
    tokens.push_back({sort_key(bytes), bytes, id});
    longest_ = std::max(longest_, bytes.size());
  }
  std::sort(tokens.begin(), tokens.end());

  nodes_.push_back({0, 0, 0, 0});
  std::vector<Node> path = {kRoot};  // from the root to the last token's node
  const auto close_below = [&](std::size_t depth) {
    for (; path.size() > depth + 1; path.pop_back()) {
      nodes_[path.back()].end = static_cast<Node>(nodes_.size());
    }
  };
  std::string_view last;
  for (const Ordinary& token : tokens) {
    const std::size_t n_shared = common_prefix(last, token.bytes);
    close_below(n_shared);
    for (std::size_t at = n_shared; at < token.bytes.size(); ++at) {
      path.push_back(static_cast<Node>(nodes_.size()));
      nodes_.push_back({0, static_cast<std::uint32_t>(token_ids_.size()),
                        static_cast<std::uint16_t>(at + 1),
                        static_cast<std::uint8_t>(token.bytes[at])});
    }
    token_ids_.push_back(token.id);
    last = token.bytes;
  }
  close_below(0);
  nodes_[kRoot].end = static_cast<Node>(nodes_.size());
  nodes_.push_back({nodes_[kRoot].end, static_cast<std::uint32_t>(token_ids_.size()), 0, 0});
}

}  // namespace jevons
