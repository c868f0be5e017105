#include "text/constraint/string_lexeme.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/constraint/character_encoder.h"

namespace jevons {
namespace {

// Above this many states the escapes that nothing needs are left out.
constexpr std::size_t kMaxStatesWithAllEscapes = 500;

/// The edges of one state, neighbours with one target joined.
std::vector<CharEdge> edges_of(const CharDfa& dfa, std::uint32_t state, bool is_counted) {
  std::vector<CharEdge> edges;
  for (std::size_t c = 0; c < dfa.n_classes(); ++c) {
    const std::uint32_t to = dfa.to(state, c);
    if (to == CharDfa::kDead) continue;
    const char32_t first = dfa.class_begins[c];
    if (!edges.empty() && edges.back().to == to && edges.back().last + 1 == first) {
      edges.back().last = dfa.class_end(c) - 1;
    } else {
      edges.push_back(
          {first, dfa.class_end(c) - 1, to, is_counted ? std::uint8_t{1} : std::uint8_t{0}});
    }
  }
  return edges;
}

/// For each state the least number of characters to an accepted text, if every larger number is
/// possible too; absent if that is not so of every state. Ways through `excluded` do not count.
std::optional<std::vector<std::uint16_t>> open_distances(const CharDfa& dfa, char excluded) {
  constexpr std::uint16_t kFar = 0xFFFF;
  const std::size_t excluded_class = dfa.class_of(static_cast<char32_t>(excluded));
  std::vector<std::uint16_t> distances(dfa.n_states(), kFar);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t state = CharDfa::kStart; state < dfa.n_states(); ++state) {
      std::uint16_t least = dfa.accepting[state] != 0 ? 0 : kFar;
      for (std::size_t c = 0; c < dfa.n_classes(); ++c) {
        const std::uint32_t to = dfa.to(state, c);
        if (c == excluded_class || to == CharDfa::kDead || distances[to] >= kFar - 1) continue;
        least = std::min(least, static_cast<std::uint16_t>(distances[to] + 1));
      }
      changed = changed || least < distances[state];
      distances[state] = std::min(least, distances[state]);
    }
  }
  // One character more must always be possible: a step that comes no nearer to the end than the
  // shortest way does, or an accepting state next to an accepting one.
  for (std::uint32_t state = CharDfa::kStart; state < dfa.n_states(); ++state) {
    if (distances[state] == kFar) return std::nullopt;
    bool is_open = false;
    const int wanted = std::max(0, distances[state] - 1);
    for (std::size_t c = 0; c < dfa.n_classes() && !is_open; ++c) {
      const std::uint32_t to = dfa.to(state, c);
      is_open = c != excluded_class && to != CharDfa::kDead && distances[to] == wanted;
    }
    if (!is_open) return std::nullopt;
  }
  return distances;
}

/// Positions in a raw text: the value's state where the closing tag may have begun, and how much
/// of the tag has been read since.
class RawText {
 public:
  RawText(const TextLanguage& values, std::string_view closing, LexemeBuilder& out)
      : values_(values), dfa_(values.dfa), closing_(closing), out_(out) {
    begins_ = dfa_.class_begins;
    for (const char c : closing) {
      begins_.push_back(static_cast<char32_t>(c));
      begins_.push_back(static_cast<char32_t>(c) + 1);
    }
    std::sort(begins_.begin(), begins_.end());
    begins_.erase(std::unique(begins_.begin(), begins_.end()), begins_.end());
  }

