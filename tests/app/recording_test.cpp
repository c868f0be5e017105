// --trace, and what can be done with the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "run_program.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

constexpr int kNanoLayers = 4;

class Recorded : public testing::Test {
 protected:
  // Runs on nano and must succeed.
  ProgramResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-m", nano_path()});
    ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  [[nodiscard]] int n_tokens() const {
    const std::string text = read_file(trace_).value();
    const auto n_lines = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    EXPECT_EQ(n_lines % kNanoLayers, 0);
    return n_lines / kNanoLayers;
  }

  const ScratchFolder folder_;
  const std::string trace_ = folder_ / "trace";
};

TEST_F(Recorded, ARunCanBeReplayedAndForced) {
  const std::vector<std::string> question = {"run", "-p",     "What is 17 plus 25?", "--temp",
                                             "0",   "--json", "--speculate",         "off"};
  std::vector<std::string> with_trace = question;
  with_trace.insert(with_trace.end(), {"--trace", trace_});
  const Json answer = Json::parse(run(with_trace).out);
  EXPECT_EQ(answer.at("text"), Json::parse(run(question).out).at("text"));
  // The token that ends the answer is neither counted nor computed with.
  ASSERT_EQ(answer.at("stop_reason"), "stop");
  const int n_computed =
      answer.at("tokens").at("prompt").get<int>() + answer.at("tokens").at("completion").get<int>();
  EXPECT_EQ(n_tokens(), n_computed);

  const Json replay = Json::parse(run({"bench", "--replay", trace_, "--json"}).out);
  EXPECT_EQ(replay.at("n_tokens").get<int>(), n_computed);
  for (const Json& row : replay.at("rows")) {
    EXPECT_GT(row.at("jevons").at("hit_rate").get<double>(), 0);
    EXPECT_LE(row.at("jevons").at("hit_rate").get<double>(),
              row.at("optimal").at("hit_rate").get<double>());
  }
  run({"bench", "--force-routing", trace_, "-p", "8", "-n", "4", "-r", "1", "--json"});
}

TEST_F(Recorded, EvalRecordsAndForcesTheSame) {
  const std::string ids = folder_ / "ids";
  ASSERT_TRUE(write_file_atomically(ids, "10 20 30 40 50 60 70 80 90"));
  run({"eval", "logits", "--ids", ids, "--out", folder_ / "free", "--trace", trace_});
  EXPECT_EQ(n_tokens(), 9);
  run({"eval", "logits", "--ids", ids, "--out", folder_ / "forced", "--force-routing", trace_});
  EXPECT_TRUE(read_file(folder_ / "free").value() == read_file(folder_ / "forced").value());
}

TEST_F(Recorded, BenchRecordsEveryRun) {
  run({"bench", "-p", "0", "-n", "3", "-r", "2", "-t", "1", "--json", "--trace", trace_});
  EXPECT_EQ(n_tokens(), 3 * 3);  // one run does not count
}

TEST_F(Recorded, TheEnvironmentMayAskForIt) {
  const ProgramResult result =
      run_program({"run", "-m", nano_path(), "-p", "x", "-n", "2"}, "", {{"JEVONS_TRACE", trace_}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(n_tokens(), 2);
}

TEST_F(Recorded, AFullDiskCostsTheTraceAndNotTheAnswer) {
  const ProgramResult result =
      run({"run", "-p", "What is 17 plus 25?", "--temp", "0", "--trace", "/dev/full"});
  EXPECT_THAT(result.out, HasSubstr("42"));
  EXPECT_THAT(result.err, HasSubstr("cannot write /dev/full"));
  EXPECT_EQ(result.err.find("cannot write"), result.err.rfind("cannot write")) << result.err;
  const ProgramResult figures = run_program({"bench", "-m", nano_path(), "-p", "0", "-n", "3", "-r",
                                             "1", "-t", "1", "--json", "--trace", "/dev/full"});
  EXPECT_EQ(figures.exit_code, 1);
  EXPECT_EQ(Json::parse(figures.out).at("results").size(), 1U);
  EXPECT_THAT(figures.err, HasSubstr("cannot write /dev/full"));
}

TEST_F(Recorded, OtherFilesAreNotOverwritten) {
  ASSERT_TRUE(write_file_atomically(trace_, "a letter"));
  const ProgramResult result =
      run_program({"run", "-m", nano_path(), "-p", "x", "--trace", trace_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr(trace_), HasSubstr("no routing trace")));
  EXPECT_EQ(read_file(trace_).value(), "a letter");
  const ProgramResult nowhere =
      run_program({"run", "-m", nano_path(), "-p", "x", "--trace", folder_ / "none/trace"});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("none/trace"));
}

}  // namespace
}  // namespace jevons
