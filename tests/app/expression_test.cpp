#include "app/expression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>

namespace jevons {
namespace {

std::string calculate(std::string_view expression) {
  const Result<double> value = evaluate_expression(expression);
  return value ? plain_number(*value) : "error: " + value.error().message;
}

TEST(Expression, ComputesWithTheUsualPrecedence) {
  const std::pair<const char*, const char*> cases[] = {
      {"17 + 25", "42"},      {"17+25", "42"},       {" 1 ", "1"},
      {"2 + 3 * 4", "14"},    {"(2 + 3) * 4", "20"}, {"12 * (3 + 4)", "84"},
      {"10 - 4 - 3", "3"},    {"100 / 10 / 5", "2"}, {"7 / 2", "3.5"},
      {"1 / 2", "0.5"},       {"-3 + 5", "2"},       {"3 - -5", "8"},
      {"--4", "4"},           {"+4", "4"},           {"-(2 + 3)", "-5"},
      {"2 * -3", "-6"},       {"2 ^ 10", "1024"},    {"2 ** 10", "1024"},
      {"2 ^ 3 ^ 2", "512"},   {"-2 ^ 2", "-4"},      {"(-2) ^ 2", "4"},
      {"2 ^ -1", "0.5"},      {"4 ^ 0.5", "2"},      {"7 % 3", "1"},
      {"-7 % 3", "2"},        {"7 % -3", "-2"},      {"5.5 % 2", "1.5"},
      {"0.1 + 0.2", "0.3"},   {".5 * 4", "2"},       {"1.5e3 + 1", "1501"},
      {"3 × 4 ÷ 2 − 1", "5"}, {"((((1))))", "1"},    {"1\t+\n1", "2"},
  };
  for (const auto& [expression, expected] : cases) {
    EXPECT_EQ(calculate(expression), expected) << expression;
  }
}

TEST(Expression, ErrorsAreInPlainWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"1 / 0", "error: division by zero"},
      {"1 / (2 - 2)", "error: division by zero"},
      {"5 % 0", "error: division by zero"},
      {"0 ^ -1", "error: division by zero"},
      {"", "error: the expression is empty"},
      {"   ", "error: the expression is empty"},
      {"1 +", "error: the expression ends too early"},
      {"(1 + 2", "error: missing )"},
      {"1 + 2)", "error: unexpected ')' at position 6"},
      {"two + 2", "error: unexpected 't' at position 1"},
      {"2 + x", "error: unexpected 'x' at position 5"},
      {"1 2", "error: unexpected '2' at position 3"},
      {"2 * é", "error: unexpected 'é' at position 5"},
      {"inf", "error: unexpected 'i' at position 1"},
      {"nan", "error: unexpected 'n' at position 1"},
      {"(-8) ^ 0.5", "error: a root of a negative number"},
      {"10 ^ 400", "error: the result is too large"},
      {"1e999", "error: a number is out of range"},
      {"*", "error: unexpected '*' at position 1"},
      {"()", "error: unexpected ')' at position 2"},
  };
  for (const auto& [expression, expected] : cases) {
    EXPECT_EQ(calculate(expression), expected) << expression;
  }
}

TEST(Expression, DeepNestingIsAnErrorAndNotACrash) {
  EXPECT_EQ(calculate(std::string(100'000, '(')), "error: too deeply nested");
  std::string tower = "1";
  for (int i = 0; i < 100'000; ++i) tower += "^1";
  EXPECT_EQ(calculate(tower), "error: too deeply nested");
  EXPECT_EQ(calculate(std::string(150, '(') + "7" + std::string(150, ')')), "7");
  EXPECT_EQ(calculate(std::string(100'000, '-') + "7"), "7");
}

TEST(Expression, NumbersArePlain) {
  const std::pair<double, const char*> cases[] = {
      {0, "0"},
      {-0.0, "0"},
      {42, "42"},
      {-42, "-42"},
      {0.5, "0.5"},
      {1.0 / 3, "0.3333333333"},
      {2.0 / 3, "0.6666666667"},
      {100.0 / 3, "33.33333333"},
      {123456789012.0, "123456789012"},
      {999999999999999.0, "999999999999999"},
      {1e15, "1e+15"},
      {18446744073709551616.0, "1.844674407e+19"},
      {0.0001, "0.0001"},
      {1e-10, "0.0000000001"},
      {1e-20, "1e-20"},
      {0.1 + 0.2, "0.3"},
      {99999999999.5, "100000000000"},
      {-1.25, "-1.25"},
  };
  for (const auto& [value, expected] : cases) EXPECT_EQ(plain_number(value), expected) << value;
}

// The naive twin: a random tree, computed while it is written down.
struct Tree {
  std::string text;
  double value;
};

Tree random_tree(std::mt19937& random, int depth) {
  if (depth == 0 || random() % 4 == 0) {
    const auto number = static_cast<int>(random() % 100);
    return {std::to_string(number), static_cast<double>(number)};
  }
  const Tree left = random_tree(random, depth - 1);
  const Tree right = random_tree(random, depth - 1);
  const std::string a = "(" + left.text + ")";
  const std::string b = "(" + right.text + ")";
  switch (random() % 4) {
    case 0:
      return {a + " + " + b, left.value + right.value};
    case 1:
      return {a + "-" + b, left.value - right.value};
    case 2:
      return {a + " *" + b, left.value * right.value};
    default:
      return right.value == 0 ? left : Tree{a + " / " + b, left.value / right.value};
  }
}

TEST(Expression, AgreesWithTheTreeItWasWrittenFrom) {
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    const Tree tree = random_tree(random, 5);
    if (!std::isfinite(tree.value)) continue;
    const Result<double> value = evaluate_expression(tree.text);
    ASSERT_TRUE(value) << tree.text << ": " << value.error().message;
    ASSERT_EQ(*value, tree.value) << tree.text;
  }
}

}  // namespace
}  // namespace jevons