  Result<void> write(WorkBudget& budget) {
    const std::uint32_t end = out_.add_state(true);
    CharacterEncoder encoder(out_, budget);
    position(CharDfa::kStart, 0);
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      const auto [state, n_read] = positions_[i];
      JEVONS_TRY(budget.spend(begins_.size()));
      std::vector<CharEdge> edges;
      const std::uint32_t now = after_tag_part(state, n_read);
      for (std::size_t c = 0; c < begins_.size(); ++c) {
        const CharEdge edge = edge_from(state, now, n_read, begins_[c], end);
        if (edge.to == CharDfa::kDead) continue;
        edges.push_back(edge);
        edges.back().last = (c + 1 < begins_.size() ? begins_[c + 1] : kLastCodePoint + 1) - 1;
        if (edge.to != end) moves_.push_back({numbers_[i], edge.to, edge.increment});
      }
      JEVONS_TRY(encoder.write_utf8(numbers_[i], edges));
    }
    if (values_.is_counted) JEVONS_TRY(set_rooms(budget));
    return {};
  }

 private:
  CharEdge edge_from(std::uint32_t state, std::uint32_t now, std::size_t n_read, char32_t c,
                     std::uint32_t end) {
    CharEdge edge{c, c, CharDfa::kDead, 0};
    const bool closes = dfa_.accepting[state] != 0;
    const std::uint32_t after = now == CharDfa::kDead ? now : dfa_.step(now, c);
    if (c == static_cast<char32_t>(closing_[n_read])) {
      if (n_read + 1 == closing_.size()) {
        edge.to = closes ? end : CharDfa::kDead;
      } else if (closes || after != CharDfa::kDead) {
        edge.to = position(state, n_read + 1);
      }
      return edge;
    }
    if (c == static_cast<char32_t>(closing_.front()) && now != CharDfa::kDead) {
      if (dfa_.accepting[now] != 0 || after != CharDfa::kDead) edge.to = position(now, 1);
      if (values_.is_counted) edge.increment = static_cast<std::uint8_t>(n_read);
      return edge;
    }
    if (after != CharDfa::kDead) edge.to = position(after, 0);
    if (values_.is_counted) edge.increment = static_cast<std::uint8_t>(n_read + 1);
    return edge;
  }

  /// The state of the value if the part of the tag that was read belongs to it.
  [[nodiscard]] std::uint32_t after_tag_part(std::uint32_t state, std::size_t n_read) const {
    for (std::size_t i = 0; i < n_read && state != CharDfa::kDead; ++i) {
      state = dfa_.step(state, static_cast<char32_t>(closing_[i]));
    }
    return state;
  }

  std::uint32_t position(std::uint32_t state, std::size_t n_read) {
    const std::uint64_t key = std::uint64_t{state} << 8 | n_read;
    const auto [place, is_new] = known_.try_emplace(key, Lexeme::kStart);
    if (is_new) {
      if (!positions_.empty()) place->second = out_.add_state();
      positions_.emplace_back(state, n_read);
      numbers_.push_back(place->second);
    }
    return place->second;
  }

  Result<void> set_rooms(WorkBudget& budget) {
    std::unordered_map<std::uint32_t, Lexeme::Room> rooms;
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      rooms[numbers_[i]] = own_room(positions_[i].first, positions_[i].second);
    }
    // What is possible after a character is possible with that character more before it.
    for (bool changed = true; changed;) {
      changed = false;
      JEVONS_TRY(budget.spend(moves_.size()));
      for (const Move& move : moves_ | std::views::reverse) {
        const std::size_t n = std::size_t{rooms[move.to].open} + move.increment;
        std::uint16_t& open = rooms[move.from].open;
        if (n >= open) continue;
        open = static_cast<std::uint16_t>(n);
        changed = true;
      }
    }
    for (const auto& [number, room] : rooms) out_.set_room(number, room);
    return {};
  }

  /// What is known of a position without looking at those after it.
  [[nodiscard]] Lexeme::Room own_room(std::uint32_t state, std::size_t n_read) const {
    Lexeme::Room room;
    if (n_read == 0) {
      room.open = values_.distances[state];
      return room;
    }
    const std::uint32_t now = after_tag_part(state, n_read);
    room.pending = static_cast<std::uint8_t>(n_read);
    room.may_close = dfa_.accepting[state] != 0;
    room.may_restart = now != CharDfa::kDead && dfa_.accepting[now] != 0;
    // The tag's first character may come any number of times before the tag.
    std::uint32_t at = now;
    for (std::size_t i = 0; i < dfa_.n_states() && dfa_.accepting[at] != 0; ++i) {
      at = dfa_.step(at, static_cast<char32_t>(closing_.front()));
    }
    if (dfa_.accepting[at] != 0) room.open = room.pending;
    return room;
  }

  struct Move {
    std::uint32_t from, to;  // states of out_
    std::uint8_t increment;
  };

  const TextLanguage& values_;
  const CharDfa& dfa_;
  std::string_view closing_;
  LexemeBuilder& out_;
  std::vector<char32_t> begins_;
  std::vector<std::pair<std::uint32_t, std::size_t>> positions_;
  std::vector<std::uint32_t> numbers_;  // of the positions, in out_
  std::unordered_map<std::uint64_t, std::uint32_t> known_;
  std::vector<Move> moves_;
};

