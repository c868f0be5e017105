// The output parser on any text: every cut gives the same events, arguments are JSON objects,
// calls do not overlap, and no word that the model wrote is lost.
//
// Input: byte 0 options, byte 1 seed of the cuts, then the text: a byte below 40 stands for a
// piece of the format or for a word that occurs once, any other for itself.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/chat_json.h"
#include "text/json_value.h"
#include "text/output_parser.h"

namespace {

using jevons::OutputEvent;

constexpr std::string_view kPieces[] = {
    "<think>",
    "</think>",
    "\n",
    "\n\n",
    " ",
    "<minimax:tool_call>",
    "</minimax:tool_call>",
    "<minimax:tool_call>\n<invoke name=\"set\">\n",
    "<invoke name=\"set\">",
    "<invoke name='now'>",
    "<invoke name=text>",
    "<invoke",
    "</invoke>",
    "<parameter name=\"s\">",
    "<parameter name=\"i\">",
    "<parameter name=\"o\">",
    "<parameter name=\"any\">",
    "<parameter name=s>",
    "<parameter name=\"other\">",
    "<parameter",
    "</parameter>",
    "</parameter>\n</invoke>",
    "\"}",
    "{\"a\": ",
    "\\ud83d",
    "true",
    "1e5",
    "null",
    "                                                                                 "};

std::string word(std::size_t index) { return fmt::format("w{};", index); }

std::string text_of(const std::uint8_t* data, std::size_t size, std::size_t* n_words) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] < std::size(kPieces)) {
      text += kPieces[data[i]];
    } else if (data[i] < 40) {
      text += word((*n_words)++);
    } else {
      text += static_cast<char>(data[i]);
    }
  }
  return text;
}

const std::vector<jevons::ToolDefinition>& tools() {
  static const std::vector<jevons::ToolDefinition> kTools = jevons::parse_tools(R"([
    {"function": {"name": "text", "parameters": {"properties": {"s": {"type": "string"}}}}},
    {"function": {"name": "set", "parameters": {"type": "object", "properties": {
      "s": {"type": "string"}, "i": {"type": "integer"}, "o": {"type": ["object", "string"]},
      "any": {}}}}},
    {"function": {"name": "now"}}])")
                                                                .value();
  return kTools;
}

/// Kind, call and text of an event, in one line.
struct Line {
  std::size_t kind;
  std::string text;
  bool operator==(const Line&) const = default;
};

Line line_of(const OutputEvent& event) {
  Line line{event.index(), {}};
  if (const auto* reasoning = std::get_if<jevons::ReasoningDelta>(&event)) {
    line.text = reasoning->text;
  } else if (const auto* text = std::get_if<jevons::TextDelta>(&event)) {
    line.text = text->text;
  } else if (const auto* begin = std::get_if<jevons::ToolCallBegin>(&event)) {
    line.text = begin->id + " " + begin->name;
  } else if (const auto* arguments = std::get_if<jevons::ToolArgumentsDelta>(&event)) {
    line.text = arguments->json;
  } else if (const auto* end = std::get_if<jevons::ToolCallEnd>(&event)) {
    line.text = end->complete ? "complete" : "";
  } else {
    line.text = std::get<jevons::OutputWarning>(event).message;
  }
  return line;
}

void add(std::vector<Line>& lines, const std::vector<OutputEvent>& events) {
  for (const OutputEvent& event : events) {
    const bool is_delta = std::holds_alternative<jevons::ReasoningDelta>(event) ||
                          std::holds_alternative<jevons::TextDelta>(event) ||
                          std::holds_alternative<jevons::ToolArgumentsDelta>(event);
    if (is_delta && !lines.empty() && lines.back().kind == event.index()) {
      lines.back().text += line_of(event).text;
    } else {
      lines.push_back(line_of(event));
    }
  }
}

/// `longest`: of a piece, in bytes.
std::vector<Line> parse(std::string_view text, const jevons::OutputParserOptions& options,
                        std::size_t longest, unsigned seed) {
  jevons::OutputParser parser(tools(), options);
  std::minstd_rand random(seed);
  std::vector<Line> lines;
  while (!text.empty()) {
    const std::size_t n = longest == 1 ? 1 : 1 + random() % longest;
    add(lines, parser.push(text.substr(0, n)));
    text.remove_prefix(std::min(n, text.size()));
  }
  add(lines, parser.finish());
  return lines;
}

void check_calls(const std::vector<Line>& lines) {
  bool is_open = false;
  std::string arguments;
  for (const Line& line : lines) {
    switch (line.kind) {
      case 2:
        JEVONS_CHECK(!is_open);
        is_open = true;
        arguments.clear();
        break;
      case 3:
        JEVONS_CHECK(is_open);
        arguments += line.text;
        break;
      case 4: {
        JEVONS_CHECK(is_open);
        is_open = false;
        const auto value = jevons::parse_json(arguments);
        JEVONS_CHECK(value && value->is_object());
        break;
      }
      default:
        JEVONS_CHECK(!is_open || line.kind == 5);
    }
  }
  JEVONS_CHECK(!is_open);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  jevons::OutputParserOptions options;
  options.starts_in_reasoning = (data[0] & 1) != 0;
  options.parse_tool_calls = (data[0] & 6) != 0;
  std::size_t n_words = 0;
  const std::string text = text_of(data + 2, size - 2, &n_words);

  const std::vector<Line> whole = parse(text, options, text.size() + 1, 1);
  JEVONS_CHECK(parse(text, options, 1, 1) == whole);
  JEVONS_CHECK(parse(text, options, 2 + data[1] % 30, data[1]) == whole);
  check_calls(whole);

  std::string delivered;
  for (const Line& line : whole) {
    if (line.kind != 5) delivered += line.text + "\n";
  }
  for (std::size_t i = 0; i < n_words; ++i) {
    JEVONS_CHECK(delivered.find(word(i)) != std::string::npos);
  }
  return 0;
}
