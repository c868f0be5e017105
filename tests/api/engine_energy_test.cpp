// From the steps of a real engine to the joules of its requests: nothing is lost on the way, and
// nothing is counted twice, also where steps run between the layers of another.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "api/engine_work.h"
#include "meter/energy_meter.h"
#include "tests/engine/engine_fixture.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;
using testing::endless;
using testing::open_engine;
using testing::tiny_options;

constexpr int kRequests = 6;

// Long prompts that begin while others write, so that passes over them take turns with answers.
EngineOptions options_of(bool goes_between) {
  EngineOptions options = tiny_options();
  options.logs_work = true;
  options.n_parallel = 3;
  options.prefill_chunk = 256;
  options.slice_ms = 1e9;
  options.forced_guesses = 2;
  options.answers_go_between = goes_between;
  return options;
}

std::vector<CompletionId> run_all(Engine& engine) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<CompletionId> ended;
  for (int i = 0; i < kRequests; ++i) {
    std::vector<std::int32_t> prompt;
    prompt.reserve(400);
    for (int k = 0; k < 200 + 40 * i; ++k) prompt.push_back((i + 7 * k) % 200);
    CompletionRequest request = endless(std::move(prompt), engine);
    request.max_tokens = 10 + i;
    CompletionSink sink;
    sink.on_end = [&](const Result<CompletionResult>& result) {
      ASSERT_TRUE(result);
      const std::lock_guard lock(mutex);
      ended.push_back(result->id);
      changed.notify_all();
    };
    EXPECT_TRUE(engine.submit(std::move(request), std::move(sink)));
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return ended.size() == kRequests; });
  return ended;
}

// The host's energy as any sensor might have told it: pieces that end at random, at random powers.
void expect_that_all_of_it_is_divided(const std::vector<RequestWork>& work,
                                      const std::vector<CompletionId>& ids, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const auto seconds = [](double s) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
  };
  Clock::time_point end{};
  for (const RequestWork& share : work) end = std::max(end, share.end);
  const double idle_watts = uniform(0, 50);
  EnergyShares shares;
  shares.add_work(work);
  double host = 0;
  for (Clock::time_point at = work.front().begin - seconds(0.01); at < end;) {
    const Clock::time_point next = at + seconds(uniform(0.0001, 0.02));
    const double joules = uniform(0, 300) * std::chrono::duration<double>(next - at).count();
    shares.add_piece({at, next, joules, 1e-7, {}});
    host += joules;
    at = next;
  }
  shares.advance(end + seconds(1), seed % 3 == 0 ? std::nullopt : std::optional(idle_watts));
  double joules = 0, cost = 0;
  for (const CompletionId id : ids) {
    ASSERT_TRUE(shares.is_over(id));
    const auto part = shares.energy_of(id);
    ASSERT_TRUE(part);
    EXPECT_GT(part->joules, 0);
    joules += part->joules;
    cost += part->cost.value();
  }
  EXPECT_NEAR(joules + shares.unattributed_joules(), host, 1e-9 * host) << "seed " << seed;
  EXPECT_NEAR(cost, joules * 1e-7, 1e-15) << "seed " << seed;
  EXPECT_NEAR(shares.host_joules(), host, 1e-9 * host) << "seed " << seed;
}

TEST(EngineEnergy, JoulesOfRequestsAddUpToTheHosts) {
  for (const bool goes_between : {false, true}) {
    const auto engine = open_engine(options_of(goes_between));
    const std::vector<CompletionId> ids = run_all(*engine);
    EXPECT_EQ(engine->status().n_steps_between > 0, goes_between);
    std::vector<RequestWork> work;
    const WorkUntil until = work_feed(*engine)(work);
    EXPECT_EQ(until.n_lost, 0U);
    for (unsigned seed = 1; seed <= 30; ++seed) expect_that_all_of_it_is_divided(work, ids, seed);
  }
}

class SteadySensor final : public EnergySensor {
 public:
  [[nodiscard]] const SensorFacts& facts() const override { return facts_; }
  [[nodiscard]] Result<EnergyReading> read() override {
    const auto now = Clock::now();
    return EnergyReading{now, EnergyReading::Quantity::kJoules,
                         80 * std::chrono::duration<double>(now - begin_).count()};
  }

 private:
  Clock::time_point begin_ = Clock::now();
  SensorFacts facts_{"steady", "80 W", EnergyCoverage::kHost, 1};
};

// The same with the meter's own thread, which sees steps while they run.
TEST(EngineEnergy, TheMeterDividesWhileStepsRunBetweenLayers) {
  const auto engine = open_engine(options_of(true));
  EnergyMeterOptions options;
  options.sensors.push_back(std::make_unique<SteadySensor>());
  options.busy_period = std::chrono::milliseconds(2);
  EnergyMeter meter(std::move(options));
  meter.attach(work_feed(*engine));
  const auto begin = Clock::now();
  const std::vector<CompletionId> ids = run_all(*engine);
  std::promise<std::optional<EnergyUse>> answer;
  meter.settle(ids, [&](const std::optional<EnergyUse>& use) { answer.set_value(use); });
  const auto use = answer.get_future().get();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  meter.attach({});
  ASSERT_TRUE(use);
  EXPECT_GT(engine->status().n_steps_between, 0U);
  const EnergyMeterStatus status = meter.status();
  EXPECT_NEAR(use->joules, status.attributed_joules, 1e-6 * status.attributed_joules);
  // No second is charged twice: however steps overlap, the host took 80 W.
  EXPECT_LE(use->joules, 80 * seconds);
  EXPECT_GT(use->joules, 0);
}

}  // namespace
}  // namespace jevons
