#include "text/output_constraint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "random_model.h"
#include "random_text.h"
#include "text/chat_json.h"
#include "text/json_value.h"
#include "text/m2_markers.h"

namespace jevons {
namespace {

using testing::HasSubstr;

/// Bytes, a few words, and M2's special tokens.
const Tokenizer& tokenizer() {
  static const Tokenizer value = [] {
    Vocabulary vocabulary = byte_vocabulary();
    for (const char* text : {"{\"", "\":", "\": \"", "\", \"", "\"}", "true", "name", "12", "\n\n",
                             "</parameter>", "<invoke", "\xe4\xb8", "\xb8\xad", "hello", " "}) {
      add_token(vocabulary, text, TokenKind::kNormal);
    }
    vocabulary.eos_id = add_token(vocabulary, std::string(kEndOfTurn), TokenKind::kControl);
    add_token(vocabulary, std::string(kRoleMarker), TokenKind::kControl);
    for (const auto text : {kThinkBegin, kThinkEnd, kToolCallBlockBegin, kToolCallBlockEnd}) {
      add_token(vocabulary, std::string(text), TokenKind::kUserDefined);
    }
    add_token(vocabulary, "\"unused", TokenKind::kUnused);
    return Tokenizer::create(std::move(vocabulary)).value();
  }();
  return value;
}

std::int32_t special(std::string_view text) { return tokenizer().special_token(text).value(); }

std::vector<std::int32_t> allowed(OutputConstraint& constraint) {
  std::vector<std::uint64_t> mask((static_cast<std::size_t>(tokenizer().n_tokens()) + 63) / 64);
  constraint.fill_mask(mask);
  std::vector<std::int32_t> ids;
  for (std::int32_t id = 0; id < tokenizer().n_tokens(); ++id) {
    const auto bit = static_cast<std::uint32_t>(id);
    if ((mask[bit / 64] >> (bit % 64) & 1) != 0) ids.push_back(id);
  }
  return ids;
}

bool is_allowed(OutputConstraint& constraint, std::int32_t id) {
  const auto ids = allowed(constraint);
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

bool takes(OutputConstraint& constraint, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char byte) {
    return constraint.accept(static_cast<unsigned char>(byte));
  });
}

std::unique_ptr<OutputConstraint> held(ConstraintCompiler& compiler, std::string_view schema) {
  ConstraintReport report;
  return compiler.json_schema(schema, Unsupported::kRefuse, report).value();
}

std::string refusal(ConstraintCompiler& compiler, std::string_view schema) {
  ConstraintReport report;
  const auto made = compiler.json_schema(schema, Unsupported::kRefuse, report);
  return made ? "no error" : made.error().message;
}

TEST(OutputConstraint, EndOfTurnComesOnlyWhereTheAnswerIsComplete) {
  ConstraintCompiler compiler(tokenizer());
  const auto constraint = held(compiler, R"({"type":"integer"})");
  const std::int32_t end = special(kEndOfTurn);
  EXPECT_TRUE(constraint->is_active());
  EXPECT_FALSE(constraint->may_end());
  EXPECT_FALSE(is_allowed(*constraint, end));
  ASSERT_TRUE(takes(*constraint, "-"));
  EXPECT_FALSE(is_allowed(*constraint, end));
  ASSERT_TRUE(takes(*constraint, "4"));
  EXPECT_TRUE(constraint->may_end());
  EXPECT_TRUE(is_allowed(*constraint, end));
  EXPECT_TRUE(is_allowed(*constraint, '2'));
  EXPECT_TRUE(constraint->accept(end));
  EXPECT_FALSE(constraint->accept('2'));
  EXPECT_EQ(allowed(*constraint), std::vector<std::int32_t>{end});
}

TEST(OutputConstraint, SpecialTokensNeverComeInside) {
  ConstraintCompiler compiler(tokenizer());
  for (const auto text : {kRoleMarker, kThinkBegin, kThinkEnd, kToolCallBlockBegin, kEndOfTurn}) {
    const auto constraint = held(compiler, R"({"type":"string"})");
    ASSERT_TRUE(takes(*constraint, "\"ab"));
    EXPECT_FALSE(is_allowed(*constraint, special(text))) << text;
    EXPECT_FALSE(constraint->accept(special(text))) << text;
    EXPECT_FALSE(constraint->accept('"')) << "the constraint is over";
  }
  const auto constraint = held(compiler, R"({"type":"string"})");
  EXPECT_FALSE(constraint->accept(tokenizer().n_tokens() - 1));  // unused
  EXPECT_FALSE(held(compiler, "true")->accept(-1));
  EXPECT_FALSE(held(compiler, "true")->accept(1'000'000));
}

TEST(OutputConstraint, LineBreaksMayComeFirstButNotForEver) {
  ConstraintCompiler compiler(tokenizer());
  EXPECT_TRUE(takes(*held(compiler, "{}"), "\n\n{}"));
  EXPECT_FALSE(takes(*held(compiler, "{}"), "\n\n\n\n{}"));
  EXPECT_FALSE(takes(*held(compiler, "{}"), "  {}"));
  EXPECT_FALSE(takes(*held(compiler, "{}"), "{\n\n}"));
  EXPECT_FALSE(takes(*held(compiler, "{}"), "{}\n"));
}

TEST(OutputConstraint, HalfCharactersAreCompletedWithinTheString) {
  ConstraintCompiler compiler(tokenizer());
  const auto constraint = held(compiler, R"({"type":"string","maxLength":1})");
  const std::int32_t first_half = 256 + 11;
  ASSERT_EQ(tokenizer().token_bytes(first_half), "\xe4\xb8");
  ASSERT_TRUE(takes(*constraint, "\""));
  ASSERT_TRUE(constraint->accept(first_half));
  EXPECT_FALSE(constraint->may_end());
  for (const std::int32_t id : allowed(*constraint)) {
    EXPECT_GE(static_cast<unsigned char>(tokenizer().token_bytes(id)[0]), 0x80);
  }
  ASSERT_TRUE(constraint->accept(0xad));
  EXPECT_EQ(allowed(*constraint), std::vector<std::int32_t>{'"'});
}

TEST(OutputConstraint, WhatARandomModelWritesIsJsonInUtf8) {
  ConstraintCompiler compiler(tokenizer());
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    RandomModel model(tokenizer(), seed);
    const auto answer = model.write(*compiler.json_object());
    ASSERT_FALSE(answer.is_stuck) << answer.text;
    if (!answer.is_finished) continue;
    EXPECT_TRUE(utf8_is_valid(answer.text));
    const auto value = parse_json(answer.text);
    ASSERT_TRUE(value) << value.error().message << ": " << answer.text;
    EXPECT_TRUE(value->is_object());
  }
}

