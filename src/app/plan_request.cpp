#include "app/plan_request.h"

#include <filesystem>

#include "app/machine_measure.h"
#include "app/residency_settings.h"
#include "app/term/progress_line.h"
#include "base/memory_info.h"
#include "engine/scheduler.h"
#include "engine/speculation_gate.h"
#include "meter/machine_presets.h"
#include "model/model.h"

namespace jevons {
namespace {

Result<void> check(const PlanFlags& flags, const PlanTarget& target) {
  const bool is_preset = !flags.machine.empty();
  if (is_preset && flags.measure) {
    return fail("--measure measures this machine, and --machine names another one");
  }
  if (!flags.disk.empty() && is_preset) {
    return fail("--disk names a folder of this machine, and --machine another one");
  }
  if (!flags.disk.empty() && target.disk) {
    return fail("--disk says where a model would be kept, and this one is here already");
  }
  std::error_code error;
  if (!flags.disk.empty() && !std::filesystem::is_directory(flags.disk, error)) {
    return fail("--disk is '{}', and must be a folder", flags.disk);
  }
  return {};
}

// A small file that is here will not be read from its disk again and again.
bool needs_disk(const PlanTarget& target, const PlanRequest& request) {
  constexpr std::uint64_t kOthers = std::uint64_t{1} << 30;  // keys, values and the rest
  if (!target.disk || !target.disk->paths.empty()) return true;
  const std::uint64_t ram =
      request.ram_bytes > 0 ? request.ram_bytes : memory_info().available_bytes;
  return target.models.front().file_bytes + kOthers > ram;
}

// The machine with its disk, and what was noted on the way.
Result<std::vector<std::string>> find_machine(const PlanFlags& flags, const Settings& settings,
                                              const PlanTarget& target, PlanRequest& request) {
  if (!flags.machine.empty()) {
    JEVONS_ASSIGN(request.machine, machine_preset(flags.machine));
    request.device = request.machine.disks.front().device;
    return std::vector<std::string>{};
  }
  const DiskSample sample =
      target.disk ? *target.disk : sample_of_folder(flags.disk.empty() ? "." : flags.disk);
  ProgressLine progress;
  MeasureOptions options;
  options.cache_path = machine_file_of(settings);
  options.again = flags.measure;
  options.needs_disk = needs_disk(target, request);
  options.progress = [&](const std::string& what) { progress.show_now(what); };
  MeasuredMachine measured = measured_machine(sample, options);
  request.machine = std::move(measured.facts);
  request.device = sample.device;
  return std::move(measured.notes);
}

}  // namespace

std::string machine_file_of(const Settings& settings) {
  const std::string folder = statistics_folder_of(settings);
  return folder.empty() ? "" : folder + "/machine.json";
}

Result<PlanRequest> plan_request_of(const Settings& settings, int n_agents) {
  PlanRequest request;
  JEVONS_ASSIGN(request.ram_bytes, ram_bytes_of(settings));
  request.ram_text = settings.ram;
  request.context = settings.context;
  request.n_agents = n_agents;
  request.kv_type = settings.kv_type;
  request.scratch_bytes = Model::scratch_bytes;
  request.n_guess_rows = n_guess_rows(true);
  request.n_between = kMostBetween;
  return request;
}

Result<NotedRequest> make_plan_request(const PlanFlags& flags, const Settings& settings,
                                       const PlanTarget& target) {
  JEVONS_TRY(check(flags, target));
  NotedRequest noted;
  JEVONS_ASSIGN(noted.request, plan_request_of(settings, flags.n_agents));
  JEVONS_ASSIGN(noted.notes, find_machine(flags, settings, target, noted.request));
  return noted;
}

}  // namespace jevons
