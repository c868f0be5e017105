// What `jevons cost` knows of this machine without being told: by ledger and plan, in the real
// program.
#include "app/machine_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/memory_info.h"
#include "base/thread_pool.h"
#include "base/wall_clock.h"
#include "meter/ledger_file.h"
#include "meter/machine_facts.h"
#include "meter/machine_probe.h"
#include "run_program.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

TEST(LedgerModels, AreToldApart) {
  EXPECT_TRUE(is_model("MiniMax-M2.5", "minimax-m2.5"));
  EXPECT_TRUE(is_model("Unsloth-Minimax-M2.5-UD-Q3_K_XL", "minimax-m2.5"));
  EXPECT_TRUE(is_model("MiniMax-M2.5.gguf", "minimax-m2.5"));
  EXPECT_TRUE(is_model("MiniMax-M2-230B", "minimax-m2"));
  EXPECT_FALSE(is_model("MiniMax-M2.5", "minimax-m2"));
  EXPECT_FALSE(is_model("MiniMax-M21", "minimax-m2"));
  EXPECT_FALSE(is_model("MiniMax-M2.5", "minimax-m2.5-lightning"));
  EXPECT_FALSE(is_model("Jevons-Nano", "minimax-m2.5"));
  EXPECT_FALSE(is_model("", "minimax-m2.5"));
}

class MachineFigures : public testing::Test {
 protected:
  // Ten requests of a minute each: 600 tokens at 12 a second, 1,000 read at 100, 120 W.
  void use_model(const std::string& model) const {
    auto file = LedgerFile::open(ledger_);
    ASSERT_TRUE(file) << file.error().message;
    LedgerRow row;
    row.at_ms = unix_milliseconds() - 1000;
    row.model = model;
    row.priority = "interactive";
    row.tokens_in = 1500;
    row.tokens_cached = 500;
    row.tokens_out = 600;
    row.read_seconds = 10;
    row.write_seconds = 50;
    row.joules = 7200;
    row.source = "plug";
    row.confidence = "measured";
    const std::vector<LedgerRow> rows(10, row);
    ASSERT_TRUE(file->write(rows, TimeZone::local()));
  }
  [[nodiscard]] ProgramResult cost(std::vector<std::string> arguments,
                                   std::map<std::string, std::string> environment = {}) const {
    arguments.insert(arguments.begin(), {"cost", "--ledger", ledger_});
    environment.emplace("XDG_CACHE_HOME", folder_ / "cache");
    return run_program(arguments, "", environment);
  }
  [[nodiscard]] Json machine(std::vector<std::string> arguments,
                             const std::map<std::string, std::string>& environment = {}) const {
    arguments.emplace_back("--json");
    const ProgramResult result = cost(std::move(arguments), environment);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out).at("machine");
  }

  ScratchFolder folder_;
  std::string ledger_ = folder_ / "ledger.db";
};

TEST_F(MachineFigures, ComeFromTheLedgerWithTheirSource) {
  use_model("MiniMax-M2.5-Q4_K_M");
  use_model("Jevons-Nano");  // is not in the book of prices
  const Json known = machine({"--tariff", "0.25"});
  EXPECT_EQ(known.at("tokens_per_second").at("value"), 12);
  EXPECT_EQ(known.at("prompt_tokens_per_second").at("value"), 100);
  EXPECT_EQ(known.at("watts").at("value"), 120);
  EXPECT_THAT(known.at("tokens_per_second").at("source").get<std::string>(),
              HasSubstr("the ledger: 10 requests of MiniMax-M2.5-Q4_K_M since "));
  EXPECT_EQ(known.at("watts").at("source"), "the ledger: 10 requests, by plug (measured)");
  EXPECT_EQ(known.at("runs"), "minimax-m2.5");
  const ProgramResult text = cost({"--tariff", "0.25"});
  EXPECT_THAT(text.out, AllOf(HasSubstr("writes 12 and reads 100 tokens per second (the ledger:"),
                              HasSubstr("120 W (the ledger: 10 requests, by plug")));
}

