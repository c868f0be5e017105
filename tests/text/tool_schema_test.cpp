#include "text/tool_schema.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace jevons {
namespace {

/// What becomes of `raw` for a parameter with this schema; "!" before it if it does not fit.
std::string typed(std::string_view schema, std::string_view raw) {
  const ToolSchema tool(fmt::format(R"({{"properties": {{"p": {}}}, "$defs": {{
      "Count": {{"type": "integer"}}, "Loop": {{"$ref": "#/$defs/Loop"}},
      "a/b": {{"type": "boolean"}}}}}})",
                                    schema));
  const TypedValue value = typed_value(raw, tool.type_of("p"));
  return (value.fits ? "" : "!") + value.json;
}

TEST(ToolSchema, StringsStayAsTheyAre) {
  for (const char* schema :
       {R"({"type": "string"})", R"({"type": "STRING"})", R"({"type": "str"})",
        R"({"enum": ["3", "4"]})", R"({"const": "x"})", R"({"type": "string", "enum": ["a"]})"}) {
    EXPECT_EQ(typed(schema, "3"), "\"3\"") << schema;
    EXPECT_EQ(typed(schema, "null"), "\"null\"") << schema;
    EXPECT_EQ(typed(schema, " {} \n"), "\" {} \\n\"") << schema;
  }
}

