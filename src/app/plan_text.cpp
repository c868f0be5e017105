#include "app/plan_text.h"

#include <fmt/format.h>

#include <cmath>

#include "app/quantity.h"
#include "app/term/bars.h"
#include "meter/day.h"
#include "meter/machine_presets.h"

namespace jevons {

std::string ram_text(double n_bytes) {
  const double gib = n_bytes / 0x1p30;
  return fmt::format("{:.{}f} GiB", gib,
                     gib < 99.95 && std::abs(gib - std::round(gib)) > 0.05 ? 1 : 0);
}

std::string speed_text(double tokens_per_second) {
  return fmt::format("{:.{}f}", tokens_per_second,
                     tokens_per_second < 1      ? 2
                     : tokens_per_second < 99.5 ? 1
                                                : 0);
}

std::string range_text(const SpeedEstimate& estimate) {
  return fmt::format("{} ({}-{})", speed_text(estimate.expected), speed_text(estimate.low),
                     speed_text(estimate.high));
}

std::string seconds_text(double seconds) {
  if (seconds < 100) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 1 : 0);
  if (seconds < 6000) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string machine_lines(const MachineFacts& machine, const std::string& device, int columns) {
  const MachineFacts::Disk* disk = machine.disk(device);
  std::string text = wrapped(
      fmt::format("{}: {}, {} core{}, {} kernels; {} of memory, {} of it available", machine.name,
                  machine.description, machine.n_cores, machine.n_cores == 1 ? "" : "s",
                  machine.kernels, ram_text(machine.ram_bytes.value),
                  ram_text(machine.ram_available_bytes.value)),
      columns, 2);
  text += wrapped(
      fmt::format("  memory {}/s; 8-bit {} and float {} operations/s; {} {}; {}",
                  bytes_text(machine.bandwidth_all.value), count_text(machine.int8_peak.value),
                  count_text(machine.f32_peak.value), device,
                  disk != nullptr ? bytes_text(disk->bytes_per_second.value) + "/s"
                                  : std::string("not measured"),
                  machine.is_measured ? "measured " + day_text(day_of(machine.measured_at))
                                      : "modelled from specifications"),
      columns, 2);
  for (const MachineFacts::Gpu& gpu : machine.gpus) {
    text += wrapped(fmt::format("  {}: not used, Jevons computes on the processor", gpu.name),
                    columns, 4);
  }
  return text;
}

std::string preset_that_runs(const PlannedModel& model, const PlanRequest& request) {
  for (const MachineFacts& machine : machine_presets()) {
    PlanRequest other = request;
    other.machine = machine;
    other.device = machine.disks.front().device;
    other.ram_bytes = 0;
    if (plan_model(model, other).runs()) return machine.name;
  }
  return "";
}

}  // namespace jevons
