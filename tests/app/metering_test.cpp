// Energy, ledger and reports as a user of the program sees them, with a plug played over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "run_program.h"
#include "serving_program.h"
#include "tests/base/scratch_folder.h"
#include "tests/meter/plug_stand_in.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kChat =
    R"({"model": "m", "max_tokens": 200, "messages": [{"role": "user", "content": "hi"}]})";

Json body_of(const std::string& response) {
  const std::size_t end = response.find("\r\n\r\n");
  return Json::parse(response.substr(end == response.npos ? 0 : end + 4), nullptr, false);
}

TEST(Metering, AServerMeasuresByAPlugAndItsLedgerSurvivesAKill) {
  PlugStandIn plug;
  plug.answer(R"({"id": 0, "apower": 75})");
  const ScratchFolder folder;
  const std::string ledger = folder / "ledger.db";
  ServingProgram server({"--energy", plug.url(), "--energy-pointer", "/apower", "--tariff", "0.36",
                         "--currency", "EUR", "--idle-watts", "25", "--ledger", ledger});
  Json energy;
  for (int i = 0; i < 200 && !energy.is_object(); ++i) {
    const Json answer = body_of(server.ask("POST", "/v1/chat/completions", kChat));
    energy = answer.at("usage").at("jevons").value("energy", Json());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ASSERT_TRUE(energy.is_object()) << "no energy within ten seconds";
  EXPECT_EQ(energy.at("source"), "plug");
  EXPECT_GT(energy.at("joules"), energy.at("marginal_joules"));
  EXPECT_GT(energy.at("marginal_joules"), 0);
  const Json status = body_of(server.ask("GET", "/v1/jevons/status"));
  EXPECT_EQ(status.at("energy").at("idle_watts"), 25);
  // What was answered more than a second ago is in the file.
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait(), 128 + SIGKILL);
  const ProgramResult report =
      run_program({"cost", "report", "--by", "model", "--json", "--ledger", ledger});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  const Json total = Json::parse(report.out).at("total");
  EXPECT_GE(total.at("requests"), 1);
  EXPECT_GE(total.at("requests_with_energy"), 1);
  EXPECT_GT(total.at("cost").at("EUR"), 0);
  EXPECT_THAT(run_program({"cost", "report", "--by", "client", "--ledger", ledger}).out,
              AllOf(StartsWith("Requests since "), HasSubstr("client")));
}

TEST(Metering, SaysWhyThereIsNoEnergy) {
  ServingProgram server({});
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  // A machine that can be measured says by what.
  EXPECT_THAT(server.log(),
              testing::AnyOf(HasSubstr("energy by "),
                             AllOf(HasSubstr("no energy is reported"), HasSubstr("RAPL: "),
                                   HasSubstr("battery: "), HasSubstr("--watts"))));
}

TEST(Metering, RunClosesWithWhatItTook) {
  const ScratchFolder folder;
  const std::string ledger = folder / "ledger.db";
  const ProgramResult result =
      run_program({"run", "-m", nano_path(), "-p", "hi", "-n", "20", "-v", "--watts", "60",
                   "--tariff", "0.3", "--currency", "EUR", "--ledger", ledger});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("energy "), HasSubstr(" EUR; stated")));
  const ProgramResult json = run_program({"run", "-m", nano_path(), "-p", "hi", "-n", "20",
                                          "--json", "--watts", "60", "--ledger", ledger});
  EXPECT_EQ(Json::parse(json.out).at("energy").at("source"), "stated");
  const ProgramResult report =
      run_program({"cost", "report", "--by", "client", "--csv", "--ledger", ledger});
  EXPECT_THAT(report.out, HasSubstr("\r\njevons run,2,"));
}

TEST(Metering, WrongUsageIsSaid) {
  const auto refused = [](std::vector<std::string> options, const std::string& what) {
    std::vector<std::string> words = {"run", "-m", nano_path(), "-p", "hi"};
    words.insert(words.end(), options.begin(), options.end());
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.exit_code, 2) << what;
    EXPECT_THAT(result.err, AllOf(StartsWith("jevons: "), HasSubstr(what)));
  };
  refused({"--energy", "rappel"}, "'rappel' is no source of energy");
  refused({"--energy", "http://localhost/x"}, "needs a JSON pointer");
  refused({"--watts", "-3"}, "--watts is '-3'");
  refused({"--tariff", "0.3"}, "--currency");
  refused({"--tariff", "nothing.toml", "--currency", "EUR"}, "nothing.toml");
  refused({"--energy-token", "x"}, "are of a plug");
  EXPECT_THAT(run_program({"cost", "report", "--by", "hour"}).err, HasSubstr("--by is 'hour'"));
  EXPECT_THAT(run_program({"cost", "report"}).err, HasSubstr("the ledger is off"));
  EXPECT_THAT(run_program({"cost", "report", "--ledger", "/no/such.db"}).err,
              HasSubstr("/no/such.db"));
  EXPECT_EQ(run_program({"cost", "report", "--json", "--csv"}).exit_code, 2);
  for (const std::vector<std::string>& before :
       {std::vector<std::string>{"--trend"}, {"--ledger", "x"}}) {
    std::vector<std::string> words = {"cost"};
    words.insert(words.end(), before.begin(), before.end());
    words.emplace_back("report");
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(before.front() + " stands before 'report'"));
  }
}

TEST(Metering, ServeGoesOnWithoutALedger) {
  const ScratchFolder folder;
  std::ofstream(folder / "ledger.db") << "This is not a database, but a text of some length.";
  ServingProgram server({"--energy", "off", "--ledger", folder / "ledger.db"});
  EXPECT_THAT(server.ask("GET", "/health"), HasSubstr(R"("ledger":"failing")"));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  EXPECT_THAT(server.log(), HasSubstr("is not a database of SQLite"));
}

TEST(Metering, BudgetsOfEnergyNeedASource) {
  const ScratchFolder folder;
  std::ofstream(folder / "keys.toml")
      << "[[key]]\nname = \"a\"\nkey = \"long-enough\"\nwatt_hours_per_day = 5\n";
  const ProgramResult result =
      run_program({"serve", "--port", "0", "-m", nano_path(), "--energy", "off", "--ledger",
                   folder / "ledger.db", "--api-keys", folder / "keys.toml"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("the key 'a': a budget of energy or money needs a source"));
}

}  // namespace
}  // namespace jevons
