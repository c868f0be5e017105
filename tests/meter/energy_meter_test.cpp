// The meter's thread with a counter of its own tree, and engines that a test plays.
#include "meter/energy_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "meter/rapl_sensor.h"
#include "sys_tree.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using testing::HasSubstr;

// A counter that grows by so many watts as long as the test lets it.
class SteadySensor final : public EnergySensor {
 public:
  SteadySensor(double watts, std::atomic<bool>& is_broken, EnergyCoverage coverage)
      : watts_(watts), is_broken_(is_broken) {
    facts_.coverage = coverage;
  }
  [[nodiscard]] const SensorFacts& facts() const override { return facts_; }
  [[nodiscard]] Result<EnergyReading> read() override {
    if (is_broken_) return fail("steady: it has gone");
    const auto now = Clock::now();
    return EnergyReading{now, EnergyReading::Quantity::kJoules,
                         watts_ * std::chrono::duration<double>(now - begin_).count()};
  }

 private:
  double watts_;
  std::atomic<bool>& is_broken_;
  Clock::time_point begin_ = Clock::now();
  SensorFacts facts_{"steady", "a steady counter", EnergyCoverage::kPart, 1};
};

// What an engine would say.
class PlayedEngine {
 public:
  void begin_step() {
    const std::lock_guard lock(mutex_);
    step_begin_ = Clock::now();
    is_busy_ = true;
  }
  void end_step(const std::vector<std::pair<RequestId, double>>& weights) {
    const std::lock_guard lock(mutex_);
    const auto end = Clock::now();
    for (const auto& [id, weight] : weights) work_.push_back({id, step_begin_, end, weight, false});
    is_busy_ = false;
  }
  void add_work(RequestId id, Clock::time_point begin, Clock::time_point end) {
    const std::lock_guard lock(mutex_);
    work_.push_back({id, begin, end, 1, false});
    work_.push_back({.id = id, .is_last = true});
  }
  void end_request(RequestId id) {
    const std::lock_guard lock(mutex_);
    work_.push_back({.id = id, .is_last = true});
  }
  [[nodiscard]] WorkFeed feed() {
    return [this](std::vector<RequestWork>& work) {
      const std::lock_guard lock(mutex_);
      const WorkUntil until{is_busy_ ? step_begin_ : Clock::now(), n_lost_, is_busy_, is_reading_};
      work.insert(work.end(), work_.begin(), work_.end());
      work_.clear();
      return until;
    };
  }
  void read_weights(bool is_reading) {
    const std::lock_guard lock(mutex_);
    is_reading_ = is_reading;
  }
  void lose() {
    const std::lock_guard lock(mutex_);
    ++n_lost_;
  }

 private:
  std::mutex mutex_;
  std::vector<RequestWork> work_;
  Clock::time_point step_begin_{};
  std::uint64_t n_lost_ = 0;
  bool is_busy_ = false, is_reading_ = false;
};

std::optional<EnergyUse> settled(EnergyMeter& meter, std::vector<RequestId> ids) {
  std::promise<std::optional<EnergyUse>> promise;
  auto future = promise.get_future();
  meter.settle(std::move(ids),
               [&](const std::optional<EnergyUse>& use) { promise.set_value(use); });
  return future.get();
}

