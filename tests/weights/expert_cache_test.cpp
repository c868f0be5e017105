// The expert cache over a disk that does as it is told.
#include "weights/expert_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>

#include "tests/weights/scripted_reader.h"

namespace jevons::testing {
namespace {

constexpr int kLayers = 3;
constexpr int kExperts = 12;
constexpr int kUsed = 2;
constexpr std::size_t kPieceBytes = 64 * kDirectAlignment;  // a part of an expert in one read
constexpr std::size_t kExpertBytes = 5000;                  // of one projection: never aligned

// Weights of the given shape, which nobody reads.
M2Weights shape() {
  M2Weights weights;
  weights.config.n_layers = kLayers;
  weights.config.n_experts = kExperts;
  weights.config.n_experts_used = kUsed;
  weights.layers.resize(kLayers);
  std::uint64_t offset = 100;
  for (LayerWeights& layer : weights.layers) {
    for (ExpertMatrices* matrices : {&layer.gate, &layer.up, &layer.down}) {
      *matrices = ExpertMatrices{kernels::WeightFormat::kF32,
                                 kExperts,
                                 1,
                                 1,
                                 kExpertBytes,
                                 kExpertBytes,
                                 nullptr,
                                 {0, offset}};
      offset += kExperts * kExpertBytes;
    }
  }
  return weights;
}

class ExpertCacheTest : public ::testing::Test {
 protected:
  // Memory for so many experts of each layer, and so many frames in transit.
  void open(int n_kept, int n_transit, double stall_seconds = 60,
            std::size_t piece_bytes = kPieceBytes) {
    const ExpertLayout layout(shape());
    ASSERT_EQ(layout.classes().size(), 1U);
    ExpertCacheOptions options;
    options.memory_bytes =
        layout.frame_bytes(0) * static_cast<std::size_t>(n_kept * kLayers + n_transit);
    options.transit_frames = n_transit;
    options.stall_seconds = stall_seconds;
    options.piece_bytes = piece_bytes;
    options.verify = verify_;
    auto opened = ExpertCache::open(
        layout, options, kUsed, [&](DiskReader::Done done) -> Result<std::unique_ptr<DiskReader>> {
          auto reader = std::make_unique<ScriptedReader>(std::move(done));
          reader_ = reader.get();
          return reader;
        });
    ASSERT_TRUE(opened) << opened.error().message;
    cache_ = *std::move(opened);
  }

  // Runs one layer to its end; the disk answers whenever the cache would have to wait. Returns the
  // experts in the order in which they were handed out.
  std::vector<int> pass(int layer, std::span<const ExpertUse> used, int n_tokens = 1) {
    cache_->begin(layer, n_tokens, used);
    std::vector<int> order;
    while (order.size() < used.size()) {
      std::thread disk([&] {
        for (int i = 0; i < 3; ++i) reader_->finish_one();
      });
      const std::span<const int> ready = cache_->take_ready(nullptr);
      disk.join();
      for (const int expert : ready) expect_right_bytes(layer, expert);
      order.insert(order.end(), ready.begin(), ready.end());
      const std::vector<int> done(ready.begin(), ready.end());
      cache_->done(done);
    }
    EXPECT_TRUE(cache_->end());
    return order;
  }
  std::vector<int> pass(int layer, const std::vector<int>& experts) {
    std::vector<ExpertUse> used;
    for (const int expert : experts) used.push_back({expert, 1});
    return pass(layer, used);
  }

  void expect_right_bytes(int layer, int expert) {
    const auto parts = cache_->layout().parts(layer, expert);
    for (std::size_t p = 0; p < kExpertParts; ++p) {
      const std::byte* data = cache_->data(layer, expert, p);
      for (std::size_t i = 0; i < parts[p].n_bytes; i += 97) {
        ASSERT_EQ(data[i], pattern(0, parts[p].place.offset + i))
            << "layer " << layer << " expert " << expert << " part " << p << " byte " << i;
      }
    }
  }

