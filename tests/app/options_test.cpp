#include "app/config/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <set>

#include "base/atomic_file.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

OptionValues layer(const std::string& source, const std::string& key, const std::string& text) {
  return {{key, {source, text}}};
}

Result<Settings> settings(const OptionValues& one) { return settings_from({&one, 1}); }

TEST(Options, TheTableIsConsistent) {
  std::set<std::string> names;
  for (const OptionSpec& spec : option_table()) {
    EXPECT_TRUE(names.insert(spec.key).second) << spec.key;
    EXPECT_TRUE(names.insert(spec.environment_name()).second) << spec.key;
    EXPECT_THAT(spec.flags, HasSubstr("--"));
    EXPECT_NE(spec.users, 0U);
    EXPECT_STRNE(spec.help, "");
    EXPECT_STRNE(spec.default_text, "");
    const bool is_switch = std::holds_alternative<bool Settings::*>(spec.field);
    EXPECT_EQ(std::string(spec.placeholder).empty(), is_switch) << spec.key;
  }
  EXPECT_TRUE(names.contains("JEVONS_TOP_K"));
}

TEST(Options, LaterLayersWin) {
  const OptionValues layers[] = {layer("file", "temp", "0.1"), layer("JEVONS_TEMP", "temp", "0.2"),
                                 layer("--temp", "temp", "0.3")};
  EXPECT_EQ(settings_from(layers)->temperature, 0.3);
  EXPECT_EQ(settings_from({layers, 2})->temperature, 0.2);
  EXPECT_EQ(settings_from({layers, 1})->temperature, 0.1);
  EXPECT_EQ(settings_from({})->temperature, std::nullopt);
}

TEST(Options, EveryTypeIsRead) {
  EXPECT_EQ(settings(layer("x", "model", "m.gguf"))->model, "m.gguf");
  EXPECT_EQ(settings(layer("x", "threads", "3"))->threads, 3);
  EXPECT_EQ(settings(layer("x", "top_k", "0"))->top_k, 0);
  EXPECT_EQ(settings(layer("x", "seed", "-1"))->seed, -1);
  EXPECT_EQ(settings(layer("x", "seed", "9007199254740993"))->seed, 9007199254740993);
  EXPECT_EQ(settings(layer("x", "kv_type", "f16"))->kv_type, "f16");
  EXPECT_TRUE(settings(layer("x", "hide_reasoning", "true"))->hide_reasoning);
  EXPECT_FALSE(settings(layer("x", "hide_reasoning", "0"))->hide_reasoning);
  EXPECT_EQ(settings(layer("x", "repeat_penalty", "1.1"))->repeat_penalty, 1.1);
}

TEST(Options, ErrorsNameSourceValueAndRange) {
  const auto message = [](const char* key, const char* text) {
    const Result<Settings> result = settings(layer("HERE", key, text));
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_THAT(message("temp", "warm"), AllOf(HasSubstr("HERE"), HasSubstr("'warm'"),
                                             HasSubstr("a number between 0 and 100")));
  for (const char* text : {"", "1x", " 1", "nan", "inf", "-0.1", "1e400", "100.01"}) {
    EXPECT_THAT(message("temp", text), HasSubstr("HERE")) << text;
  }
  EXPECT_THAT(message("threads", "1.5"), HasSubstr("a whole number between 0 and 4096"));
  EXPECT_THAT(message("threads", "99999999999999"), HasSubstr("a whole number"));
  EXPECT_THAT(message("kv_type", "q4"), HasSubstr("one of q8_0|f16"));
  EXPECT_THAT(message("hide_reasoning", "maybe"), HasSubstr("true or false"));
}

class ConfigFile : public testing::Test {
 protected:
  Result<OptionValues> read(const std::string& text) {
    EXPECT_TRUE(write_file_atomically(path_, text));
    return read_config_file(path_);
  }
  ~ConfigFile() override { std::filesystem::remove(path_); }

  const std::string path_ =
      testing::TempDir() + std::to_string(::getpid()) + "jevons-options-test.toml";
};

TEST_F(ConfigFile, HoldsOneOptionALine) {
  const auto values =
      read("temp = 0.5\nthreads = 2\nmodel = \"a b.gguf\"\nhide_reasoning = true\n");
  ASSERT_TRUE(values) << values.error().message;
  const auto result = settings_from({&*values, 1});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->temperature, 0.5);
  EXPECT_EQ(result->threads, 2);
  EXPECT_EQ(result->model, "a b.gguf");
  EXPECT_TRUE(result->hide_reasoning);
}

