// The real program as a newcomer uses it, right and wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "run_program.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::ordered_json;

std::string source(const std::string& name) { return JEVONS_SOURCE_DIR "/" + name; }

std::string fixture(const std::string& name) { return source("tests/data/oracle/" + name); }

std::vector<std::string> nano(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin() + 1, {"-m", nano_path()});
  return arguments;
}

TEST(Program, ListsItsCommands) {
  const ProgramResult help = run_program({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("run"), HasSubstr("inspect"), HasSubstr("Exit codes")));
  EXPECT_EQ(run_program({}).exit_code, 2);
  EXPECT_THAT(run_program({"--version"}).out, StartsWith("jevons "));
  for (const char* command : {"run", "cost", "inspect", "eval", "bench", "quantize", "synth"}) {
    EXPECT_EQ(run_program({command, "--help"}).exit_code, 0) << command;
  }
}

TEST(Program, SuggestsTheCommandThatWasMeant) {
  const ProgramResult result = run_program({"ruin"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("Did you mean 'run'?"));
  EXPECT_THAT(run_program({"frobnicate"}).err, HasSubstr("jevons --help"));
  EXPECT_EQ(run_program({"run", "--nonsense"}).exit_code, 2);
}

TEST(Program, AnswersAPrompt) {
  const ProgramResult result =
      run_program(nano({"run", "-p", "What is 17 plus 25?", "--temp", "0"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("42"));
}

TEST(Program, InAPipeOnlyTheAnswerIsPrinted) {
  const ProgramResult result = run_program(nano({"run", "--temp", "0"}), "What is 17 plus 25?\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_THAT(result.out, AllOf(HasSubstr("42"), Not(HasSubstr("\x1b")), Not(HasSubstr("think"))));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << result.out;
  const ProgramResult verbose =
      run_program(nano({"run", "--temp", "0", "-v"}), "What is 17 plus 25?\n");
  EXPECT_EQ(verbose.out, result.out);
  EXPECT_THAT(verbose.err, HasSubstr("prompt "));
}

TEST(Program, TheAnswerIsTheSameForTheSameSeedAndAnyNumberOfThreads) {
  const auto ask = [](const char* threads, const char* batch) {
    const ProgramResult result = run_program(nano({"run", "-p", "Tell me about Jevons.", "--seed",
                                                   "5", "-n", "60", "-t", threads, "-b", batch}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const std::string once = ask("1", "512");
  EXPECT_EQ(ask("2", "512"), once);
  EXPECT_EQ(ask("3", "7"), once);
}

TEST(Program, JsonIsOneObject) {
  const ProgramResult result =
      run_program(nano({"run", "-p", "What is 17 plus 25?", "--temp", "0", "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_THAT(json.at("text").get<std::string>(), HasSubstr("42"));
  EXPECT_THAT(json.at("reasoning").get<std::string>(), Not(IsEmpty()));
  EXPECT_GT(json.at("tokens").at("prompt").get<int>(), 10);
  EXPECT_EQ(json.at("tokens").at("cached").get<int>(), 0);
  EXPECT_GT(json.at("tokens").at("completion").get<int>(), 3);
  EXPECT_EQ(json.at("stop_reason"), "stop");
  EXPECT_GT(json.at("timings").at("generation_ms").get<double>(), 0);
  EXPECT_TRUE(json.at("seed").is_number_unsigned());
  EXPECT_TRUE(json.at("tool_calls").is_array());
}

TEST(Program, ASeedThatWasReportedGivesTheSameTextAgain) {
  const std::vector<std::string> question = {"run", "-p", "Who are you?", "--json", "-n", "40"};
  const ProgramResult first = run_program(nano(question));
  const Json json = Json::parse(first.out);
  std::vector<std::string> again = question;
  again.insert(again.end(), {"--seed", std::to_string(json.at("seed").get<std::uint64_t>())});
  const ProgramResult second = run_program(nano(again));
  EXPECT_EQ(Json::parse(second.out).at("text"), json.at("text"));
  EXPECT_EQ(Json::parse(second.out).at("reasoning"), json.at("reasoning"));
}

TEST(Program, RunsTheToolsThatTheModelCalls) {
  const ProgramResult result = run_program(nano({"run", "-p", "What is 1234 times 567?", "--temp",
                                                 "0", "--json", "--tools", "calculator,clock"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  ASSERT_EQ(json.at("tool_calls").size(), 1U) << result.out;
  const Json& call = json.at("tool_calls").at(0);
  EXPECT_EQ(call.at("name"), "calculator");
  EXPECT_EQ(call.at("result"), "699678");
  EXPECT_THAT(json.at("text").get<std::string>(), HasSubstr("699678"));
}

TEST(Program, SaysThatALedgerThatWasNamedCannotBeUsed) {
  const std::vector<std::string> words = {"run", "-p", "hi", "-n", "2", "--energy", "off"};
  std::vector<std::string> named = words;
  named.insert(named.end(), {"--ledger", "/proc/no/such.db"});
  const ProgramResult result = run_program(nano(named));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("requests are not written to the ledger: "));
  EXPECT_THAT(result.err, HasSubstr("/proc/no"));
  EXPECT_EQ(run_program(nano(words)).err.find("ledger"), std::string::npos);
}

TEST(Program, StopsWhereItIsTold) {
  const auto reason = [](std::vector<std::string> more) {
    std::vector<std::string> words = {"run", "-p", "What is 17 plus 25?", "--temp", "0", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramResult result = run_program(nano(words));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Json json = Json::parse(result.out);
    return json.at("stop_reason").get<std::string>() + " " +
           std::to_string(json.at("tokens").at("completion").get<int>());
  };
  EXPECT_EQ(reason({"-n", "3"}), "length 3");
  EXPECT_THAT(reason({"--stop", "plus"}), StartsWith("stop_string"));
  EXPECT_THAT(reason({"-c", "64"}), AnyOf(StartsWith("context"), StartsWith("stop ")));
}

TEST(Program, WrongUsageIsExitCodeTwoAndSaysWhy) {
  const auto complaint = [](std::vector<std::string> words, int exit_code = 2) {
    const ProgramResult result = run_program(nano(std::move(words)));
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    return result.err;
  };
  EXPECT_THAT(complaint({"run", "-p", ""}), HasSubstr("the prompt is empty"));
  EXPECT_THAT(complaint({"run", "-p", " \n"}), HasSubstr("the prompt is empty"));
  EXPECT_THAT(complaint({"run"}), HasSubstr("the prompt is empty"));  // standard input is empty
  EXPECT_THAT(complaint({"run", "-p", "x", "--temp", "hot"}),
              AllOf(HasSubstr("--temp"), HasSubstr("'hot'"), HasSubstr("between 0 and 100")));
  EXPECT_THAT(complaint({"run", "-p", "x", "--top-p", "1.5"}), HasSubstr("between 0 and 1"));
  EXPECT_THAT(complaint({"run", "-p", "x", "--tools", "abacus"}),
              AllOf(HasSubstr("'abacus'"), HasSubstr("calculator, clock")));
  EXPECT_THAT(complaint({"run", "-p", "x", "--kv-type", "q3"}), HasSubstr("q8_0|f16"));
  EXPECT_THAT(complaint({"run", "-p", "x", "-c", "999999"}, 1),
              AllOf(HasSubstr("999999"), HasSubstr("65536")));
}

TEST(Program, WrongFilesAreNamedWithWhatIsWrong) {
  const auto complaint = [](const std::string& file) {
    const ProgramResult result = run_program({"run", "-m", file, "-p", "x"});
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr(file));
    return result.err;
  };
  EXPECT_THAT(complaint("/nonexistent/m.gguf"), HasSubstr("No such file"));
  EXPECT_THAT(complaint(source("src")), HasSubstr("jevons quantize"));
  EXPECT_THAT(complaint(source("LICENSE")), HasSubstr("GGUF"));
  EXPECT_THAT(complaint("/dev/null"), HasSubstr("not a regular file"));
}

TEST(Program, ALongPromptIsRefusedWithBothNumbers) {
  const ProgramResult result =
      run_program(nano({"run", "-c", "512"}), std::string(100'000, 'a') + " b c d\n");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("tokens long"), HasSubstr("512"), HasSubstr("-c")));
}

TEST(Program, ALongPromptThatFitsIsRead) {
  std::string text;
  while (text.size() < 34'000) text += "The quick brown fox jumps over the lazy dog. ";
  const ProgramResult result =
      run_program(nano({"run", "-c", "65536", "--temp", "0", "-n", "8", "--json"}), text);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GT(Json::parse(result.out).at("tokens").at("prompt").get<int>(), 10'000);
}

TEST(Program, LooksForNanoBesideItself) {
  const ProgramResult missing =
      run_program({"run", "-p", "x"}, "", {{"JEVONS_MODELS", "/nonexistent/models"}});
  if (missing.exit_code != 0) {  // the build folder does not lie in the source tree
    EXPECT_THAT(missing.err, AllOf(HasSubstr("/nonexistent/models/nano.gguf"), HasSubstr("-m")));
  }
  const ProgramResult found =
      run_program({"run", "-p", "Hello", "-n", "2"}, "",
                  {{"JEVONS_MODELS", std::filesystem::path(nano_path()).parent_path()}});
  EXPECT_EQ(found.exit_code, 0) << found.err;
}

TEST(Program, InspectShowsTheModel) {
  const ProgramResult text = run_program(nano({"inspect"}));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("minimax-m2"), HasSubstr("65536"), HasSubstr("[e~["),
                              HasSubstr("end of turn"), HasSubstr("runs         yes")));
  const ProgramResult json = run_program(nano({"inspect", "--json"}));
  const Json object = Json::parse(json.out);
  EXPECT_EQ(object.at("problem"), "");
  EXPECT_LT(object.at("active_parameters").get<double>(),
            0.25 * object.at("parameters").get<double>());
  EXPECT_EQ(object.at("file_bytes").get<std::uint64_t>(), std::filesystem::file_size(nano_path()));
  EXPECT_EQ(run_program({"inspect", source("LICENSE")}).exit_code, 1);
}

TEST(Program, SettingsComeFromTheFileAndTheEnvironment) {
  const std::string path = testing::TempDir() + std::to_string(::getpid()) + "jevons-config.toml";
  ASSERT_TRUE(write_file_atomically(path, "# mine\npredict = 2\ntemp = 0\n"));
  const std::vector<std::string> question = nano({"run", "-p", "What is 17 plus 25?", "--json"});
  const auto completion = [&](const std::map<std::string, std::string>& environment) {
    const ProgramResult result = run_program(question, "", environment);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out).at("tokens").at("completion").get<int>();
  };
  EXPECT_EQ(completion({{"JEVONS_CONFIG", path}}), 2);
  EXPECT_EQ(completion({{"JEVONS_CONFIG", path}, {"JEVONS_PREDICT", "3"}}), 3);
  ASSERT_TRUE(write_file_atomically(path, "predict = 2\ntemprature = 0\n"));
  const ProgramResult wrong = run_program(question, "", {{"JEVONS_CONFIG", path}});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr(path + ":2: there is no option 'temprature'"));
  std::filesystem::remove(path);
}

TEST(Program, EvalWritesTheLogitsOfTheOracle) {
  const std::string out = testing::TempDir() + std::to_string(::getpid()) + "jevons-logits.f32";
  const ProgramResult result = run_program({"eval", "logits", "-m", fixture("f32.gguf"), "--ids",
                                            fixture("f32.ids"), "--out", out, "--reference"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string ours = read_file(out).value();
  const std::string theirs = read_file(fixture("f32.logits.f32")).value();
  std::filesystem::remove(out);
  ASSERT_EQ(ours.size(), theirs.size());
  const auto value = [](const std::string& bytes, std::size_t i) {
    float number = 0;
    std::memcpy(&number, bytes.data() + i * sizeof number, sizeof number);
    return number;
  };
  for (std::size_t i = 0; i < ours.size() / sizeof(float); ++i) {
    ASSERT_NEAR(value(ours, i), value(theirs, i), 1e-3) << i;
  }
}

TEST(Program, EvalMeasuresPerplexity) {
  const ProgramResult result = run_program(
      {"eval", "ppl", "-m", nano_path(), "-f", source("LICENSE"), "-c", "128", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_GT(json.at("perplexity").get<double>(), 1);
  EXPECT_LT(json.at("perplexity").get<double>(), 4096);  // that of guessing
  EXPECT_EQ(json.at("scored").get<int>(), 63 * json.at("windows").get<int>());
}

TEST(Program, EvalSaysWhatTheRouterDoes) {
  const ProgramResult result = run_program(
      {"eval", "routing", "-m", nano_path(), "-f", source("LICENSE"), "-c", "500", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_GT(json.at("tokens").get<int>(), 1000);
  EXPECT_EQ(json.at("experts").get<int>(), 4 * 24);
  EXPECT_GT(json.at("overlap").at("1").get<double>(), json.at("overlap_by_chance").get<double>());
  EXPECT_GT(json.at("next_layer_foreseen").get<double>(),
            json.at("overlap_by_chance").get<double>());
  EXPECT_LE(json.at("next_layer_foreseen").get<double>(), 1);
}

TEST(Program, EvalJudgesTheCasesOfASuite) {
  const std::string base = testing::TempDir() + std::to_string(::getpid());
  const std::string suite = base + "suite.jsonl";
  const std::string turns = base + "turns.jsonl";
  const auto sum = [](const std::string& id, const std::string& wanted) {
    return R"({"id": ")" + id + R"(", "skill": "sums", "request": {"messages": [)" +
           R"({"role": "user", "content": "What is 17 plus 25?"}]}, "wanted": )" + wanted + "}\n";
  };
  const std::string lines =
      sum("right", R"({"words": ["42"]})") + sum("wrong", R"({"text": "43"})");
  ASSERT_TRUE(write_file_atomically(suite, lines));
  const ProgramResult result = run_program(
      {"eval", "skills", "-m", nano_path(), "--suite", suite, "--turns", turns, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("cases"), 2);
  EXPECT_EQ(json.at("answers").at("right"), 1);
  EXPECT_EQ(json.at("skills").at("sums").at("of"), 2);
  EXPECT_EQ(json.at("ended").at("right"), 2);
  EXPECT_GT(json.at("routing").at("tokens"), 0);
  const std::string written = read_file(turns).value();
  const Json first = Json::parse(written.substr(0, written.find('\n')));
  EXPECT_EQ(first.at("id"), "right");
  EXPECT_EQ(first.at("right"), true);
  EXPECT_THAT(first.at("text").get<std::string>(), HasSubstr("42"));
  const ProgramResult unknown =
      run_program({"eval", "skills", "-m", nano_path(), "--suite", suite, "--skill", "cooking"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no skill \"cooking\"; the suite has sums"));
  std::filesystem::remove(suite);
  std::filesystem::remove(turns);
}

TEST(Program, EvalFindsTheSuiteThatComesAlong) {
  const ProgramResult result = run_program({"eval", "skills", "--cases", "18", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("model"), "nano.gguf");
  EXPECT_EQ(json.at("suite"), "skills.jsonl");
  EXPECT_EQ(json.at("cases"), 18);
  EXPECT_EQ(json.at("skills").size(), 9U);
  EXPECT_GE(json.at("ended").at("right"), 15);
}

TEST(Program, SynthWritesAModelThatRuns) {
  const std::string path = testing::TempDir() + std::to_string(::getpid()) + "jevons-synth.gguf";
  const std::vector<std::string> shape = {
      "synth",          path,  "--layers",      "2",  "--hidden", "64",  "--heads",   "2",
      "--kv-heads",     "1",   "--head-dim",    "32", "--rotary", "16",  "--experts", "4",
      "--experts-used", "2",   "--expert-size", "32", "--vocab",  "400", "--context", "256",
      "--type",         "q8_0"};
  const ProgramResult made = run_program(shape);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const ProgramResult answer = run_program({"run", "-m", path, "-p", "x", "-n", "5", "--json"});
  ASSERT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_LE(Json::parse(answer.out).at("tokens").at("completion").get<int>(), 5);
  const ProgramResult figures = run_program(
      {"bench", "-m", path, "-p", "16", "-n", "4", "-d", "0,32", "-t", "1", "-r", "1", "--json"});
  ASSERT_EQ(figures.exit_code, 0) << figures.err;
  const Json json = Json::parse(figures.out);
  EXPECT_EQ(json.at("results").size(), 4U);
  for (const Json& row : json.at("results"))
    EXPECT_GT(row.at("tokens_per_second").get<double>(), 0);
  EXPECT_GT(json.at("machine").at(0).at("memory_bytes_per_second").get<double>(), 1e8);
  EXPECT_GT(json.at("machine").at(0).at("int8_operations_per_second").get<double>(), 1e8);
  std::filesystem::remove(path);
}

TEST(Program, ReplaysARoutingOnMemoryOfSomeSize) {
  const std::vector<std::string> replay =
      nano({"bench", "--replay", "generated:0.15", "--ram", "12MB", "--json"});
  const ProgramResult figures = run_program(replay);
  ASSERT_EQ(figures.exit_code, 0) << figures.err;
  const Json json = Json::parse(figures.out);
  const auto dense_bytes = json.at("dense_bytes").get<double>();
  double before = 0;
  bool is_there = false;
  for (const Json& row : json.at("rows")) {
    const auto memory_bytes = row.at("memory_bytes").get<double>();
    EXPECT_GT(memory_bytes, before) << "least first, and none twice";
    before = memory_bytes;
    // Within one expert of the size asked for.
    is_there |= memory_bytes <= 12e6 - dense_bytes && memory_bytes > 12e6 - dense_bytes - 250e3;
    EXPECT_LE(row.at("jevons").at("hit_rate").get<double>(),
              row.at("optimal").at("hit_rate").get<double>());
    EXPECT_EQ(row.at("jevons").at("layers").size(), 4U);
    EXPECT_GT(row.at("guesses").at("recall").get<double>(), 0.5);
  }
  EXPECT_TRUE(is_there) << figures.out;
}

TEST(Program, SaysWhatIsWrongWithAReplay) {
  const auto complaint = [](std::vector<std::string> arguments, int exit_code) {
    const ProgramResult result = run_program(nano(std::move(arguments)));
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return result.err;
  };
  EXPECT_THAT(complaint({"bench", "--replay", "generated:fast"}, 1), HasSubstr("a number"));
  EXPECT_THAT(complaint({"bench", "--replay", "generated:2"}, 1), HasSubstr("between 0 and 1"));
  EXPECT_THAT(complaint({"bench", "--replay", "/none"}, 1), HasSubstr("/none"));
  EXPECT_THAT(complaint({"bench", "--replay", "generated", "--ram", "1MB"}, 1),
              HasSubstr("1.00 MB"));
  EXPECT_THAT(complaint({"bench", "--replay", "generated", "--ram", "1XB"}, 2), HasSubstr("1XB"));
  EXPECT_THAT(complaint({"bench", "--replay", "generated", "--ram", "0"}, 2), HasSubstr("--ram"));
}

}  // namespace
}  // namespace jevons
