// jevons plan: what fits a machine, and how fast it will be.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/config/options.h"
#include "app/machine_measure.h"
#include "app/plan_report.h"
#include "app/plan_target.h"
#include "app/residency_settings.h"
#include "app/term/progress_line.h"
#include "app/term/terminal.h"
#include "base/atomic_file.h"
#include "engine/speculation_gate.h"
#include "meter/machine_presets.h"
#include "meter/plan_picture.h"
#include "model/model.h"

namespace jevons {
namespace {

constexpr const char* kDefaultModel = "MiniMax-M2.5";

struct PlanFlags {
  std::unique_ptr<OptionReader> options;
  std::string target, machine, disk, svg;
  int n_agents = 1;
  bool measure = false, json = false;
};

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
  if (!flags.svg.empty() && target.models.empty()) {
    return fail("--svg draws the speed of a model that runs, and this one does not");
  }
  return {};
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
  const std::string folder = statistics_folder_of(settings);
  if (!folder.empty()) options.cache_path = folder + "/machine.json";
  options.again = flags.measure;
  options.progress = [&](const std::string& what) { progress.show_now(what); };
  MeasuredMachine measured = measured_machine(sample, options);
  request.machine = std::move(measured.facts);
  request.device = sample.device;
  return std::move(measured.notes);
}

Result<void> draw(const PlanFlags& flags, const PlanReport& report,
                  const std::vector<PlannedModel>& models) {
  const MachineFacts& machine = report.request.machine;
  const std::vector<SpeedCurve> curves = speed_curves(models, report.request);
  const PictureText text{
      fmt::format("{}: speed against memory", models.front().name),
      fmt::format("{}; other machines of its bandwidth, arithmetic and disk", machine.description),
      fmt::format("{}, {:.0f} GiB", machine.name, machine.ram_bytes.value / 0x1p30)};
  return write_file_atomically(flags.svg, speed_picture(curves, machine.ram_bytes.value, text));
}

int plan(const PlanFlags& flags) {
  const auto settings = flags.options->settings();
  if (!settings) return report(settings.error(), kUsage);
  const int columns = terminal_width(STDOUT_FILENO);
  const auto print = [&](const std::string& json, const std::string& text) {
    fmt::print("{}", flags.json ? json + "\n" : harmless_text(text));
    return kSuccess;
  };
  if (flags.machine == "list") return print(machines_json(), machines_text(columns));
  if (flags.target == "list") return print(catalogue_json(), catalogue_text(columns));
  const auto target = find_plan_target(flags.target.empty() ? kDefaultModel : flags.target);
  if (!target) return report(target.error());
  if (const auto good = check(flags, *target); !good) return report(good.error(), kUsage);
  const auto ram_bytes = ram_bytes_of(*settings);
  if (!ram_bytes) return report(ram_bytes.error(), kUsage);

  PlanRequest request;
  request.ram_bytes = *ram_bytes;
  request.ram_text = settings->ram;
  request.context = settings->context;
  request.n_agents = flags.n_agents;
  request.kv_type = settings->kv_type;
  request.scratch_bytes = Model::scratch_bytes;
  request.n_guess_rows = n_guess_rows(true);
  const auto notes = find_machine(flags, *settings, *target, request);
  if (!notes) return report(notes.error(), kUsage);
  if (target->foreign != nullptr) {
    return print(foreign_json(*target->foreign, request),
                 foreign_text(*target->foreign, request, columns));
  }
  PlanReport made = PlanReport::of(target->models, std::move(request));
  const bool needs_disk =
      std::any_of(made.plans.begin(), made.plans.end(),
                  [](const ModelPlan& one) { return one.fit != Fit::kInMemory; });
  if (needs_disk) made.notes = *notes;
  made.shows_sparsity = target->is_catalogue;
  if (!flags.svg.empty()) {
    const Result<void> drawn = draw(flags, made, target->models);
    if (!drawn) return report(drawn.error());
  }
  return print(made.json(), made.text(columns));
}

}  // namespace

CommandBody define_plan(CLI::App& app) {
  auto flags = std::make_shared<PlanFlags>();
  app.add_option("MODEL,-m,--model", flags->target,
                 "a GGUF file, a checkpoint's config.json, or a name such as M2.5 or M2.5:Q4_K_M; "
                 "list: what names there are [MiniMax-M2.5]");
  app.add_option("--machine", flags->machine,
                 "a machine that is not here, such as laptop-32gb; list: which there are [this "
                 "machine]")
      ->type_name("NAME");
  app.add_option("--agents", flags->n_agents,
                 "conversations that are kept and written at once, each with its context [1]")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app.add_option("--disk", flags->disk, "the folder where a model would be kept [this one]")
      ->type_name("FOLDER");
  app.add_flag("--measure", flags->measure, "measure this machine again");
  app.add_flag("--json", flags->json, "print one JSON object, with the source of each figure");
  app.add_option("--svg", flags->svg, "write a picture, speed against memory")->type_name("FILE");
  flags->options = std::make_unique<OptionReader>(app, kPlanOptions);
  return [flags] { return plan(*flags); };
}

}  // namespace jevons
