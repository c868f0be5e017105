#include "model/routing_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <random>
#include <sstream>
#include <thread>

#include "base/atomic_file.h"
#include "tests/base/scratch_folder.h"
#include "tests/model/fixtures.h"

namespace jevons::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kFixture = "small_blocks";

std::unique_ptr<RoutingRecorder> recorder_at(const std::string& path) {
  auto recorder = RoutingRecorder::create(path);
  if (!recorder) throw std::runtime_error(recorder.error().message);
  return *std::move(recorder);
}

std::string line(int layer, const std::int32_t* experts, int n_used) {
  std::string text;
  for (int rank = 0; rank < n_used; ++rank) {
    text += fmt::format("{}{}", rank == 0 ? "" : ",", experts[rank]);
  }
  return fmt::format("[{},[{}]]\n", layer, text);
}

class Recording : public ::testing::Test {
 protected:
  Recording() : open_(open_fixture(kFixture)), ids_(fixture_ids(kFixture)) {}

  [[nodiscard]] Model model(RoutingRecorder* recorder) const {
    ModelOptions options;
    options.n_threads = 2;
    options.recorder = recorder;
    return {open_.weights, options};
  }
  [[nodiscard]] const ModelConfig& config() const { return open_.weights.config; }
  [[nodiscard]] std::string recorded() const { return read_file(path_).value(); }

  const ScratchFolder folder_;
  const std::string path_ = folder_ / "trace";
  const OpenModel open_;
  const std::vector<std::int32_t> ids_;
};

TEST_F(Recording, WritesWhatEveryTokenTookInTheOrderOfComputing) {
  constexpr int kChunk = 7;
  const auto n_tokens = static_cast<int>(ids_.size());
  auto taken = RoutingTrace::sized(config().n_layers, n_tokens, config().n_experts_used);
  const auto recorder = recorder_at(path_);
  Model with = model(recorder.get());
  const auto logits = run_in_chunks(with, ids_, kChunk, {.recorded = &taken});
  std::string expected;
  for (int first = 0; first < n_tokens; first += kChunk) {
    for (int layer = 0; layer < config().n_layers; ++layer) {
      for (int token = first; token < std::min(n_tokens, first + kChunk); ++token) {
        expected += line(layer, taken.at(layer, token), config().n_experts_used);
      }
    }
  }
  // The recorder is still open: nothing waits for its end.
  EXPECT_EQ(recorded(), expected);
  Model without = model(nullptr);
  EXPECT_EQ(run_in_chunks(without, ids_, kChunk), logits);
}

TEST_F(Recording, ATokenThatEndsBeforeTheLastLayerHasAnEmptyLineThere) {
  const auto recorder = recorder_at(path_);
  Model with = model(recorder.get());
  KvSequence sequence(with.kv_layout());
  sequence.reserve(4);
  std::vector<BatchToken> batch;
  batch.reserve(4);
  for (int i = 0; i < 4; ++i) {
    batch.push_back({ids_[static_cast<std::size_t>(i)], i, &sequence, i % 2 == 1});
  }
  std::vector<float> logits(2 * static_cast<std::size_t>(config().vocab_size));
  auto taken = RoutingTrace::sized(config().n_layers, 4, config().n_experts_used);
  ASSERT_TRUE(with.forward(batch, logits.data(), {.recorded = &taken}));
  const int last = config().n_layers - 1;
  const std::string empty = fmt::format("[{},[]]\n", last);
  EXPECT_TRUE(recorded().ends_with(empty + line(last, taken.at(last, 1), config().n_experts_used) +
                                   empty + line(last, taken.at(last, 3), config().n_experts_used)))
      << recorded();

  // Nor does the last layer of a batch whose logits nobody wants leave a hole.
  for (BatchToken& token : batch) token.wants_logits = false;
  ASSERT_TRUE(with.forward(batch, nullptr));
  EXPECT_TRUE(recorded().ends_with(empty + empty + empty + empty)) << recorded();
}