TEST_F(MachineFigures, WhatIsStatedWinsAndTakesTheLedgersPowerAway) {
  use_model("MiniMax-M2.5");
  const Json stated = machine({"--watts", "99"});
  EXPECT_EQ(stated.at("watts").at("source"), "stated");
  EXPECT_EQ(stated.at("tokens_per_second").at("value"), 12);
  // Watts of a request at another speed would be the energy of no token.
  const Json faster = machine({"--speed", "40"});
  EXPECT_EQ(faster.at("tokens_per_second").at("value"), 40);
  EXPECT_TRUE(faster.at("watts").is_null());
  // Requests of another model say nothing of this one.
  EXPECT_TRUE(machine({"--runs", "glm-5"}).at("tokens_per_second").is_null());
}

TEST_F(MachineFigures, ALedgerThatCannotBeReadIsLeftOutAndSaid) {
  std::ofstream(ledger_) << "This is not a database, but a text of some length.";
  const ProgramResult result = cost({});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, AllOf(HasSubstr("left out"), HasSubstr("is not a database of SQLite")));
  EXPECT_THAT(result.out, HasSubstr("not known are --speed"));
}

TEST_F(MachineFigures, ComeFromAPlanIfThisMachineWasMeasured) {
  EXPECT_TRUE(machine({"--runs", "minimax-m2.5"}).at("tokens_per_second").is_null());
  MachineFacts facts;
  facts.name = "this machine";
  facts.is_measured = true;
  facts.identity = machine_identity(available_cpus(), memory_info().total_bytes);
  facts.measured_at = unix_seconds();
  facts.n_cores = 16;
  facts.ram_bytes = {512.0 * 0x1p30, "test"};
  facts.bandwidth_one = {20e9, "test"};
  facts.bandwidth_all = {200e9, "test"};
  facts.int8_peak = {2e12, "test"};
  facts.f32_peak = {5e11, "test"};
  ASSERT_TRUE(save_machine_facts(folder_ / "cache/jevons/machine.json", facts));
  const std::map<std::string, std::string> roomy = {{"JEVONS_RAM", "400GiB"}};
  const Json planned = machine({"--runs", "minimax-m2.5"}, roomy);
  EXPECT_GT(planned.at("tokens_per_second").at("value"), 1);
  EXPECT_GT(planned.at("prompt_tokens_per_second").at("value"), 1);
  EXPECT_THAT(planned.at("tokens_per_second").at("source").get<std::string>(),
              AllOf(HasSubstr("planned: MiniMax-M2.5 "), HasSubstr("as measured on ")));
  EXPECT_TRUE(planned.at("watts").is_null()) << "no plan knows it";
  // What was measured is better than what was planned.
  use_model("MiniMax-M2.5");
  EXPECT_EQ(machine({"--runs", "minimax-m2.5"}, roomy).at("tokens_per_second").at("value"), 12);
  // A model that does not run here has no plan.
  EXPECT_TRUE(machine({"--runs", "glm-5"}, roomy).at("tokens_per_second").is_null());
}

TEST_F(MachineFigures, ATariffsFileCountsWithItsMean) {
  const std::string path = folder_ / "night.toml";
  std::ofstream(path) << "currency = \"USD\"\nprice = 0.30\n[[period]]\nfrom = \"00:00\"\n"
                         "to = \"08:00\"\nprice = 0.12\n";
  // In UTC no hour is missing or there twice.
  const Json known =
      machine({"--tariff", path, "--speed", "50", "--watts", "100"}, {{"TZ", "UTC"}});
  EXPECT_DOUBLE_EQ(known.at("kwh_price").at("value").get<double>(), 0.24);
  EXPECT_EQ(known.at("kwh_price").at("source"),
            "the mean of 2 periods of night.toml over 365 days");
  EXPECT_DOUBLE_EQ(known.at("energy_cost").get<double>(), 876 * 0.24);
  // Its currency is the file's, which needs a rate.
  std::ofstream(path) << "currency = \"EUR\"\nprice = 0.30\n";
  const ProgramResult euros = cost({"--tariff", path});
  EXPECT_EQ(euros.exit_code, 2);
  EXPECT_THAT(euros.err, HasSubstr("--exchange must say how much EUR"));
  std::ofstream(path) << "currency = \"USD\"\nprice = -0.30\n";
  EXPECT_THAT(cost({"--tariff", path}).err, AllOf(HasSubstr("the mean of"), HasSubstr("from 0")));
}

}  // namespace
}  // namespace jevons