class MeterTest : public testing::Test {
 protected:
  EnergyMeterOptions options(double watts, EnergyCoverage coverage = EnergyCoverage::kHost) {
    EnergyMeterOptions made;
    made.sensors.push_back(std::make_unique<SteadySensor>(watts, is_broken_, coverage));
    made.busy_period = milliseconds(5);
    made.idle_period = milliseconds(10);
    return made;
  }
  double step(const std::vector<std::pair<RequestId, double>>& weights, int ms) {
    engine_.begin_step();
    const auto begin = Clock::now();
    std::this_thread::sleep_for(milliseconds(ms));
    engine_.end_step(weights);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
  std::atomic<bool> is_broken_{false};
  PlayedEngine engine_;
};

// 100 W while two requests are computed together, and 10 of them are idle power.
TEST_F(MeterTest, DividesAmongRequests) {
  EnergyMeterOptions made = options(100);
  made.idle_watts = 10;
  made.price_per_kwh = [](std::int64_t) { return 0.36; };  // 1e-7 a joule
  EnergyMeter meter(std::move(made));
  meter.attach(engine_.feed());
  meter.wake();
  double seconds = 0;
  for (int i = 0; i < 20; ++i) seconds += step({{1, 3}, {2, 1}}, 10);
  engine_.end_request(1);
  engine_.end_request(2);
  const auto first = settled(meter, {1});
  const auto second = settled(meter, {2});
  ASSERT_TRUE(first && second);
  EXPECT_NEAR(first->joules / second->joules, 3, 0.01);
  // Between its steps the played engine does nothing for a moment; samples lie around the first and
  // the last one.
  EXPECT_GE(first->joules + second->joules, 100 * seconds);
  EXPECT_LT(first->joules + second->joules, 100 * seconds + 100 * 2.5);
  EXPECT_NEAR(*first->cost, first->joules * 1e-7, 1e-12);
  EXPECT_LT(*first->marginal_joules, first->joules);
  EXPECT_EQ(first->source, "steady");
  EXPECT_EQ(first->confidence, "measured");
  const EnergyMeterStatus status = meter.status();
  EXPECT_NEAR(status.attributed_joules, first->joules + second->joules, 1e-6);
  EXPECT_GE(status.host_joules, status.attributed_joules);
}

TEST_F(MeterTest, AnswersWhenTheRequestIsOver) {
  EnergyMeter meter(options(50));
  meter.attach(engine_.feed());
  std::promise<std::optional<EnergyUse>> promise;
  auto future = promise.get_future();
  engine_.begin_step();
  meter.settle({4}, [&](const std::optional<EnergyUse>& use) { promise.set_value(use); });
  EXPECT_EQ(future.wait_for(milliseconds(60)), std::future_status::timeout);
  engine_.end_step({{4, 1}});
  engine_.end_request(4);
  EXPECT_TRUE(future.get());
}

// Of several answers to one request the first may be over minutes before the last.
TEST_F(MeterTest, KnowsAnswersThatWereOverLongAgo) {
  EnergyMeterOptions made = options(50);
  made.busy_period = made.idle_period = std::chrono::hours(1);  // only when it is woken
  EnergyMeter meter(std::move(made));
  meter.attach(engine_.feed());
  const auto long_ago = Clock::now() - std::chrono::minutes(30);
  engine_.add_work(1, long_ago, long_ago + milliseconds(10));
  meter.wake();
  std::this_thread::sleep_for(milliseconds(30));
  step({{2, 1}}, 20);
  engine_.end_request(2);
  const auto asked = Clock::now();
  const auto use = settled(meter, {1, 2});
  EXPECT_LT(Clock::now() - asked, std::chrono::seconds(3));
  ASSERT_TRUE(use);
  EXPECT_GT(use->joules, 0);
}

TEST_F(MeterTest, ASensorThatVanishesLeavesNoGuess) {
  EnergyMeter meter(options(50));
  meter.attach(engine_.feed());
  step({{1, 1}}, 20);
  is_broken_ = true;
  step({{1, 1}, {2, 1}}, 60);
  engine_.end_request(1);
  engine_.end_request(2);
  EXPECT_FALSE(settled(meter, {1}));
  EXPECT_FALSE(settled(meter, {2}));
  EnergyMeterStatus status = meter.status();
  EXPECT_THAT(status.problem, HasSubstr("it has gone"));
  EXPECT_FALSE(status.watts);
  EXPECT_GT(status.blind_seconds, 0);
  is_broken_ = false;
  while (!meter.status().problem.empty() || !meter.status().watts) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  step({{3, 1}}, 20);
  engine_.end_request(3);
  EXPECT_TRUE(settled(meter, {3}));
}

TEST_F(MeterTest, LostWorkLeavesNoGuess) {
  EnergyMeter meter(options(50));
  meter.attach(engine_.feed());
  step({{1, 1}}, 20);
  engine_.lose();
  std::this_thread::sleep_for(milliseconds(30));
  engine_.end_request(1);
  EXPECT_FALSE(settled(meter, {1}));
}

TEST_F(MeterTest, MeasuresIdlePower) {
  EnergyMeterOptions made = options(40, EnergyCoverage::kPart);
  made.extra_watts = 5;
  made.settling = milliseconds(50);
  EnergyMeter meter(std::move(made));
  meter.attach(engine_.feed());
  const auto end = Clock::now() + std::chrono::seconds(60);
  while (!meter.status().measured_idle && Clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  const EnergyMeterStatus status = meter.status();
  ASSERT_TRUE(status.idle_watts);
  EXPECT_NEAR(*status.idle_watts, 45, 1);
  EXPECT_EQ(status.idle_origin, "measured");
  EXPECT_EQ(status.confidence, "partly_stated");
}

// A model is loaded before there is a feed, and read on afterwards; more than three seconds of it
// would be taken for the idle power.
TEST_F(MeterTest, LoadingIsNotIdleness) {
  EnergyMeterOptions made = options(300);
  made.remembered_idle = 20;
  made.settling = milliseconds(50);
  EnergyMeter meter(std::move(made));
  std::this_thread::sleep_for(milliseconds(3500));
  EXPECT_EQ(meter.status().idle_watts, 20);
  engine_.read_weights(true);
  meter.attach(engine_.feed());
  std::this_thread::sleep_for(milliseconds(3500));
  EXPECT_EQ(meter.status().idle_watts, 20);
  EXPECT_EQ(meter.status().idle_origin, "remembered");
}

TEST_F(MeterTest, WattsThatAreStatedAreMarkedAsSuch) {
  EnergyMeterOptions made;
  made.stated_watts = 200;
  made.busy_period = milliseconds(5);
  EnergyMeter meter(std::move(made));
  meter.attach(engine_.feed());
  const double seconds = step({{1, 1}}, 50);
  engine_.end_request(1);
  const auto use = settled(meter, {1});
  ASSERT_TRUE(use);
  EXPECT_NEAR(use->joules, 200 * seconds, 0.5);
  EXPECT_EQ(use->source, "stated");
  EXPECT_EQ(use->confidence, "stated");
}

TEST_F(MeterTest, ShortRequestsOfSlowSensorsAreCoarse) {
  class SlowSensor final : public EnergySensor {
   public:
    [[nodiscard]] const SensorFacts& facts() const override { return facts_; }
    [[nodiscard]] Result<EnergyReading> read() override {
      return EnergyReading{Clock::now(), EnergyReading::Quantity::kWatts, 80};
    }

   private:
    SensorFacts facts_{"slow", "slow", EnergyCoverage::kHost, 1000};
  };
  EnergyMeterOptions made;
  made.sensors.push_back(std::make_unique<SlowSensor>());
  EnergyMeter meter(std::move(made));
  meter.attach(engine_.feed());
  step({{1, 1}}, 30);
  engine_.end_request(1);
  EXPECT_EQ(settled(meter, {1})->confidence, "coarse");
}

// What was asked when the meter ends is answered all the same.
TEST_F(MeterTest, EndsWithAnAnswer) {
  auto meter = std::make_unique<EnergyMeter>(options(50));
  std::atomic<int> n_answers{0};
  meter->settle({99}, [&](const std::optional<EnergyUse>& use) {
    EXPECT_FALSE(use);
    ++n_answers;
  });
  meter.reset();
  EXPECT_EQ(n_answers, 1);
}

}  // namespace
}  // namespace jevons
