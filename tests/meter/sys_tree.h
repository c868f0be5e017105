// A copy of the parts of /sys that sensors read, made by a test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/base/scratch_folder.h"

namespace jevons {

class SysTree {
 public:
  [[nodiscard]] std::string root() const { return folder_.path().string(); }
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = folder_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << '\n';
  }
  void write(const std::string& path, std::int64_t number) const {
    write(path, std::to_string(number));
  }
  void remove(const std::string& path) const {
    EXPECT_GT(std::filesystem::remove_all(folder_.path() / path), 0U);
  }
  void forbid(const std::string& path) const {
    std::filesystem::permissions(folder_.path() / path, std::filesystem::perms::none);
  }

  // A zone of RAPL: "intel-rapl:0", "intel-rapl:0:1".
  void add_zone(const std::string& zone, const std::string& name, std::int64_t energy_uj,
                std::int64_t range_uj) const {
    write(kRapl + zone + "/name", name);
    write(kRapl + zone + "/energy_uj", energy_uj);
    write(kRapl + zone + "/max_energy_range_uj", range_uj);
  }
  void set_energy(const std::string& zone, std::int64_t energy_uj) const {
    write(kRapl + zone + "/energy_uj", energy_uj);
  }

  static inline const std::string kRapl = "sys/class/powercap/";
  static inline const std::string kHwmon = "sys/class/hwmon/";
  static inline const std::string kSupply = "sys/class/power_supply/";

 private:
  ScratchFolder folder_;
};

}  // namespace jevons
