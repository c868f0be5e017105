#include "api/either_constraint.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jevons {
namespace {

// Allows one text, a token for each letter; the end is token 0.
class OneText final : public OutputConstraint {
 public:
  explicit OneText(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] bool is_active() const override { return true; }
  void fill_mask(std::span<std::uint64_t> mask) override {
    for (auto& word : mask) word = 0;
    const int id = next();
    mask[static_cast<std::size_t>(id / 64)] |= std::uint64_t{1} << (id % 64);
  }
  [[nodiscard]] bool accept(std::int32_t id) override {
    if (id != next()) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool may_end() const override { return at_ == text_.size(); }

 private:
  [[nodiscard]] int next() const { return at_ < text_.size() ? text_[at_] : 0; }
  std::string text_;
  std::size_t at_ = 0;
};

std::unique_ptr<OutputConstraint> either(const char* first, const char* second) {
  return either_constraint(std::make_unique<OneText>(first), std::make_unique<OneText>(second));
}

std::vector<int> allowed(OutputConstraint& constraint) {
  std::vector<std::uint64_t> mask(2);
  constraint.fill_mask(mask);
  std::vector<int> ids;
  for (int id = 0; id < 128; ++id) {
    if ((mask[static_cast<std::size_t>(id / 64)] >> (id % 64) & 1) != 0) ids.push_back(id);
  }
  return ids;
}

// Whichever text is written, at each step exactly what some text goes on with is allowed.
TEST(EitherConstraint, AllowsWhatEitherTextGoesOnWith) {
  for (const std::string text : {"abc", "abd"}) {
    const auto constraint = either("abc", "abd");
    EXPECT_EQ(allowed(*constraint), (std::vector<int>{'a'}));
    ASSERT_TRUE(constraint->accept('a'));
    ASSERT_TRUE(constraint->accept('b'));
    EXPECT_EQ(allowed(*constraint), (std::vector<int>{'c', 'd'}));
    EXPECT_FALSE(constraint->may_end());
    ASSERT_TRUE(constraint->accept(text[2]));
    EXPECT_EQ(allowed(*constraint), (std::vector<int>{0}));
    EXPECT_TRUE(constraint->may_end());
  }
}

TEST(EitherConstraint, OneMayEndWhereTheOtherGoesOn) {
  const auto constraint = either("a", "ab");
  ASSERT_TRUE(constraint->accept('a'));
  EXPECT_TRUE(constraint->may_end());
  EXPECT_EQ(allowed(*constraint), (std::vector<int>{0, 'b'}));
  ASSERT_TRUE(constraint->accept('b'));
  EXPECT_TRUE(constraint->may_end());
  EXPECT_FALSE(constraint->accept('x'));
}

}  // namespace
}  // namespace jevons
