#include "engine/write_budget.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

constexpr std::int64_t kToday = 20'000;

WriteBudget open_budget(const std::string& path, std::int64_t today = kToday,
                        std::uint64_t known = 0, std::uint64_t limit = 100) {
  auto budget = WriteBudget::open(path, limit, today, known);
  EXPECT_TRUE(budget) << budget.error().message;
  return std::move(*budget);
}

TEST(WriteBudget, IsSpentToTheLastByteAndNotFurther) {
  const ScratchFolder folder;
  WriteBudget budget = open_budget(folder / "written");
  EXPECT_TRUE(budget.spend(60, kToday));
  EXPECT_FALSE(budget.spend(41, kToday));
  EXPECT_FALSE(budget.has_room(41, kToday));
  EXPECT_TRUE(budget.has_room(40, kToday));
  EXPECT_TRUE(budget.spend(40, kToday));
  EXPECT_EQ(budget.spent_bytes(kToday), 100u);
}

TEST(WriteBudget, WithoutALimitItOnlyCounts) {
  const ScratchFolder folder;
  WriteBudget budget = open_budget(folder / "written", kToday, 0, 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.spend(1000, kToday));
  EXPECT_EQ(budget.spent_bytes(kToday), 10'000u);
}

TEST(WriteBudget, SurvivesARestartAndEndsWithTheDay) {
  const ScratchFolder folder;
  {
    WriteBudget budget = open_budget(folder / "written");
    EXPECT_TRUE(budget.spend(70, kToday));
  }
  WriteBudget budget = open_budget(folder / "written");
  EXPECT_EQ(budget.spent_bytes(kToday), 70u);
  EXPECT_FALSE(budget.spend(31, kToday));
  EXPECT_EQ(budget.spent_bytes(kToday + 1), 0u);
  EXPECT_TRUE(budget.spend(100, kToday + 1));
  EXPECT_FALSE(budget.spend(1, kToday + 1));
}

TEST(WriteBudget, TurningTheClockBackFreesNothing) {
  const ScratchFolder folder;
  {
    WriteBudget budget = open_budget(folder / "written");
    EXPECT_TRUE(budget.spend(100, kToday));
  }
  WriteBudget budget = open_budget(folder / "written", kToday - 1);
  EXPECT_FALSE(budget.spend(1, kToday - 1));
}

TEST(WriteBudget, ADayFarAheadIsNotBelieved) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "written", budget_record(kToday + 400, 100)));
  WriteBudget budget = open_budget(folder / "written", kToday, 30);
  EXPECT_EQ(budget.spent_bytes(kToday), 30u);
}

TEST(WriteBudget, ADamagedFileCountsWhatIsKnownOtherwise) {
  const ScratchFolder folder;
  const std::string record = budget_record(kToday, 10);
  std::vector<std::string> damaged{"", record + "x", std::string(record.size(), '\0')};
  for (std::size_t i = 0; i < record.size(); ++i) {
    damaged.push_back(record.substr(0, i));
    damaged.push_back(record);
    damaged.back()[i] ^= 1;
  }
  for (const std::string& text : damaged) {
    SCOPED_TRACE(text);
    {
      std::ofstream file(folder / "written", std::ios::trunc);
      file << text;
    }
    EXPECT_EQ(open_budget(folder / "written", kToday, 77).spent_bytes(kToday), 77u);
    // From then on that is in the file.
    EXPECT_EQ(open_budget(folder / "written", kToday, 5).spent_bytes(kToday), 77u);
  }
}

TEST(WriteBudget, ProcessesThatShareAFolderShareTheLimit) {
  const ScratchFolder folder;
  WriteBudget a = open_budget(folder / "written");
  WriteBudget b = open_budget(folder / "written");
  EXPECT_TRUE(a.spend(50, kToday));
  EXPECT_TRUE(b.spend(50, kToday));
  EXPECT_FALSE(a.spend(1, kToday));
  EXPECT_FALSE(b.spend(1, kToday));
}

TEST(WriteBudget, AFolderThatIsNotThereIsAnError) {
  const auto budget = WriteBudget::open("/nowhere/written", 1, kToday, 0);
  ASSERT_FALSE(budget);
  EXPECT_NE(budget.error().message.find("/nowhere/written"), std::string::npos);
}

}  // namespace
}  // namespace jevons
