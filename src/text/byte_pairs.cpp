#include "text/byte_pairs.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>

#include "base/check.h"

namespace jevons {
namespace {

constexpr std::int32_t kNoRank = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
// Up to here scanning all pairs for the lowest rank beats keeping them in a heap.
constexpr std::size_t kShortPiece = 48;

constexpr std::uint64_t kHashFactor = 0x9E3779B97F4A7C15;  // 2^64 over the golden ratio

std::uint64_t mix(std::uint64_t value) {
  value *= kHashFactor;
  return value ^ (value >> 32);
}

std::uint64_t hash_bytes(std::string_view bytes) {
  std::uint64_t hash = bytes.size();
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = mix(hash ^ word);
    bytes.remove_prefix(8);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  return mix(mix(hash ^ word));
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
}

std::uint64_t heap_entry(std::int32_t rank, std::uint32_t place) {
  return static_cast<std::uint64_t>(rank) << 32 | place;
}

bool takes_part(TokenKind kind) { return kind == TokenKind::kNormal || kind == TokenKind::kByte; }

std::size_t table_size(std::size_t n_entries) {
  return std::bit_ceil(std::max<std::size_t>(2 * n_entries, 16));
}

}  // namespace

Result<BytePairs> BytePairs::create(const Vocabulary& vocabulary) {
  if (vocabulary.kinds.size() != vocabulary.tokens.size()) {
    return fail("the vocabulary has {} tokens and {} kinds", vocabulary.tokens.size(),
                vocabulary.kinds.size());
  }
  if (vocabulary.tokens.size() > static_cast<std::size_t>(kNoRank) ||
      vocabulary.merges.size() > static_cast<std::size_t>(kNoRank)) {
    return fail("the vocabulary has {} tokens and {} merges, too many", vocabulary.tokens.size(),
                vocabulary.merges.size());
  }
  BytePairs result;
  JEVONS_TRY(result.add_bytes(vocabulary));
  JEVONS_TRY(result.add_merges(vocabulary));
  result.add_whole_tokens(vocabulary);
  return result;
}

Result<void> BytePairs::add_bytes(const Vocabulary& vocabulary) {
  byte_ids_.fill(-1);
  for (const TokenKind kind : {TokenKind::kNormal, TokenKind::kByte}) {
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
      if (vocabulary.kinds[id] != kind || vocabulary.tokens[id].size() != 1) continue;
      std::int32_t& place = byte_ids_[static_cast<unsigned char>(vocabulary.tokens[id][0])];
      if (place < 0) place = static_cast<std::int32_t>(id);
    }
  }
  const auto missing = std::find(byte_ids_.begin(), byte_ids_.end(), -1);
  if (missing == byte_ids_.end()) return {};
  return fail("the vocabulary has no token for the byte {:#04x}; all 256 are needed",
              missing - byte_ids_.begin());
}

Result<void> BytePairs::add_merges(const Vocabulary& vocabulary) {
  const auto n_tokens = static_cast<std::int64_t>(vocabulary.tokens.size());
  pairs_.resize(table_size(vocabulary.merges.size()));
  for (std::size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const Vocabulary::Merge& merge = vocabulary.merges[rank];
    for (const std::int32_t id : {merge.left, merge.right, merge.result}) {
      if (id < 0 || id >= n_tokens) {
        return fail("merge {} names token {}, but there are {} tokens", rank, id, n_tokens);
      }
      if (!takes_part(vocabulary.kinds[static_cast<std::size_t>(id)])) {
        return fail("merge {} names token {}, which is a special token", rank, id);
      }
    }
    const auto bytes = [&](std::int32_t id) -> std::string_view {
      return vocabulary.tokens[static_cast<std::size_t>(id)];
    };
    const std::string_view whole = bytes(merge.result);
    if (!whole.starts_with(bytes(merge.left)) ||
        whole.substr(bytes(merge.left).size()) != bytes(merge.right)) {
      return fail("merge {} joins tokens {} and {}, which does not give token {}", rank, merge.left,
                  merge.right, merge.result);
    }
    PairSlot& slot = pairs_[pair_place(merge.left, merge.right)];
    if (slot.rank >= 0) {
      return fail("merges {} and {} are the same: tokens {} and {}", slot.rank, rank, merge.left,
                  merge.right);
    }
    slot = {pair_key(merge.left, merge.right), static_cast<std::int32_t>(rank), merge.result};
  }
  return {};
}

