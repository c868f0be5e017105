// The server as the program that is run: its lines, its signals, its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/atomic_file.h"
#include "run_program.h"
#include "serving_program.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class OwnFile {
 public:
  OwnFile(const char* name, const std::string& text)
      : path_((std::filesystem::temp_directory_path() /
               ("jevons_serve_" + std::to_string(::getpid()) + "_" + name))
                  .string()) {
    write(text);
  }
  OwnFile(const OwnFile&) = delete;
  OwnFile& operator=(const OwnFile&) = delete;
  ~OwnFile() { std::filesystem::remove(path_); }
  void write(const std::string& text) const { EXPECT_TRUE(write_file_atomically(path_, text)); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

constexpr const char* kEndless =
    R"({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}],
        "logit_bias": {"200020": -100}})";

TEST(Serve, AnswersWithScriptedTokens) {
  const OwnFile script("script.json", R"([{"match": "hi", "answer": "r</think>\n\nHello you."}])");
  ServingProgram program({"--scripted-answers", script.path()});
  EXPECT_THAT(program.first_line(), StartsWith("listening at http://127.0.0.1:"));
  EXPECT_THAT(program.ask("POST", "/v1/chat/completions",
                          R"({"model": "m", "messages": [{"role": "user", "content": "hi"}]})"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Hello you.")));
  EXPECT_THAT(program.ask("POST", "/v1/messages",
                          R"({"model": "m", "max_tokens": 50,
                              "messages": [{"role": "user", "content": "hi"}]})"),
              HasSubstr("Hello you."));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.log(), AllOf(HasSubstr("POST /v1/chat/completions 200"),
                                   testing::Not(HasSubstr("Hello you"))));
}

TEST(Serve, ListensBeforeTheModelIsThere) {
  ServingProgram program({}, false);
  EXPECT_THAT(program.ask("GET", "/health/live"), StartsWith("HTTP/1.1 200"));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
}

TEST(Serve, ReadsItsKeysAgain) {
  const OwnFile keys("keys.toml", "[[key]]\nname = \"a\"\nkey = \"the-first-key\"\n");
  ServingProgram program({"--api-keys", keys.path()});
  const auto with = [&](const std::string& key) {
    return program.ask("GET", "/v1/models", "", "X-Api-Key: " + key + "\r\n");
  };
  EXPECT_THAT(with("the-first-key"), StartsWith("HTTP/1.1 200"));
  const auto until = [&](const std::string& key, const std::string& answer) {
    for (int i = 0; i < 1000 && !with(key).starts_with(answer); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_THAT(with(key), StartsWith(answer));
  };
  keys.write("[[key]]\nname = \"b\"\nkey = \"the-second-key\"\n");
  program.signal(SIGHUP);
  until("the-second-key", "HTTP/1.1 200");
  EXPECT_THAT(with("the-first-key"), StartsWith("HTTP/1.1 401"));
  // A file with an error changes nothing.
  keys.write("[[key]]\n");
  program.signal(SIGHUP);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  until("the-second-key", "HTTP/1.1 200");
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.log(), HasSubstr("stay as they are"));
}

TEST(Serve, ASecondSignalEndsItAtOnce) {
  ServingProgram program({"--drain-seconds", "600"});
  program.begin("/v1/chat/completions", kEndless);
  program.signal(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(), 130);
}

TEST(Serve, AnAnswerThatTakesTooLongEndsWithTheServer) {
  ServingProgram program({"--drain-seconds", "0"});
  program.begin("/v1/chat/completions", kEndless);
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
}

TEST(Serve, SaysWhatIsWrongBeforeItStarts) {
  const auto error_of = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"serve", "--port", "0", "-m", nano_path()});
    const ProgramResult result = run_program(arguments);
    EXPECT_NE(result.exit_code, 0);
    return result.err;
  };
  EXPECT_THAT(error_of({"--host", "0.0.0.0"}), HasSubstr("--api-key"));
  EXPECT_THAT(error_of({"--host", "no.such.host.invalid"}), HasSubstr("no.such.host.invalid"));
  EXPECT_THAT(error_of({"--api-key", "short"}), HasSubstr("at least 8"));
  EXPECT_THAT(error_of({"--api-key", ""}), HasSubstr("at least 8"));
  EXPECT_THAT(error_of({"--api-keys", ""}), HasSubstr("cannot open"));
  EXPECT_THAT(error_of({"--api-keys", "/nonexistent"}), HasSubstr("/nonexistent"));
  EXPECT_THAT(error_of({"--api-key", "long-enough", "--api-keys", "x"}), HasSubstr("exclude"));
  EXPECT_THAT(error_of({"--cache-size", "big"}), HasSubstr("--cache-size"));
  EXPECT_THAT(error_of({"--tls-cert", "/nonexistent"}), HasSubstr("--tls-key"));
  EXPECT_THAT(error_of({"--scripted-answers", "/nonexistent"}), HasSubstr("/nonexistent"));
  EXPECT_THAT(error_of({"-m", "/nonexistent.gguf"}), HasSubstr("/nonexistent.gguf"));
}

}  // namespace
}  // namespace jevons
