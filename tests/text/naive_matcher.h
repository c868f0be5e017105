// The oracle of GrammarAutomaton: follows a grammar with every open call written out in every
// reading, keeps nothing, and asks for each token by itself whether it may come.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "text/constraint/grammar.h"
#include "text/tokenizer.h"

namespace jevons {

class NaiveMatcher {
 public:
  struct Place {
    enum class Kind { kState, kPiece, kDone };
    Kind kind;
    std::uint32_t index = 0;  // of the state, or of the piece
    Lexeme::Position at{};    // in the piece
    std::vector<Grammar::StateId> calls{};

    [[nodiscard]] auto key() const { return std::tie(kind, index, at.state, at.count, calls); }
    bool operator<(const Place& other) const { return key() < other.key(); }
  };
  using Places = std::set<Place>;

  explicit NaiveMatcher(const Grammar& grammar) : grammar_(grammar) {}

  [[nodiscard]] Places begin() const {
    Places places;
    enter(places, grammar_.root, {});
    return places;
  }

  [[nodiscard]] Places after(const Places& places, std::uint8_t byte) const {
    Places next;
    for (const Place& place : places) {
      if (place.kind == Place::Kind::kPiece) {
        const Grammar::Piece& piece = grammar_.pieces[place.index];
        const Lexeme::Position to = piece.lexeme->step(place.at, byte, piece.limits);
        if (to.state != Lexeme::kDead) {
          add(next, {Place::Kind::kPiece, place.index, to, place.calls});
        }
      } else if (place.kind == Place::Kind::kState) {
        for (const auto& edge : grammar_.states[place.index].bytes) {
          if (edge.first <= byte && byte <= edge.last) {
            add(next, {Place::Kind::kState, edge.to, {}, place.calls});
          }
        }
      }
    }
    return next;
  }

  [[nodiscard]] Places after(Places places, std::string_view bytes) const {
    for (const char byte : bytes) {
      if (places.empty()) break;
      places = after(places, static_cast<std::uint8_t>(byte));
    }
    return places;
  }

  [[nodiscard]] Places after_token(const Places& places, std::int32_t token) const {
    Places next;
    for (const Place& place : places) {
      if (place.kind != Place::Kind::kState) continue;
      for (const auto& edge : grammar_.states[place.index].tokens) {
        if (edge.token == token) add(next, {Place::Kind::kState, edge.to, {}, place.calls});
      }
    }
    return next;
  }

  [[nodiscard]] static bool may_end(const Places& places) {
    return places.contains({Place::Kind::kDone});
  }

  /// Whether something but the end follows; a place alone does not tell.
  [[nodiscard]] bool allows(const Places& places, const Tokenizer& tokenizer,
                            std::int32_t id) const {
    const TokenKind kind = tokenizer.kind(id);
    if (kind == TokenKind::kNormal || kind == TokenKind::kByte) {
      const std::string_view bytes = tokenizer.token_bytes(id);
      return !bytes.empty() && !after(places, bytes).empty();
    }
    if (id == tokenizer.vocabulary().eos_id) return may_end(places);
    return !after_token(places, id).empty();
  }

 private:
  void enter(Places& places, Grammar::RuleId rule, std::vector<Grammar::StateId> calls) const {
    const Grammar::Rule& begin = grammar_.rules[rule];
    const auto kind = begin.is_piece ? Place::Kind::kPiece : Place::Kind::kState;
    add(places, {kind, begin.index, {}, std::move(calls)});
  }

  void add(Places& places, const Place& place) const {
    bool may_return = false;
    if (place.kind == Place::Kind::kPiece) {
      if (!places.insert(place).second) return;
      may_return = grammar_.pieces[place.index].lexeme->accepting[place.at.state] != 0;
    } else {
      const Grammar::State& state = grammar_.states[place.index];
      if (place.calls.size() + state.depth_needed > Grammar::kMaxDepth) return;
      if (!places.insert(place).second) return;
      for (const auto to : state.jumps) add(places, {Place::Kind::kState, to, {}, place.calls});
      for (const Grammar::Call& call : state.calls) {
        std::vector<Grammar::StateId> calls = place.calls;
        if (!grammar_.states[call.back].is_only_end) calls.push_back(call.back);
        enter(places, call.rule, std::move(calls));
      }
      may_return = state.is_end;
    }
    if (!may_return) return;
    if (place.calls.empty()) {
      places.insert({Place::Kind::kDone});
      return;
    }
    std::vector<Grammar::StateId> calls = place.calls;
    const Grammar::StateId back = calls.back();
    calls.pop_back();
    add(places, {Place::Kind::kState, back, {}, std::move(calls)});
  }

  const Grammar& grammar_;
};

}  // namespace jevons
