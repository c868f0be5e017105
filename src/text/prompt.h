// The M2 chat format: a conversation and its tools as the text that the model was trained on.
//
// Concatenated, the pieces are byte for byte what the M2.5 template renders under jinja2, with
// these defects of the template put right: content that is null is empty (not "None"), arguments
// given as a JSON string have been parsed. As in the template, only a system message that comes
// first is rendered, and reasoning only after the last user message. Pure functions, any thread.
//
// Pieces border on each other inside words and line ends: they must be tokenised as one text in
// which special tokens are recognised only within trusted pieces.
#pragma once

#include <optional>
#include <span>
#include <string>
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
};

/// Fails, naming the message, on a tool message without an assistant's tool call before it, and on
/// arguments or a function object that are not a JSON object.
[[nodiscard]] Result<std::vector<PromptPiece>> render_prompt(const ChatRequest& request,
                                                             const PromptFormat& format,
                                                             const PromptOptions& options = {});

/// The pieces as one text.
[[nodiscard]] std::string prompt_text(std::span<const PromptPiece> pieces);

}  // namespace jevons
