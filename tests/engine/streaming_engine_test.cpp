// An engine whose model is larger than the memory it may take.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/engine/engine_fixture.h"

namespace jevons::testing {
namespace {

namespace fs = std::filesystem;

class StreamingEngine : public ::testing::Test {
 protected:
  StreamingEngine()
      : folder_(fs::temp_directory_path() /
                (std::string("jevons-streaming-") +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    fs::copy_file(nano_model(), model());
  }
  ~StreamingEngine() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string model() const { return (folder_ / "model.gguf").string(); }

  // Nano has 24 MB, 18 of them experts.
  [[nodiscard]] EngineOptions options(std::uint64_t ram_bytes) const {
    EngineOptions options;
    options.model_path = model();
    options.n_threads = 2;
    options.context_length = 256;
    options.prefill_chunk = 64;
    options.ram_bytes = ram_bytes;
    options.program_bytes = 0;
    options.kv_memory_bytes = 2'000'000;
    options.statistics_folder = folder_.string();
    return options;
  }

  static CompletionRequest request(const Engine& engine, int n_tokens = 40) {
    CompletionRequest request;
    request.prompt = engine.tokenizer().encode("Tell me about experts and what they cost.",
                                               SpecialTokens::kIgnore);
    request.max_tokens = n_tokens;
    request.sampling.temperature = 0;
    return request;
  }

  static Result<CompletionResult> answer(Engine& engine) {
    return engine.complete(request(engine), {});
  }

  const fs::path folder_;
};

constexpr std::uint64_t kEnough = 200'000'000;
constexpr std::uint64_t kLittle = 22'000'000;

TEST_F(StreamingEngine, AnswersWithTheSameTokens) {
  const auto mapped = open_engine(options(kEnough));
  ASSERT_FALSE(mapped->facts().is_streamed);
  EXPECT_FALSE(mapped->status().experts.enabled);
  const auto streamed = open_engine(options(kLittle));
  ASSERT_TRUE(streamed->facts().is_streamed);
  const auto expected = answer(*mapped);
  const auto given = answer(*streamed);
  ASSERT_TRUE(expected && given);
  EXPECT_EQ(expected->ids, given->ids);
  const EngineStatus::Experts experts = streamed->status().experts;
  EXPECT_TRUE(experts.enabled);
  EXPECT_GT(experts.n_missed, 0U);
  EXPECT_EQ(experts.n_hits + experts.n_foreseen + experts.n_missed, experts.n_needed);
  EXPECT_GT(experts.n_bytes_read, 0U);
  EXPECT_LE(experts.held_bytes, experts.memory_bytes);
  EXPECT_LE(experts.n_guessed_right, experts.n_guessed);
}

TEST_F(StreamingEngine, TooLittleMemoryIsRefusedWithTheFigures) {
  const auto engine = Engine::open(options(5'000'000));
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("not enough"), std::string::npos) << engine.error().message;
}

TEST_F(StreamingEngine, AFileThatWasCutEndsRequestsAndNotTheEngine) {
  const auto engine = open_engine(options(kLittle));
  ASSERT_TRUE(answer(*engine));
  fs::resize_file(model(), fs::file_size(model()) / 2);
  // What is in memory may be enough for some tokens; the file is looked at once a second.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  for (int i = 0; i < 2; ++i) {
    const auto failed = answer(*engine);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find("model.gguf"), std::string::npos)
        << failed.error().message;
  }
  EXPECT_EQ(engine->status().n_failed, 2U);
  EXPECT_FALSE(engine->status().has_work);
}

TEST_F(StreamingEngine, AFileThatWasReplacedIsReadOnAsItWas) {
  const auto engine = open_engine(options(kLittle));
  const auto before = answer(*engine);
  ASSERT_TRUE(before);
  std::ofstream(folder_ / "other") << "nothing of use";
  fs::rename(folder_ / "other", model());
  const auto after = answer(*engine);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(before->ids, after->ids);
}

TEST_F(StreamingEngine, UseIsRememberedForTheNextStart) {
  {
    const auto engine = open_engine(options(kLittle));
    ASSERT_TRUE(answer(*engine));
  }
  bool found = false;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    found = found || entry.path().filename().string().starts_with("experts-");
  }
  EXPECT_TRUE(found);
  const auto engine = open_engine(options(kLittle));
  EXPECT_TRUE(answer(*engine));
}

// Requests side by side, with others that leave, on a disk that is needed all the time.
TEST_F(StreamingEngine, ManyAtOnceGetTheSameAnswers) {
  EngineOptions many = options(kLittle);
  many.n_parallel = 3;
  const auto engine = open_engine(many);
  const auto expected = answer(*engine);
  ASSERT_TRUE(expected);
  std::vector<std::thread> clients;
  std::vector<std::vector<std::int32_t>> given(6);
  for (std::size_t i = 0; i < given.size(); ++i) {
    clients.emplace_back([&, i] {
      const auto result = answer(*engine);
      if (result) given[i] = result->ids;
    });
  }
  for (std::thread& client : clients) client.join();
  for (const auto& ids : given) EXPECT_EQ(ids, expected->ids);
}

