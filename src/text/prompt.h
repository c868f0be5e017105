// The M2 chat format: a conversation and its tools as the text that the model was trained on.
//
// Concatenated, the pieces are byte for byte what the M2.5 template renders under jinja2, with
// these defects of the template put right: content that is null is empty (not "None"), arguments
// given as a JSON string have been parsed, and system messages that do not come first, which the
// template drops, are shown. As in the template, reasoning is rendered only after the last user
// message. Pure functions, any thread.
//
// The system messages that a conversation begins with are one system text, joined by an empty
// line. A later one is a user turn of its own, within <system-reminder> tags: so the prompt of a
// conversation that goes on begins with the prompt it had. It is not a new question: reasoning
// before it stays.
//
// Pieces border on each other inside words and line ends: they must be tokenised as one text in
// which special tokens are recognised only within trusted pieces.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"
#include "text/prompt_format.h"
#include "text/prompt_piece.h"

namespace jevons {

struct PromptOptions {
  bool add_generation_prompt = true;
  /// The model always thinks: true ends the prompt inside an open <think> block. False closes the
  /// block at once, which the model was not trained for.
  bool thinking = true;
  std::optional<std::string> model_identity{};  // instead of the format's default identity
  bool late_system_messages = true;             // false: dropped, as in the template
  bool known_nonces = false;  // true: left in the system text (text/known_nonces.h)
  std::stop_token stop{};     // once requested, what is not rendered yet is an error
};

/// Where things stand in the text of a prompt, in bytes from its begin.
struct PromptPlaces {
  std::vector<std::size_t> messages;  // the begin of each; of one that is not shown, of the next
  std::size_t tools = 0;              // the begin of the part about tools
  std::size_t system_end = 0;         // the end of the system turn
  /// What the model wrote or would write itself in an assistant's turn that shows its reasoning:
  /// from behind the turn's head to before its end of turn.
  struct Answer {
    std::size_t message, begin, end;
  };
  std::vector<Answer> answers;
};

struct PlacedPrompt {
  std::vector<PromptPiece> pieces;
  PromptPlaces places;
};

/// Fails, naming the message, on a tool message without an assistant's tool call before it, and on
/// arguments or a function object that are not a JSON object.
[[nodiscard]] Result<std::vector<PromptPiece>> render_prompt(const ChatRequest& request,
                                                             const PromptFormat& format,
                                                             const PromptOptions& options = {});

/// The same, and where things stand in it.
[[nodiscard]] Result<PlacedPrompt> render_placed_prompt(const ChatRequest& request,
                                                        const PromptFormat& format,
                                                        const PromptOptions& options = {});

/// What a generation prompt writes behind the head of the assistant's turn.
[[nodiscard]] std::string_view answer_opening(bool thinking);

/// The pieces as one text.
[[nodiscard]] std::string prompt_text(std::span<const PromptPiece> pieces);

}  // namespace jevons
