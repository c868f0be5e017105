#include "text/special_tokens.h"

#include <algorithm>

namespace jevons {
namespace {

std::uint64_t child_key(std::int32_t node, char byte) {
  return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
}

}  // namespace

SpecialTokenFinder::SpecialTokenFinder(const Vocabulary& vocabulary) : nodes_(1) {
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string_view text = vocabulary.tokens[id];
    const TokenKind kind = vocabulary.kinds[id];
    if (kind != TokenKind::kControl && kind != TokenKind::kUserDefined) continue;
    if (text.empty()) continue;
    begins_[static_cast<unsigned char>(text[0])] = true;
    std::int32_t node = 0;
    for (const char byte : text) {
      const auto [place, is_new] =
          children_.try_emplace(child_key(node, byte), static_cast<std::int32_t>(nodes_.size()));
      if (is_new) nodes_.emplace_back();
      node = place->second;
    }
    Node& last = nodes_[static_cast<std::size_t>(node)];
    if (last.id < 0) last = {static_cast<std::int32_t>(id), kind == TokenKind::kControl};
  }
}

std::int32_t SpecialTokenFinder::child(std::int32_t node, char byte) const {
  const auto place = children_.find(child_key(node, byte));
  return place == children_.end() ? -1 : place->second;
}

std::optional<SpecialTokenFinder::Found> SpecialTokenFinder::find(
    std::string_view text, std::size_t from, std::span<const TextRange> trusted) const {
  auto range = std::partition_point(trusted.begin(), trusted.end(),
                                    [&](const TextRange& r) { return r.end <= from; });
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!begins_[static_cast<unsigned char>(text[begin])]) continue;
    while (range != trusted.end() && range->end <= begin) ++range;
    const bool is_trusted = range != trusted.end() && range->begin <= begin;
    const std::size_t trusted_end = is_trusted ? range->end : 0;
    std::optional<Found> longest;
    std::int32_t node = 0;
    for (std::size_t end = begin; end < text.size();) {
      node = child(node, text[end++]);
      if (node < 0) break;
      const Node& here = nodes_[static_cast<std::size_t>(node)];
      if (here.id >= 0 && (!here.is_control || end <= trusted_end)) {
        longest = Found{{begin, end}, here.id};
      }
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

std::optional<std::int32_t> SpecialTokenFinder::find_exact(std::string_view text) const {
  std::int32_t node = 0;
  for (const char byte : text) {
    node = child(node, byte);
    if (node < 0) return std::nullopt;
  }
  const std::int32_t id = nodes_[static_cast<std::size_t>(node)].id;
  return id < 0 ? std::nullopt : std::optional(id);
}

}  // namespace jevons