TEST_F(Recording, APassThatIsGivenUpHasWholeLayersOnly) {
  const auto recorder = recorder_at(path_);
  Model with = model(recorder.get());
  KvSequence sequence(with.kv_layout());
  sequence.reserve(2);
  const std::vector<BatchToken> batch = {{ids_[0], 0, &sequence, false},
                                         {ids_[1], 1, &sequence, true}};
  std::vector<float> logits(static_cast<std::size_t>(config().vocab_size));
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> abandon = false;
    std::thread other([&, wait = std::chrono::microseconds(random() % 300)] {
      std::this_thread::sleep_for(wait);
      abandon.store(true);
    });
    ASSERT_TRUE(with.forward_unless({.abandon = &abandon}, batch, logits.data()));
    other.join();
  }
  std::istringstream lines(recorded());
  std::string first, second;
  int last = -1;
  while (std::getline(lines, first)) {
    ASSERT_TRUE(std::getline(lines, second));
    const int layer = std::stoi(first.substr(1));
    EXPECT_TRUE(second.starts_with(fmt::format("[{},", layer)));
    EXPECT_TRUE(layer == last + 1 || layer == 0) << layer << " after " << last;
    last = layer;
  }
}

TEST_F(Recording, IsThereAfterAKill) {
  const auto killed = [&] {
    const auto recorder = recorder_at(path_);
    Model with = model(recorder.get());
    const auto logits = run_in_chunks(with, std::span(ids_).first(3), 1);
    std::raise(SIGKILL);
  };
  EXPECT_EXIT(killed(), ::testing::KilledBySignal(SIGKILL), "");
  const std::string text = recorded();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3 * config().n_layers);
}

TEST_F(Recording, AFullDiskDisturbsNobodyAndIsToldOnce) {
  const auto recorder = recorder_at("/dev/full");
  Model with = model(recorder.get());
  Model without = model(nullptr);
  EXPECT_EQ(run_in_chunks(with, ids_, 5), run_in_chunks(without, ids_, 5));
  const auto problem = recorder->take_problem();
  ASSERT_TRUE(problem);
  EXPECT_THAT(problem->message, AllOf(HasSubstr("/dev/full"), HasSubstr(std::strerror(ENOSPC))));
  EXPECT_FALSE(recorder->take_problem());
}

TEST_F(Recording, OverwritesTracesAndNothingElse) {
  const std::vector<int> experts = {3, 1, 2};
  recorder_at(path_)->add(12, experts);
  EXPECT_EQ(recorded(), "[12,[3,1,2]]\n");
  struct ::stat facts{};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0077, 0U);
  recorder_at(path_)->add(0, {});
  EXPECT_EQ(recorded(), "[0,[]]\n");

  ASSERT_TRUE(write_file_atomically(path_, "GGUF"));
  const auto refused = RoutingRecorder::create(path_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr(path_), HasSubstr("no routing trace")));
  EXPECT_EQ(recorded(), "GGUF");
  for (const std::string& path : {folder_.path().string(), folder_ / "none/trace"}) {
    const auto missing = RoutingRecorder::create(path);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().message, HasSubstr(path));
  }
}

TEST_F(Recording, LongPassesAreWrittenInPieces) {
  const auto recorder = recorder_at(path_);
  std::string expected;
  const std::vector<int> experts = {255, 254, 253, 252, 251, 250, 249, 248};
  for (int i = 0; i < 10'000; ++i) {
    recorder->add(61, experts);
    expected += "[61,[255,254,253,252,251,250,249,248]]\n";
  }
  const std::string so_far = recorded();
  EXPECT_GT(so_far.size() + (64 << 10) + 100, expected.size());
  EXPECT_TRUE(expected.starts_with(so_far));
  recorder->flush();
  EXPECT_EQ(recorded(), expected);
}

}  // namespace
}  // namespace jevons::testing