TEST(ToolSchema, Numbers) {
  const char* const integer = R"({"type": "integer"})";
  EXPECT_EQ(typed(integer, "12"), "12");
  EXPECT_EQ(typed(integer, " -7\n"), "-7");
  EXPECT_EQ(typed(integer, "123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ(typed(integer, "3.0"), "3.0");
  EXPECT_EQ(typed(integer, "3.5"), "!\"3.5\"");
  EXPECT_EQ(typed(integer, "012"), "!\"012\"");
  EXPECT_EQ(typed(integer, "\"12\""), "!\"\\\"12\\\"\"");
  EXPECT_EQ(typed(integer, ""), "!\"\"");
  EXPECT_EQ(typed(R"({"type": "number"})", "1e5"), "1e5");
  EXPECT_EQ(typed(R"({"type": "number"})", "3"), "3");
  EXPECT_EQ(typed(R"({"type": "number"})", "NaN"), "!\"NaN\"");
  EXPECT_EQ(typed(R"({"type": "number"})", "true"), "!\"true\"");
}

TEST(ToolSchema, BooleansAndNull) {
  const char* const boolean = R"({"type": "boolean"})";
  EXPECT_EQ(typed(boolean, "true"), "true");
  EXPECT_EQ(typed(boolean, "False"), "false");
  EXPECT_EQ(typed(boolean, "1"), "true");
  EXPECT_EQ(typed(boolean, "0"), "false");
  EXPECT_EQ(typed(boolean, "yes"), "!\"yes\"");
  EXPECT_EQ(typed(R"({"type": ["boolean", "integer"]})", "1"), "1");
  EXPECT_EQ(typed(R"({"type": ["integer", "null"]})", "NULL"), "null");
  EXPECT_EQ(typed(R"({"type": "integer", "nullable": true})", "null"), "null");
  EXPECT_EQ(typed(R"({"type": "integer"})", "null"), "!\"null\"");
}

TEST(ToolSchema, ObjectsAndArraysKeepTheirText) {
  EXPECT_EQ(typed(R"({"type": "object"})", "\n{\"b\":1,\n \"a\": 2.50}\n"),
            "{\"b\":1,\n \"a\": 2.50}");
  EXPECT_EQ(typed(R"({"properties": {}})", "{}"), "{}");
  EXPECT_EQ(typed(R"({"items": {}})", "[1]"), "[1]");
  EXPECT_EQ(typed(R"({"type": "array"})", "{}"), "!\"{}\"");
  EXPECT_EQ(typed(R"({"type": "array"})", "a, b"), "!\"a, b\"");
  EXPECT_EQ(typed(R"({"type": "array"})", R"(["\ud83d"])"), "[\"\\ufffd\"]");
}

TEST(ToolSchema, Unions) {
  for (const char* schema :
       {R"({"type": ["string", "null"]})", R"({"type": "string", "nullable": true})",
        R"({"anyOf": [{"type": "string"}, {"type": "null"}]})",
        R"({"oneOf": [{"type": "null"}, {"type": "string"}]})", R"({"enum": ["a", "b", null]})"}) {
    EXPECT_EQ(typed(schema, "null"), "null") << schema;
    EXPECT_EQ(typed(schema, "NULL"), "\"NULL\"") << schema;
    EXPECT_EQ(typed(schema, "42"), "\"42\"") << schema;
    EXPECT_EQ(typed(schema, "a"), "\"a\"") << schema;
  }
  const char* const mixed = R"({"anyOf": [{"type": "integer"}, {"type": "string"}]})";
  EXPECT_EQ(typed(mixed, "42"), "42");
  EXPECT_EQ(typed(mixed, "42 "), "\"42 \"");
  EXPECT_EQ(typed(mixed, "4.5"), "\"4.5\"");
  EXPECT_EQ(typed(R"({"type": ["string", "array"]})", " [\"a\"]\n"), "[\"a\"]");
}

TEST(ToolSchema, AnEnumDecidesBetweenAStringAndANumber) {
  EXPECT_EQ(typed(R"({"enum": ["1", 2]})", "1"), "\"1\"");
  EXPECT_EQ(typed(R"({"enum": ["1", 2]})", "2"), "2");
  EXPECT_EQ(typed(R"({"enum": ["1", 2]})", "3"), "\"3\"");
  EXPECT_EQ(typed(R"({"enum": [1, 2]})", "2"), "2");
  EXPECT_EQ(typed(R"({"anyOf": [{"const": "true"}, {"const": false}]})", "true"), "\"true\"");
  EXPECT_EQ(typed(R"({"anyOf": [{"const": "true"}, {"const": false}]})", "false"), "false");
}

TEST(ToolSchema, AllOfAndReferences) {
  EXPECT_EQ(typed(R"({"$ref": "#/$defs/Count"})", "5"), "5");
  EXPECT_EQ(typed(R"({"$ref": "#/$defs/Count"})", "x"), "!\"x\"");
  EXPECT_EQ(typed(R"({"$ref": "#/$defs/a~1b"})", "1"), "true");
  EXPECT_EQ(typed(R"({"allOf": [{"type": ["integer", "string"]}, {"type": "integer"}]})", "x"),
            "!\"x\"");
  EXPECT_EQ(typed(R"({"anyOf": [{"$ref": "#/$defs/Count"}, {"type": "null"}]})", "null"), "null");
}

TEST(ToolSchema, WhatIsUnknownIsJsonIfItReadsAsSuch) {
  for (const char* schema :
       {"{}", "true", R"({"description": "d"})", R"({"type": "any"})", R"({"type": []})",
        R"({"$ref": "#/$defs/Loop"})", R"({"$ref": "#/none"})", R"({"$ref": "other.json"})",
        R"({"allOf": [{"type": "integer"}, {"type": "string"}]})"}) {
    EXPECT_EQ(typed(schema, "42"), "42") << schema;
    EXPECT_EQ(typed(schema, "a"), "\"a\"") << schema;
    EXPECT_EQ(typed(schema, "[1"), "\"[1\"") << schema;
  }
}

TEST(ToolSchema, KnowsWhichParametersMayBegin) {
  const ToolSchema closed(R"({"type": "object", "properties": {"a": {}},
      "allOf": [{"properties": {"b": {}}}], "anyOf": [{"$ref": "#/$defs/C"}],
      "$defs": {"C": {"properties": {"c": {"type": "string"}}}}})");
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_TRUE(closed.admits(name) && closed.declares(name)) << name;
  }
  EXPECT_FALSE(closed.admits("d"));
  EXPECT_TRUE(closed.type_of("c").is_string_only());

  const ToolSchema open(R"({"properties": {"a": {}}, "additionalProperties": {"type": "string"}})");
  EXPECT_TRUE(open.admits("d"));
  EXPECT_FALSE(open.declares("d"));
  EXPECT_TRUE(open.type_of("d").is_string_only());

  for (const char* schema : {"", "7", "{", R"({"type": "object", "properties": {}})"}) {
    EXPECT_TRUE(ToolSchema(schema).admits("x") && ToolSchema(schema).declares("x")) << schema;
  }
  EXPECT_FALSE(
      ToolSchema(R"({"properties": {"a": {}}, "additionalProperties": false})").admits("x"));
}

TEST(ToolSchema, HostileSchemasEnd) {
  // Each level refers to the next one twice: 2^200 paths.
  std::string schema = R"({"properties": {"p": {"$ref": "#/$defs/d0"}}, "$defs": {)";
  for (int i = 0; i < 200; ++i) {
    schema += fmt::format(
        R"("d{}": {{"anyOf": [{{"$ref": "#/$defs/d{}"}}, {{"$ref": "#/$defs/d{}"}}]}}, )", i, i + 1,
        i + 1);
  }
  const ToolSchema tool(schema + R"("d200": {}}})");
  EXPECT_TRUE(tool.type_of("p").allows(ValueType::kString));
}

}  // namespace
}  // namespace jevons