TEST(OutputConstraint, ErrorsNameTheKeywordAndItsPlace) {
  ConstraintCompiler compiler(tokenizer());
  EXPECT_THAT(refusal(compiler, R"({"properties":{"a":{"items":{"not":{}}}}})"),
              testing::AllOf(HasSubstr("\"not\""), HasSubstr("properties.a.items")));
  EXPECT_THAT(refusal(compiler, R"json({"type":"string","pattern":"(?=a)"})json"),
              testing::AllOf(HasSubstr("\"pattern\""), HasSubstr("lookaround")));
  EXPECT_THAT(refusal(compiler, "{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal(compiler, "[1]"), HasSubstr("a list, expected an object"));
  EXPECT_THAT(refusal(compiler, "false"), HasSubstr("nothing satisfies"));
  EXPECT_THAT(refusal(compiler, "{\"description\":\"" + std::string(2 << 20, 'x') + "\"}"),
              HasSubstr("at most"));
}

TEST(OutputConstraint, DroppedKeywordsAreReportedOnceEach) {
  ConstraintCompiler compiler(tokenizer());
  for (int round = 0; round < 2; ++round) {  // the second answer comes from what was kept
    ConstraintReport report;
    const auto made = compiler.json_schema(
        R"({"type":"object","properties":{"a":{"type":"string","pattern":"\\bx","maxLength":3},
            "b":{"anyOf":[{"not":{}},{"not":{}}]}}})",
        Unsupported::kDrop, report);
    ASSERT_TRUE(made);
    ASSERT_EQ(report.dropped.size(), 3u);
    std::vector<std::string> paths;
    for (const DroppedKeyword& dropped : report.dropped) paths.push_back(dropped.path);
    EXPECT_THAT(paths,
                testing::UnorderedElementsAre("properties.a.pattern", "properties.b.anyOf.0.not",
                                              "properties.b.anyOf.1.not"));
    EXPECT_TRUE(takes(**made, R"({"a":"abc")"));
    EXPECT_FALSE(takes(**compiler.json_schema(R"({"type":"string","pattern":"\\bx","maxLength":3})",
                                              Unsupported::kDrop, report),
                       R"("abcd)"));
  }
}

