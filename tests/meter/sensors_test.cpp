// Every sensor that reads /sys on a tree of its own, and NVML with a library of its own.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "meter/battery_sensor.h"
#include "meter/hwmon_sensor.h"
#include "meter/nvml_sensor.h"
#include "meter/rapl_sensor.h"
#include "meter/sensor_search.h"
#include "sys_tree.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Quantity = EnergyReading::Quantity;

constexpr std::int64_t kRange = 262'143'328'850;  // of a desktop's package

double value_of(EnergySensor& sensor) {
  const auto reading = sensor.read();
  EXPECT_TRUE(reading) << reading.error().message;
  return reading ? reading->value : -1;
}

TEST(RaplSensor, AddsPackagesAndTheirMemory) {
  const SysTree sys;
  sys.add_zone("intel-rapl:0", "package-0", 5'000'000, kRange);
  sys.add_zone("intel-rapl:0:0", "core", 1'000'000, kRange);
  sys.add_zone("intel-rapl:0:1", "dram", 7'000'000, 65'712'999'613);
  sys.add_zone("intel-rapl:1", "package-1", 9'000'000, kRange);
  sys.add_zone("intel-rapl-mmio:0", "package-0", 5'000'000, kRange);
  const auto sensor = open_rapl(sys.root());
  ASSERT_TRUE(sensor) << sensor.error().message;
  EXPECT_EQ((*sensor)->facts().what, "RAPL package-0, dram, package-1");
  EXPECT_EQ((*sensor)->facts().coverage, EnergyCoverage::kPart);
  EXPECT_DOUBLE_EQ(value_of(**sensor), 0);
  sys.set_energy("intel-rapl:0", 6'500'000);    // 1.5 J
  sys.set_energy("intel-rapl:0:0", 2'000'000);  // within the package
  sys.set_energy("intel-rapl:0:1", 7'250'000);  // 0.25 J
  sys.set_energy("intel-rapl:1", 9'000'001);    // 1 uJ
  EXPECT_NEAR(value_of(**sensor), 1.750001, 1e-12);
}

TEST(RaplSensor, TakesThePlatformAloneWhereItIsCounted) {
  const SysTree sys;
  sys.add_zone("intel-rapl:0", "package-0", 0, kRange);
  sys.add_zone("intel-rapl:1", "psys", 100, kRange);
  const auto sensor = open_rapl(sys.root());
  ASSERT_TRUE(sensor);
  EXPECT_EQ((*sensor)->facts().what, "RAPL psys");
  EXPECT_EQ((*sensor)->facts().coverage, EnergyCoverage::kHost);
  sys.set_energy("intel-rapl:0", 77'000'000);
  sys.set_energy("intel-rapl:1", 2'000'100);
  EXPECT_DOUBLE_EQ(value_of(**sensor), 2);
}

TEST(RaplSensor, CountsOnOverTheWrap) {
  const SysTree sys;
  sys.add_zone("intel-rapl:0", "package-0", kRange - 300'000, kRange);
  sys.add_zone("intel-rapl:0:0", "dram", 10, 65'712'999'613);
  const auto sensor = open_rapl(sys.root());
  ASSERT_TRUE(sensor);
  sys.set_energy("intel-rapl:0", 700'000);
  EXPECT_NEAR(value_of(**sensor), 1.0, 1e-9);
  for (int i = 0; i < 3; ++i) {  // and again and again
    sys.set_energy("intel-rapl:0", kRange - 300'000);
    (void)value_of(**sensor);
    sys.set_energy("intel-rapl:0", 700'000);
    EXPECT_NEAR(value_of(**sensor), 1.0 + (i + 1) * 1e-6 * static_cast<double>(kRange), 1e-3);
  }
}

TEST(RaplSensor, SaysWhatOnlyRootMayRead) {
  if (::geteuid() == 0 && ::seteuid(65534) != 0) GTEST_SKIP() << "root may read everything";
  {
    const SysTree sys;
    sys.add_zone("intel-rapl:0", "package-0", 5, kRange);
    sys.forbid(SysTree::kRapl + "intel-rapl:0/energy_uj");
    const auto sensor = open_rapl(sys.root());
    ASSERT_FALSE(sensor);
    EXPECT_THAT(sensor.error().message,
                AllOf(HasSubstr("intel-rapl:0/energy_uj: Permission denied"),
                      HasSubstr("only root"), HasSubstr("sudo chmod a+r")));
  }
  if (::getuid() == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
}

TEST(RaplSensor, RefusesWhatIsNoCounter) {
  const SysTree sys;
  EXPECT_THAT(open_rapl(sys.root()).error().message, HasSubstr("powercap/intel-rapl:*"));
  sys.add_zone("intel-rapl:0", "package-0", 5, kRange);
  auto sensor = open_rapl(sys.root());
  ASSERT_TRUE(sensor);
  sys.set_energy("intel-rapl:0", kRange + 1);
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("beyond its range"));
  sys.write(SysTree::kRapl + "intel-rapl:0/energy_uj", "many");
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("'many'"));
  sys.remove(SysTree::kRapl + "intel-rapl:0");
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("No such file"));
}

TEST(HwmonSensor, TakesTheBoardsMeterFirst) {
  const SysTree sys;
  sys.write(SysTree::kHwmon + "hwmon0/name", "amdgpu");
  sys.write(SysTree::kHwmon + "hwmon0/power1_average", 90'000'000);
  sys.write(SysTree::kHwmon + "hwmon1/name", "fam15h_power");
  sys.write(SysTree::kHwmon + "hwmon1/power1_input", 20'000'000);
  sys.write(SysTree::kHwmon + "hwmon2/name", "power_meter");
  sys.write(SysTree::kHwmon + "hwmon2/power1_average", 135'500'000);
  sys.write(SysTree::kHwmon + "hwmon2/power1_average_interval", 1000);
  const auto sensor = open_hwmon(sys.root());
  ASSERT_TRUE(sensor) << sensor.error().message;
  EXPECT_EQ((*sensor)->facts().name, "hwmon:power_meter");
  EXPECT_EQ((*sensor)->facts().coverage, EnergyCoverage::kHost);
  EXPECT_EQ((*sensor)->read()->quantity, Quantity::kWatts);
  EXPECT_DOUBLE_EQ(value_of(**sensor), 135.5);
  EXPECT_DOUBLE_EQ(value_of(**open_hwmon(sys.root(), "amdgpu")), 90);
  EXPECT_THAT(
      open_hwmon(sys.root(), "nothing").error().message,
      AllOf(HasSubstr("no chip 'nothing'"), HasSubstr("amdgpu, fam15h_power, power_meter")));
}

TEST(HwmonSensor, CountsSocketsAndNotTheirCores) {
  const SysTree sys;
  sys.write(SysTree::kHwmon + "hwmon3/name", "amd_energy");
  const auto channel = [&](int i, const std::string& label, std::int64_t uj) {
    const std::string stem = SysTree::kHwmon + "hwmon3/energy" + std::to_string(i);
    sys.write(stem + "_label", label);
    sys.write(stem + "_input", uj);
  };
  channel(1, "Ecore000", 500'000);
  channel(2, "Ecore001", 500'000);
  channel(3, "Esocket0", 3'000'000);
  channel(4, "Esocket1", 4'000'000);
  const auto sensor = open_hwmon(sys.root());
  ASSERT_TRUE(sensor) << sensor.error().message;
  EXPECT_EQ((*sensor)->read()->quantity, Quantity::kJoules);
  EXPECT_DOUBLE_EQ(value_of(**sensor), 7);
  channel(3, "Esocket0", 1'000'000);
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("fell from 7 to 5"));
}

TEST(HwmonSensor, NegativePowerIsAMistake) {
  const SysTree sys;
  sys.write(SysTree::kHwmon + "hwmon0/name", "power_meter");
  sys.write(SysTree::kHwmon + "hwmon0/power1_average", -5'000'000);
  EXPECT_THAT(open_hwmon(sys.root()).error().message, HasSubstr("-5 W"));
}

TEST(BatterySensor, AddsUpWhatDischarges) {
  const SysTree sys;
  sys.write(SysTree::kSupply + "AC/type", "Mains");
  sys.write(SysTree::kSupply + "BAT0/type", "Battery");
  sys.write(SysTree::kSupply + "BAT0/status", "Discharging");
  sys.write(SysTree::kSupply + "BAT0/power_now", 12'000'000);
  sys.write(SysTree::kSupply + "BAT1/type", "Battery");
  sys.write(SysTree::kSupply + "BAT1/status", "Discharging");
  sys.write(SysTree::kSupply + "BAT1/current_now", -1'500'000);
  sys.write(SysTree::kSupply + "BAT1/voltage_now", 12'000'000);
  sys.write(SysTree::kSupply + "hidpp_battery_0/type", "Battery");
  sys.write(SysTree::kSupply + "hidpp_battery_0/scope", "Device");
  sys.write(SysTree::kSupply + "hidpp_battery_0/status", "Charging");
  const auto sensor = open_battery(sys.root());
  ASSERT_TRUE(sensor);
  EXPECT_DOUBLE_EQ(value_of(**sensor), 12 + 18);
  sys.write(SysTree::kSupply + "BAT1/status", "Unknown");
  EXPECT_DOUBLE_EQ(value_of(**sensor), 12);
  sys.write(SysTree::kSupply + "BAT0/status", "Charging");
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("charging: on mains"));
  sys.write(SysTree::kSupply + "BAT0/status", "Full");
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("is not discharging"));
  sys.remove(SysTree::kSupply + "BAT0");
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("BAT0/status"));
}

TEST(BatterySensor, NeedsABattery) {
  const SysTree sys;
  sys.write(SysTree::kSupply + "AC/type", "Mains");
  EXPECT_THAT(open_battery(sys.root()).error().message, HasSubstr("no battery"));
}

TEST(NvmlSensor, CountsMillijoulesOfAllCards) {
  const auto sensor = open_nvml(NVML_STAND_IN);
  ASSERT_TRUE(sensor) << sensor.error().message;
  const double first = value_of(**sensor);
  EXPECT_GT(first, 5001);  // in millijoules it would be 5,001,000
  EXPECT_LT(first, 5100);
  EXPECT_NEAR(value_of(**sensor) - first, 1.0, 1e-9);
  void* library = ::dlopen(NVML_STAND_IN, RTLD_NOW);
  reinterpret_cast<void (*)()>(::dlsym(library, "stand_in_lose_card"))();
  EXPECT_THAT((*sensor)->read().error().message, HasSubstr("GPU is lost"));
  ::dlclose(library);
}

TEST(NvmlSensor, ReadsPowerOfOldCards) {
  const auto sensor = open_nvml(NVML_STAND_IN_OLD);
  ASSERT_TRUE(sensor) << sensor.error().message;
  EXPECT_EQ((*sensor)->read()->quantity, Quantity::kWatts);
  EXPECT_DOUBLE_EQ(value_of(**sensor), 100);
}

TEST(NvmlSensor, SaysWhatIsMissing) {
  EXPECT_THAT(open_nvml("libthere-is-no-such.so.1").error().message,
              HasSubstr("libthere-is-no-such.so.1"));
  EXPECT_THAT(open_nvml(NVML_STAND_IN_WITHOUT_CARDS).error().message, HasSubstr("no card"));
  EXPECT_THAT(open_nvml("libm.so.6").error().message, HasSubstr("nvmlInit_v2"));
}

SensorWish wish_for(const SysTree& sys, const std::string& source = "auto") {
  SensorWish wish;
  wish.source = source;
  wish.root = sys.root();
  wish.nvml_library = "libthere-is-no-such.so.1";
  return wish;
}

TEST(SensorSearch, SaysEverythingThatItLookedFor) {
  const SysTree sys;
  const auto found = find_sensors(wish_for(sys));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->sensors.empty());
  EXPECT_THAT(found->missing, testing::ElementsAre(HasSubstr("RAPL: "), HasSubstr("hwmon: "),
                                                   HasSubstr("battery: "), HasSubstr("NVML: ")));
}

TEST(SensorSearch, AddsCardsToProcessorsAlone) {
  const SysTree sys;
  sys.add_zone("intel-rapl:0", "package-0", 5, kRange);
  SensorWish wish = wish_for(sys);
  wish.nvml_library = NVML_STAND_IN_OLD;
  auto found = find_sensors(wish);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->sensors.size(), 2U);
  EXPECT_EQ(found->sensors[1]->facts().name, "nvml");
  EXPECT_TRUE(found->missing.empty());
  sys.add_zone("intel-rapl:1", "psys", 5, kRange);
  found = find_sensors(wish);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->sensors.size(), 1U);
}

