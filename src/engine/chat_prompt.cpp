#include "engine/chat_prompt.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace jevons {
namespace {

/// Stored ids in place of the text [begin, end) of a prompt.
struct Splice {
  std::size_t begin, end;
  std::shared_ptr<const TurnStore::Turn> turn;
};

/// The part [begin, end) of the pieces' text.
std::vector<PromptPiece> cut_pieces(std::span<const PromptPiece> pieces, std::size_t begin,
                                    std::size_t end) {
  std::vector<PromptPiece> part;
  std::size_t at = 0;
  for (const PromptPiece& piece : pieces) {
    const std::size_t from = std::max(begin, at);
    const std::size_t to = std::min(end, at + piece.text.size());
    if (from < to) part.push_back({piece.text.substr(from - at, to - from), piece.trusted});
    at += piece.text.size();
  }
  return part;
}

/// Turns places in the text into places among the tokens. Places are asked for in order.
class TokenPlaces {
 public:
  TokenPlaces(const PromptPlaces& places, ChatPrompt& prompt) {
    prompt.message_begins.resize(places.messages.size());
    wanted_.emplace_back(places.tools, &prompt.tools_begin);
    wanted_.emplace_back(places.system_end, &prompt.n_system_tokens);
    for (std::size_t i = 0; i < places.messages.size(); ++i) {
      wanted_.emplace_back(places.messages[i], &prompt.message_begins[i]);
    }
    std::ranges::stable_sort(wanted_, {}, &Wanted::first);
  }

  /// The token `index` begins at byte `at`. Every place up to there is this token.
  void token_begins(std::size_t at, std::size_t index) {
    for (; next_ < wanted_.size() && wanted_[next_].first <= at; ++next_) {
      *wanted_[next_].second = static_cast<int>(index);
    }
  }

 private:
  using Wanted = std::pair<std::size_t, int*>;
  std::vector<Wanted> wanted_;
  std::size_t next_ = 0;
};

std::vector<Splice> find_splices(const ChatRequest& request, const PromptPlaces& places,
                                 const TurnStore& turns, std::string_view scope,
                                 const std::stop_token& stop, ChatPrompt& prompt) {
  std::vector<Splice> splices;
  for (const PromptPlaces::Answer& answer : places.answers) {
    if (stop.stop_requested()) break;
    const Message& message = request.messages[answer.message];
    auto turn = turns.find(scope, message);
    if (turn == nullptr) continue;
    const bool dropped = !message.reasoning || message.reasoning->empty();
    if (dropped && !turn->reasoning.empty()) ++prompt.n_restored_reasonings;
    splices.push_back({answer.begin, answer.end, std::move(turn)});
  }
  prompt.n_spliced_turns = static_cast<int>(splices.size());
  return splices;
}

/// Appends the tokens of text that stands at [begin, end) of the prompt; what goes beyond, the
/// opening of a turn that is spliced in, has no places.
void append_text(std::span<const PromptPiece> pieces, std::size_t begin, std::size_t end,
                 const Tokenizer& tokenizer, const std::stop_token& stop, TokenPlaces& places,
                 std::vector<std::int32_t>& ids) {
  for (const std::int32_t id : tokenizer.encode(pieces, stop)) {
    if (begin < end) places.token_begins(begin, ids.size());
    ids.push_back(id);
    begin += tokenizer.token_bytes(id).size();
  }
}

}  // namespace

Result<ChatPrompt> chat_prompt(const ChatRequest& request, const PromptFormat& format,
                               const PromptOptions& options, const Tokenizer& tokenizer,
                               const TurnStore& turns, std::string_view scope) {
  JEVONS_ASSIGN(const PlacedPrompt placed, render_placed_prompt(request, format, options));
  ChatPrompt prompt;
  TokenPlaces places(placed.places, prompt);
  std::size_t at = 0;
  // Text before a splice is encoded by itself, its opening included: so it was when the answer
  // was asked for.
  for (const Splice& splice :
       find_splices(request, placed.places, turns, scope, options.stop, prompt)) {
    std::vector<PromptPiece> before = cut_pieces(placed.pieces, at, splice.begin);
    before.push_back({splice.turn->opening, true});
    append_text(before, at, splice.begin, tokenizer, options.stop, places, prompt.ids);
    prompt.ids.insert(prompt.ids.end(), splice.turn->ids.begin(), splice.turn->ids.end());
    at = splice.end;
  }
  std::size_t n_bytes = 0;
  for (const PromptPiece& piece : placed.pieces) n_bytes += piece.text.size();
  append_text(cut_pieces(placed.pieces, at, n_bytes), at, n_bytes, tokenizer, options.stop, places,
              prompt.ids);
  if (options.stop.stop_requested()) return fail("given up: nobody waits for it any more");
  places.token_begins(n_bytes, prompt.ids.size());
  if (options.add_generation_prompt) prompt.opening = answer_opening(options.thinking);
  prompt.ends_in_reasoning = options.add_generation_prompt && options.thinking;
  return prompt;
}

}  // namespace jevons
