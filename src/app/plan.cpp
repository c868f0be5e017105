// jevons plan: what fits a machine, and how fast it will be.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/config/options.h"
#include "app/plan_report.h"
#include "app/plan_request.h"
#include "app/plan_target.h"
#include "app/term/terminal.h"
#include "base/atomic_file.h"
#include "meter/plan_picture.h"

namespace jevons {
namespace {

constexpr const char* kDefaultModel = "MiniMax-M2.5";

struct Flags {
  std::unique_ptr<OptionReader> options;
  PlanFlags plan;
  std::string target, svg;
  bool json = false;
};

Result<void> draw(const std::string& path, const PlanReport& report,
                  const std::vector<PlannedModel>& models) {
  const MachineFacts& machine = report.request.machine;
  const std::vector<SpeedCurve> curves = speed_curves(models, report.request);
  const PictureText text{
      fmt::format("{}: speed against memory", models.front().name),
      fmt::format("{}, and with more or less memory", machine.description),
      fmt::format("{}, {:.0f} GiB", machine.name, machine.ram_bytes.value / 0x1p30)};
  return write_file_atomically(path, speed_picture(curves, machine.ram_bytes.value, text));
}

int plan(const Flags& flags) {
  const auto settings = flags.options->settings();
  if (!settings) return report(settings.error(), kUsage);
  const int columns = terminal_width(STDOUT_FILENO);
  const auto print = [&](const std::string& json, const std::string& text) {
    fmt::print("{}", flags.json ? json + "\n" : harmless_text(text));
    return kSuccess;
  };
  if (flags.plan.machine == "list") return print(machines_json(), machines_text(columns));
  if (flags.target == "list") return print(catalogue_json(), catalogue_text(columns));
  const auto target = find_plan_target(flags.target.empty() ? kDefaultModel : flags.target);
  if (!target) return report(target.error());
  if (!flags.svg.empty() && target->models.empty()) {
    return report(Error{"--svg draws the speed of a model that runs, and this one does not"},
                  kUsage);
  }
  auto noted = make_plan_request(flags.plan, *settings, *target);
  if (!noted) return report(noted.error(), kUsage);
  if (target->foreign != nullptr) {
    return print(foreign_json(*target->foreign, noted->request),
                 foreign_text(*target->foreign, noted->request, columns));
  }
  PlanReport made = PlanReport::of(target->models, std::move(noted->request));
  const bool wants_disk =
      std::any_of(made.plans.begin(), made.plans.end(),
                  [](const ModelPlan& one) { return one.fit != Fit::kInMemory; });
  if (wants_disk) made.notes = std::move(noted->notes);
  made.shows_sparsity = target->is_catalogue;
  if (!flags.svg.empty()) {
    const Result<void> drawn = draw(flags.svg, made, target->models);
    if (!drawn) return report(drawn.error());
  }
  return print(made.json(), made.text(columns));
}

}  // namespace

CommandBody define_plan(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  app.add_option("MODEL,-m,--model", flags->target,
                 "a GGUF file, a checkpoint's config.json, or a name such as M2.5 or M2.5:Q4_K_M; "
                 "list: what names there are [MiniMax-M2.5]");
  app.add_option("--machine", flags->plan.machine,
                 "a machine that is not here, such as laptop-32gb; list: which there are [this "
                 "machine]")
      ->type_name("NAME");
  app.add_option("--agents", flags->plan.n_agents,
                 "conversations that are kept and written at once, each with its context [1]")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  app.add_option("--disk", flags->plan.disk, "the folder where a model would be kept [this one]")
      ->type_name("FOLDER");
  app.add_flag("--measure", flags->plan.measure, "measure this machine again");
  app.add_flag("--json", flags->json, "print one JSON object, with the source of each figure");
  app.add_option("--svg", flags->svg, "write a picture, speed against memory")->type_name("FILE");
  flags->options = std::make_unique<OptionReader>(app, kPlanOptions);
  return [flags] { return plan(*flags); };
}

}  // namespace jevons