  bool verify_ = false;
  ScriptedReader* reader_ = nullptr;
  std::unique_ptr<ExpertCache> cache_;
};

TEST_F(ExpertCacheTest, WhatWasUsedIsThereTheNextTime) {
  open(/*n_kept=*/4, /*n_transit=*/4);
  pass(0, {1, 2});
  EXPECT_EQ(cache_->counts().n_missed, 2U);
  pass(0, {1, 2});
  EXPECT_EQ(cache_->counts().n_hits, 2U);
  EXPECT_EQ(cache_->counts().n_missed, 2U);
  EXPECT_TRUE(reader_->waiting().empty());
}

TEST_F(ExpertCacheTest, WhatIsResidentIsHandedOutBeforeTheDiskAnswers) {
  open(4, 4);
  pass(0, {1, 2});
  const std::vector<ExpertUse> used = {{2, 1}, {7, 1}};
  cache_->begin(0, 1, used);
  const std::span<const int> ready = cache_->take_ready(nullptr);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready.front(), 2);
  EXPECT_EQ(reader_->waiting().size(), kExpertParts);
  cache_->done(std::vector{2});
  reader_->finish_all();
  ASSERT_EQ(cache_->take_ready(nullptr).front(), 7);
  cache_->done(std::vector{7});
  EXPECT_TRUE(cache_->take_ready(nullptr).empty());
  EXPECT_TRUE(cache_->end());
}

TEST_F(ExpertCacheTest, ALongPromptLeavesWhatIsPopularInPlace) {
  open(3, 4);
  for (int i = 0; i < 20; ++i) pass(0, {3, 5});
  // All experts are touched; two of them by most tokens.
  std::vector<ExpertUse> used;
  for (int e = 0; e < kExperts; ++e) used.push_back({e, e == 3 || e == 5 ? 80 : 10});
  const std::vector<int> order = pass(0, used, 130);
  EXPECT_EQ(std::set<int>(order.begin(), order.end()).size(), static_cast<std::size_t>(kExperts));
  const auto hits = cache_->counts().n_hits;
  pass(0, {3, 5});
  EXPECT_EQ(cache_->counts().n_hits, hits + 2);
}

TEST_F(ExpertCacheTest, TwoFramesAreEnoughForEverything) {
  open(0, 2);
  std::vector<int> all(kExperts);
  for (int e = 0; e < kExperts; ++e) all[static_cast<std::size_t>(e)] = e;
  for (int layer = 0; layer < kLayers; ++layer) EXPECT_EQ(pass(layer, all).size(), all.size());
  EXPECT_EQ(cache_->counts().n_hits, 0U);
}

TEST_F(ExpertCacheTest, LessThanTwoFramesAreRefused) {
  ExpertCacheOptions options;
  options.memory_bytes = 20'000;
  const auto opened = ExpertCache::open(
      ExpertLayout(shape()), options, kUsed,
      [](DiskReader::Done) -> Result<std::unique_ptr<DiskReader>> { return fail("not reached"); });
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("2 at once"), std::string::npos) << opened.error().message;
}

TEST_F(ExpertCacheTest, ARightGuessIsNeitherHitNorMiss) {
  open(4, 6);
  cache_->begin(0, 1, std::vector<ExpertUse>{{0, 1}});
  cache_->expect(1, std::vector{4, 6}, ReadUrgency::kGuess);
  reader_->finish_all();
  ASSERT_EQ(cache_->take_ready(nullptr).size(), 1U);
  cache_->done(std::vector{0});
  ASSERT_TRUE(cache_->end());
  pass(1, {4, 6});
  EXPECT_EQ(cache_->counts().n_expected, 2U);
  EXPECT_EQ(cache_->counts().n_in_time, 2U);
  EXPECT_EQ(cache_->counts().n_guesses, 2U);
  EXPECT_EQ(cache_->counts().n_wrong, 0U);
}

TEST_F(ExpertCacheTest, AGuessThatIsUnderWayBecomesUrgentWhenItComesTrue) {
  open(4, 6);
  pass(0, {0});
  cache_->expect(1, std::vector{4}, ReadUrgency::kGuess);
  ASSERT_EQ(reader_->waiting().size(), kExpertParts);
  EXPECT_EQ(reader_->waiting().front().urgency, ReadUrgency::kGuess);
  cache_->begin(1, 1, std::vector<ExpertUse>{{4, 1}});
  ASSERT_EQ(reader_->waiting().size(), kExpertParts);
  EXPECT_EQ(reader_->waiting().front().urgency, ReadUrgency::kNeeded);
  reader_->finish_all();
  ASSERT_EQ(cache_->take_ready(nullptr).size(), 1U);
  expect_right_bytes(1, 4);
  cache_->done(std::vector{4});
  EXPECT_TRUE(cache_->end());
  EXPECT_EQ(cache_->counts().n_in_time, 0U);
}

TEST_F(ExpertCacheTest, AWrongGuessThatWaitsIsWithdrawn) {
  open(1, 6);
  pass(1, {0});
  cache_->expect(1, std::vector{4}, ReadUrgency::kGuess);
  ASSERT_EQ(reader_->waiting().size(), kExpertParts);
  cache_->begin(1, 1, std::vector<ExpertUse>{{0, 1}});
  EXPECT_TRUE(reader_->waiting().empty());
  ASSERT_EQ(cache_->take_ready(nullptr).size(), 1U);
  cache_->done(std::vector{0});
  EXPECT_TRUE(cache_->end());
  EXPECT_EQ(cache_->counts().n_wrong, 1U);
}

