// What an answer is made of: reasoning and its budget, constraints, scripts, logits that are not
// numbers, pages from disk.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/atomic_file.h"
#include "engine_fixture.h"
#include "tests/base/scratch_folder.h"
#include "weights/gguf_file.h"

namespace jevons::testing {
namespace {

std::vector<std::int32_t> closing(const Engine& engine) {
  return engine.tokenizer().encode("\n</think>\n\n", SpecialTokens::kIgnore);
}

// A random model would close its reasoning now and then.
void without_think(const Engine& engine, CompletionRequest& request) {
  request.sampling.logit_bias.emplace_back(*engine.tokenizer().special_token("</think>"), -1000.0F);
}

TEST(EngineAnswer, AReasoningBudgetClosesTheReasoning) {
  const auto engine = open_engine(tiny_options());
  CompletionRequest request = endless(counting(30), *engine);
  without_think(*engine, request);
  request.max_tokens = 40;
  request.starts_in_reasoning = true;
  request.n_logprobs = 1;
  const Written free = write(*engine, request);
  EXPECT_EQ(free.result().n_reasoning_tokens, 40);
  EXPECT_FALSE(free.result().reasoning_was_cut);

  const auto close = closing(*engine);
  for (const int budget : {0, 1, 7}) {
    request.reasoning_budget = budget;
    const Written cut = write(*engine, request);
    EXPECT_TRUE(cut.result().reasoning_was_cut);
    EXPECT_EQ(cut.result().n_reasoning_tokens, budget);
    EXPECT_EQ(cut.result().n_generated_tokens, 40);
    ASSERT_EQ(cut.ids.size(), 40U);
    EXPECT_TRUE(std::equal(cut.ids.begin(), cut.ids.begin() + budget, free.ids.begin()));
    EXPECT_TRUE(std::equal(close.begin(), close.end(), cut.ids.begin() + budget));
    EXPECT_NE(cut.text.find("\n</think>\n\n"), std::string::npos);
    EXPECT_EQ(cut.logprobs.size(), 40U);
    // The rest follows from the closed block: it is what the model writes after those tokens.
    CompletionRequest rest = request;
    rest.starts_in_reasoning = false;
    rest.reasoning_budget = -1;
    rest.sampling.temperature = 0;
    CompletionRequest whole = request;
    whole.sampling.temperature = 0;
    const Written greedy = write(*engine, whole);
    const auto n_head = static_cast<std::size_t>(budget) + close.size();
    rest.prompt.insert(rest.prompt.end(), greedy.ids.begin(),
                       greedy.ids.begin() + static_cast<std::ptrdiff_t>(n_head));
    rest.max_tokens = 40 - static_cast<int>(n_head);
    const Written tail = write(*engine, rest);
    EXPECT_TRUE(std::equal(tail.ids.begin(), tail.ids.end(),
                           greedy.ids.begin() + static_cast<std::ptrdiff_t>(n_head)));
  }
}

TEST(EngineAnswer, MaxTokensMayComeInTheMiddleOfClosing) {
  const auto engine = open_engine(tiny_options());
  CompletionRequest request = endless(counting(30), *engine);
  without_think(*engine, request);
  request.starts_in_reasoning = true;
  request.reasoning_budget = 3;
  request.max_tokens = 4;
  const Written written = write(*engine, request);
  EXPECT_EQ(written.result().stop_reason, StopReason::kMaxTokens);
  EXPECT_EQ(written.ids.size(), 4U);
  EXPECT_TRUE(written.result().reasoning_was_cut);
}

// Allows multiples of 5 only, and the end after `n_least` of them.
class FifthTokens : public OutputConstraint {
 public:
  FifthTokens(std::int32_t end, int n_least) : end_(end), n_least_(n_least) {}
  [[nodiscard]] bool is_active() const override { return active; }
  void fill_mask(std::span<std::uint64_t> mask) override {
    std::fill(mask.begin(), mask.end(), 0);
    for (std::size_t id = 0; id < 250; id += 5) mask[id / 64] |= std::uint64_t{1} << (id % 64);
    const auto end = static_cast<std::size_t>(end_);
    if (may_end()) mask[end / 64] |= std::uint64_t{1} << (end % 64);
  }
  [[nodiscard]] bool accept(std::int32_t id) override {
    ++n_accepted;
    return !active || id % 5 == 0;
  }
  [[nodiscard]] bool may_end() const override { return n_accepted >= n_least_; }

  int n_accepted = 0;
  bool active = true;

