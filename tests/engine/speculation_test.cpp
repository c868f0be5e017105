// Guessing ahead changes how fast an answer comes and nothing else.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine_fixture.h"

namespace jevons::testing {
namespace {

using Random = std::mt19937;

int uniform(Random& random, int low, int high) {
  return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
}

EngineOptions plain_options() {
  EngineOptions options = tiny_options();
  options.speculate = false;
  return options;
}

EngineOptions guessing_options(int n_guesses) {
  EngineOptions options = tiny_options();
  options.forced_guesses = n_guesses;
  return options;
}

// What repeats itself: a list, said again and again with small changes.
std::vector<std::int32_t> repeating(Random& random, int n) {
  std::vector<std::int32_t> list;
  for (int i = uniform(random, 4, 20); i > 0; --i) list.push_back(uniform(random, 0, 249));
  std::vector<std::int32_t> ids;
  while (static_cast<int>(ids.size()) < n) {
    for (const std::int32_t id : list) {
      ids.push_back(random() % 12 == 0 ? uniform(random, 0, 249) : id);
    }
  }
  ids.resize(static_cast<std::size_t>(n));
  return ids;
}

// An answer of few different tokens repeats them by chance, and goes another way as often.
void with_few_tokens(const Engine& engine, CompletionRequest& request, int n) {
  request.sampling.logit_bias = {{engine.tokenizer().vocabulary().eos_id.value(), -1000.0F}};
  for (int i = 0; i < n; ++i) request.sampling.logit_bias.emplace_back(65 + i, 50.0F);
}

CompletionRequest random_request(Random& random, const Engine& engine) {
  CompletionRequest request =
      request_for(repeating(random, uniform(random, 1, 200)), uniform(random, 1, 120), random());
  SamplingParams& sampling = request.sampling;
  sampling.temperature = static_cast<float>(uniform(random, 0, 1));
  if (random() % 3 == 0) sampling.frequency_penalty = 0.3F;
  if (random() % 3 == 0) sampling.repetition_penalty = 1.1F;
  request.n_logprobs = uniform(random, -1, 2);
  if (random() % 4 == 0) request.stop_strings = {"BAC", "AA"};
  if (random() % 4 == 0) {
    request.starts_in_reasoning = true;
    request.reasoning_budget = uniform(random, 0, 60);
  }
  if (random() % 3 == 0) {
    request.script = repeating(random, uniform(random, 1, 100));
  } else {
    with_few_tokens(engine, request, uniform(random, 2, 6));
  }
  return request;
}

void expect_some_of_both(const Engine& engine) {
  const EngineStatus status = engine.status();
  EXPECT_GT(status.n_accepted_drafts, 0U);
  EXPECT_GT(status.n_drafted_tokens, status.n_accepted_drafts);
}

TEST(Speculation, AnswersAreTheSameWithAndWithoutIt) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    Random random(seed);
    const auto plain = open_engine(plain_options());
    const auto guessing = open_engine(guessing_options(uniform(random, 1, 9)));
    for (int i = 0; i < 25; ++i) {
      const CompletionRequest request = random_request(random, *plain);
      const Written expected = write(*plain, request);
      const Written written = write(*guessing, request);
      expect_same_answer(written, expected, fmt::format("seed {} request {}", seed, i));
      EXPECT_EQ(written.result().ids, expected.result().ids);
      EXPECT_EQ(written.result().reasoning_was_cut, expected.result().reasoning_was_cut);
      EXPECT_EQ(written.result().n_cached_tokens, expected.result().n_cached_tokens);
    }
    expect_some_of_both(*guessing);
    EXPECT_LT(guessing->status().n_steps, plain->status().n_steps);
    EXPECT_EQ(guessing->status().n_generated_tokens, plain->status().n_generated_tokens);
    EXPECT_EQ(plain->status().n_drafted_tokens, 0U);
    expect_nothing_left(*guessing);
  }
}

TEST(Speculation, ManyAnswersAtOnceAreTheSameToo) {
  for (unsigned seed = 50; seed < 54; ++seed) {
    Random random(seed);
    EngineOptions options = guessing_options(uniform(random, 1, 6));
    options.n_parallel = uniform(random, 2, 8);
    options.queue_length = 100;
    options.slice_ms = uniform(random, 1, 100);
    const auto guessing = open_engine(options);
    const auto plain = open_engine(plain_options());
    std::vector<CompletionRequest> requests;
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 24; ++i) {
      requests.push_back(random_request(random, *plain));
      // Now and then the same prompt several times, as for n > 1.
      if (i % 3 == 1) {
        requests.back() = requests[requests.size() - 2];
        requests.back().sampling.seed = random();
      }
      if (i % 5 == 0) requests.back().priority = Priority::kBackground;
      clients.push_back(std::make_unique<Client>());
      clients.back()->submit(*guessing, requests.back());
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      expect_same_answer(clients[i]->wait(), write(*plain, requests[i]), fmt::format("{}", i));
    }
    expect_some_of_both(*guessing);
    expect_nothing_left(*guessing);
  }
}