TEST(OutputConstraint, OneCompilerServesManyThreads) {
  ConstraintCompiler compiler(tokenizer());
  std::vector<std::thread> threads;
  std::vector<std::vector<std::string>> texts(4);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    threads.emplace_back([&, i] {
      for (std::uint32_t seed = 0; seed < 12; ++seed) {
        const auto constraint = held(
            compiler, seed % 2 == 0 ? R"({"type":"array","items":{"type":"string","maxLength":9}})"
                                    : R"({"type":["object","integer"]})");
        texts[i].push_back(RandomModel(tokenizer(), seed).write(*constraint, 200).text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& written : texts) EXPECT_EQ(written, texts.front());
}

// --- Tool calls ---

std::vector<ToolDefinition> tools() {
  return parse_tools(R"([
    {"function": {"name": "get", "parameters": {"type": "object", "properties": {
      "city": {"type": "string"}, "days": {"type": "integer", "maximum": 7}},
      "required": ["city"]}}},
    {"function": {"name": "now"}}])")
      .value();
}

std::unique_ptr<OutputConstraint> calls(ConstraintCompiler& compiler,
                                        const ConstraintCompiler::ToolRules& rules) {
  ConstraintReport report;
  return compiler.tool_calls(tools(), rules, report).value();
}

ConstraintCompiler::ToolRules must_call() {
  ConstraintCompiler::ToolRules rules;
  rules.must_call = true;
  return rules;
}

constexpr std::string_view kNow = "<invoke name=\"now\">\n</invoke>\n";

TEST(ToolCalls, BeginAtOnceWhereTheyMust) {
  ConstraintCompiler compiler(tokenizer());
  const auto constraint = calls(compiler, must_call());
  EXPECT_TRUE(constraint->is_active());
  const auto first = allowed(*constraint);
  EXPECT_EQ(first, (std::vector<std::int32_t>{'\n', 256 + 8, special(kToolCallBlockBegin)}));
  ASSERT_TRUE(takes(*constraint, "\n\n\n"));
  EXPECT_EQ(allowed(*constraint), std::vector<std::int32_t>{special(kToolCallBlockBegin)});
  ASSERT_TRUE(constraint->accept(special(kToolCallBlockBegin)));
  ASSERT_TRUE(takes(*constraint, "\n"));
  EXPECT_FALSE(constraint->accept(special(kToolCallBlockEnd))) << "no call yet";
}

TEST(ToolCalls, EndTheTurnWithTheirBlock) {
  ConstraintCompiler compiler(tokenizer());
  const auto constraint = calls(compiler, must_call());
  ASSERT_TRUE(constraint->accept(special(kToolCallBlockBegin)));
  ASSERT_TRUE(takes(*constraint, "\n" + std::string(kNow)));
  EXPECT_TRUE(is_allowed(*constraint, special(kToolCallBlockEnd)));
  EXPECT_TRUE(is_allowed(*constraint, '<')) << "another call";
  EXPECT_FALSE(constraint->may_end());
  ASSERT_TRUE(constraint->accept(special(kToolCallBlockEnd)));
  EXPECT_TRUE(constraint->may_end());
  EXPECT_EQ(allowed(*constraint), std::vector<std::int32_t>{special(kEndOfTurn)});
}

TEST(ToolCalls, AreFreeTextUntilTheMarkerWhereTheyMay) {
  ConstraintCompiler compiler(tokenizer());
  const auto constraint = calls(compiler, {});
  EXPECT_FALSE(constraint->is_active());
  EXPECT_TRUE(constraint->may_end());
  ASSERT_TRUE(takes(*constraint, "I will look <invoke name=\"none\">"));
  ASSERT_TRUE(constraint->accept(special(kThinkEnd)));
  EXPECT_FALSE(constraint->is_active());
  ASSERT_TRUE(constraint->accept(special(kToolCallBlockBegin)));
  EXPECT_TRUE(constraint->is_active());
  EXPECT_FALSE(constraint->may_end());
  EXPECT_EQ(allowed(*constraint), std::vector<std::int32_t>{'\n'});
  const auto silent = calls(compiler, {});
  EXPECT_TRUE(silent->accept(special(kEndOfTurn)));
}

TEST(ToolCalls, AreOneIfNotParallel) {
  ConstraintCompiler compiler(tokenizer());
  ConstraintCompiler::ToolRules rules = must_call();
  rules.parallel = false;
  const auto constraint = calls(compiler, rules);
  ASSERT_TRUE(constraint->accept(special(kToolCallBlockBegin)));
  ASSERT_TRUE(takes(*constraint, "\n" + std::string(kNow)));
  EXPECT_EQ(allowed(*constraint), std::vector<std::int32_t>{special(kToolCallBlockEnd)});
}

TEST(ToolCalls, NameOnlyTheOneThatIsWanted) {
  ConstraintCompiler compiler(tokenizer());
  ConstraintCompiler::ToolRules rules = must_call();
  rules.only = "get";
  const auto constraint = calls(compiler, rules);
  ASSERT_TRUE(constraint->accept(special(kToolCallBlockBegin)));
  EXPECT_FALSE(takes(*constraint, "\n<invoke name=\"n"));
  rules.only = "none";
  ConstraintReport report;
  const auto refused = compiler.tool_calls(tools(), rules, report);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("\"none\" is not among the tools"));
  EXPECT_FALSE(compiler.tool_calls({}, must_call(), report));
}

TEST(ToolCalls, HoldRequiredParametersAndTheirTypes) {
  ConstraintCompiler compiler(tokenizer());
  const std::string open = "\n<invoke name=\"get\">\n";
  const auto takes_call = [&](const std::string& text) {
    const auto constraint = calls(compiler, must_call());
    return constraint->accept(special(kToolCallBlockBegin)) && takes(*constraint, open + text);
  };
  EXPECT_TRUE(takes_call("<parameter name=\"city\">New <b>York</b></parameter>\n</invoke>\n"));
  EXPECT_TRUE(takes_call(
      "<parameter name=\"city\"></parameter>\n<parameter name=\"days\">7</parameter>\n</invoke>"));
  EXPECT_FALSE(takes_call("</invoke>")) << "city is required";
  EXPECT_FALSE(takes_call("<parameter name=\"days\">")) << "city comes first";
  EXPECT_FALSE(takes_call("<parameter name=\"city\">x</parameter>\n<parameter name=\"days\">8"));
  EXPECT_FALSE(takes_call("<parameter name=\"city\">x</parameter>\n<parameter name=\"other\">"));
  EXPECT_FALSE(takes_call("<parameter name=\"city\">x</parameter>y"));
}

TEST(ToolCalls, ABadSchemaSpoilsOnlyItsOwnTool) {
  ConstraintCompiler compiler(tokenizer());
  const auto mixed = parse_tools(R"json([
    {"function": {"name": "broken", "parameters": {"type": "object", "properties": {
       "a": {"type": "string", "pattern": "(?=x)", "maxLength": 2}, "b": {"type": "integer"}}}}},
    {"function": {"name": "impossible", "parameters": {"type": "object",
       "properties": {"c": false}, "required": ["c"]}}},
    {"function": {"name": "deep", "parameters": {"type": "object", "required": ["d"],
       "properties": {"d": {"$ref": "#"}}}}},
    {"function": {"name": "good", "parameters": {"type": "object", "required": ["n"],
       "properties": {"n": {"type": "integer"}}}}}])json")
                         .value();
  ConstraintReport report;
  const auto takes_call = [&](const std::string& text) {
    const auto constraint = compiler.tool_calls(mixed, must_call(), report).value();
    return constraint->accept(special(kToolCallBlockBegin)) && takes(*constraint, "\n" + text);
  };
  EXPECT_TRUE(
      takes_call("<invoke name=\"broken\">\n<parameter name=\"a\">ab</parameter>\n"
                 "<parameter name=\"b\">4</parameter>\n</invoke>\n"));
  EXPECT_FALSE(takes_call("<invoke name=\"broken\">\n<parameter name=\"a\">abc"));
  EXPECT_TRUE(
      takes_call("<invoke name=\"impossible\">\n<parameter name=\"c\">x</parameter>\n</invoke>"));
  EXPECT_TRUE(takes_call("<invoke name=\"deep\">\n<parameter name=\"d\">x</parameter>\n</invoke>"));
  EXPECT_FALSE(takes_call("<invoke name=\"good\">\n</invoke>"));
  std::vector<std::string> paths;
  for (const DroppedKeyword& dropped : report.dropped) paths.push_back(dropped.path);
  EXPECT_THAT(paths, testing::IsSupersetOf({"tools.0.parameters.properties.a.pattern",
                                            "tools.1.parameters", "tools.2.parameters"}));
}

