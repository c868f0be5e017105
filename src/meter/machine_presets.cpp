#include "meter/machine_presets.h"

namespace jevons {
namespace {

constexpr double kGiB = 0x1p30;
// Assumed: of a specification, what long reading and long computing reach.
constexpr double kReached = 0.8;
// Assumed: what a phone keeps up for minutes in a hand.
constexpr double kReachedOnPhone = 0.5;

struct Preset {
  const char* name;
  const char* description;
  double ram_gib;
  double others_gib;  // what the system and other programs keep
  const char* others_source;
  // Memory: transfers per second and bits at a time.
  double transfers, bus_bits, reached;
  const char* memory_source;
  int n_cores;
  const char* kernels;
  // Per core and cycle on average, 8-bit operations and float operations, and the clock in Hz: of a
  // phone the mean of its cores' highest clocks, else the base clock where nothing else is said.
  double int8_per_cycle, f32_per_cycle, clock;
  double arithmetic_reached;
  const char* core_source;
  double disk_bytes_per_second;
  const char* disk_source;
};

constexpr const char* kAndroid = "assumed: Android and its apps keep 5 GiB";
constexpr const char* kDesktopSystem = "assumed: the system and other programs keep 4 GiB";
constexpr const char* kUfs4 = "Samsung, UFS 4.0 announcement 2022: sequential reads 4,200 MB/s";
constexpr const char* kNvme4 = "Samsung 980 PRO, PCIe 4.0 x4: reads 7,000 MB/s";
constexpr const char* kNvme5 = "Samsung 9100 PRO, PCIe 5.0 x4: reads 14,700 MB/s";
constexpr const char* kZen4 =
    "Zen 4: each cycle one 512-bit vpdpbusd (128) or two 256-bit FMA (32), as vfpbench measured";
constexpr const char* kZen5 =
    "Zen 5: each cycle two 512-bit vpdpbusd (256) or two 512-bit FMA (64), as vfpbench measured";
constexpr const char* kZen5Unified =
    "Zen 5: each cycle two 512-bit vpdpbusd (256) or two 512-bit FMA (64), as vfpbench measured; "
    "assumed: a clock between the base of 3.0 GHz and the boost of 5.1";

constexpr Preset kPresets[] = {
    {"phone-12gb", "phone of the class of the Snapdragon 8 Gen 3, 12 GB", 12, 5, kAndroid, 9.6e9,
     64, kReached, "Qualcomm, Snapdragon 8 Gen 3: LPDDR5X at 4,800 MHz; on 64 bits (not confirmed)",
     6, "neon", 75, 19, 3.15e9, kReachedOnPhone,
     "Cortex-X4 four 128-bit pipes, five A720 two; sdot 32, FMA 8 each; the small cores idle",
     4.2e9, kUfs4},
    {"phone-16gb", "phone of the class of the Snapdragon 8 Elite, 16 GB", 16, 5, kAndroid, 10.6e9,
     64, kReached, "Qualcomm, Snapdragon 8 Elite: LPDDR5X at 5,300 MHz on 64 bits", 8, "neon", 128,
     32, 3.73e9, kReachedOnPhone,
     "Oryon (LLVM's model of it): four 128-bit pipes; sdot 32, FMA 8 each", 4.2e9, kUfs4},
    {"laptop-32gb", "laptop with a Ryzen 7 8845HS, 32 GB", 32, 4, kDesktopSystem, 5.6e9, 128,
     kReached, "AMD, Ryzen 7 8845HS: DDR5-5600 on two channels", 8, "avx512", 128, 32, 3.8e9,
     kReached, kZen4, 7.0e9, kNvme4},
    {"desktop-64gb", "desktop with a Ryzen 9 9950X, 2 x 32 GB", 64, 4, kDesktopSystem, 5.6e9, 128,
     kReached, "AMD, Ryzen 9 9950X: DDR5-5600 on two channels, one module each", 16, "avx512", 256,
     64, 4.3e9, kReached, kZen5, 7.0e9, kNvme4},
    {"desktop-128gb", "desktop with a Ryzen 9 9950X, 2 x 64 GB", 128, 4, kDesktopSystem, 5.6e9, 128,
     kReached, "AMD, Ryzen 9 9950X: DDR5-5600 on two channels, one module each", 16, "avx512", 256,
     64, 4.3e9, kReached, kZen5, 7.0e9, kNvme4},
    {"unified-128gb", "Ryzen AI Max+ 395, 128 GB of unified memory, computing on its processor",
     128, 4, kDesktopSystem, 8.0e9, 256, 0.5,
     "AMD, Ryzen AI Max+ 395: LPDDR5X-8000 on 256 bits; assumed: its processor cores alone draw "
     "half",
     16, "avx512", 256, 64, 4.0e9, kReached, kZen5Unified, 7.0e9, kNvme4},
    {"workstation-256gb", "Threadripper PRO 7965WX, 8 x 32 GB", 256, 8,
     "assumed: the system and other programs keep 8 GiB", 5.2e9, 512, kReached,
     "AMD, Threadripper PRO 7965WX: eight channels; DDR5-5200 (not confirmed)", 24, "avx512", 128,
     32, 4.2e9, kReached, kZen4, 7.0e9, kNvme4},
    {"workstation-512gb", "EPYC 9355 with 512 GB on twelve channels", 512, 8,
     "assumed: the system and other programs keep 8 GiB", 6.4e9, 768, kReached,
     "AMD, EPYC 9355: DDR5-6400 on twelve channels", 32, "avx512", 256, 64, 3.55e9, kReached, kZen5,
     14.7e9, kNvme5},
};

SourcedFigure part_of(double specified, double reached, const std::string& source) {
  return {specified * reached,
          fmt::format("modelled: {}; {} of it taken for reached", source, reached)};
}

MachineFacts facts_of(const Preset& preset) {
  MachineFacts facts;
  facts.name = preset.name;
  facts.description = preset.description;
  facts.ram_bytes = {preset.ram_gib * kGiB, "the preset's name and description"};
  facts.ram_available_bytes = {(preset.ram_gib - preset.others_gib) * kGiB, preset.others_source};
  facts.n_cores = preset.n_cores;
  facts.kernels = preset.kernels;
  facts.bandwidth_all = part_of(preset.transfers * preset.bus_bits / 8, preset.reached,
                                fmt::format("{}: {:.1f} GB/s", preset.memory_source,
                                            preset.transfers * preset.bus_bits / 8e9));
  const std::string cores = fmt::format("{}; {} cores at {:.2f} GHz", preset.core_source,
                                        preset.n_cores, preset.clock / 1e9);
  const double cycles = preset.n_cores * preset.clock;
  facts.int8_peak = part_of(cycles * preset.int8_per_cycle, preset.arithmetic_reached, cores);
  facts.f32_peak = part_of(cycles * preset.f32_per_cycle, preset.arithmetic_reached, cores);
  facts.disks.push_back(
      {"disk", part_of(preset.disk_bytes_per_second, kReached, preset.disk_source), 0, 0});
  return facts;
}

}  // namespace

std::vector<MachineFacts> machine_presets() {
  std::vector<MachineFacts> all;
  for (const Preset& preset : kPresets) all.push_back(facts_of(preset));
  return all;
}

Result<MachineFacts> machine_preset(std::string_view name) {
  std::string names;
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return facts_of(preset);
    names += (names.empty() ? "" : ", ") + std::string(preset.name);
  }
  return fail("'{}' is no machine; the machines are {}", name, names);
}

}  // namespace jevons
