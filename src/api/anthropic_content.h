// Content blocks of the Anthropic dialect as the text that the model reads: text as it is, other
// blocks as the words in them or a note that says what stood there.
#pragma once

#include <string>
#include <string_view>

#include "api/request_fields.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

/// Appends `text` as a block of its own: on a new line, unless it is empty or the first.
void append_block(std::string& to, std::string_view text);

/// A string, a list of blocks, or null, in a place where no block may be a call or a result.
/// Blocks that are left out or replaced by a note are named in chat.warnings; tool_reference
/// blocks take the tool's definition from chat.tools.
[[nodiscard]] Parsed<std::string> content_text(const JsonValue* content, const std::string& path,
                                               ChatRequest& chat);

/// One block. Kinds that are not known are left out.
[[nodiscard]] Parsed<std::string> block_text(const JsonValue& block, const std::string& path,
                                             ChatRequest& chat);

/// The type of a block; text for a string, which counts as one.
[[nodiscard]] Parsed<std::string> block_type(const JsonValue& block, const std::string& path);

}  // namespace jevons
