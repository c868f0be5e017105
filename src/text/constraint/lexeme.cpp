#include "text/constraint/lexeme.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

constexpr std::size_t kStepsPerEntry = 4;  // tables stay in memory, so they count for more

}  // namespace

bool Lexeme::allows(std::uint32_t state, std::uint64_t count, CountLimits limits) const {
  if (!is_counted()) return true;
  if (count > limits.max) return false;
  if (accepting[state] != 0) return count >= limits.min;
  const Room& room = rooms[state];
  if (room.open != Room::kNever && count + room.open <= limits.max) return true;
  if (room.may_close && count >= limits.min) return true;
  const std::uint64_t n_restart = count + room.pending;
  return room.may_restart && limits.min <= n_restart && n_restart <= limits.max;
}

Lexeme::Position Lexeme::counted(std::uint32_t state, std::uint64_t count,
                                 CountLimits limits) const {
  if (!allows(state, count, limits)) return {kDead, 0};
  // Without an upper limit, counts past the lower one are all the same.
  if (limits.max == CountLimits::kNone) count = std::min<std::uint64_t>(count, limits.min);
  return {state, static_cast<std::uint32_t>(count)};
}

bool Lexeme::accepts(std::string_view bytes, CountLimits limits) const {
  Position at;
  for (const char byte : bytes) {
    at = step(at, static_cast<std::uint8_t>(byte), limits);
    if (at.state == kDead) return false;
  }
  return accepting[at.state] != 0;
}

std::uint32_t LexemeBuilder::add_state(bool is_accepting) {
  states_.push_back({{}, is_accepting, {}});
  return static_cast<std::uint32_t>(states_.size() - 1);
}

void LexemeBuilder::edge(std::uint32_t from, std::uint8_t first, std::uint8_t last,
                         std::uint32_t to, std::uint8_t increment) {
  states_[from].edges.push_back({first, last, increment, to});
}

void LexemeBuilder::literal(std::uint32_t from, std::string_view literal, std::uint32_t to) {
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const std::uint32_t after = i + 1 == literal.size() ? to : add_state();
    const auto byte = static_cast<std::uint8_t>(literal[i]);
    edge(from, byte, byte, after);
    from = after;
  }
}

void LexemeBuilder::forbid(std::string_view forbidden) {
  // A state becomes one for each number of forbidden's bytes that were just read.
  std::vector<State> product(2);
  std::deque<std::pair<std::uint32_t, std::size_t>> open = {{Lexeme::kStart, 0}};
  std::unordered_map<std::uint64_t, std::uint32_t> numbers = {{std::uint64_t{1} << 8, 1}};
  const auto number_of = [&](std::uint32_t state, std::size_t n_read) {
    const auto [place, is_new] = numbers.try_emplace(std::uint64_t{state} << 8 | n_read,
                                                     static_cast<std::uint32_t>(product.size()));
    if (is_new) {
      product.emplace_back();
      open.emplace_back(state, n_read);
    }
    return place->second;
  };
  const auto first = static_cast<std::uint8_t>(forbidden.front());
  while (!open.empty()) {
    const auto [state, n_read] = open.front();
    open.pop_front();
    const std::uint32_t number = numbers.at(std::uint64_t{state} << 8 | n_read);
    product[number].is_accepting = states_[state].is_accepting;
    product[number].room = states_[state].room;
    const auto expected = static_cast<std::uint8_t>(forbidden[n_read]);
    for (const Edge& edge : states_[state].edges) {
      // Cut the edge at the two bytes that matter.
      for (int byte = edge.first; byte <= edge.last;) {
        int last = edge.last;
        std::size_t n_after = 0;
        if (byte == expected || byte == first) {
          n_after = byte == expected ? n_read + 1 : 1;
          last = byte;
        } else {
          if (expected > byte) last = std::min<int>(last, expected - 1);
          if (first > byte) last = std::min<int>(last, first - 1);
        }
        if (n_after < forbidden.size()) {
          const std::uint32_t to = number_of(edge.to, n_after);
          product[number].edges.push_back({static_cast<std::uint8_t>(byte),
                                           static_cast<std::uint8_t>(last), edge.increment, to});
        }
        byte = last + 1;
      }
    }
  }
  states_ = std::move(product);
}