TEST_F(ConfigFile, ErrorsNameFileAndLine) {
  EXPECT_THAT(read("temp = 1\n\ntop_q = 3\n").error().message,
              AllOf(HasSubstr(path_ + ":3:"), HasSubstr("'top_q'")));
  EXPECT_THAT(read("temp = 1\ntop_k = \n").error().message, HasSubstr(path_ + ":2:"));
  EXPECT_THAT(read("temp = [1, 2]\n").error().message, HasSubstr(path_ + ":1: temp must be"));
  const auto values = read("threads = 2\ntemp = 1000\n");
  ASSERT_TRUE(values);
  EXPECT_THAT(settings_from({&*values, 1}).error().message,
              HasSubstr(path_ + ":2: temp is '1000'"));
  EXPECT_TRUE(read_config_file(path_ + ".none")->empty());
}

class Parsed : public testing::Test {
 protected:
  Result<Settings> parse(const std::vector<std::string>& words) {
    CLI::App app;
    const OptionReader reader(app, kRunOptions | kModelOptions | kThreadOptions);
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
    return reader.settings();
  }
  void SetUp() override { ::setenv("JEVONS_CONFIG", "/nonexistent/config.toml", 1); }
  void TearDown() override {
    ::unsetenv("JEVONS_TOP_K");
    ::unsetenv("JEVONS_CONFIG");
  }
};

TEST_F(Parsed, FlagsOverEnvironmentOverFile) {
  const std::string path =
      testing::TempDir() + std::to_string(::getpid()) + "jevons-parsed-test.toml";
  ASSERT_TRUE(write_file_atomically(path, "top_k = 1\ntop_p = 0.5\n"));
  ::setenv("JEVONS_CONFIG", path.c_str(), 1);
  EXPECT_EQ(parse({})->top_k, 1);
  ::setenv("JEVONS_TOP_K", "2", 1);
  EXPECT_EQ(parse({})->top_k, 2);
  EXPECT_EQ(parse({"--top-k", "3"})->top_k, 3);
  EXPECT_EQ(parse({"--top-k", "3"})->top_p, 0.5);
  std::filesystem::remove(path);
}

TEST_F(Parsed, ShortAndLongFlagsAndTheLastOneCounts) {
  const auto result = parse({"-m", "x.gguf", "-t", "2", "--temp", "0", "--n-predict", "7", "-s",
                             "-1", "--hide-reasoning", "--system", "- be brief"});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->model, "x.gguf");
  EXPECT_EQ(result->threads, 2);
  EXPECT_EQ(result->temperature, 0);
  EXPECT_EQ(result->predict, 7);
  EXPECT_EQ(result->seed, -1);
  EXPECT_TRUE(result->hide_reasoning);
  EXPECT_EQ(result->system, "- be brief");
  EXPECT_EQ(parse({"--temp", "1", "--temp", "2"})->temperature, 2);
}

TEST_F(Parsed, ErrorsNameTheFlagOrTheVariable) {
  EXPECT_THAT(parse({"--top-k", "many"}).error().message, HasSubstr("--top-k is 'many'"));
  ::setenv("JEVONS_TOP_K", "few", 1);
  EXPECT_THAT(parse({}).error().message, HasSubstr("JEVONS_TOP_K is 'few'"));
}

}  // namespace
}  // namespace jevons
