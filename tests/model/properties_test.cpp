// One arithmetic: a token's logits are the same bits whatever happens around it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "tests/model/fixtures.h"

namespace jevons::testing {
namespace {

using kernels::KvFormat;

// BF16 weights have an instruction of their own on AVX-512: held to a tolerance, not to bits.
bool has_bf16(const OpenModel& open) {
  for (const GgufTensor* tensor : open.file->tensors()) {
    if (tensor->type_id == static_cast<std::uint32_t>(kernels::WeightFormat::kBF16)) return true;
  }
  return false;
}

class Property : public ::testing::TestWithParam<std::tuple<std::string, KvFormat>> {
 protected:
  Property() : open_(open_fixture(std::get<0>(GetParam()))) {}
  [[nodiscard]] ModelOptions options(int n_threads, const kernels::KernelSet* set = nullptr) const {
    return {n_threads, 200, std::get<1>(GetParam()), set};
  }
  OpenModel open_;
};

TEST_P(Property, ChunksOfAPromptDoNotMatter) {
  const auto ids = random_ids(open_.weights.config, 150, 1);
  Model model(open_.weights, options(2));
  const auto whole = run_in_chunks(model, ids, ids.size());
  for (const std::size_t chunk : {1UL, 2UL, 7UL, 64UL, 65UL, 149UL}) {
    EXPECT_TRUE(same_bits(whole, run_in_chunks(model, ids, chunk))) << "chunk " << chunk;
  }
}

TEST_P(Property, ThreadsDoNotMatter) {
  const auto ids = random_ids(open_.weights.config, 100, 2);
  Model one(open_.weights, options(1));
  const auto expected = run_in_chunks(one, ids, ids.size());
  for (const int n_threads : {2, 3, 5}) {
    Model many(open_.weights, options(n_threads));
    EXPECT_TRUE(same_bits(expected, run_in_chunks(many, ids, 33))) << n_threads << " threads";
  }
}

TEST_P(Property, CompanyInTheBatchDoesNotMatter) {
  const ModelConfig& config = open_.weights.config;
  const auto vocab_size = static_cast<std::size_t>(config.vocab_size);
  Model model(open_.weights, options(2));
  constexpr std::size_t kSequences = 3;
  std::vector<std::vector<std::int32_t>> texts;
  std::vector<std::vector<float>> alone;
  std::vector<KvSequence> sequences(kSequences, KvSequence(model.kv_layout()));
  for (std::size_t s = 0; s < kSequences; ++s) {
    texts.push_back(random_ids(config, 40 + 15 * s, static_cast<unsigned>(10 + s)));
    alone.push_back(run_in_chunks(model, texts[s], texts[s].size()));
    sequences[s].reserve(static_cast<int>(texts[s].size()));
  }
  // Random slices of the three texts, mixed in every batch.
  std::mt19937 random(3);
  std::vector<std::size_t> done(kSequences, 0);
  std::vector<std::vector<float>> mixed(kSequences);
  std::vector<float> logits(200 * vocab_size);
  for (bool more = true; more;) {
    std::vector<BatchToken> batch;
    std::vector<std::size_t> owner;
    for (std::size_t s = 0; s < kSequences; ++s) {
      const std::size_t n = std::min<std::size_t>(random() % 9, texts[s].size() - done[s]);
      for (std::size_t i = 0; i < n; ++i, ++done[s]) {
        batch.push_back({texts[s][done[s]], static_cast<int>(done[s]), &sequences[s], true});
        owner.push_back(s);
      }
    }
    if (!batch.empty()) {
      ASSERT_TRUE(model.forward(batch, logits.data()));
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const float* row = logits.data() + i * vocab_size;
      mixed[owner[i]].insert(mixed[owner[i]].end(), row, row + vocab_size);
    }
    more = false;
    for (std::size_t s = 0; s < kSequences; ++s) more = more || done[s] < texts[s].size();
  }
  for (std::size_t s = 0; s < kSequences; ++s) EXPECT_TRUE(same_bits(alone[s], mixed[s])) << s;
}

TEST_P(Property, SkippingLogitsDoesNotChangeTheOthers) {
  const ModelConfig& config = open_.weights.config;
  const auto vocab_size = static_cast<std::size_t>(config.vocab_size);
  const auto ids = random_ids(config, 90, 4);
  Model model(open_.weights, options(2));
  const auto all = run_in_chunks(model, ids, ids.size());
  KvSequence sequence(model.kv_layout());
  sequence.reserve(static_cast<int>(ids.size()));
  std::vector<BatchToken> batch;
  std::vector<float> expected;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool wanted = i % 7 == 3 || i + 1 == ids.size();
    batch.push_back({ids[i], static_cast<int>(i), &sequence, wanted});
    if (wanted) {
      const float* row = all.data() + i * vocab_size;
      expected.insert(expected.end(), row, row + vocab_size);
    }
  }
  std::vector<float> logits(expected.size());
  ASSERT_TRUE(model.forward(batch, logits.data()));
  EXPECT_TRUE(same_bits(expected, logits));
}

TEST_P(Property, ABatchThatWasGivenUpAnywhereCanBeRunAgain) {
  const auto ids = random_ids(open_.weights.config, 120, 7);
  const auto vocab_size = static_cast<std::size_t>(open_.weights.config.vocab_size);
  Model model(open_.weights, options(2));
  const auto all = run_in_chunks(model, ids, ids.size());
  const std::span<const float> expected = std::span(all).last(vocab_size);
  std::mt19937 random(8);
  int n_given_up = 0;
  for (int round = 0; round < 8; ++round) {
    KvSequence sequence(model.kv_layout());
    sequence.reserve(static_cast<int>(ids.size()));
    std::vector<BatchToken> batch;
    batch.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      batch.push_back({ids[i], static_cast<int>(i), &sequence, i + 1 == ids.size()});
    }
    std::vector<float> logits(vocab_size);
    std::atomic<bool> abandon = round == 0;
    std::thread other([&, wait = std::chrono::microseconds(random() % 2000)] {
      std::this_thread::sleep_for(wait);
      abandon.store(true);
    });
    bool done = model.forward_unless({.abandon = &abandon}, batch, logits.data()).value();
    other.join();
    if (!done) {
      ++n_given_up;
      abandon.store(false);
      done = model.forward_unless({.abandon = &abandon}, batch, logits.data()).value();
    }
    ASSERT_TRUE(done);
    ASSERT_TRUE(same_bits(expected, logits)) << round;
  }
  EXPECT_GT(n_given_up, 0);
}

