// Any text as a JSON schema, or as the schema of a tool's parameters: an error within the budget,
// or a constraint under which something can always be written, what the mask allows is taken and
// nothing else, and a whole answer is JSON that satisfies the schema.
//
// Input: byte 0 options, byte 1 seed of the answers, then the schema.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/constraint/schema_values.h"
#include "text/json_value.h"
#include "text/m2_markers.h"
#include "text/output_constraint.h"
#include "text/output_parser.h"
#include "text/tokenizer.h"

namespace {

using namespace jevons;

constexpr int kMaxTokens = 60;
constexpr int kAnswers = 3;

Vocabulary vocabulary() {
  Vocabulary made;
  for (int byte = 0; byte < 256; ++byte) made.tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* text :
       {"{\"", "\":",  "\", \"", "\"}",       "\"]", "}}",  "]}", "true",     "null",
        "12",  "\n  ", "</",     "parameter", ">\n", "\\u", "00", "\xc3\xa9", "\xf0\x9f",
        "aa",  "abc",  "2024-",  "-01",       "0.5", "[[",  "{}", "[]"}) {
    made.tokens.emplace_back(text);
  }
  made.kinds.assign(made.tokens.size(), TokenKind::kNormal);
  for (const auto text : {kEndOfTurn, kToolCallBlockBegin, kToolCallBlockEnd}) {
    if (text == kEndOfTurn) made.eos_id = static_cast<std::int32_t>(made.tokens.size());
    made.tokens.emplace_back(text);
    made.kinds.push_back(text == kEndOfTurn ? TokenKind::kControl : TokenKind::kUserDefined);
  }
  made.pre_tokenizer = "minimax-m2";
  return made;
}

const Tokenizer& tokenizer() {
  static const Tokenizer value = Tokenizer::create(vocabulary()).value();
  return value;
}

bool is_allowed(const std::vector<std::uint64_t>& mask, std::int32_t id) {
  const auto bit = static_cast<std::uint32_t>(id);
  return (mask[bit / 64] >> (bit % 64) & 1) != 0;
}

std::int32_t choose(const std::vector<std::uint64_t>& mask, bool wants_to_end,
                    std::mt19937& random) {
  const std::int32_t end = *tokenizer().vocabulary().eos_id;
  if (wants_to_end && is_allowed(mask, end)) return end;
  std::vector<std::int32_t> all;
  std::vector<std::int32_t> closing;
  for (std::int32_t id = 0; id < tokenizer().n_tokens(); ++id) {
    if (!is_allowed(mask, id)) continue;
    all.push_back(id);
    if (id == '"' || id == '}' || id == ']' || id == '<' || id == '/') closing.push_back(id);
  }
  JEVONS_CHECK(!all.empty());
  const auto& from = wants_to_end && !closing.empty() ? closing : all;
  return from[random() % from.size()];
}

/// An answer; empty if it did not come to an end. `twin`: a constraint of the same kind, in which a
/// token that the mask does not allow is tried.
template <typename Make>
std::string write(Make&& make, std::mt19937& random) {
  const std::unique_ptr<OutputConstraint> constraint = make();
  std::vector<std::uint64_t> mask((static_cast<std::size_t>(tokenizer().n_tokens()) + 63) / 64);
  std::vector<std::int32_t> ids;
  std::string text;
  const std::size_t n_free = random() % 30;
  const std::size_t n_tried = random() % kMaxTokens;
  while (ids.size() < kMaxTokens) {
    constraint->fill_mask(mask);
    if (ids.size() == n_tried) {
      const std::unique_ptr<OutputConstraint> twin = make();
      for (const std::int32_t id : ids) JEVONS_CHECK(twin->accept(id));
      const auto tried = static_cast<std::int32_t>(random() % tokenizer().n_tokens());
      JEVONS_CHECK(twin->accept(tried) == is_allowed(mask, tried));
    }
    const std::int32_t id = choose(mask, ids.size() >= n_free, random);
    JEVONS_CHECK(constraint->accept(id));
    if (id == tokenizer().vocabulary().eos_id) return text;
    ids.push_back(id);
    text += tokenizer().token_bytes(id);
  }
  return "";
}

void try_schema(std::string_view schema, Unsupported unsupported, std::mt19937& random) {
  ConstraintCompiler compiler(tokenizer());
  ConstraintReport report;
  if (!compiler.json_schema(schema, unsupported, report)) return;
  const auto root = parse_json(schema);
  JEVONS_CHECK(root.has_value());
  WorkBudget budget(10'000'000);
  ConstraintReport ignored;
  const SchemaReader reader(*root, unsupported, ignored, budget);
  // What the evaluator takes more strictly than it is meant.
  const bool is_exact = schema.find("unevaluated") == std::string_view::npos;
  for (int i = 0; i < kAnswers; ++i) {
    const std::string text =
        write([&] { return compiler.json_schema(schema, unsupported, report).value(); }, random);
    if (text.empty()) continue;
    JEVONS_CHECK(utf8_is_valid(text));
    const auto value = parse_json(text);
    JEVONS_CHECK(value.has_value());
    if (!report.dropped.empty() || !is_exact) continue;
    const auto holds = satisfies(*value, {&*root, ""}, reader, budget);
    JEVONS_CHECK(!holds || *holds);
  }
}

void try_tool(std::string_view schema, std::mt19937& random) {
  ConstraintCompiler compiler(tokenizer());
  const std::vector<ToolDefinition> tools = {
      {.name = "f", .parameters = std::string(schema)},
      {.name = "g", .parameters = R"({"properties":{"s":{"type":"string"}}})"}};
  ConstraintCompiler::ToolRules rules;
  rules.must_call = true;
  rules.parallel = random() % 2 == 0;
  ConstraintReport report;
  if (!compiler.tool_calls(tools, rules, report)) return;
  for (int i = 0; i < kAnswers; ++i) {
    const std::string text =
        write([&] { return compiler.tool_calls(tools, rules, report).value(); }, random);
    if (text.empty()) continue;
    OutputParser parser(tools);
    Message message = new_assistant_message();
    for (const OutputEvent& event : parser.push("</think>" + text)) append_event(message, event);
    for (const OutputEvent& event : parser.finish()) append_event(message, event);
    JEVONS_CHECK(!message.tool_calls.empty());
    JEVONS_CHECK(rules.parallel || message.tool_calls.size() == 1);
    for (const ToolCall& call : message.tool_calls) JEVONS_CHECK(parse_json(call.arguments));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::mt19937 random(data[1]);
  const std::string_view schema(reinterpret_cast<const char*>(data) + 2, size - 2);
  if ((data[0] & 1) != 0) {
    try_tool(schema, random);
  } else {
    try_schema(schema, (data[0] & 2) != 0 ? Unsupported::kDrop : Unsupported::kRefuse, random);
  }
  return 0;
}