TEST(ToolCalls, ATextThatWouldBeReadAsAnotherTypeDoesNotComeWhereThatIsWrong) {
  ConstraintCompiler compiler(tokenizer());
  const auto unions = parse_tools(R"([{"function": {"name": "f", "parameters": {"type": "object",
    "properties": {"v": {"anyOf": [{"type": "string", "maxLength": 4},
                                   {"type": "integer", "minimum": 100}]},
                   "w": {"type": ["string", "null"]}}}}}])")
                          .value();
  const auto takes_value = [&](const std::string& text) {
    ConstraintReport report;
    const auto constraint = compiler.tool_calls(unions, must_call(), report).value();
    return constraint->accept(special(kToolCallBlockBegin)) &&
           takes(*constraint, "\n<invoke name=\"f\">\n" + text + "</parameter>\n");
  };
  EXPECT_TRUE(takes_value("<parameter name=\"v\">abc"));
  EXPECT_TRUE(takes_value("<parameter name=\"v\">42x"));
  EXPECT_TRUE(takes_value("<parameter name=\"v\">100"));
  EXPECT_TRUE(takes_value("<parameter name=\"v\">123456"));
  EXPECT_FALSE(takes_value("<parameter name=\"v\">42"));
  EXPECT_FALSE(takes_value("<parameter name=\"v\">abcde"));
  EXPECT_TRUE(takes_value("<parameter name=\"w\">null"));
}

