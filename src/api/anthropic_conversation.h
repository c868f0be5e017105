// The conversation of a request in the Anthropic dialect: system, messages and tools.
//
// Turns of one role in a row become one. A user turn that answers calls becomes one tool message
// for each call, in the order of the calls, because the chat format tells results apart by their
// place alone; what the user says beside them follows as a user message. Reasoning comes back in
// thinking blocks, or inside the signature of one whose text was kept from the client; a turn
// without it is left for the store of turns to complete (engine/chat_prompt.h).
#pragma once

#include "api/request_fields.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

[[nodiscard]] Parsed<ChatRequest> read_anthropic_conversation(const JsonValue& root);

}  // namespace jevons
