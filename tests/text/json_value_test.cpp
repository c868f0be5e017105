#include "text/json_value.h"

#include <gtest/gtest.h>

namespace jevons {
namespace {

std::string dumps(std::string_view json) {
  const auto value = parse_json(json);
  EXPECT_TRUE(value) << json << ": " << value.error().message;
  return value ? python_json(*value) : "";
}

// Expected texts are what CPython 3.11 prints for json.dumps(json.loads(x), ensure_ascii=False).
TEST(JsonValue, NumbersAreWrittenAsPythonDoes) {
  EXPECT_EQ(dumps("[0, -0, 12, -7, 123456789012345678901234567890]"),
            "[0, 0, 12, -7, 123456789012345678901234567890]");
  EXPECT_EQ(dumps("[1.0, 1e5, -0.0, 1.50, 0.1, 100e-2]"), "[1.0, 100000.0, -0.0, 1.5, 0.1, 1.0]");
  EXPECT_EQ(dumps("[1e15, 1e16, 1.5e16, 123456789012345678.0]"),
            "[1000000000000000.0, 1e+16, 1.5e+16, 1.2345678901234568e+17]");
  EXPECT_EQ(dumps("[0.0001, 0.00001, 1.25e-7, 1e-400, -1e-400]"),
            "[0.0001, 1e-05, 1.25e-07, 0.0, -0.0]");
  EXPECT_EQ(dumps("[1e300, 5e-324, 1.7976931348623157e308]"),
            "[1e+300, 5e-324, 1.7976931348623157e+308]");
  EXPECT_EQ(dumps("[18446744073709551615, 18446744073709551616, -9223372036854775808]"),
            "[18446744073709551615, 18446744073709551616, -9223372036854775808]");
}

TEST(JsonValue, StringsEscapeOnlyWhatTheyMust) {
  EXPECT_EQ(dumps(R"("\u001f\u007f\u2028\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\")"),
            "\"\\u001f\x7f\u2028\u00e9\U0001F600/\\b\\f\\n\\r\\t\\\"\\\\\"");
}

TEST(JsonValue, LayoutAndKeyOrder) {
  EXPECT_EQ(dumps(R"({"b":1,"a":[],"c":{},"d":[true,false,null,{"z":"y"}]})"),
            R"({"b": 1, "a": [], "c": {}, "d": [true, false, null, {"z": "y"}]})");
}

TEST(JsonValue, OfARepeatedKeyTheLastValueCountsAtTheFirstPlace) {
  EXPECT_EQ(dumps(R"({"a":1,"b":2,"a":3})"), R"({"a": 3, "b": 2})");
}

TEST(JsonValue, HalfSurrogatesBecomeReplacementCharacters) {
  EXPECT_EQ(dumps(R"(["\ud83d", "\ude00x", "\ud83d\ud83d\ude00", "\\ud83d"])"),
            "[\"\uFFFD\", \"\uFFFDx\", \"\uFFFD\U0001F600\", \"\\\\ud83d\"]");
}

TEST(JsonValue, WhatIsNotJsonIsRefusedWithItsPlace) {
  for (const char* json : {"", "{", "[1,]", "NaN", "[Infinity]", "'a'", "1 2", "\"\xff\"", "1e999",
                           "{\"a\" 1}", "\"\\ud8\"", "\"\n\""}) {
    const auto value = parse_json(json);
    ASSERT_FALSE(value) << json;
    EXPECT_NE(value.error().message.find("not valid JSON"), std::string::npos)
        << value.error().message;
  }
}

TEST(JsonValue, DepthIsLimited) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_FALSE(parse_json(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(parse_json(std::string(1 << 20, '[')));
}

}  // namespace
}  // namespace jevons