 private:
  std::int32_t end_;
  int n_least_;
};

TEST(EngineAnswer, AConstraintHoldsFromTheEndOfTheReasoningOn) {
  const auto engine = open_engine(tiny_options());
  const std::int32_t end = engine->tokenizer().vocabulary().eos_id.value();
  const auto close = closing(*engine);
  for (const bool reasons : {false, true}) {
    for (const float temperature : {0.0F, 1.0F}) {
      CompletionRequest request = request_for(counting(30), 60);
      request.sampling.temperature = temperature;
      without_think(*engine, request);
      request.sampling.logit_bias.emplace_back(end, 900.0F);  // it wants to end at once
      request.starts_in_reasoning = reasons;
      if (reasons) request.reasoning_budget = 0;
      const auto constraint = std::make_shared<FifthTokens>(end, 12);
      request.constraint = constraint;
      const Written written = write(*engine, request);
      EXPECT_EQ(written.result().stop_reason, StopReason::kEndOfTurn);
      const std::size_t n_head = reasons ? close.size() : 0;
      ASSERT_EQ(written.ids.size(), n_head + 12);
      EXPECT_EQ(constraint->n_accepted, 12);  // the engine's own tokens are not its business
      for (std::size_t i = n_head; i < written.ids.size(); ++i) EXPECT_EQ(written.ids[i] % 5, 0);
    }
  }
}

TEST(EngineAnswer, AnInactiveConstraintMayStillForbidTheEnd) {
  const auto engine = open_engine(tiny_options());
  const std::int32_t end = engine->tokenizer().vocabulary().eos_id.value();
  CompletionRequest request = request_for(counting(30), 60);
  request.sampling.logit_bias = {{end, 900.0F}};
  const auto constraint = std::make_shared<FifthTokens>(end, 9);
  constraint->active = false;
  request.constraint = constraint;
  const Written written = write(*engine, request);
  EXPECT_EQ(written.result().stop_reason, StopReason::kEndOfTurn);
  EXPECT_EQ(written.ids.size(), 9U);
}

class NothingAllowed : public FifthTokens {
 public:
  NothingAllowed() : FifthTokens(0, 0) {}
  void fill_mask(std::span<std::uint64_t> mask) override { std::fill(mask.begin(), mask.end(), 0); }
};

TEST(EngineAnswer, AConstraintThatAllowsNothingFailsItsRequestAlone) {
  const auto engine = open_engine(tiny_options());
  CompletionRequest request = request_for(counting(30), 60);
  request.constraint = std::make_shared<NothingAllowed>();
  const Written written = write(*engine, request);
  ASSERT_FALSE(*written.end);
  EXPECT_NE(written.end->error().message.find("no token"), std::string::npos);
  EXPECT_TRUE(*write(*engine, request_for(counting(30), 5)).end);
}

TEST(EngineAnswer, AScriptGoesTheWayOfAnAnswer) {
  const auto engine = open_engine(tiny_options());
  CompletionRequest request = request_for(counting(70), 0);
  request.script = counting(100, 31);
  request.n_logprobs = 0;
  const Written written = write(*engine, request);
  EXPECT_EQ(written.result().stop_reason, StopReason::kEndOfTurn);
  EXPECT_EQ(written.ids, request.script);
  EXPECT_EQ(written.result().ids, request.script);
  EXPECT_EQ(written.logprobs.size(), request.script.size());
  // Its keys and values are there: a prompt that repeats it is cached up to its last token.
  CompletionRequest next = request_for(request.prompt, 3);
  next.prompt.insert(next.prompt.end(), request.script.begin(), request.script.end());
  next.prompt.push_back(1);
  const Written second = write(*engine, next);
  EXPECT_EQ(second.result().n_cached_tokens, 170);
  expect_same_answer(second, write(*open_engine(tiny_options()), next), "after the script");
}

TEST(EngineAnswer, ACacheReportSaysWhereAPromptLeftTheCachedOne) {
  const auto engine = open_engine(tiny_options());
  (void)write(*engine, request_for(counting(300), 4));
  auto changed = counting(300);
  changed[150] = 249;
  const CacheReport report = write(*engine, request_for(changed, 4)).result().cache;
  EXPECT_EQ(report.n_prompt_tokens, 300);
  EXPECT_EQ(report.n_cached_tokens, 150);
  ASSERT_TRUE(report.broke_at);
  EXPECT_EQ(report.broke_at->token_index, 150);
  EXPECT_EQ(report.broke_at->prompt.front(), 249);
  EXPECT_EQ(report.broke_at->cached.front(), counting(300)[150]);
  EXPECT_GE(report.broke_at->n_lost_tokens, 150);
  EXPECT_GT(report.lost_seconds, 0);
}

TEST(EngineAnswer, PagesOutliveTheProcess) {
  const ScratchFolder folder;
  EngineOptions options = tiny_options();
  options.cache_dir = folder.path();
  const CompletionRequest request = request_for(counting(400), 30);
  Written cold;
  {
    const auto engine = open_engine(options);
    cold = write(*engine, request);
    EXPECT_EQ(cold.result().cache.n_from_disk_tokens, 0);
    engine->flush_disk_cache(10'000);
    EXPECT_GE(engine->status().disk.n_pages, 6U);
  }
  const auto engine = open_engine(options);
  const Written warm = write(*engine, request);
  EXPECT_EQ(warm.result().cache.n_from_disk_tokens, 384);
  EXPECT_EQ(warm.result().n_cached_tokens, 384);
  EXPECT_EQ(engine->status().n_prompt_tokens, 16U);
  expect_same_answer(warm, cold, "after a restart");
  // Another KV type is another model, as far as pages are concerned.
  options.kv_type = KvType::kF16;
  EXPECT_EQ(write(*open_engine(options), request).result().n_cached_tokens, 0);
}

// A copy of the model in which reading one token gives NaN.
std::string poisoned_model(const ScratchFolder& folder, std::int32_t token) {
  std::string bytes = read_file(tiny_model(), 1 << 20).value();
  const auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny").value();
  const GgufTensor* const table = file.find_tensor("token_embd.weight");
  const auto row_bytes = static_cast<std::size_t>(table->shape[0]) * sizeof(float);
  const auto offset =
      static_cast<std::size_t>(table->data - reinterpret_cast<const std::byte*>(bytes.data()));
  const std::vector<float> row(static_cast<std::size_t>(table->shape[0]),
                               std::numeric_limits<float>::quiet_NaN());
  std::memcpy(bytes.data() + offset + row_bytes * static_cast<std::size_t>(token), row.data(),
              row_bytes);
  const std::string path = folder / "poisoned.gguf";
  EXPECT_TRUE(write_file_atomically(path, bytes));
  return path;
}

TEST(EngineAnswer, LogitsThatAreNoNumbersFailOneRequestAlone) {
  constexpr std::int32_t kPoison = 251;  // in no prompt of counting()
  const ScratchFolder folder;
  EngineOptions options = tiny_options();
  options.model_path = poisoned_model(folder, kPoison);
  options.n_parallel = 4;
  const auto engine = open_engine(options);
  std::vector<CompletionRequest> requests;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(endless(counting(100 + i, 3 * i), *engine));
    requests.back().max_tokens = 40;
    requests.back().sampling.logit_bias.emplace_back(kPoison, -1000.0F);
    if (i % 3 == 1) requests.back().prompt[50] = kPoison;
    clients.push_back(std::make_unique<Client>());
    clients.back()->submit(*engine, requests.back());
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const Written& written = clients[i]->wait();
    if (i % 3 == 1) {
      ASSERT_FALSE(*written.end);
      EXPECT_NE(written.end->error().message.find("nan"), std::string::npos)
          << written.end->error().message;
    } else {
      expect_same_answer(written, write(*open_engine(tiny_options()), requests[i]), "a sound one");
    }
  }
  EXPECT_EQ(engine->status().n_failed, 3U);
  expect_nothing_left(*engine);
}

TEST(EngineFacts, SayWhatTheModelIs) {
  const auto engine = open_engine(tiny_options());
  EXPECT_EQ(engine->facts().quantisation, "F32");
  EXPECT_EQ(engine->facts().fingerprint.size(), 64U);
  EXPECT_EQ(engine->facts().fingerprint, open_engine(tiny_options())->facts().fingerprint);
  EngineOptions options = tiny_options();
  options.kv_type = KvType::kF16;
  EXPECT_NE(open_engine(options)->facts().fingerprint, engine->facts().fingerprint);
  const ScratchFolder folder;
  options = tiny_options();
  options.model_path = poisoned_model(folder, 0);
  EXPECT_NE(open_engine(options)->facts().fingerprint, engine->facts().fingerprint);
  EXPECT_GT(engine->facts().n_parameters, 70'000U);
}

}  // namespace
}  // namespace jevons::testing