/// A token whose merges do not lead to it must not be found by its bytes, or looking a piece up
/// would give another answer than merging it.
void BytePairs::add_whole_tokens(const Vocabulary& vocabulary) {
  std::size_t n_tokens = 0, n_bytes = 0;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!takes_part(vocabulary.kinds[id])) continue;
    ++n_tokens;
    n_bytes += vocabulary.tokens[id].size();
  }
  if (n_bytes > kNowhere) return;  // all pieces are merged then
  tokens_.resize(table_size(n_tokens));
  token_bytes_.reserve(n_bytes);
  Scratch scratch;
  std::vector<std::int32_t> ids;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& bytes = vocabulary.tokens[id];
    if (!takes_part(vocabulary.kinds[id]) || bytes.empty()) continue;
    ids.clear();
    merge(bytes, scratch, ids);
    if (ids.size() != 1 || ids[0] != static_cast<std::int32_t>(id)) continue;
    const std::uint64_t hash = hash_bytes(bytes);
    std::size_t place = hash & (tokens_.size() - 1);
    while (tokens_[place].id >= 0) place = (place + 1) & (tokens_.size() - 1);
    tokens_[place] = {static_cast<std::int32_t>(id), static_cast<std::uint32_t>(hash >> 32),
                      static_cast<std::uint32_t>(token_bytes_.size()),
                      static_cast<std::uint32_t>(bytes.size())};
    token_bytes_ += bytes;
    longest_token_ = std::max(longest_token_, bytes.size());
  }
}

/// Where the pair stands in pairs_, or the free slot that it would take.
std::size_t BytePairs::pair_place(std::int32_t left, std::int32_t right) const {
  const std::uint64_t pair = pair_key(left, right);
  std::size_t place = mix(mix(pair)) & (pairs_.size() - 1);
  while (pairs_[place].rank >= 0 && pairs_[place].pair != pair) {
    place = (place + 1) & (pairs_.size() - 1);
  }
  return place;
}

std::optional<std::int32_t> BytePairs::whole_token(std::string_view piece) const {
  if (piece.empty() || piece.size() > longest_token_) return std::nullopt;
  const std::uint64_t hash = hash_bytes(piece);
  std::size_t place = hash & (tokens_.size() - 1);
  for (; tokens_[place].id >= 0; place = (place + 1) & (tokens_.size() - 1)) {
    const TokenSlot& slot = tokens_[place];
    if (slot.hash != static_cast<std::uint32_t>(hash >> 32)) continue;
    if (std::string_view(token_bytes_).substr(slot.begin, slot.n_bytes) == piece) return slot.id;
  }
  return std::nullopt;
}

void BytePairs::encode(std::string_view piece, Scratch& scratch,
                       std::vector<std::int32_t>& ids) const {
  if (const auto id = whole_token(piece)) {
    ids.push_back(*id);
  } else {
    merge(piece, scratch, ids);
  }
}

void BytePairs::merge(std::string_view piece, Scratch& scratch,
                      std::vector<std::int32_t>& ids) const {
  if (piece.size() <= kShortPiece) {
    merge_short(piece, scratch, ids);
  } else {
    merge_long(piece, scratch, ids);
  }
}

