#include "text/constraint/character_encoder.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

namespace jevons {
namespace {

constexpr char32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF;
constexpr char32_t kFirstSupplementary = 0x10000;

struct Escape {
  char letter;
  char32_t character;
};
constexpr Escape kShortEscapes[] = {{'"', '"'},  {'\\', '\\'}, {'/', '/'},  {'b', '\b'},
                                    {'f', '\f'}, {'n', '\n'},  {'r', '\r'}, {'t', '\t'}};

bool must_be_escaped(char32_t c) { return c < 0x20 || c == '"' || c == '\\'; }

/// The part of each edge that lies inside [first, last].
std::vector<CharEdge> clipped(std::span<const CharEdge> edges, char32_t first, char32_t last) {
  std::vector<CharEdge> inside;
  for (CharEdge edge : edges) {
    edge.first = std::max(edge.first, first);
    edge.last = std::min(edge.last, last);
    if (edge.first <= edge.last) inside.push_back(edge);
  }
  return inside;
}

void append(std::vector<CharEdge>& edges, const std::vector<CharEdge>& more) {
  edges.insert(edges.end(), more.begin(), more.end());
}

template <typename T>
void append_bytes(std::string& key, const T& value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  key.append(bytes, sizeof value);
}

std::size_t encode(char32_t c, std::uint8_t* bytes) {
  if (c < 0x80) {
    bytes[0] = static_cast<std::uint8_t>(c);
    return 1;
  }
  const std::size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (std::size_t i = length - 1; i > 0; --i) {
    bytes[i] = static_cast<std::uint8_t>(0x80 | (c & 0x3F));
    c >>= 6;
  }
  bytes[0] = static_cast<std::uint8_t>((0xF00u >> length & 0xFFu) | c);
  return length;
}

}  // namespace

/// Ranges of bytes at each place whose product is the range of characters.
void CharacterEncoder::split(const CharEdge& edge, std::vector<ByteSequence>& sequences) {
  if (edge.first < kFirstSurrogate && edge.last > kLastSurrogate) {
    split({edge.first, kFirstSurrogate - 1, edge.to, edge.increment}, sequences);
    split({kLastSurrogate + 1, edge.last, edge.to, edge.increment}, sequences);
    return;
  }
  char32_t first = edge.first;
  char32_t last = edge.last;
  if (first >= kFirstSurrogate && first <= kLastSurrogate) first = kLastSurrogate + 1;
  if (last >= kFirstSurrogate && last <= kLastSurrogate) last = kFirstSurrogate - 1;
  if (first > last) return;
  for (const char32_t longest : {U'\x7F', U'\u07FF', U'\uFFFF'}) {
    if (first <= longest && last > longest) {
      split({first, longest, edge.to, edge.increment}, sequences);
      split({longest + 1, last, edge.to, edge.increment}, sequences);
      return;
    }
  }
  for (int n_tail = 1; n_tail <= 3; ++n_tail) {
    const char32_t mask = (char32_t{1} << (6 * n_tail)) - 1;
    if (last <= 0x7F || (first & ~mask) == (last & ~mask)) continue;
    if ((first & mask) != 0) {
      split({first, first | mask, edge.to, edge.increment}, sequences);
      split({(first | mask) + 1, last, edge.to, edge.increment}, sequences);
      return;
    }
    if ((last & mask) != mask) {
      split({first, (last & ~mask) - 1, edge.to, edge.increment}, sequences);
      split({last & ~mask, last, edge.to, edge.increment}, sequences);
      return;
    }
  }
  ByteSequence sequence{};
  sequence.length = encode(first, sequence.first);
  encode(last, sequence.last);
  sequence.to = edge.to;
  sequence.increment = edge.increment;
  sequences.push_back(sequence);
}

Result<void> CharacterEncoder::write_utf8(std::uint32_t from, std::span<const CharEdge> edges) {
  std::vector<ByteSequence> sequences;
  for (const CharEdge& edge : edges) split(edge, sequences);
  return write_bytes(from, sequences, 0);
}

Result<void> CharacterEncoder::write_bytes(std::uint32_t from,
                                           std::span<const ByteSequence> sequences,
                                           std::size_t at) {
  std::set<int> borders;
  for (const ByteSequence& sequence : sequences) {
    borders.insert(sequence.first[at]);
    borders.insert(sequence.last[at] + 1);
  }
  JEVONS_TRY(budget_.spend(sequences.size() + borders.size()));
  for (auto border = borders.begin(); border != borders.end(); ++border) {
    const auto after = std::next(border);
    if (after == borders.end()) break;
    std::vector<ByteSequence> through;
    for (const ByteSequence& sequence : sequences) {
      if (sequence.first[at] <= *border && *border <= sequence.last[at]) {
        through.push_back(sequence);
      }
    }
    if (through.empty()) continue;
    const std::uint8_t increment = at == 0 ? through.front().increment : std::uint8_t{0};
    JEVONS_ASSIGN(const std::uint32_t to, rest_of(std::move(through), at + 1));
    out_.edge(from, static_cast<std::uint8_t>(*border), static_cast<std::uint8_t>(*after - 1), to,
              increment);
  }
  return {};
}

/// The state in which the bytes of `sequences` from `at` on are still to come.
Result<std::uint32_t> CharacterEncoder::rest_of(std::vector<ByteSequence> sequences,
                                                std::size_t at) {
  if (sequences.front().length == at) return sequences.front().to;
  std::string key = "u";
  for (const ByteSequence& sequence : sequences) {
    for (std::size_t i = at; i < sequence.length; ++i) {
      key += static_cast<char>(sequence.first[i]);
      key += static_cast<char>(sequence.last[i]);
    }
    append_bytes(key, sequence.to);
  }
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  const std::uint32_t state = out_.add_state();
  known_.emplace(std::move(key), state);
  JEVONS_TRY(write_bytes(state, sequences, at));
  return state;
}

Result<void> CharacterEncoder::write_json(std::uint32_t from, std::span<const CharEdge> edges,
                                          bool all_escapes) {
  std::vector<CharEdge> plain = clipped(edges, 0x20, '"' - 1);
  append(plain, clipped(edges, '"' + 1, '\\' - 1));
  append(plain, clipped(edges, '\\' + 1, 0x10FFFF));
  JEVONS_TRY(write_utf8(from, plain));
  std::vector<CharEdge> escaped(edges.begin(), edges.end());
  if (!all_escapes) {
    escaped = clipped(edges, 0, 0x1F);
    append(escaped, clipped(edges, '"', '"'));
    append(escaped, clipped(edges, '/', '/'));
    append(escaped, clipped(edges, '\\', '\\'));
  }
  if (escaped.empty()) return {};
  JEVONS_ASSIGN(const std::uint32_t to, escape(escaped, all_escapes));
  out_.edge(from, '\\', '\\', to, escaped.front().increment);
  return {};
}

/// The state after the backslash.
Result<std::uint32_t> CharacterEncoder::escape(std::span<const CharEdge> edges, bool all_escapes) {
  std::string key = "e";
  for (const CharEdge& edge : edges) {
    append_bytes(key, edge.first);
    append_bytes(key, edge.last);
    append_bytes(key, edge.to);
  }
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  const std::uint32_t state = out_.add_state();
  known_.emplace(std::move(key), state);
  for (const Escape& escape : kShortEscapes) {
    for (const CharEdge& edge : edges) {
      if (escape.character < edge.first || escape.character > edge.last) continue;
      const auto letter = static_cast<std::uint8_t>(escape.letter);
      out_.edge(state, letter, letter, edge.to);
    }
  }
  std::vector<CharEdge> unicode(edges.begin(), edges.end());
  if (!all_escapes) {
    std::erase_if(unicode, [](const CharEdge& edge) { return !must_be_escaped(edge.first); });
  }
  if (unicode.empty()) return state;
  JEVONS_ASSIGN(const std::uint32_t to, unicode_escape(unicode));
  if (to != Lexeme::kDead) out_.edge(state, 'u', 'u', to);
  return state;
}

/// The state after \u. Characters past U+FFFF are two escapes: the first says which 1024 of them.
Result<std::uint32_t> CharacterEncoder::unicode_escape(std::span<const CharEdge> edges) {
  HexRanges ranges;
  for (const CharEdge& edge : clipped(edges, 0, kFirstSurrogate - 1)) {
    ranges.push_back({edge.first, edge.last, edge.to});
  }
  std::map<std::uint32_t, HexRanges> blocks;  // first escape -> what the second may be
  for (const CharEdge& edge : clipped(edges, kFirstSupplementary, 0x10FFFF)) {
    std::uint32_t first = edge.first - kFirstSupplementary;
    const std::uint32_t last = edge.last - kFirstSupplementary;
    while (first <= last) {
      const std::uint32_t block_end = first | 0x3FF;
      const std::uint32_t end = std::min(last, block_end);
      blocks[first >> 10].push_back({first & 0x3FF, end & 0x3FF, edge.to});
      first = end + 1;
    }
  }
  JEVONS_TRY(budget_.spend(blocks.size()));
  for (const auto& [block, second] : blocks) {
    JEVONS_ASSIGN(const std::uint32_t to, low_surrogate(second));
    const std::uint32_t high = kFirstSurrogate + block;
    if (!ranges.empty() && ranges.back().to == to && ranges.back().last + 1 == high) {
      ranges.back().last = high;
    } else {
      ranges.push_back({high, high, to});
    }
  }
  for (const CharEdge& edge : clipped(edges, kLastSurrogate + 1, kFirstSupplementary - 1)) {
    ranges.push_back({edge.first, edge.last, edge.to});
  }
  if (ranges.empty()) return Lexeme::kDead;
  return hex_digits(ranges, 4);
}

Result<std::uint32_t> CharacterEncoder::low_surrogate(const HexRanges& ranges) {
  std::string key = "s";
  for (const HexRange& range : ranges) append_bytes(key, range);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  const std::uint32_t state = out_.add_state();
  known_.emplace(std::move(key), state);
  const std::uint32_t after_backslash = out_.add_state();
  const std::uint32_t after_u = out_.add_state();
  const std::uint32_t after_d = out_.add_state();
  out_.edge(state, '\\', '\\', after_backslash);
  out_.edge(after_backslash, 'u', 'u', after_u);
  out_.edge(after_u, 'D', 'D', after_d);
  out_.edge(after_u, 'd', 'd', after_d);
  JEVONS_TRY(write_hex_digit(after_d, ranges, 0xC, 4, 2));
  return state;
}

Result<std::uint32_t> CharacterEncoder::hex_digits(const HexRanges& ranges, int n_digits) {
  if (n_digits == 0) return ranges.front().to;
  std::string key = "h";
  key += static_cast<char>(n_digits);
  for (const HexRange& range : ranges) append_bytes(key, range);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  const std::uint32_t state = out_.add_state();
  known_.emplace(std::move(key), state);
  JEVONS_TRY(write_hex_digit(state, ranges, 0, 16, n_digits - 1));
  return state;
}

/// Edges for the digits from `first_digit` on, `n_values` of them.
Result<void> CharacterEncoder::write_hex_digit(std::uint32_t from, const HexRanges& ranges,
                                               std::uint32_t first_digit, std::uint32_t n_values,
                                               int n_digits_after) {
  JEVONS_TRY(budget_.spend(n_values));
  const std::uint32_t step = std::uint32_t{1} << (4 * n_digits_after);
  for (std::uint32_t value = 0; value < n_values; ++value) {
    HexRanges inside;
    for (HexRange range : ranges) {
      const std::uint32_t begin = value * step;
      if (range.last < begin || range.first >= begin + step) continue;
      range.first = std::max(range.first, begin) - begin;
      range.last = std::min(range.last, begin + step - 1) - begin;
      inside.push_back(range);
    }
    if (inside.empty()) continue;
    JEVONS_ASSIGN(const std::uint32_t to, hex_digits(inside, n_digits_after));
    const std::uint32_t digit = first_digit + value;
    const auto letter = static_cast<std::uint8_t>(digit < 10 ? '0' + digit : 'a' + digit - 10);
    out_.edge(from, letter, letter, to);
    if (digit < 10) continue;
    const auto capital = static_cast<std::uint8_t>('A' + digit - 10);
    out_.edge(from, capital, capital, to);
  }
  return {};
}

}  // namespace jevons
