// From readings to joules: counters, powers, gaps, and sensors that lie.
#include "meter/host_energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "meter/idle_power.h"
#include "meter/rapl_sensor.h"
#include "sys_tree.h"

namespace jevons {
namespace {

using testing::HasSubstr;
using Quantity = EnergyReading::Quantity;
using Time = EnergyIntegral::Time;

Time at(double seconds) {
  return Time(
      std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(1000 + seconds)));
}
EnergyReading watts(double seconds, double value) { return {at(seconds), Quantity::kWatts, value}; }
EnergyReading joules(double seconds, double value) {
  return {at(seconds), Quantity::kJoules, value};
}

TEST(EnergyIntegral, TakesTheDifferencesOfACounter) {
  EnergyIntegral integral;
  ASSERT_TRUE(integral.add(joules(0, 700)));
  EXPECT_EQ(integral.joules_at(at(0)), 0);
  ASSERT_TRUE(integral.add(joules(1, 725)));
  EXPECT_EQ(integral.joules_at(at(1)), 25);
  EXPECT_EQ(integral.joules_at(at(5)), 25);
}

TEST(EnergyIntegral, JoinsPowersByStraightLines) {
  EnergyIntegral integral;
  ASSERT_TRUE(integral.add(watts(0, 10)));
  EXPECT_NEAR(integral.joules_at(at(1)), 10, 1e-9);  // it holds until the next one
  ASSERT_TRUE(integral.add(watts(2, 30)));
  EXPECT_NEAR(integral.joules_at(at(2)), 40, 1e-9);  // (10 + 30) / 2 x 2
  ASSERT_TRUE(integral.add(watts(2, 30)));           // once more the same
  EXPECT_NEAR(integral.joules_at(at(3)), 70, 1e-9);
  // The 30 W did not hold: what was shown too much is taken from what follows.
  ASSERT_TRUE(integral.add(watts(4, 0)));
  EXPECT_NEAR(integral.joules_at(at(4)), 70, 1e-9);  // (30 + 0) / 2 x 2 + 40
  EXPECT_NEAR(integral.joules_at(at(9)), 70, 1e-9);
}

TEST(EnergyIntegral, RefusesWhatNoMachineTakes) {
  EnergyIntegral integral;
  ASSERT_TRUE(integral.add(joules(0, 100)));
  EXPECT_THAT(integral.add(joules(1, 90)).error().message, HasSubstr("from 100.0 to 90.0 J"));
  ASSERT_TRUE(integral.add(joules(2, 90)));
  EXPECT_EQ(integral.joules_at(at(2)), 0);
  EXPECT_THAT(integral.add(joules(3, 9e6)).error().message, HasSubstr("no machine"));
  // A plug that counts thousandths of a kWh goes up by 3,600 J at once.
  ASSERT_TRUE(integral.add(joules(4, 9e6)));
  ASSERT_TRUE(integral.add(joules(4.2, 9e6 + 3600)));
  EXPECT_EQ(integral.joules_at(at(4.2)), 3600);
}

TEST(EnergySensor, PowersMustBePossible) {
  EXPECT_TRUE(checked_watts(0, "x"));
  for (const double bad : {-0.1, std::nan(""), std::numeric_limits<double>::infinity(), 20'001.0}) {
    EXPECT_FALSE(checked_watts(bad, "x")) << bad;
  }
}

TEST(HostEnergy, AddsWhatItsSensorsMiss) {
  const SysTree sys;
  sys.add_zone("intel-rapl:0", "package-0", 0, 1'000'000'000);
  std::vector<std::unique_ptr<EnergySensor>> sensors;
  sensors.push_back(*open_rapl(sys.root()));
  HostEnergy host(std::move(sensors), 7);
  const Time now = std::chrono::steady_clock::now();
  const auto first = host.sample(now);
  ASSERT_TRUE(first);
  EXPECT_FALSE(*first);
  sys.set_energy("intel-rapl:0", 30'000'000);
  const auto second = host.sample(now + std::chrono::seconds(2));
  ASSERT_TRUE(second);
  EXPECT_NEAR(second->value(), 30 + 14, 1e-9);
}

TEST(HostEnergy, GapsAreNotBridged) {
  const SysTree sys;
  sys.add_zone("intel-rapl:0", "package-0", 0, 1'000'000'000);
  std::vector<std::unique_ptr<EnergySensor>> sensors;
  sensors.push_back(*open_rapl(sys.root()));
  HostEnergy host(std::move(sensors), 0);
  const Time now = std::chrono::steady_clock::now();
  EXPECT_TRUE(host.sample(now));
  sys.remove(SysTree::kRapl + "intel-rapl:0/energy_uj");
  EXPECT_THAT(host.sample(now + std::chrono::seconds(1)).error().message, HasSubstr("energy_uj"));
  sys.set_energy("intel-rapl:0", 500'000'000);
  const auto back = host.sample(now + std::chrono::seconds(2));
  ASSERT_TRUE(back);
  EXPECT_FALSE(*back);  // what it took meanwhile is not known
  sys.set_energy("intel-rapl:0", 501'000'000);
  EXPECT_NEAR(host.sample(now + std::chrono::seconds(3))->value(), 1, 1e-9);
}

TEST(IdlePower, IsTheMedianOfIdleSeconds) {
  IdlePower idle(std::nullopt, 33);
  EXPECT_STREQ(idle.origin(), "remembered");
  EXPECT_EQ(idle.watts(), 33);
  for (int i = 0; i < 8; ++i) idle.add(0.25, 5);  // two seconds of 20 W
  EXPECT_EQ(idle.watts(), 33);
  idle.add(1, 20);
  idle.add(1, 90);  // another program
  EXPECT_EQ(idle.watts(), 20);
  EXPECT_STREQ(idle.origin(), "measured");
  const IdlePower stated(12, 33);
  EXPECT_EQ(stated.watts(), 12);
  EXPECT_STREQ(IdlePower(std::nullopt, std::nullopt).origin(), "unknown");
}

}  // namespace
}  // namespace jevons
