// Runs the output parser for tests: in one piece, and cut in every way that is cheap to try.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_json.h"
#include "text/output_parser.h"

namespace jevons {

/// Events with neighbouring deltas of one kind joined: what must not depend on the cuts.
inline std::vector<OutputEvent> joined(const std::vector<OutputEvent>& events) {
  std::vector<OutputEvent> list;
  for (const OutputEvent& event : events) {
    OutputEvent* const last = list.empty() ? nullptr : &list.back();
    if (last != nullptr && last->index() == event.index()) {
      if (auto* reasoning = std::get_if<ReasoningDelta>(last)) {
        reasoning->text += std::get<ReasoningDelta>(event).text;
        continue;
      }
      if (auto* text = std::get_if<TextDelta>(last)) {
        text->text += std::get<TextDelta>(event).text;
        continue;
      }
      if (auto* arguments = std::get_if<ToolArgumentsDelta>(last)) {
        arguments->json += std::get<ToolArgumentsDelta>(event).json;
        continue;
      }
    }
    list.push_back(event);
  }
  return list;
}

/// `pieces`: the output, cut.
inline std::vector<OutputEvent> parse_pieces(const std::vector<std::string_view>& pieces,
                                             std::span<const ToolDefinition> tools,
                                             const OutputParserOptions& options) {
  OutputParser parser(tools, options);
  std::vector<OutputEvent> events;
  for (const std::string_view piece : pieces) {
    for (OutputEvent& event : parser.push(piece)) events.push_back(std::move(event));
  }
  for (OutputEvent& event : parser.finish()) events.push_back(std::move(event));
  return joined(events);
}

/// One line for each event, for readable expectations: "R reasoning", "T text", "B name",
/// "A arguments", "E" or "E incomplete", "W warning".
inline std::string described(const std::vector<OutputEvent>& events) {
  std::string text;
  for (const OutputEvent& event : events) {
    if (const auto* reasoning = std::get_if<ReasoningDelta>(&event)) {
      text += "R " + reasoning->text;
    } else if (const auto* delta = std::get_if<TextDelta>(&event)) {
      text += "T " + delta->text;
    } else if (const auto* begin = std::get_if<ToolCallBegin>(&event)) {
      text += "B " + begin->name;
    } else if (const auto* arguments = std::get_if<ToolArgumentsDelta>(&event)) {
      text += "A " + arguments->json;
    } else if (const auto* end = std::get_if<ToolCallEnd>(&event)) {
      text += end->complete ? "E" : "E incomplete";
    } else {
      text += "W " + std::get<OutputWarning>(event).message;
    }
    text += '\n';
  }
  return text;
}

/// Parses `output` whole, byte by byte and cut in two at every place; all must agree.
inline std::vector<OutputEvent> parse_all_cuts(std::string_view output,
                                               std::span<const ToolDefinition> tools,
                                               const OutputParserOptions& options = {}) {
  const std::vector<OutputEvent> whole = parse_pieces({output}, tools, options);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < output.size(); ++i) bytes.push_back(output.substr(i, 1));
  EXPECT_EQ(described(parse_pieces(bytes, tools, options)), described(whole)) << output;
  for (std::size_t cut = 1; cut < output.size(); ++cut) {
    const auto parts = parse_pieces({output.substr(0, cut), output.substr(cut)}, tools, options);
    if (parts != whole) {
      ADD_FAILURE() << "cut at " << cut << " of: " << output << "\n"
                    << described(parts) << "instead of\n"
                    << described(whole);
      break;
    }
  }
  return whole;
}

/// Tools of the tests. write_file has strings only; set takes one value of each type.
inline const std::vector<ToolDefinition>& test_tools() {
  static const std::vector<ToolDefinition> kTools = parse_tools(R"([
    {"function": {"name": "write_file", "parameters": {"type": "object", "properties": {
      "path": {"type": "string"}, "content": {"type": "string"}}, "required": ["path"]}}},
    {"function": {"name": "set", "parameters": {"type": "object", "properties": {
      "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"},
      "b": {"type": "boolean"}, "o": {"type": "object"}, "a": {"type": "array"},
      "sn": {"type": ["string", "null"]}, "any": {}}}}},
    {"function": {"name": "now"}}])")
                                                        .value();
  return kTools;
}

}  // namespace jevons
