#include "api/anthropic_content.h"

#include <fmt/format.h>

#include <utility>

#include "api/anthropic_tools.h"

namespace jevons {
namespace {

void warn(ChatRequest& chat, std::string_view path, std::string_view what) {
  chat.warnings.push_back(fmt::format("{}: {}", path, what));
}

Parsed<std::string> plain_text(const JsonValue& block, const std::string& path, ChatRequest&) {
  return required_string(block, "text", path);
}

Parsed<std::string> image_note(const JsonValue&, const std::string& path, ChatRequest& chat) {
  warn(chat, path, "an image is replaced by a note: the model reads text only");
  return "[an image that cannot be shown here]";
}

Parsed<std::string> file_note(const JsonValue&, const std::string& path, ChatRequest& chat) {
  warn(chat, path, "a file is replaced by a note: files are not stored here");
  return "[a file that cannot be shown here]";
}

/// "[document: title]", its context and its text.
Parsed<std::string> document_text(const JsonValue& block, const std::string& path,
                                  ChatRequest& chat) {
  JEVONS_ASSIGN(const auto title, string_field(block, "title", path));
  JEVONS_ASSIGN(const auto context, string_field(block, "context", path));
  std::string text =
      title && !title->empty() ? fmt::format("[document: {}]", *title) : "[document]";
  append_block(text, context.value_or(""));
  const std::string source_path = member_path(path, "source");
  const JsonValue* const source = set_field(block, "source");
  if (source == nullptr) return invalid_field(source_path, "missing, expected an object");
  if (!source->is_object()) return wrong_kind_of_field(source_path, *source, "an object");
  JEVONS_ASSIGN(const std::string type, required_string(*source, "type", source_path));
  if (type == "text") {
    JEVONS_ASSIGN(const std::string data, required_string(*source, "data", source_path));
    append_block(text, data);
  } else if (type == "content") {
    JEVONS_ASSIGN(const std::string inner,
                  content_text(source->find("content"), source_path + ".content", chat));
    append_block(text, inner);
  } else {
    warn(chat, path,
         fmt::format("a document from a source of type \"{}\" is replaced by a note: only text "
                     "can be read",
                     type));
    append_block(text, "[its content cannot be shown here]");
  }
  return text;
}

Parsed<std::string> search_result_text(const JsonValue& block, const std::string& path,
                                       ChatRequest& chat) {
  JEVONS_ASSIGN(const auto title, string_field(block, "title", path));
  JEVONS_ASSIGN(const auto source, string_field(block, "source", path));
  std::string text =
      fmt::format("[search result: {}, {}]", title.value_or("untitled"), source.value_or("?"));
  JEVONS_ASSIGN(const std::string inner,
                content_text(block.find("content"), path + ".content", chat));
  append_block(text, inner);
  return text;
}

Parsed<std::string> tool_reference_text(const JsonValue& block, const std::string& path,
                                        ChatRequest& chat) {
  JEVONS_ASSIGN(const std::string name, required_string(block, "tool_name", path));
  if (const ToolDefinition* const tool = find_tool(chat, name)) return tool_introduction(*tool);
  warn(chat, path, fmt::format("there is no tool called \"{}\" that can be called", name));
  return fmt::format("[the tool {} cannot be called here]", name);
}

/// A summary that stands for the messages before it.
Parsed<std::string> compaction_text(const JsonValue& block, const std::string& path,
                                    ChatRequest& chat) {
  JEVONS_ASSIGN(auto content, string_field(block, "content", path));
  if (!content) warn(chat, path, "a summary that only the API can read is left out");
  return std::move(content).value_or("");
}

Parsed<std::string> left_out(const JsonValue&, const std::string&, ChatRequest&) { return ""; }

struct TextBlock {
  std::string_view type;
  Parsed<std::string> (*text)(const JsonValue& block, const std::string& path, ChatRequest& chat);
};
constexpr TextBlock kTextBlocks[] = {
    {"text", plain_text},
    {"connector_text", plain_text},
    {"image", image_note},
    {"document", document_text},
    {"search_result", search_result_text},
    {"tool_reference", tool_reference_text},
    {"compaction", compaction_text},
    {"container_upload", file_note},
    // Nothing for a model to read, in any conversation.
    {"redacted_thinking", left_out},
    {"fallback", left_out},
    {"mcp_tool_listing", left_out},
};

}  // namespace

void append_block(std::string& to, std::string_view text) {
  if (text.empty()) return;
  if (!to.empty() && !to.ends_with('\n')) to += '\n';
  to += text;
}

Parsed<std::string> block_type(const JsonValue& block, const std::string& path) {
  if (block.is_string()) return "text";
  if (!block.is_object()) return wrong_kind_of_field(path, block, "a content block or a string");
  return required_string(block, "type", path);
}

Parsed<std::string> block_text(const JsonValue& block, const std::string& path, ChatRequest& chat) {
  if (block.is_string()) return block.text;
  JEVONS_ASSIGN(const std::string type, block_type(block, path));
  for (const TextBlock& known : kTextBlocks) {
    if (known.type == type) return known.text(block, path, chat);
  }
  warn(chat, path,
       fmt::format("a block of type \"{}\" is left out: the model cannot read it", type));
  return "";
}

Parsed<std::string> content_text(const JsonValue* content, const std::string& path,
                                 ChatRequest& chat) {
  if (content == nullptr || content->is_null()) return "";
  if (content->is_string()) return content->text;
  if (!content->is_array()) {
    return wrong_kind_of_field(path, *content, "a string or a list of content blocks");
  }
  std::string text;
  for (std::size_t i = 0; i < content->items.size(); ++i) {
    JEVONS_ASSIGN(const std::string part, block_text(content->items[i], item_path(path, i), chat));
    append_block(text, part);
  }
  return text;
}

}  // namespace jevons
