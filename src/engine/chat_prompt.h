// From a conversation to the tokens of its prompt, so that a conversation that goes on is read on
// token for token where the last answer ended.
//
// Re-tokenising an answer can give other tokens than the model wrote. So the ids of answers are
// kept with what they said (engine/turn_store.h), and spliced in when a client sends an answer
// back. A client that drops the reasoning of an answer that called tools gets our copy put back.
// Only turns after the last user message are spliced: what comes before it is shown without its
// reasoning, and rendered anew. Only what this scope was answered is ever put back, and only where
// name and arguments of the calls agree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/turn_store.h"
#include "text/chat.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace jevons {

struct ChatPrompt {
  std::vector<std::int32_t> ids;
  bool ends_in_reasoning = true;
  std::string opening;              // what stands between the last ]~b]ai\n and the answer
  std::vector<int> message_begins;  // index of the first token of each message
  int tools_begin = 0;              // of the first token about tools
  int n_system_tokens = 0;          // system text and tools together: the prefix of every turn
  int n_spliced_turns = 0;
  int n_restored_reasonings = 0;
};

/// Fails as render_prompt does, and once `options.stop` is requested. Any thread.
[[nodiscard]] Result<ChatPrompt> chat_prompt(const ChatRequest& request, const PromptFormat& format,
                                             const PromptOptions& options,
                                             const Tokenizer& tokenizer, const TurnStore& turns,
                                             std::string_view scope);

}  // namespace jevons