void BytePairs::merge_short(std::string_view piece, Scratch& scratch,
                            std::vector<std::int32_t>& ids) const {
  struct Part {
    std::int32_t id, rank, merged;  // of the merge with the next part
  };
  Part parts[kShortPiece];
  std::size_t n_parts = piece.size();
  const auto look_up = [&](std::size_t i) {
    parts[i].rank = kNoRank;
    if (i + 1 == n_parts) return;
    const PairSlot& slot = pairs_[pair_place(parts[i].id, parts[i + 1].id)];
    if (slot.rank < 0) return;
    parts[i].rank = slot.rank;
    parts[i].merged = slot.result;
  };
  for (std::size_t i = 0; i < n_parts; ++i) {
    parts[i].id = byte_ids_[static_cast<unsigned char>(piece[i])];
  }
  for (std::size_t i = 0; i < n_parts; ++i) look_up(i);
  while (n_parts > 1) {
    Part* lowest = parts;
    for (Part* part = parts + 1; part != parts + n_parts; ++part) {
      if (part->rank < lowest->rank) lowest = part;
    }
    scratch.n_steps += n_parts;
    if (lowest->rank == kNoRank) break;
    lowest->id = lowest->merged;
    std::copy(lowest + 2, parts + n_parts, lowest + 1);
    --n_parts;
    const auto i = static_cast<std::size_t>(lowest - parts);
    look_up(i);
    if (i > 0) look_up(i - 1);
  }
  for (std::size_t i = 0; i < n_parts; ++i) ids.push_back(parts[i].id);
}

void BytePairs::merge_long(std::string_view piece, Scratch& scratch,
                           std::vector<std::int32_t>& ids) const {
  JEVONS_CHECK(piece.size() < kNowhere);
  auto& nodes = scratch.nodes;
  auto& heap = scratch.heap;
  const auto n_bytes = static_cast<std::uint32_t>(piece.size());
  nodes.resize(n_bytes);
  heap.clear();
  for (std::uint32_t i = 0; i < n_bytes; ++i) {
    nodes[i] = {byte_ids_[static_cast<unsigned char>(piece[i])], kNoRank, i - 1, i + 1};
  }
  nodes[0].previous = kNowhere;
  nodes[n_bytes - 1].next = kNowhere;
  for (std::uint32_t i = 0; i + 1 < n_bytes; ++i) {
    if (scratch.stop.stop_requested()) return;
    const PairSlot& slot = pairs_[pair_place(nodes[i].id, nodes[i + 1].id)];
    if (slot.rank < 0) continue;
    nodes[i].rank = slot.rank;
    heap.push_back(heap_entry(slot.rank, i));
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  while (!heap.empty()) {
    if (scratch.stop.stop_requested()) return;
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const std::uint64_t entry = heap.back();
    heap.pop_back();
    ++scratch.n_steps;
    const auto place = static_cast<std::uint32_t>(entry);
    // An entry is stale if its pair has changed since; merged nodes have no rank.
    if (nodes[place].rank == static_cast<std::int32_t>(entry >> 32)) merge_at(place, scratch);
  }
  for (std::uint32_t i = 0; i != kNowhere; i = nodes[i].next) ids.push_back(nodes[i].id);
}

/// Joins the node at `place` with the next one.
void BytePairs::merge_at(std::uint32_t place, Scratch& scratch) const {
  auto& nodes = scratch.nodes;
  Scratch::Node& node = nodes[place];
  Scratch::Node& gone = nodes[node.next];
  node.id = pairs_[pair_place(node.id, gone.id)].result;
  node.next = gone.next;
  gone.rank = kNoRank;
  if (node.next != kNowhere) nodes[node.next].previous = place;
  const auto look_up = [&](std::uint32_t left) {
    const std::uint32_t right = nodes[left].next;
    nodes[left].rank = kNoRank;
    if (right == kNowhere) return;
    const PairSlot& slot = pairs_[pair_place(nodes[left].id, nodes[right].id)];
    if (slot.rank < 0) return;
    nodes[left].rank = slot.rank;
    scratch.heap.push_back(heap_entry(slot.rank, left));
    std::push_heap(scratch.heap.begin(), scratch.heap.end(), std::greater<>());
  };
  look_up(place);
  if (node.previous != kNowhere) look_up(node.previous);
}

}  // namespace jevons
