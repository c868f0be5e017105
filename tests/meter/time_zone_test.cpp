// Days and hours against what is known of the calendar.
#include "meter/time_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <filesystem>

namespace jevons {
namespace {

using testing::HasSubstr;

// 2026-03-29 01:00 UTC: summer time begins in Berlin; 2026-10-25 01:00 UTC: it ends.
constexpr std::int64_t kSpring = 1774746000, kAutumn = 1792890000;

TEST(ZoneRule, KnowsWhenSummerIs) {
  const auto berlin = ZoneRule::parse("CET-1CEST,M3.5.0,M10.5.0/3");
  ASSERT_TRUE(berlin);
  EXPECT_EQ(berlin->offset_at(kSpring - 1), 3600);
  EXPECT_EQ(berlin->offset_at(kSpring), 7200);
  EXPECT_EQ(berlin->offset_at(kAutumn - 1), 7200);
  EXPECT_EQ(berlin->offset_at(kAutumn), 3600);
  // 2026: in Sydney summer ends on April 4 and begins on October 3, at 16:00 UTC.
  const auto sydney = ZoneRule::parse("AEST-10AEDT,M10.1.0,M4.1.0/3");
  ASSERT_TRUE(sydney);
  EXPECT_EQ(sydney->offset_at(1775318400 - 1), 39600);
  EXPECT_EQ(sydney->offset_at(1775318400), 36000);
  EXPECT_EQ(sydney->offset_at(1791043200 - 1), 36000);
  EXPECT_EQ(sydney->offset_at(1791043200), 39600);
  EXPECT_EQ(ZoneRule::parse("<+0545>-5:45")->offset_at(0), 20700);
  EXPECT_EQ(ZoneRule::parse("UTC0")->offset_at(0), 0);
  for (const char* bad :
       {"", "1", "CET", "CET-1CEST", "CET-1CEST,J60,J300", "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x", "<CET-1", "CET168", "CET--1",
        "CET1:60", "CET99999999", "CET-1CEST,M3.5.0/168,M10.5.0"}) {
    EXPECT_FALSE(ZoneRule::parse(bad)) << bad;
  }
}

TEST(TimeZone, ReadsTheSystemsZones) {
  if (!std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin")) GTEST_SKIP() << "no tzdata";
  const auto berlin = TimeZone::named("Europe/Berlin");
  ASSERT_TRUE(berlin) << berlin.error().message;
  EXPECT_EQ(berlin->offset_at(kSpring - 1), 3600);
  EXPECT_EQ(berlin->offset_at(kSpring), 7200);
  EXPECT_EQ(berlin->offset_at(4102444800), 3600);   // 2100-01-01: by the rule at the file's end
  EXPECT_EQ(berlin->offset_at(4118083200), 7200);   // 2100-07-01
  EXPECT_EQ(berlin->offset_at(-3000000000), 3208);  // 1874: by the sun
  // Against the C library, every six hours of eight years.
  ASSERT_EQ(::setenv("TZ", "America/New_York", 1), 0);
  ::tzset();
  const auto york = TimeZone::named("America/New_York");
  ASSERT_TRUE(york);
  for (std::int64_t t = 1700000000; t < 1950000000; t += 21600) {
    ASSERT_EQ(york->offset_at(t), TimeZone::local().offset_at(t)) << t;
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST(TimeZone, RefusesWhatIsNone) {
  EXPECT_THAT(TimeZone::named("Europe/Nowhere").error().message,
              HasSubstr("no time zone 'Europe/Nowhere'"));
  for (const char* bad : {"", "/etc/passwd", "../../../etc/passwd"}) {
    EXPECT_THAT(TimeZone::named(bad).error().message, HasSubstr("must be as Europe/Berlin")) << bad;
  }
  EXPECT_THAT(TimeZone::named("README.md", JEVONS_SOURCE_DIR).error().message,
              HasSubstr("is no time zone"));
}

TEST(LocalTime, DaysBeginAtMidnightAlsoWhenTheClockIsChanged) {
  const auto berlin = TimeZone::named("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << "no tzdata";
  const LocalTime time = local_time(*berlin, kSpring);  // 03:00 on a Sunday
  EXPECT_EQ(time.day, 29);
  EXPECT_EQ(time.weekday, 6);
  EXPECT_EQ(time.second, 3 * 3600);
  EXPECT_EQ(day_text(*berlin, kSpring), "2026-03-29");
  EXPECT_EQ(day_begin(*berlin, kSpring + 5), kSpring - 2 * 3600);
  EXPECT_EQ(day_begin(*berlin, kSpring + 5, 1) - day_begin(*berlin, kSpring + 5), 23 * 3600);
  EXPECT_EQ(day_begin(*berlin, kAutumn, 1) - day_begin(*berlin, kAutumn), 25 * 3600);
  EXPECT_EQ(unix_of(*berlin, 2026, 3, 29, 3 * 3600), kSpring);
  EXPECT_FALSE(unix_of(*berlin, 2026, 2, 29, 0));
}

// Chile's clocks go from 24:00 to 01:00: 2026-09-06 begins at 04:00 UTC, at 01:00.
TEST(LocalTime, ADayWithoutMidnightBeginsAtItsFirstMoment) {
  const auto santiago = TimeZone::named("America/Santiago");
  if (!santiago) GTEST_SKIP() << "no tzdata";
  constexpr std::int64_t kChange = 1788667200;
  ASSERT_EQ(santiago->offset_at(kChange - 1), -4 * 3600);
  ASSERT_EQ(santiago->offset_at(kChange), -3 * 3600);
  EXPECT_EQ(day_begin(*santiago, kChange - 1, 1), kChange);
  EXPECT_EQ(day_begin(*santiago, kChange - 1), kChange - 86400);
  EXPECT_EQ(day_begin(*santiago, kChange), kChange);
  EXPECT_EQ(day_begin(*santiago, kChange, 1), kChange + 23 * 3600);
  EXPECT_EQ(day_begin(*santiago, kChange + 86400, -1), kChange);
}

}  // namespace
}  // namespace jevons
