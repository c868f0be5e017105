#include "api/anthropic_blocks.h"

#include <fmt/format.h>

#include <utility>

#include "api/thinking_signature.h"
#include "text/json_value.h"

namespace jevons {
namespace {

using Kind = ContentBlock::Kind;

/// A block as content_block_start has it: what its deltas bring is still empty.
std::string empty_block_json(const ContentBlock& block) {
  switch (block.kind) {
    case Kind::kThinking:
      return R"({"type":"thinking","thinking":"","signature":""})";
    case Kind::kText:
      return R"({"type":"text","text":""})";
    case Kind::kToolUse:
      return fmt::format(R"({{"type":"tool_use","id":{},"name":{},"input":{{}}}})",
                         json_string(block.id), json_string(block.name));
  }
  return "{}";
}

std::string block_json(const ContentBlock& block) {
  switch (block.kind) {
    case Kind::kThinking:
      return fmt::format(R"({{"type":"thinking","thinking":{},"signature":{}}})",
                         json_string(block.text), json_string(block.signature));
    case Kind::kText:
      return fmt::format(R"({{"type":"text","text":{}}})", json_string(block.text));
    case Kind::kToolUse:
      return fmt::format(R"({{"type":"tool_use","id":{},"name":{},"input":{}}})",
                         json_string(block.id), json_string(block.name),
                         block.text.empty() ? "{}" : block.text);
  }
  return "{}";
}

}  // namespace

std::string sse_event(std::string_view name, std::string_view data) {
  return fmt::format("event: {}\ndata: {}\n\n", name, data);
}

void StreamedBlocks::begin(const ContentBlock& block) {
  out_ += sse_event("content_block_start",
                    fmt::format(R"({{"type":"content_block_start","index":{},"content_block":{}}})",
                                index_, empty_block_json(block)));
}

void StreamedBlocks::add(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::kThinking:
      return delta("thinking_delta", "thinking", text);
    case Kind::kText:
      return delta("text_delta", "text", text);
    case Kind::kToolUse:
      return delta("input_json_delta", "partial_json", text);
  }
}

void StreamedBlocks::sign(std::string_view signature) {
  delta("signature_delta", "signature", signature);
}

void StreamedBlocks::end() {
  out_ += sse_event("content_block_stop",
                    fmt::format(R"({{"type":"content_block_stop","index":{}}})", index_));
  ++index_;
}

std::string StreamedBlocks::take() { return std::exchange(out_, {}); }

void StreamedBlocks::delta(std::string_view type, std::string_view key, std::string_view value) {
  out_ += sse_event(
      "content_block_delta",
      fmt::format(R"({{"type":"content_block_delta","index":{},"delta":{{"type":"{}","{}":{}}}}})",
                  index_, type, key, json_string(value)));
}

void KeptBlocks::begin(const ContentBlock& block) { blocks_.push_back(block); }

void KeptBlocks::add(Kind /*kind*/, std::string_view text) { blocks_.back().text += text; }

void KeptBlocks::sign(std::string_view signature) { blocks_.back().signature = signature; }

void KeptBlocks::end() {}

std::string KeptBlocks::json() const {
  std::string json = "[";
  for (const ContentBlock& block : blocks_) {
    if (json.size() > 1) json += ',';
    json += block_json(block);
  }
  return json + "]";
}

BlockCutter::BlockCutter(BlockSink& sink, std::string id, bool shows_thinking)
    : sink_(sink), id_(std::move(id)), shows_thinking_(shows_thinking) {}

void BlockCutter::take(const OutputEvent& event) {
  if (const auto* const reasoning = std::get_if<ReasoningDelta>(&event)) {
    think(reasoning->text);
  } else if (const auto* const text = std::get_if<TextDelta>(&event)) {
    say(text->text);
  } else if (const auto* const call = std::get_if<ToolCallBegin>(&event)) {
    begin({.kind = Kind::kToolUse, .id = call->id, .name = call->name});
  } else if (const auto* const arguments = std::get_if<ToolArgumentsDelta>(&event)) {
    if (!arguments->json.empty()) sink_.add(Kind::kToolUse, arguments->json);
  } else if (const auto* const call_end = std::get_if<ToolCallEnd>(&event)) {
    call_was_cut_ = call_was_cut_ || !call_end->complete;
    end();
  }
}

void BlockCutter::end() {
  held_space_.clear();
  if (!open_) return;
  if (open_ == Kind::kThinking) {
    sink_.sign(shows_thinking_ ? thinking_signature(id_) : signature_with_thinking(kept_thinking_));
    kept_thinking_.clear();
  }
  sink_.end();
  open_.reset();
}

void BlockCutter::begin(const ContentBlock& block) {
  end();
  sink_.begin(block);
  open_ = block.kind;
}

void BlockCutter::think(std::string_view text) {
  if (text.empty()) return;
  if (open_ != Kind::kThinking) begin({.kind = Kind::kThinking});
  if (shows_thinking_) {
    sink_.add(Kind::kThinking, text);
  } else {
    kept_thinking_ += text;
  }
}

/// A block of whitespace alone would be refused by the API when it comes back: whitespace at the
/// begin waits for what follows.
void BlockCutter::say(std::string_view text) {
  if (text.empty()) return;
  if (open_ == Kind::kText) return sink_.add(Kind::kText, text);
  held_space_ += text;
  if (held_space_.find_first_not_of(" \t\r\n") == std::string::npos) return;
  const std::string begin_of_text = std::exchange(held_space_, {});
  begin({.kind = Kind::kText});
  sink_.add(Kind::kText, begin_of_text);
}

}  // namespace jevons
