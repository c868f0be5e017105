#include "text/constraint/vocabulary_trie.h"

#include <algorithm>
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

}  // namespace

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer) {
  n_tokens_ = static_cast<std::size_t>(tokenizer.n_tokens());
  n_words_ = (n_tokens_ + 63) / 64;
  std::array<bool, 256> is_token{};
  for (std::int32_t id = 0; id < tokenizer.n_tokens(); ++id) {
    if (!is_ordinary(tokenizer, id)) continue;
    token_ids_.push_back(id);
    const std::string_view bytes = tokenizer.token_bytes(id);
    longest_ = std::max(longest_, bytes.size());
    if (bytes.size() == 1) is_token[static_cast<unsigned char>(bytes.front())] = true;
  }
  has_all_bytes_ = std::all_of(is_token.begin(), is_token.end(), [](bool is) { return is; });
  std::stable_sort(token_ids_.begin(), token_ids_.end(), [&](std::int32_t a, std::int32_t b) {
    return tokenizer.token_bytes(a) < tokenizer.token_bytes(b);
  });

  const auto open_node = [&](std::uint8_t byte, std::size_t depth, std::size_t first_token) {
    bytes_.push_back(byte);
    depths_.push_back(static_cast<std::uint16_t>(depth));
    ends_.push_back(0);
    first_tokens_.push_back(static_cast<std::uint32_t>(first_token));
    return static_cast<Node>(bytes_.size() - 1);
  };
  std::vector<Node> path = {open_node(0, 0, 0)};  // from the root to the last token's node
  const auto close_below = [&](std::size_t depth) {
    while (path.size() > depth + 1) {
      ends_[path.back()] = static_cast<Node>(bytes_.size());
      path.pop_back();
    }
  };
  std::string_view last;
  for (std::size_t i = 0; i < token_ids_.size(); ++i) {
    const std::string_view bytes = tokenizer.token_bytes(token_ids_[i]);
    const std::size_t n_shared = common_prefix(last, bytes);
    close_below(n_shared);
    for (std::size_t at = n_shared; at < bytes.size(); ++at) {
      path.push_back(open_node(static_cast<std::uint8_t>(bytes[at]), at + 1, i));
    }
    last = bytes;
  }
  close_below(0);
  ends_[kRoot] = static_cast<Node>(bytes_.size());
  first_tokens_.push_back(static_cast<std::uint32_t>(token_ids_.size()));
}

}  // namespace jevons