TEST_F(ExpertCacheTest, AGuessThatWasWithdrawnHalfReadIsReadAnewWhenItIsNeeded) {
  open(1, 6);
  pass(1, {0});
  cache_->expect(1, std::vector{4}, ReadUrgency::kGuess);
  ASSERT_TRUE(reader_->finish_one());
  // The rest has not begun and is withdrawn.
  pass(1, {0});
  EXPECT_TRUE(reader_->waiting().empty());
  pass(1, {4});
  // Two parts under way, one withdrawn: needed before the others end.
  cache_->expect(1, std::vector{7}, ReadUrgency::kGuess);
  reader_->set_under_way(true);
  cache_->begin(1, 1, std::vector<ExpertUse>{{0, 1}});
  reader_->finish_all();
  while (!cache_->take_ready(nullptr).empty()) cache_->done(std::vector{0});
  EXPECT_TRUE(cache_->end());
  pass(1, {7});
}

TEST_F(ExpertCacheTest, AFailedReadEndsThePassWithItsErrorAndTheNextIsWell) {
  open(4, 4);
  cache_->begin(0, 1, std::vector<ExpertUse>{{1, 1}, {2, 1}});
  reader_->finish_one(fail("model.gguf: input/output error at 4096"));
  reader_->finish_all();
  EXPECT_TRUE(cache_->take_ready(nullptr).empty());
  const auto end = cache_->end();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("4096"), std::string::npos);
  EXPECT_EQ(pass(0, {1, 2}).size(), 2U);
}

TEST_F(ExpertCacheTest, AFailedGuessHarmsNobody) {
  open(4, 6);
  pass(0, {0});
  cache_->expect(1, std::vector{4}, ReadUrgency::kGuess);
  reader_->finish_one(fail("input/output error"));
  reader_->finish_all();
  EXPECT_EQ(pass(1, {4}).size(), 1U);
}

TEST_F(ExpertCacheTest, AFileThatWasChangedFailsThePass) {
  open(4, 4);
  reader_->change_file();
  cache_->begin(0, 1, std::vector<ExpertUse>{{1, 1}});
  EXPECT_TRUE(cache_->take_ready(nullptr).empty());
  const auto end = cache_->end();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("was written to"), std::string::npos);
}

TEST_F(ExpertCacheTest, VerifyingFindsAnExpertThatReadsDifferently) {
  verify_ = true;
  open(1, 4);
  for (int i = 0; i < 10; ++i) pass(0, {1});
  pass(0, {2});
  pass(0, {2, 3});
  reader_->spoil();
  cache_->begin(0, 1, std::vector<ExpertUse>{{3, 1}});
  reader_->finish_all();
  EXPECT_TRUE(cache_->take_ready(nullptr).empty());
  const auto end = cache_->end();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("expert 3 of layer 0 reads differently"), std::string::npos)
      << end.error().message;
}

TEST_F(ExpertCacheTest, ADiskThatDoesNotAnswerFailsThePass) {
  open(4, 4, /*stall_seconds=*/0.05);
  cache_->begin(0, 1, std::vector<ExpertUse>{{1, 1}});
  EXPECT_TRUE(cache_->take_ready(nullptr).empty());
  const auto end = cache_->end();
  ASSERT_FALSE(end);
  EXPECT_NE(end.error().message.find("not answered"), std::string::npos);
  // It answers late; what it brings is right.
  reader_->finish_all();
  EXPECT_EQ(pass(0, {1}).size(), 1U);
}

TEST_F(ExpertCacheTest, WaitingCanBeGivenUp) {
  open(4, 4);
  std::atomic<bool> abandon = false;
  cache_->begin(0, 1, std::vector<ExpertUse>{{1, 1}});
  std::thread other([&] { abandon.store(true); });
  EXPECT_TRUE(cache_->take_ready(&abandon).empty());
  other.join();
  EXPECT_TRUE(cache_->end());
  reader_->finish_all();
  EXPECT_EQ(pass(0, {1}).size(), 1U);
}