TEST_P(Property, AnEarlierPositionCanBeWrittenAgain) {
  const auto ids = random_ids(open_.weights.config, 80, 5);
  const auto vocab_size = static_cast<std::size_t>(open_.weights.config.vocab_size);
  Model model(open_.weights, options(2));
  const auto fresh = run_in_chunks(model, ids, ids.size());
  // A different text first, then back to position 20 and on with the right one.
  KvSequence sequence(model.kv_layout());
  sequence.reserve(200);
  auto wrong = random_ids(open_.weights.config, 120, 6);
  std::copy_n(ids.begin(), 20, wrong.begin());
  std::vector<BatchToken> batch;
  batch.reserve(wrong.size());
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    batch.push_back({wrong[i], static_cast<int>(i), &sequence, false});
  }
  ASSERT_TRUE(model.forward(batch, nullptr));
  batch.clear();
  for (std::size_t i = 20; i < ids.size(); ++i) {
    batch.push_back({ids[i], static_cast<int>(i), &sequence, true});
  }
  std::vector<float> logits(batch.size() * vocab_size);
  ASSERT_TRUE(model.forward(batch, logits.data()));
  EXPECT_TRUE(same_bits(std::span(fresh).subspan(20 * vocab_size), logits));
}

TEST_P(Property, InstructionSetsAgree) {
  const auto ids = random_ids(open_.weights.config, 70, 7);
  Model scalar(open_.weights, options(2, &kernels::kernel_set(kernels::Isa::kScalar)));
  const auto expected = run_in_chunks(scalar, ids, 32);
  const auto vocab_size = static_cast<std::size_t>(open_.weights.config.vocab_size);
  for (const kernels::Isa isa : kernels::kAllIsas) {
    if (!kernels::cpu_supports(isa)) continue;
    Model model(open_.weights, options(2, &kernels::kernel_set(isa)));
    const auto logits = run_in_chunks(model, ids, ids.size());
    if (has_bf16(open_)) {
      EXPECT_LT(distance(expected, logits, vocab_size).mean_kl, 0.1) << isa_name(isa);
    } else {
      EXPECT_TRUE(same_bits(expected, logits)) << isa_name(isa);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, Property,
    ::testing::Combine(::testing::ValuesIn(fixture_names()),
                       ::testing::Values(KvFormat::kF16, KvFormat::kQ8_0)),
    [](const auto& test) {
      std::string name = std::get<0>(test.param);
      std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
      return name + (std::get<1>(test.param) == KvFormat::kF16 ? "_f16" : "_q8_0");
    });

}  // namespace
}  // namespace jevons::testing