TEST(Speculation, AnAnswerEndsWhereItMustInTheMiddleOfACopy) {
  const auto plain = open_engine(plain_options());
  const auto guessing = open_engine(guessing_options(7));
  Random random(9);
  CompletionRequest request = request_for(repeating(random, 150), 0);
  request.script.assign(request.prompt.begin(), request.prompt.begin() + 100);
  request.n_logprobs = 0;
  for (int n = 1; n <= 40; ++n) {
    request.max_tokens = n;
    const Written written = write(*guessing, request);
    expect_same_answer(written, write(*plain, request), fmt::format("{} tokens", n));
    EXPECT_EQ(written.result().n_generated_tokens, n);
    EXPECT_EQ(written.result().stop_reason, StopReason::kMaxTokens);
  }
  // The end of the script, and tokens and strings that stop it.
  for (std::size_t n = 1; n <= 40; ++n) {
    request.max_tokens = 0;
    request.script.resize(n);
    expect_same_answer(write(*guessing, request), write(*plain, request), "end of script");
    request.script.assign(request.prompt.begin(), request.prompt.begin() + 100);
    request.stop_tokens = {request.script[n]};
    expect_same_answer(write(*guessing, request), write(*plain, request), "stop token");
    request.stop_tokens.clear();
  }
  expect_some_of_both(*guessing);
}

TEST(Speculation, AContextThatIsFullEndsACopy) {
  Random random(10);
  for (int context : {127, 128, 129, 150}) {
    EngineOptions options = plain_options();
    options.context_length = context;
    const auto plain = open_engine(options);
    options = guessing_options(6);
    options.context_length = context;
    const auto guessing = open_engine(options);
    for (int n_prompt = 90; n_prompt < 127; n_prompt += 3) {
      CompletionRequest request = request_for(repeating(random, n_prompt), 0);
      with_few_tokens(*plain, request, 2);
      request.sampling.temperature = 0;
      const Written written = write(*guessing, request);
      EXPECT_EQ(written.result().stop_reason, StopReason::kContextFull);
      expect_same_answer(written, write(*plain, request), fmt::format("{}/{}", n_prompt, context));
    }
    EXPECT_GT(guessing->status().n_accepted_drafts, 0U);
    expect_nothing_left(*guessing);
  }
}

// Guesses that did not come true were in the pages for a while.
TEST(Speculation, PagesThatItLeavesAreThoseOfTheAnswer) {
  Random random(11);
  const auto plain = open_engine(plain_options());
  const auto guessing = open_engine(guessing_options(5));
  for (int i = 0; i < 20; ++i) {
    CompletionRequest request = request_for(repeating(random, uniform(random, 20, 150)), 150, i);
    with_few_tokens(*plain, request, 3);
    const Written first = write(*guessing, request);
    expect_same_answer(first, write(*plain, request), "first");
    CompletionRequest next = request_for(request.prompt, 20, 7);
    next.prompt.insert(next.prompt.end(), first.ids.begin(), first.ids.end());
    next.prompt.push_back(1);
    next.n_logprobs = 1;
    const Written second = write(*guessing, next);
    EXPECT_EQ(second.result().n_cached_tokens, static_cast<int>(next.prompt.size()) - 2);
    expect_same_answer(second, write(*open_engine(plain_options()), next), "second");
  }
  expect_some_of_both(*guessing);
}