std::vector<std::uint32_t> LexemeBuilder::alive_numbers() const {
  std::vector<std::vector<std::uint32_t>> sources(states_.size());
  std::vector<std::uint8_t> is_alive(states_.size(), 0);
  std::vector<std::uint32_t> open;
  for (std::uint32_t state = 1; state < states_.size(); ++state) {
    for (const Edge& edge : states_[state].edges) sources[edge.to].push_back(state);
    if (!states_[state].is_accepting) continue;
    is_alive[state] = 1;
    open.push_back(state);
  }
  while (!open.empty()) {
    const std::uint32_t to = open.back();
    open.pop_back();
    for (const std::uint32_t source : sources[to]) {
      if (std::exchange(is_alive[source], 1) == 0) open.push_back(source);
    }
  }
  // Of these, the ones that the start leads to.
  std::vector<std::uint32_t> numbers(states_.size(), Lexeme::kDead);
  if (is_alive[Lexeme::kStart] == 0) return numbers;
  std::uint32_t n_alive = 2;
  numbers[Lexeme::kStart] = Lexeme::kStart;
  open = {Lexeme::kStart};
  while (!open.empty()) {
    const std::uint32_t state = open.back();
    open.pop_back();
    for (const Edge& edge : states_[state].edges) {
      if (is_alive[edge.to] == 0 || numbers[edge.to] != Lexeme::kDead) continue;
      numbers[edge.to] = n_alive++;
      open.push_back(edge.to);
    }
  }
  return numbers;
}

/// States inside a character or an escape have the room of what follows.
void LexemeBuilder::find_rooms() {
  std::vector<bool> is_given(states_.size());
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Lexeme::Room& room = states_[i].room;
    is_given[i] = room.open != Lexeme::Room::kNever || room.may_close || room.may_restart;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = states_.size(); i-- > 1;) {
      if (is_given[i]) continue;
      for (const Edge& edge : states_[i].edges) {
        const std::uint16_t after = states_[edge.to].room.open;
        if (after == Lexeme::Room::kNever) continue;
        const auto open = static_cast<std::uint16_t>(after + edge.increment);
        if (open >= states_[i].room.open) continue;
        states_[i].room.open = open;
        changed = true;
      }
    }
  }
}

Result<Lexeme> LexemeBuilder::finish(bool is_counted, WorkBudget& budget) {
  const std::vector<std::uint32_t> numbers = alive_numbers();
  if (numbers[Lexeme::kStart] == Lexeme::kDead) return fail("nothing satisfies it");
  std::array<bool, 257> is_border{};
  std::size_t n_states = 1;
  for (std::uint32_t state = 1; state < states_.size(); ++state) {
    if (numbers[state] == Lexeme::kDead) continue;
    ++n_states;
    for (const Edge& edge : states_[state].edges) {
      if (numbers[edge.to] == Lexeme::kDead) continue;
      is_border[edge.first] = true;
      is_border[edge.last + std::size_t{1}] = true;
    }
  }
  Lexeme lexeme;
  std::size_t n_classes = 0;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (byte > 0 && is_border[byte]) ++n_classes;
    lexeme.byte_class[byte] = static_cast<std::uint8_t>(n_classes);
  }
  lexeme.n_classes = ++n_classes;
  JEVONS_TRY(budget.spend(n_states * n_classes * kStepsPerEntry));
  lexeme.next.assign(n_states * n_classes, Lexeme::kDead);
  lexeme.accepting.assign(n_states, 0);
  lexeme.has_next.assign(n_states, 0);
  if (is_counted) {
    lexeme.increments.assign(n_states * n_classes, 0);
    lexeme.rooms.resize(n_states);
    find_rooms();
  }
  for (std::uint32_t state = 1; state < states_.size(); ++state) {
    const std::uint32_t number = numbers[state];
    if (number == Lexeme::kDead) continue;
    lexeme.accepting[number] = states_[state].is_accepting ? 1 : 0;
    if (is_counted) lexeme.rooms[number] = states_[state].room;
    for (const Edge& edge : states_[state].edges) {
      if (numbers[edge.to] == Lexeme::kDead) continue;
      lexeme.has_next[number] = 1;
      for (std::size_t c = lexeme.byte_class[edge.first]; c <= lexeme.byte_class[edge.last]; ++c) {
        std::uint32_t& to = lexeme.next[number * n_classes + c];
        JEVONS_CHECK(to == Lexeme::kDead);
        to = numbers[edge.to];
        if (is_counted) lexeme.increments[number * n_classes + c] = edge.increment;
      }
    }
  }
  return lexeme;
}

}  // namespace jevons
