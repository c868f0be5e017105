// What the ledger says of this machine's speed and power, against sums by hand.
#include "meter/ledger_pace.h"

#include <gtest/gtest.h>

#include "ledger_rows.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

LedgerRow row_of(const std::string& model, std::int64_t out, double write_seconds) {
  LedgerRow row = ledger_row("a");
  row.model = model;
  row.tokens_out = out;
  row.write_seconds = write_seconds;
  row.read_seconds = 20;
  return row;
}

TEST(LedgerPace, DividesSumsByModel) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  ASSERT_TRUE(file);
  LedgerRow blind = row_of("large", 100, 40);
  blind.joules.reset();
  blind.source.clear();
  blind.confidence.clear();
  LedgerRow stated = row_of("large", 400, 60);
  stated.joules = 6000;
  stated.source = stated.confidence = "stated";
  LedgerRow old = row_of("large", 99999, 1);
  old.at_ms -= 1;
  const LedgerRow rows[] = {row_of("large", 500, 100), blind, stated, old, row_of("small", 90, 30)};
  ASSERT_TRUE(file->write(rows, TimeZone::local()));
  const auto paces = pace_by_model(*file, kTuesday * 1000);
  ASSERT_TRUE(paces) << paces.error().message;
  ASSERT_EQ(paces->size(), 2U);
  const ModelPace& large = paces->front();
  EXPECT_EQ(large.model, "large");
  EXPECT_EQ(large.n_requests, 3U);
  EXPECT_DOUBLE_EQ(*large.written_per_second(), 1000.0 / 200);
  EXPECT_DOUBLE_EQ(*large.read_per_second(), 3 * (100 - 40) / 60.0);
  // Of the two whose energy is known: 360 and 6,000 J in 120 and 80 s.
  EXPECT_EQ(large.n_measured, 2U);
  EXPECT_DOUBLE_EQ(*large.watts(), 6360.0 / 200);
  EXPECT_EQ(large.sources, "rapl (partial), stated");
  // Half a minute is too short to say anything of speed.
  EXPECT_EQ(paces->back().model, "small");
  EXPECT_FALSE(paces->back().written_per_second());
  EXPECT_FALSE(paces->back().watts());
}

TEST(LedgerPace, NothingIsKnownOfAnEmptyLedger) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  const auto paces = pace_by_model(*file, 0);
  ASSERT_TRUE(paces);
  EXPECT_TRUE(paces->empty());
}

}  // namespace
}  // namespace jevons
