// jevons cost, by the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/term/terminal.h"
#include "base/atomic_file.h"
#include "run_program.h"

namespace jevons {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kMachine = {"--speed",  "30",   "--watts",          "120",
                                           "--tariff", "0.32", "--hardware-price", "2400",
                                           "--life",   "5"};

std::vector<std::string> cost(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cost");
  return arguments;
}

std::vector<std::string> with_machine(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), kMachine.begin(), kMachine.end());
  return cost(std::move(arguments));
}

Json json_of(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out);
}

std::string complaint(std::vector<std::string> arguments, int exit_code = 2) {
  const ProgramResult result = run_program(cost(std::move(arguments)));
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_EQ(result.out, "");
  return result.err;
}

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80) << line;
}

class CostFiles : public testing::Test {
 protected:
  void SetUp() override {
    use_utf8_locale();
    folder_ = testing::TempDir() + "jevons-cost-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(write_file_atomically(path, text).has_value());
    return path;
  }

  std::string folder_;
};

TEST_F(CostFiles, TheReferenceSalariesStandInTheTable) {
  const auto row = [](const std::string& model, const std::string& rate) {
    const ProgramResult result = run_program(cost({"--models", model, "--rate", rate}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  EXPECT_THAT(row("minimax-m2.5", "50"), HasSubstr(" 1,892 "));
  EXPECT_THAT(row("minimax-m2.5-lightning", "100"), HasSubstr(" 7,569 "));
  EXPECT_THAT(row("claude-opus-4.6", "50"), HasSubstr(" 39,420 "));
  const ProgramResult all = run_program({"cost"});
  EXPECT_THAT(all.out, AllOf(HasSubstr("costs 4.8 % of"), HasSubstr("0.75 of 25.00"),
                             HasSubstr("1.20\nof 40.00")));
}

TEST_F(CostFiles, EveryViewFitsEightyColumnsInAsciiAndUtf8) {
  for (const char* locale : {"C", "C.UTF-8"}) {
    for (const auto& arguments :
         {cost({}), cost({"--input-ratio", "3", "--cache-share", "0.9"}), cost({"--trend"}),
          with_machine({}), with_machine({"--break-even", "--idle-watts", "15"}),
          with_machine({"--rate", "1000"})}) {
      const ProgramResult result =
          run_program(arguments, "", {{"LC_ALL", locale}, {"LANG", locale}});
      ASSERT_EQ(result.exit_code, 0) << result.err;
      expect_narrow(result.out);
      const bool is_ascii = std::ranges::all_of(
          result.out, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
      EXPECT_TRUE(is_ascii || std::string_view(locale) != "C") << result.out;
    }
  }
  const ProgramResult bars = run_program({"cost"}, "", {{"LC_ALL", "C.UTF-8"}});
  EXPECT_THAT(bars.out, HasSubstr("█"));
}

TEST_F(CostFiles, AMachineOfWhichNothingIsKnownIsNotGuessed) {
  const ProgramResult result = run_program({"cost"});
  EXPECT_THAT(result.out, HasSubstr("not known are --speed or --bench, --watts, --tariff,"));
  const Json json = json_of({"cost"});
  EXPECT_TRUE(json.at("machine").at("year_cost").is_null());
  EXPECT_EQ(json.at("machine").at("missing").size(), 5U);
  const ProgramResult even = run_program(cost({"--break-even", "--watts", "100"}));
  EXPECT_EQ(even.exit_code, 2);
  EXPECT_THAT(even.err, HasSubstr("missing: --speed or --bench, --tariff"));
}

TEST_F(CostFiles, TheMachineComesFromFlagsEnvironmentAndFile) {
  const std::string config = write("config.toml", "tariff = 0.32\nwatts = 999\nlife_years = 5\n");
  const ProgramResult result =
      run_program({"cost", "--speed", "30", "--hardware-price", "2400", "--rate", "30", "--json"},
                  "", {{"JEVONS_CONFIG", config}, {"JEVONS_WATTS", "120"}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json machine = Json::parse(result.out).at("machine");
  EXPECT_TRUE(machine.at("missing").empty());
  EXPECT_DOUBLE_EQ(machine.at("year_cost").get<double>(), 816.384);
  EXPECT_EQ(machine.at("watts").at("source"), "stated");
}

TEST_F(CostFiles, SpeedsComeFromABenchFile) {
  const std::string bench = write("run.json", R"({"model": "x", "results": [
    {"test": "prompt", "tokens": 512, "depth": 0, "threads": 8, "tokens_per_second": 210.5},
    {"test": "generation", "tokens": 128, "depth": 4096, "threads": 8, "tokens_per_second": 9.5},
    {"test": "generation", "tokens": 128, "depth": 0, "threads": 8, "tokens_per_second": 12.25},
    {"test": "generation", "tokens": 128, "depth": 0, "threads": 8, "sequences": 8,
     "tokens_per_second": 60}]})");
  const Json machine = json_of(cost({"--bench", bench})).at("machine");
  EXPECT_DOUBLE_EQ(machine.at("tokens_per_second").at("value").get<double>(), 12.25);
  EXPECT_EQ(machine.at("tokens_per_second").at("source"),
            "bench, run.json: answer of 128 tokens after 0, 8 threads");
  EXPECT_DOUBLE_EQ(machine.at("prompt_tokens_per_second").at("value").get<double>(), 210.5);
  EXPECT_EQ(machine.at("n_machines"), 5) << "50 tokens per second";

  EXPECT_THAT(complaint({"--bench", write("a", "{}")}), HasSubstr("jevons bench --json"));
  EXPECT_THAT(complaint({"--bench", write("b", "nonsense")}), HasSubstr("jevons bench --json"));
  EXPECT_THAT(complaint({"--bench", write("c", R"({"results": []})")}), HasSubstr("no result"));
  EXPECT_THAT(complaint({"--bench", write("d", R"({"results": [{"test": "prompt"}]})")}),
              HasSubstr("tokens_per_second"));
  EXPECT_THAT(complaint({"--bench", folder_ + "/none.json"}), HasSubstr("none.json"));
}

TEST_F(CostFiles, ARealBenchIsUnderstood) {
  const ProgramResult measured = run_program(
      {"bench", "-m", nano_path(), "-p", "16", "-n", "4", "-t", "1", "-r", "1", "--json"});
  ASSERT_EQ(measured.exit_code, 0) << measured.err;
  const Json machine = json_of(cost({"--bench", write("nano.json", measured.out)})).at("machine");
  EXPECT_GT(machine.at("tokens_per_second").at("value").get<double>(), 0);
  EXPECT_GT(machine.at("prompt_tokens_per_second").at("value").get<double>(), 0);
}

TEST_F(CostFiles, APriceFileComesBeforeTheBook) {
  const std::string prices = write("own.toml", R"(
[[model]]
id = "claude-opus-4.6"
price = [ { input = 4, output = 20, date = 2026-06-01, source = "contract" } ]
)");
  const Json json =
      json_of(cost({"--prices", prices, "--models", "claude-opus-4.6", "--stale-days", "100000"}));
  const Json& model = json.at("models").at(0);
  EXPECT_DOUBLE_EQ(model.at("year_cost").get<double>(), 31536);
  EXPECT_DOUBLE_EQ(model.at("other_year_costs").at(0).get<double>(), 39420);
  EXPECT_EQ(model.at("prices_per_million").at(0).at("book"), prices);
  EXPECT_FALSE(model.at("prices_per_million").at(0).at("is_stale").get<bool>());

  const ProgramResult shown = run_program(cost({"--prices", prices}));
  EXPECT_THAT(shown.out, HasSubstr("Where sources disagree"));
  EXPECT_THAT(complaint({"--prices", write("bad.toml", "\n[[model]]\nid = 5\n")}),
              HasSubstr("bad.toml:3: id"));
  EXPECT_THAT(complaint({"--prices", folder_ + "/none.toml"}), HasSubstr("none.toml"));
  // The one of the configuration folder needs no flag, and --prices wins over it.
  write("prices.toml", R"(
[[model]]
id = "claude-opus-4.6"
price = [ { output = 10, date = 2026-06-01, source = "folder" } ]
)");
  const auto year = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--json", "--models", "claude-opus-4.6"});
    const ProgramResult result =
        run_program(cost(std::move(arguments)), "", {{"JEVONS_CONFIG", folder_ + "/config.toml"}});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out).at("models").at(0).at("year_cost").get<double>();
  };
  EXPECT_DOUBLE_EQ(year({}), 15768);
  EXPECT_DOUBLE_EQ(year({"--prices", prices}), 31536);
}

TEST_F(CostFiles, StalePricesAreMarked) {
  const ProgramResult fresh = run_program(cost({"--stale-days", "100000"}));
  EXPECT_THAT(fresh.out, Not(HasSubstr(" * ")));
  const ProgramResult old = run_program(cost({"--stale-days", "0"}));
  EXPECT_THAT(old.out, AllOf(HasSubstr("MiniMax-M2.5 *"), HasSubstr("* 12 of 12 prices")));
}

TEST_F(CostFiles, AnotherCurrencyNeedsARate) {
  EXPECT_THAT(complaint({"--currency", "EUR"}), HasSubstr("--exchange"));
  EXPECT_THAT(complaint({"--exchange", "0.9"}), HasSubstr("--currency is USD"));
  const Json json =
      json_of(cost({"--currency", "EUR", "--exchange", "0.9", "--models", "claude-opus-4.6"}));
  EXPECT_EQ(json.at("currency"), "EUR");
  EXPECT_DOUBLE_EQ(json.at("models").at(0).at("year_cost").get<double>(), 35478);
}

TEST_F(CostFiles, BreakEvenSaysMonthsAndNever) {
  const Json json = json_of(with_machine({"--break-even"}));
  EXPECT_EQ(json.at("workload").at("tokens_per_second"), 30) << "as fast as the machine";
  for (const Json& row : json.at("instead_of")) {
    if (row.at("id") != "claude-opus-4.6") continue;
    EXPECT_NEAR(row.at("months").get<double>(), 1.2352, 1e-4);
  }
  const ProgramResult slow =
      run_program(cost({"--break-even", "--speed", "5", "--watts", "400", "--tariff", "0.4",
                        "--hardware-price", "5000", "--life", "3", "--models", "deepseek-v3.2"}));
  EXPECT_THAT(slow.out, AllOf(HasSubstr("never"), HasSubstr("its energy alone costs more"),
                              HasSubstr("It is assumed that")));
}

TEST_F(CostFiles, PicturesAreWritten) {
  for (const char* view : {"", "--trend", "--break-even"}) {
    const std::string path = folder_ + "/picture.svg";
    std::vector<std::string> arguments = with_machine({"--svg", path});
    if (*view != '\0') arguments.emplace_back(view);
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const auto svg = read_file(path);
    ASSERT_TRUE(svg.has_value());
    EXPECT_THAT(*svg,
                AllOf(HasSubstr("<svg xmlns"), HasSubstr("MiniMax-M2.5"), HasSubstr("</svg>")));
    std::filesystem::remove(path);
  }
  EXPECT_THAT(complaint({"--svg", folder_ + "/none/x.svg"}, 1), HasSubstr("/none/x.svg"));
  EXPECT_THAT(complaint({"--sources", "--svg", folder_ + "/x.svg"}), HasSubstr("no picture"));
}

TEST_F(CostFiles, SourcesNameTheDayAndTheAddress) {
  const ProgramResult result = run_program(cost({"--sources", "--models", "minimax-m2.5"}));
  EXPECT_THAT(result.out, AllOf(HasSubstr("2026-02-13"), HasSubstr("https://docs.litellm.ai"),
                                HasSubstr("input 0.15")));
  EXPECT_EQ(json_of(cost({"--sources"})).at("models").size(), 12U);
}

TEST_F(CostFiles, MistakesAreNamed) {
  EXPECT_THAT(complaint({"--trend", "--break-even"}), HasSubstr("give one"));
  EXPECT_THAT(complaint({"--models", "gpt-9"}), HasSubstr("'gpt-9'"));
  EXPECT_THAT(complaint({"--runs", "gpt-9"}), HasSubstr("'gpt-9'"));
  EXPECT_THAT(complaint({"--rate", "fast"}), HasSubstr("--rate is 'fast'"));
  EXPECT_THAT(complaint({"--rate", "0"}), HasSubstr("from 0.01"));
  EXPECT_THAT(complaint({"--hours-per-day", "25"}), HasSubstr("to 24"));
  EXPECT_THAT(complaint({"--cache-share", "90"}), HasSubstr("from 0 to 1"));
  EXPECT_THAT(complaint({"--watts", "-5"}), HasSubstr("--watts is -5"));
  EXPECT_THAT(complaint({"--life", "0"}), HasSubstr("--life is 0"));
  EXPECT_THAT(complaint({"--currency", "two words"}), HasSubstr("short word"));
}

}  // namespace
}  // namespace jevons