// Its 900 tokens are 15 long passes here.
class BesideALongPrompt : public StreamingEngine {
 protected:
  BesideALongPrompt() {
    EngineOptions two = options(kLittle + 4'000'000);
    two.n_parallel = 2;
    two.context_length = 1024;
    two.kv_memory_bytes = 6'000'000;
    engine_ = open_engine(two);
    EXPECT_TRUE(engine_->facts().is_streamed);
    mapped_ = two;
    mapped_.ram_bytes = kEnough;
    expected_ = write(*engine_, writing());
    prompt_ = request(*engine_);
    prompt_.prompt = counting(900);
    prompt_.max_tokens = 1;
  }

  [[nodiscard]] CompletionRequest writing() const {
    CompletionRequest endless_one = endless(request(*engine_).prompt, *engine_);
    endless_one.max_tokens = 150;
    return endless_one;
  }

  EngineOptions mapped_;  // the same with all in memory
  std::unique_ptr<Engine> engine_;
  Written expected_;
  CompletionRequest prompt_;
};

TEST_F(BesideALongPrompt, AnswersGoOn) {
  prompt_.n_logprobs = 2;
  Client writer, reader;
  std::atomic<bool> reads = false;
  writer.at_chunk = [&](Client& self) {
    // On the engine's thread: from here on the prompt is read beside this answer.
    if (self.written().ids.size() < 5 || reads.exchange(true)) return;
    reader.submit(*engine_, prompt_);
  };
  std::size_t n_written_at_start = 0, n_written_at_end = 0;
  reader.at_progress = [&](Client& self) {
    auto& at = self.written().progress.back() < 900 && n_written_at_start == 0 ? n_written_at_start
                                                                               : n_written_at_end;
    at = writer.written().ids.size();
  };
  writer.submit(*engine_, writing());
  const Written& written = writer.wait();
  const Written& read = reader.wait();
  expect_same_answer(written, expected_, "the answer beside the prompt");
  expect_same_answer(read, write(*open_engine(mapped_), prompt_), "the prompt beside the answer");
  EXPECT_GT(n_written_at_end, n_written_at_start + 20);
  EXPECT_GT(engine_->status().n_steps_between, 20U);
  expect_nothing_left(*engine_);
}

TEST_F(BesideALongPrompt, ItCanBeCancelledInTheMiddleOfAPass) {
  Client writer, reader;
  std::atomic<bool> reads = false;
  writer.at_chunk = [&](Client& self) {
    const std::size_t n = self.written().ids.size();
    if (n >= 5 && !reads.exchange(true)) reader.submit(*engine_, prompt_);
    // Between two layers of the first pass.
    if (n == 9) engine_->cancel(reader.id());
  };
  writer.submit(*engine_, writing());
  expect_same_answer(writer.wait(), expected_, "the answer beside the prompt");
  const Written& read = reader.wait();
  EXPECT_EQ(read.result().stop_reason, StopReason::kCancelled);
  EXPECT_TRUE(read.ids.empty());
  expect_nothing_left(*engine_);
}

TEST_F(BesideALongPrompt, AShortRequestDoesNotWaitForItsEnd) {
  Client short_one, reader;
  std::size_t n_read = 0;
  short_one.at_chunk = [&](Client&) {
    n_read = static_cast<std::size_t>(reader.written().progress.back());
  };
  reader.at_progress = [&](Client& self) {
    if (self.written().progress.size() > 1 || short_one.has_ended()) return;
    CompletionRequest other = request_for(counting(6, 3), 1);
    short_one.submit(*engine_, other);
  };
  reader.submit(*engine_, prompt_);
  EXPECT_EQ(short_one.wait().ids.size(), 1U);
  EXPECT_EQ(reader.wait().result().stop_reason, StopReason::kMaxTokens);
  EXPECT_LT(n_read, 900U);
  expect_nothing_left(*engine_);
}

TEST_F(BesideALongPrompt, TheEngineStopsInTheMiddleOfAPass) {
  Client reader;
  std::atomic<bool> has_begun = false;
  reader.at_progress = [&](Client&) { has_begun = true; };
  reader.submit(*engine_, prompt_);
  wait_for([&] { return has_begun.load(); }, "the prompt is being read");
  engine_.reset();
  EXPECT_EQ(reader.wait().result().stop_reason, StopReason::kCancelled);
}

}  // namespace
}  // namespace jevons::testing