std::stop_token stopped() {
  std::stop_source source;
  source.request_stop();
  return source.get_token();
}

// What was given up half way is not taken for the schema later on.
TEST(OutputConstraint, IsGivenUpWhenNobodyWaits) {
  constexpr const char* kSchema =
      R"({"type": "object", "properties": {"given_up": {"type": "string", "pattern": "^a+b$"}}})";
  ConstraintCompiler compiler(tokenizer());
  ConstraintReport report;
  EXPECT_FALSE(compiler.json_schema(kSchema, Unsupported::kDrop, report, stopped()));
  EXPECT_FALSE(compiler.json_schema(kSchema, Unsupported::kRefuse, report, stopped()));
  ToolDefinition tool;
  tool.name = "f";
  tool.parameters = kSchema;
  const ConstraintCompiler::ToolRules rules;
  EXPECT_FALSE(compiler.tool_calls({&tool, 1}, rules, report, stopped()));
  EXPECT_TRUE(report.dropped.empty());

  EXPECT_TRUE(compiler.json_schema(kSchema, Unsupported::kDrop, report));
  EXPECT_TRUE(compiler.json_schema(kSchema, Unsupported::kRefuse, report));
  EXPECT_TRUE(compiler.tool_calls({&tool, 1}, rules, report));
  EXPECT_TRUE(report.dropped.empty());
}

}  // namespace
}  // namespace jevons