TEST(Speculation, LosingPagesAndCancellationChangeNothing) {
  Random random(12);
  EngineOptions options = plain_options();
  options.context_length = 2048;  // 32 pages
  const auto plain = open_engine(options);
  options = guessing_options(6);
  options.context_length = 2048;
  options.n_parallel = 5;
  // All may begin, and few have room to end.
  options.kv_memory_bytes = plain->facts().kv_bytes_per_token * 64 * 50;
  const auto guessing = open_engine(options);
  std::vector<CompletionRequest> requests;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    requests.push_back(request_for(repeating(random, uniform(random, 10, 120)), 900, random()));
    with_few_tokens(*plain, requests.back(), 3);
    clients.push_back(std::make_unique<Client>());
    if (i % 4 == 3) {
      clients.back()->at_chunk = [&](Client& client) {
        if (client.written().ids.size() > 40) guessing->cancel(client.id());
      };
    }
    clients.back()->submit(*guessing, requests.back());
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const Written& written = clients[i]->wait();
    const Written expected = write(*plain, requests[i]);
    if (i % 4 == 3) {
      EXPECT_EQ(written.result().stop_reason, StopReason::kCancelled);
      ASSERT_LE(written.ids.size(), expected.ids.size());
      EXPECT_TRUE(std::equal(written.ids.begin(), written.ids.end(), expected.ids.begin()));
    } else {
      expect_same_answer(written, expected, fmt::format("{}", i));
    }
  }
  EXPECT_GT(guessing->status().n_preempted, 0U);
  expect_some_of_both(*guessing);
  expect_nothing_left(*guessing);
}

// Allows few tokens, and after some of them none.
class Narrowing : public OutputConstraint {
 public:
  explicit Narrowing(int n_most) : n_most_(n_most) {}
  [[nodiscard]] bool is_active() const override { return true; }
  void fill_mask(std::span<std::uint64_t> mask) override {
    std::fill(mask.begin(), mask.end(), 0);
    if (n_accepted_ < n_most_) mask[1] = 0b1111;
  }
  [[nodiscard]] bool accept(std::int32_t id) override {
    ++n_accepted_;
    return id >= 64 && id < 68;
  }
  [[nodiscard]] bool may_end() const override { return false; }

 private:
  int n_most_;
  int n_accepted_ = 0;
};

TEST(Speculation, AConstraintSeesEachTokenOnceAndFailsWhereItWould) {
  const auto plain = open_engine(plain_options());
  const auto guessing = open_engine(guessing_options(6));
  for (int n = 30; n < 50; ++n) {
    const auto answer = [&](Engine& engine) {
      CompletionRequest request = request_for(counting(30), 0, static_cast<std::uint64_t>(n));
      request.sampling.temperature = static_cast<float>(n % 2);
      request.constraint = std::make_shared<Narrowing>(n);
      return write(engine, request);
    };
    const Written expected = answer(*plain);
    const Written written = answer(*guessing);
    ASSERT_FALSE(*written.end);
    EXPECT_EQ(written.end->error().message, expected.end->error().message);
    EXPECT_EQ(written.ids, expected.ids);
    EXPECT_EQ(written.text, expected.text);
    EXPECT_EQ(written.ids.size(), static_cast<std::size_t>(n));
  }
  expect_some_of_both(*guessing);
}

TEST(Speculation, NanoWritesTheSameTextAndJson) {
  EngineOptions options = plain_options();
  options.model_path = nano_model();
  const auto plain = open_engine(options);
  options = guessing_options(4);
  options.model_path = nano_model();
  const auto guessing = open_engine(options);
  const std::string list = "apple, pear, plum, cherry, apple, pear, plum, cherry, apple, pear, ";
  for (const float temperature : {0.0F, 1.0F}) {
    for (const bool json : {false, true}) {
      const auto answer = [&](Engine& engine) {
        CompletionRequest request = request_for(
            engine.tokenizer().encode("Say it again: " + list, SpecialTokens::kIgnore), 60, 3);
        request.sampling.temperature = temperature;
        request.n_logprobs = 1;
        if (json) {
          ConstraintReport report;
          auto constraint = engine.constraints().json_schema(
              R"({"type": "array", "items": {"enum": ["apple", "pear"]}, "minItems": 12})",
              Unsupported::kRefuse, report);
          EXPECT_TRUE(constraint);
          request.constraint = *std::move(constraint);
        }
        return write(engine, request);
      };
      expect_same_answer(answer(*guessing), answer(*plain), json ? "json" : "text");
    }
  }
  expect_some_of_both(*guessing);
}

TEST(Speculation, ByItselfItGuessesOnlyWhereItPaysAndChangesNothing) {
  Random random(13);
  const auto plain = open_engine(plain_options());
  const auto engine = open_engine(tiny_options());
  for (int i = 0; i < 10; ++i) {
    CompletionRequest request = request_for(repeating(random, 100), 300, random());
    with_few_tokens(*plain, request, i % 2 == 0 ? 1 : 5);
    expect_same_answer(write(*engine, request), write(*plain, request), fmt::format("{}", i));
  }
  EXPECT_LE(engine->status().n_accepted_drafts, engine->status().n_drafted_tokens);
  expect_nothing_left(*engine);
}

}  // namespace
}  // namespace jevons::testing
