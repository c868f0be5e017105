// A model that is larger than the memory it is given computes the same bits.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include "model/resident_model.h"
#include "tests/model/fixtures.h"
#include "weights/dense_core.h"
#include "weights/embedding_file.h"
#include "weights/expert_cache.h"

namespace jevons::testing {
namespace {

class Streaming : public ::testing::TestWithParam<std::string> {
 protected:
  Streaming() : open_(open_fixture(GetParam())), layout_(open_.weights) {
    auto core = DenseCore::read(*open_.file, open_.weights);
    if (!core) throw std::runtime_error(core.error().message);
    core_ = std::make_unique<DenseCore>(*std::move(core));
    if (open_.weights.head_is_embedding()) return;
    auto embedding = EmbeddingFile::open(*open_.file, open_.weights.token_embedding);
    if (!embedding) throw std::runtime_error(embedding.error().message);
    embedding_ = std::make_unique<EmbeddingFile>(*std::move(embedding));
    core_->weights.embedding_file = embedding_.get();
  }

  // Memory for a share of the experts, in per cent, but for two frames of each kind at least.
  [[nodiscard]] std::unique_ptr<ExpertCache> cache(int percent) const {
    std::uint64_t all = 0;
    std::uint64_t least = 0;
    for (const FrameClass& c : layout_.classes()) {
      all += c.frame_bytes * static_cast<std::uint64_t>(c.n_layers * layout_.n_experts());
      least += 2 * c.frame_bytes;
    }
    ExpertCacheOptions options;
    options.memory_bytes = std::max(least, all * static_cast<std::uint64_t>(percent) / 100);
    auto opened = ExpertCache::open(
        layout_, options, open_.weights.config.n_experts_used, [&](DiskReader::Done done) {
          return DiskReader::open({open_.file->path()}, {}, std::move(done));
        });
    if (!opened) throw std::runtime_error(opened.error().message);
    return *std::move(opened);
  }

  [[nodiscard]] static ModelOptions options(ExpertCache* experts, int foresight = 1) {
    ModelOptions options;
    options.n_threads = 2;
    options.max_batch = 200;
    options.experts = experts;
    options.foresight = foresight;
    return options;
  }

  OpenModel open_;
  ExpertLayout layout_;
  std::unique_ptr<DenseCore> core_;
  std::unique_ptr<EmbeddingFile> embedding_;
};

TEST_P(Streaming, GivesTheSameBitsWithAnyMemory) {
  const auto ids = random_ids(open_.weights.config, 150, 1);
  Model mapped(open_.weights, options(nullptr));
  const auto expected = run_in_chunks(mapped, ids, ids.size());
  for (const int percent : {0, 25, 60, 100}) {
    for (const std::size_t chunk : {1UL, 5UL, 150UL}) {
      for (const int foresight : {0, 2}) {
        const auto experts = cache(percent);
        if (percent > 50) experts->start_filling();
        Model model(core_->weights, options(experts.get(), foresight));
        EXPECT_TRUE(same_bits(expected, run_in_chunks(model, ids, chunk)))
            << percent << " %, chunks of " << chunk << ", foresight " << foresight;
      }
    }
  }
}

TEST_P(Streaming, MemoryMayChangeAtAnyMoment) {
  const auto ids = random_ids(open_.weights.config, 150, 2);
  Model mapped(open_.weights, options(nullptr));
  const auto expected = run_in_chunks(mapped, ids, 10);
  const auto experts = cache(50);
  const std::uint64_t most = experts->memory_bytes();
  std::atomic<bool> stop = false;
  std::thread other([&] {
    std::mt19937_64 random(3);
    while (!stop.load()) {
      experts->set_memory(random() % (2 * most));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  Model model(core_->weights, options(experts.get()));
  for (int round = 0; round < 5; ++round) {
    EXPECT_TRUE(same_bits(expected, run_in_chunks(model, ids, 10)));
  }
  stop.store(true);
  other.join();
}

TEST_P(Streaming, ABatchThatWasGivenUpCanBeRunAgain) {
  const auto ids = random_ids(open_.weights.config, 120, 7);
  const auto vocab_size = static_cast<std::size_t>(open_.weights.config.vocab_size);
  Model mapped(open_.weights, options(nullptr));
  const auto all = run_in_chunks(mapped, ids, ids.size());
  const std::span<const float> expected = std::span(all).last(vocab_size);
  const auto experts = cache(20);
  Model model(core_->weights, options(experts.get()));
  std::mt19937 random(8);
  for (int round = 0; round < 10; ++round) {
    KvSequence sequence(model.kv_layout());
    sequence.reserve(static_cast<int>(ids.size()));
    std::vector<BatchToken> batch;
    batch.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      batch.push_back({ids[i], static_cast<int>(i), &sequence, i + 1 == ids.size()});
    }
    std::vector<float> logits(vocab_size);
    std::atomic<bool> abandon = false;
    std::thread other([&, wait = std::chrono::microseconds(random() % 3000)] {
      std::this_thread::sleep_for(wait);
      abandon.store(true);
    });
    bool done = model.forward_unless({.abandon = &abandon}, batch, logits.data()).value();
    other.join();
    abandon.store(false);
    if (!done) done = model.forward_unless({.abandon = &abandon}, batch, logits.data()).value();
    ASSERT_TRUE(done);
    ASSERT_TRUE(same_bits(expected, logits)) << round;
  }
}

TEST_P(Streaming, EndsWhileReadsAreUnderWay) {
  for (int round = 0; round < 30; ++round) {
    const auto experts = cache(90);
    experts->start_filling();
    std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
  }
}

// The dense core is what the mapped file has, tensor by tensor.
TEST_P(Streaming, TheDenseCoreIsACopy) {
  const M2Weights& mapped = open_.weights;
  const M2Weights& copied = core_->weights;
  const auto expect_same = [](const Matrix& a, const Matrix& b) {
    ASSERT_NE(a.data, b.data);
    EXPECT_EQ(std::memcmp(a.data, b.data, a.row_bytes * static_cast<std::size_t>(a.n_rows)), 0);
  };
  if (mapped.head_is_embedding()) expect_same(mapped.token_embedding, copied.token_embedding);
  expect_same(mapped.output, copied.output);
  for (std::size_t i = 0; i < mapped.layers.size(); ++i) {
    expect_same(mapped.layers[i].q, copied.layers[i].q);
    expect_same(mapped.layers[i].attention_output, copied.layers[i].attention_output);
    EXPECT_EQ(std::memcmp(mapped.layers[i].router, copied.layers[i].router,
                          static_cast<std::size_t>(mapped.config.n_experts) *
                              static_cast<std::size_t>(mapped.config.hidden_size) * sizeof(float)),
              0);
  }
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) { return info.param; }
INSTANTIATE_TEST_SUITE_P(AllFixtures, Streaming, ::testing::ValuesIn(fixture_names()), test_name);

}  // namespace
}  // namespace jevons::testing