Result<Lexeme> finish(LexemeBuilder& out, const TextLanguage& values, WorkBudget& budget) {
  JEVONS_ASSIGN(Lexeme lexeme, out.finish(values.is_counted, budget));
  lexeme.is_text = true;
  return lexeme;
}

}  // namespace

TextLanguage counted_text(const CodePointSet& set, std::uint32_t min, std::uint32_t max) {
  return {repeat_of(set), true, {min, max}, set == CodePointSet::any(), {0, 0}};
}

Result<TextLanguage> limited_text(CharDfa dfa, CountLimits limits, WorkBudget& budget) {
  if (limits == CountLimits{} || dfa.is_empty()) return TextLanguage{std::move(dfa)};
  if (auto distances = open_distances(dfa, '<')) {
    if (limits.min <= limits.max && (*distances)[CharDfa::kStart] <= limits.max) {
      return TextLanguage{std::move(dfa), true, limits, false, std::move(*distances)};
    }
    return TextLanguage{};
  }
  JEVONS_ASSIGN(CharDfa limited, with_length(dfa, limits.min, limits.max, budget));
  return TextLanguage{std::move(limited)};
}

Result<Lexeme> json_string_lexeme(const TextLanguage& values, std::string_view forbidden,
                                  WorkBudget& budget) {
  const CharDfa& dfa = values.dfa;
  if (dfa.is_empty()) return fail("nothing satisfies it");
  LexemeBuilder out;
  const std::uint32_t end = out.add_state(true);
  // State s of the values is state base + s of the bytes.
  const auto base = static_cast<std::uint32_t>(out.n_states()) - 1;
  for (std::uint32_t state = 1; state < dfa.n_states(); ++state) out.add_state();
  out.edge(Lexeme::kStart, '"', '"', base + CharDfa::kStart);
  CharacterEncoder encoder(out, budget);
  const bool all_escapes = dfa.n_states() <= kMaxStatesWithAllEscapes;
  for (std::uint32_t state = 1; state < dfa.n_states(); ++state) {
    if (dfa.accepting[state] != 0) out.edge(base + state, '"', '"', end);
    if (values.is_counted) out.set_room(base + state, {.open = values.distances[state]});
    std::vector<CharEdge> edges = edges_of(dfa, state, values.is_counted);
    for (CharEdge& edge : edges) edge.to += base;
    JEVONS_TRY(encoder.write_json(base + state, edges, all_escapes));
  }
  if (!forbidden.empty()) {
    JEVONS_TRY(budget.spend(out.n_states() * 8));
    out.forbid(forbidden);
  }
  return finish(out, values, budget);
}

Result<Lexeme> raw_text_lexeme(const TextLanguage& values, std::string_view closing,
                               WorkBudget& budget) {
  if (values.dfa.is_empty()) return fail("nothing satisfies it");
  LexemeBuilder out;
  JEVONS_TRY(RawText(values, closing, out).write(budget));
  return finish(out, values, budget);
}

Result<Lexeme> plain_lexeme(const CharDfa& values, WorkBudget& budget) {
  if (values.is_empty()) return fail("nothing satisfies it");
  LexemeBuilder out;
  for (std::uint32_t state = 2; state < values.n_states(); ++state) out.add_state();
  CharacterEncoder encoder(out, budget);
  for (std::uint32_t state = 1; state < values.n_states(); ++state) {
    if (values.accepting[state] != 0) out.set_accepting(state);
    JEVONS_TRY(encoder.write_utf8(state, edges_of(values, state, false)));
  }
  return out.finish(false, budget);
}

Result<Lexeme> literal_lexeme(std::span<const std::string> texts, WorkBudget& budget) {
  LexemeBuilder out;
  std::unordered_map<std::uint64_t, std::uint32_t> children;  // state << 8 | byte
  for (const std::string& text : texts) {
    JEVONS_TRY(budget.spend(text.size()));
    std::uint32_t at = Lexeme::kStart;
    for (const char c : text) {
      const auto byte = static_cast<std::uint8_t>(c);
      const auto [place, is_new] = children.try_emplace(std::uint64_t{at} << 8 | byte, 0);
      if (is_new) {
        place->second = out.add_state();
        out.edge(at, byte, byte, place->second);
      }
      at = place->second;
    }
    out.set_accepting(at);
  }
  return out.finish(false, budget);
}

}  // namespace jevons