TEST(SensorSearch, TakesABatteryOnlyWhileItDischarges) {
  const SysTree sys;
  sys.write(SysTree::kSupply + "BAT0/type", "Battery");
  sys.write(SysTree::kSupply + "BAT0/status", "Full");
  sys.write(SysTree::kSupply + "BAT0/power_now", 9'000'000);
  EXPECT_TRUE(find_sensors(wish_for(sys))->sensors.empty());
  EXPECT_EQ(find_sensors(wish_for(sys, "battery"))->sensors.size(), 1U);
  sys.write(SysTree::kSupply + "BAT0/status", "Discharging");
  EXPECT_EQ(find_sensors(wish_for(sys))->sensors.size(), 1U);
}

TEST(SensorSearch, WhatIsNamedMustBeThere) {
  const SysTree sys;
  EXPECT_THAT(find_sensors(wish_for(sys, "rapl")).error().message, HasSubstr("--energy rapl: "));
  EXPECT_THAT(find_sensors(wish_for(sys, "nvml")).error().message, HasSubstr("--energy nvml: "));
  EXPECT_THAT(find_sensors(wish_for(sys, "raple")).error().message,
              HasSubstr("'raple' is no source of energy"));
  EXPECT_TRUE(find_sensors(wish_for(sys, "off"))->missing.empty());
  SensorWish wish = wish_for(sys, "auto");
  wish.unit = "kW";
  EXPECT_THAT(find_sensors(wish).error().message, HasSubstr("are of a plug"));
}

}  // namespace
}  // namespace jevons
