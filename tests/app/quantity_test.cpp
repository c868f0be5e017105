#include "app/quantity.h"

#include <gtest/gtest.h>

namespace jevons {
namespace {

TEST(ParseBytes, ReadsSizesAsPeopleWriteThem) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("1048576"), 1048576U);
  EXPECT_EQ(parse_bytes("500M"), 500'000'000U);
  EXPECT_EQ(parse_bytes("500MB"), 500'000'000U);
  EXPECT_EQ(parse_bytes("20GiB"), std::uint64_t{20} << 30);
  EXPECT_EQ(parse_bytes("20Gi"), std::uint64_t{20} << 30);
  EXPECT_EQ(parse_bytes("1.5k"), 1500U);
  EXPECT_EQ(parse_bytes("2T"), 2'000'000'000'000U);
}

TEST(ParseBytes, RefusesTheRest) {
  for (const char* bad : {"", "G", "-1", "1X", "1GG", "1 G", "nan", "inf", "1e30", "0x10"}) {
    const auto refused = parse_bytes(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().message.find("such as"), std::string::npos);
  }
}

}  // namespace
}  // namespace jevons
