#include "api/generation.h"

#include <gtest/gtest.h>

namespace jevons {
namespace {

TEST(Generation, ErrorsOfTheClientAreFourHundreds) {
  EXPECT_EQ(http_status(ApiErrorKind::kContextOverflow), 400);
  EXPECT_EQ(http_status(ApiErrorKind::kTooLarge), 413);
  EXPECT_EQ(http_status(ApiErrorKind::kRateLimit), 429);
  EXPECT_EQ(http_status(ApiErrorKind::kInternal), 500);
}

}  // namespace
}  // namespace jevons
