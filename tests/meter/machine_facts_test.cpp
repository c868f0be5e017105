#include "meter/machine_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "meter/day.h"

namespace jevons {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kNow = 1'795'000'000;
constexpr std::int64_t kDay = 24 * 3600;

MachineFacts example() {
  MachineFacts facts;
  facts.name = "this machine";
  facts.description = "A \"processor\"";
  facts.is_measured = true;
  facts.identity = "0123456789abcdef";
  facts.measured_at = kNow - kDay;
  facts.ram_bytes = {24e9, "/proc/meminfo"};
  facts.n_cores = 2;
  facts.kernels = "avx2";
  facts.instruction_sets = {"avx2", "fma"};
  facts.bandwidth_one = {20e9, "measured, one thread"};
  facts.bandwidth_all = {30e9, "measured"};
  facts.int8_peak = {5e11, "measured"};
  facts.f32_peak = {2e11, "measured"};
  facts.disks = {{"/dev/vda", {2e9, "measured"}, 2654208, kNow - kDay}};
  facts.gpus = {{"A card", 8'000'000'000}};
  return facts;
}

struct Folder {
  Folder() : path(testing::TempDir() + "machine_facts_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

TEST(MachineFacts, SurviveTheFile) {
  const Folder folder;
  const std::string path = folder.path + "/deep/machine.json";
  const MachineFacts facts = example();
  ASSERT_TRUE(save_machine_facts(path, facts));
  const auto loaded = load_machine_facts(path, facts.identity, kNow);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(machine_facts_json(*loaded), machine_facts_json(facts));
  ASSERT_NE(loaded->disk("/dev/vda"), nullptr);
  EXPECT_EQ(loaded->disk("/dev/vda")->bytes_per_second.value, 2e9);
  EXPECT_EQ(loaded->disk("/dev/vdb"), nullptr);
  EXPECT_EQ(loaded->ram_available_bytes.value, 0);  // changes by the minute: never kept
}

TEST(MachineFacts, ForeignOldAndFutureOnesAreMeasuredAnew) {
  const Folder folder;
  const std::string path = folder.path + "/machine.json";
  ASSERT_TRUE(save_machine_facts(path, example()));
  EXPECT_FALSE(load_machine_facts(path, "another", kNow));
  EXPECT_FALSE(load_machine_facts(path, example().identity, kNow + 31 * kDay));
  EXPECT_FALSE(load_machine_facts(path, example().identity, kNow - 2 * kDay));
  EXPECT_FALSE(load_machine_facts(folder.path + "/none.json", example().identity, kNow));
}

TEST(MachineFacts, AnOldDiskIsMeasuredAnewAlone) {
  const Folder folder;
  const std::string path = folder.path + "/machine.json";
  MachineFacts facts = example();
  facts.disks.push_back({"/dev/old", {1e9, "measured"}, 2654208, kNow - 40 * kDay});
  ASSERT_TRUE(save_machine_facts(path, facts));
  const auto loaded = load_machine_facts(path, facts.identity, kNow);
  ASSERT_TRUE(loaded);
  EXPECT_NE(loaded->disk("/dev/vda"), nullptr);
  EXPECT_EQ(loaded->disk("/dev/old"), nullptr);
}

TEST(MachineFacts, DamagedFilesAreRefusedByName) {
  const std::string good = machine_facts_json(example());
  ASSERT_TRUE(parse_machine_facts(good, "m.json"));
  EXPECT_THAT(parse_machine_facts("", "m.json").error().message, HasSubstr("m.json"));
  EXPECT_THAT(parse_machine_facts("[]", "m.json").error().message, HasSubstr("JSON object"));
  EXPECT_THAT(parse_machine_facts("{}", "m.json").error().message, HasSubstr("version"));
  for (std::size_t cut = 0; cut < good.size(); cut += 7) {
    EXPECT_FALSE(parse_machine_facts(good.substr(0, cut), "m.json")) << cut;
  }
  std::string zero = good;
  zero.replace(zero.find("30000000000.0"), 13, "0");
  EXPECT_THAT(parse_machine_facts(zero, "m.json").error().message, HasSubstr("above 0"));
  std::string text = good;
  text.replace(text.find("\"cores\": 2"), 10, "\"cores\": \"2\"");
  EXPECT_THAT(parse_machine_facts(text, "m.json").error().message, HasSubstr("m.json"));
}

TEST(MachineFacts, DatesAreInUtc) {
  EXPECT_EQ(day_text(day_of(0)), "1970-01-01");
  EXPECT_EQ(day_text(day_of(1'795'000'000)), "2026-11-18");
}

}  // namespace
}  // namespace jevons