TEST_F(ExpertCacheTest, LessMemoryKeepsTheMostPopularAndMoreIsFilledAgain) {
  open(6, 4);
  for (int i = 0; i < 10; ++i) pass(0, {3, 5});
  pass(0, {7, 8});
  const std::size_t frame = cache_->layout().frame_bytes(0);
  const std::uint64_t most = cache_->memory_bytes();
  cache_->set_memory(frame * (2 * kLayers + 4));
  EXPECT_EQ(cache_->quota(), 2);
  EXPECT_LE(cache_->held_bytes(), frame * (2 * kLayers + 4));
  const auto before = cache_->counts();
  pass(0, {3, 5});
  EXPECT_EQ(cache_->counts().n_hits, before.n_hits + 2);
  cache_->set_memory(most);
  cache_->start_filling();
  for (int i = 0; i < 200 && reader_->finish_one(); ++i) {
  }
  const auto then = cache_->counts();
  pass(0, {7, 8});
  EXPECT_EQ(cache_->counts().n_hits, then.n_hits + 2);
}

TEST_F(ExpertCacheTest, FillingReadsTheMostPopularFirstAndStopsAtTheQuota) {
  open(2, 4);
  std::vector<float> popularity(kLayers * kExperts, 0.0F);
  popularity[kExperts + 9] = 0.5F;
  popularity[2] = 0.25F;
  ASSERT_TRUE(cache_->import_popularity(popularity));
  cache_->start_filling();
  ASSERT_FALSE(reader_->waiting().empty());
  EXPECT_EQ(reader_->waiting().front().urgency, ReadUrgency::kFill);
  const auto first = cache_->layout().parts(1, 9).front().place.offset;
  EXPECT_EQ(reader_->waiting().front().read.offset, first - direct_slack(first));
  reader_->finish_all();
  EXPECT_DOUBLE_EQ(cache_->resident_share(), 2.0 / kExperts);
  pass(1, {9});
  pass(0, {2});
  EXPECT_EQ(cache_->counts().n_hits, 2U);
}

TEST_F(ExpertCacheTest, AllMemoryMakesEverythingResident) {
  open(kExperts, 0);
  EXPECT_EQ(cache_->quota(), kExperts);
  cache_->start_filling();
  reader_->finish_all();
  EXPECT_DOUBLE_EQ(cache_->resident_share(), 1.0);
  for (int layer = 0; layer < kLayers; ++layer) pass(layer, {0, 5, 11});
  EXPECT_EQ(cache_->counts().n_hits, 9U);
}

// Random passes, guesses, failures and memory, with a disk that answers on a thread of its own: the
// bytes are always right, every pass comes to its end, and memory stays within what was allowed.
TEST_F(ExpertCacheTest, RandomWorkAlwaysEndsAndIsRight) {
  open(3, 5, 60, kDirectAlignment);
  std::atomic<bool> stop = false;
  std::atomic<bool> may_fail = false;
  std::thread disk([&] {
    std::mt19937 random(5);
    while (!stop.load()) {
      const bool fails = may_fail.load() && random() % 16 == 0;
      if (!reader_->finish_one(fails ? Result<void>(fail("bad sector")) : Result<void>())) {
        std::this_thread::yield();
      }
    }
    reader_->finish_all();
  });
  std::mt19937 random(6);
  const std::size_t frame = cache_->layout().frame_bytes(0);
  int n_failed = 0;
  for (int round = 0; round < 400; ++round) {
    may_fail.store(round % 50 > 40);
    if (round % 37 == 0) {
      cache_->set_memory(frame * (2 + random() % (kLayers * kExperts)));
    }
    for (int layer = 0; layer < kLayers; ++layer) {
      const bool is_prompt = random() % 8 == 0;
      std::vector<ExpertUse> used;
      for (int e = 0; e < kExperts; ++e) {
        if (is_prompt || random() % 6 == 0) used.push_back({e, 1 + static_cast<int>(random() % 3)});
      }
      if (used.empty()) used.push_back({0, 1});
      cache_->begin(layer, is_prompt ? 40 : 3, used);
      std::vector<int> guess;
      for (int e = 0; e < kExperts; ++e) {
        if (is_prompt || random() % 5 == 0) guess.push_back(e);
      }
      if (layer + 1 < kLayers) {
        cache_->expect(layer + 1, guess, is_prompt ? ReadUrgency::kAhead : ReadUrgency::kGuess);
      }
      std::size_t n = 0;
      for (;;) {
        const std::span<const int> ready = cache_->take_ready(nullptr);
        if (ready.empty()) break;
        n += ready.size();
        for (const int expert : ready) expect_right_bytes(layer, expert);
        cache_->done(std::vector<int>(ready.begin(), ready.end()));
      }
      const auto end = cache_->end();
      n_failed += end ? 0 : 1;
      if (end) {
        ASSERT_EQ(n, used.size()) << round;
      }
    }
  }
  EXPECT_GT(n_failed, 0);
  stop.store(true);
  disk.join();
  EXPECT_LE(cache_->held_bytes(), cache_->memory_bytes());
}

}  // namespace
}  // namespace jevons::testing
