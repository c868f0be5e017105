#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "naive_matcher.h"
#include "random_model.h"
#include "text/chat_json.h"
#include "text/constraint/answer_rules.h"
#include "text/constraint/call_rules.h"
#include "text/constraint/grammar_automaton.h"
#include "text/m2_markers.h"
#include "text/output_constraint.h"
#include "text/tokenizer_json.h"

namespace jevons {
namespace {

using nlohmann::json;

const Tokenizer& tokenizer() {
  static const Tokenizer value = [] {
    auto vocabulary = read_tokenizer_json(std::string(JEVONS_SOURCE_DIR) +
                                          "/tests/data/text/tokenizer/vocabulary.json");
    for (std::size_t id = 0; id < vocabulary->tokens.size(); ++id) {
      if (vocabulary->tokens[id] == kEndOfTurn) vocabulary->eos_id = static_cast<std::int32_t>(id);
    }
    return Tokenizer::create(std::move(*vocabulary)).value();
  }();
  return value;
}

const StandardLexemes& lexemes() {
  static const auto value = StandardLexemes::make();
  return *value;
}

std::vector<std::uint64_t> naive_mask(const NaiveMatcher& naive,
                                      const NaiveMatcher::Places& places) {
  std::vector<std::uint64_t> mask((static_cast<std::size_t>(tokenizer().n_tokens()) + 63) / 64, 0);
  for (std::int32_t id = 0; id < tokenizer().n_tokens(); ++id) {
    const auto bit = static_cast<std::uint32_t>(id);
    if (naive.allows(places, tokenizer(), id)) mask[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
  return mask;
}

/// Writes an answer, then reads it with a second constraint and compares at places that `seed`
/// picks. `make`: a new constraint.
template <typename Make>
void compare_masks(const Grammar& grammar, Make&& make, const std::string& name,
                   std::uint32_t seed) {
  const NaiveMatcher naive(grammar);
  NaiveMatcher::Places places = naive.begin();
  RandomModel model(tokenizer(), seed);
  const RandomModel::Answer answer = model.write(*make(), 100);
  EXPECT_FALSE(answer.is_stuck) << name << ": " << answer.text;
  const std::unique_ptr<OutputConstraint> reading = make();
  std::mt19937 random(seed);
  std::vector<std::uint64_t> mask((static_cast<std::size_t>(tokenizer().n_tokens()) + 63) / 64);
  for (const std::int32_t id : answer.ids) {
    if (random() % 8 == 0) {
      reading->fill_mask(mask);
      EXPECT_EQ(mask, naive_mask(naive, places)) << name << ", before " << id;
      EXPECT_EQ(reading->may_end(), NaiveMatcher::may_end(places)) << name;
    }
    ASSERT_TRUE(reading->accept(id)) << name;
    const TokenKind kind = tokenizer().kind(id);
    places = kind == TokenKind::kNormal || kind == TokenKind::kByte
                 ? naive.after(std::move(places), tokenizer().token_bytes(id))
                 : naive.after_token(places, id);
  }
}

std::vector<json> written_schemas() {
  std::vector<json> cases;
  std::ifstream file(std::string(JEVONS_SOURCE_DIR) + "/tests/data/schemas/written.jsonl");
  for (std::string line; std::getline(file, line);) cases.push_back(json::parse(line));
  return cases;
}

TEST(ConstraintMask, IsThatOfTheNaiveMatcherForWrittenSchemas) {
  ConstraintCompiler compiler(tokenizer());
  std::uint32_t seed = 0;
  int n_compared = 0;
  for (const json& written : written_schemas()) {
    const std::string schema = written["schema"].dump();
    const auto unsupported =
        written.value("loose", false) ? Unsupported::kDrop : Unsupported::kRefuse;
    ConstraintReport report;
    const auto grammar = make_schema_grammar(schema, unsupported, lexemes(), report);
    if (!grammar) continue;
    compare_masks(
        *grammar, [&] { return compiler.json_schema(schema, unsupported, report).value(); },
        written["name"], ++seed);
    ++n_compared;
  }
  EXPECT_GT(n_compared, 100);
}

TEST(ConstraintMask, IsThatOfTheNaiveMatcherForAnyObject) {
  ConstraintCompiler compiler(tokenizer());
  const Grammar grammar = make_object_grammar(lexemes());
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    compare_masks(grammar, [&] { return compiler.json_object(); }, "object", seed);
  }
}

TEST(ConstraintMask, IsThatOfTheNaiveMatcherForCalls) {
  const auto tools = parse_tools(R"([
    {"function": {"name": "write", "parameters": {"type": "object", "properties": {
      "path": {"type": "string", "minLength": 1, "maxLength": 20},
      "text": {"type": "string"},
      "mode": {"enum": ["new", "append", 3]},
      "tag": {"type": "string", "pattern": "^<[a-z/]{1,14}>$"},
      "size": {"type": ["integer", "string"], "minimum": 5, "maxLength": 6},
      "more": {"type": "object", "properties": {"x": {"type": "string"}}}},
      "required": ["path"], "additionalProperties": {"type": ["boolean", "null"]}}}},
    {"function": {"name": "write_all"}},
    {"function": {"name": "list", "parameters": {"properties": {"any": {}}}}}])")
                         .value();
  ConstraintCompiler compiler(tokenizer());
  const CallMarkers markers{tokenizer().special_token(kToolCallBlockBegin).value(),
                            tokenizer().special_token(kToolCallBlockEnd).value()};
  ConstraintCompiler::ToolRules rules;
  rules.must_call = true;
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    rules.parallel = seed % 2 == 0;
    ConstraintReport report;
    const auto grammar = make_call_grammar(tools, rules, markers, lexemes(), report);
    ASSERT_TRUE(grammar) << grammar.error().message;
    compare_masks(
        *grammar, [&] { return compiler.tool_calls(tools, rules, report).value(); }, "calls", seed);
  }
}

// Constraints move to new tables when theirs have grown: nothing may change by it.
TEST(GrammarAutomaton, GivesTheSameMasksAfterMovingToNewTables) {
  ConstraintReport report;
  const auto grammar = std::make_shared<const Grammar>(
      make_schema_grammar(R"({"$defs":{"n":{"type":"object","properties":{
        "v":{"type":"string","maxLength":9},"n":{"type":"array","items":{"$ref":"#/$defs/n"}}},
        "required":["v"]}},"$ref":"#/$defs/n"})",
                          Unsupported::kRefuse, lexemes(), report)
          .value());
  const auto vocabulary = std::make_shared<const VocabularyTrie>(tokenizer());
  std::vector<std::shared_ptr<LexemeMasks>> masks;
  for (const Grammar::Piece& piece : grammar->pieces) {
    masks.push_back(std::make_shared<LexemeMasks>(piece.lexeme, *vocabulary));
  }
  auto old_tables = std::make_shared<GrammarAutomaton>(grammar, masks, vocabulary);
  const std::string text =
      "\n{\"v\": \"abc\",\n  \"n\": [{\"v\":\"\u00e9\"}, {\"v\":\"x\",\"n\":[]}]}";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const auto set = old_tables->after(old_tables->begin(), text.substr(0, n));
    const auto new_tables = old_tables->renewed();
    const auto moved = new_tables->import(*old_tables, set);
    std::vector<std::uint64_t> before(vocabulary->n_words(), 0);
    std::vector<std::uint64_t> after(vocabulary->n_words(), 0);
    old_tables->fill_mask(set, before);
    new_tables->fill_mask(moved, after);
    EXPECT_EQ(before, after) << "after " << text.substr(0, n);
    EXPECT_EQ(old_tables->may_end(set), n == text.size());
    EXPECT_EQ(new_tables->may_end(moved), n == text.size());
  }
}

}  // namespace
}  // namespace jevons
