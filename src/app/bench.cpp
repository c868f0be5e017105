// jevons bench: how fast it is, beside what this machine could do.
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "app/bench_limits.h"
#include "app/bench_replay.h"
#include "app/bench_report.h"
#include "app/commands.h"
#include "app/config/options.h"
#include "app/model_path.h"
#include "app/recording.h"
#include "app/residency_settings.h"
#include "app/term/progress_line.h"
#include "app/term/terminal.h"
#include "base/thread_pool.h"
#include "convert/throughput.h"
#include "engine/sampler.h"
#include "model/open_model.h"
#include "model/resident_model.h"

namespace jevons {
namespace {

struct BenchFlags {
  std::unique_ptr<OptionReader> options;
  std::vector<int> prompts{512}, generations{128}, depths{0}, sequences{1}, threads;
  std::string forced, replay;
  int n_repetitions = 5;
  bool json = false, breakdown = false;
};

// Tests that share a depth and a number of threads stand together.
std::vector<SpeedTest> tests_of(const BenchFlags& flags) {
  std::vector<SpeedTest> tests;
  for (const int n_threads : flags.threads) {
    for (const int depth : flags.depths) {
      for (const int n : flags.prompts) {
        if (n > 0) tests.push_back({true, n, depth, n_threads});
      }
      for (const int n : flags.generations) {
        for (const int n_sequences : flags.sequences) {
          if (n > 0) tests.push_back({false, n, depth, n_threads, n_sequences});
        }
      }
    }
  }
  return tests;
}

Result<BenchReport> measure(const BenchFlags& flags, const Settings& settings,
                            std::unique_ptr<RoutingRecorder>& recorder) {
  JEVONS_ASSIGN(const std::string path, model_path_or_nano(settings.model));
  JEVONS_ASSIGN(const OpenModel model, OpenModel::open(path));
  const bool f16 = settings.kv_type == "f16";
  SpeedOptions options;
  options.n_repetitions = flags.n_repetitions;
  options.measure_limits = true;
  options.kv_format = f16 ? kernels::KvFormat::kF16 : kernels::KvFormat::kQ8_0;
  const std::vector<SpeedTest> tests = tests_of(flags);
  JEVONS_ASSIGN(const auto resident, hold_weights(model, settings, tests, options));
  options.foresight = settings.foresight;
  GeneratedRouting forced;
  if (!flags.forced.empty()) {
    JEVONS_ASSIGN(forced, named_routing("--force-routing", flags.forced, model.weights.config));
    options.forced = &forced.chosen;
    if (forced.guessed.n_tokens > 0) options.guessed = &forced.guessed;
  }
  JEVONS_ASSIGN(recorder, recorder_of(settings));
  options.recorder = recorder.get();
  BenchReport report = BenchReport::of(summarize(*model.file), settings.kv_type);
  report.kernels = kernels::best_kernel_set().name;
  report.prompt_multiplications = prompt_multiplications(model.weights);

  // As an answer is sampled by default.
  SamplingParams sampling;
  sampling.seed = 1;
  Sampler sampler(sampling, {});
  report.stage_bytes = stage_bytes(model.weights);
  if (flags.breakdown) {
    options.breakdown = report.has_breakdown = true;
    options.sample = [&](std::span<const float> logits) {
      [[maybe_unused]] const auto token = sampler.sample(logits);
    };
  }

  ProgressLine progress;
  options.progress = [&](const std::string& what) { progress.show(what); };
  if (resident->experts() != nullptr) prepare_streaming(model, *resident->experts(), options);
  for (const int n_threads : flags.threads) {
    progress.show_now("measuring the machine");
    report.machine[n_threads] = measure_machine(model, options.experts == nullptr, n_threads);
  }
  JEVONS_ASSIGN(report.figures, measure_speed(resident->weights(), tests, options));
  return report;
}

int bench(BenchFlags& flags) {
  const auto settings = flags.options->settings();
  if (!settings) return report(settings.error(), kUsage);
  if (!flags.replay.empty()) {
    const auto ram_bytes = ram_bytes_of(*settings);
    if (!ram_bytes) return report(ram_bytes.error(), kUsage);
    return bench_replay(flags.replay, *ram_bytes, settings->model, flags.json);
  }
  if (flags.threads.empty()) flags.threads = {available_cpus()};
  std::unique_ptr<RoutingRecorder> recorder;
  const auto figures = measure(flags, *settings, recorder);
  if (!figures) return report(figures.error());
  fmt::print("{}", flags.json ? figures->json() + "\n"
                              : harmless_text(figures->text(terminal_width(STDOUT_FILENO))));
  const Result<void> recorded = check_recording(recorder.get());
  return recorded ? kSuccess : report(recorded.error());
}

void add_list(CLI::App& app, const char* name, std::vector<int>& list, const char* help, int low) {
  app.add_option(name, list, help)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N,N,...")
      ->check(CLI::Range(low, 1'000'000));
}

}  // namespace

CommandBody define_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  add_list(app, "-p,--n-prompt", flags->prompts, "tokens of prompts, 0: none [512]", 0);
  add_list(app, "-n,--n-gen", flags->generations, "tokens to generate, 0: none [128]", 0);
  add_list(app, "-d,--n-depth", flags->depths, "tokens that stand before them [0]", 0);
  add_list(app, "-s,--n-sequences", flags->sequences, "sequences that generate side by side [1]",
           1);
  add_list(app, "-t,--threads", flags->threads, "threads [all CPUs]", 1);
  app.add_option("-r,--repetitions", flags->n_repetitions, "runs of each test [5]")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  app.add_option("--force-routing", flags->forced,
                 "take the experts recorded in this file, in turn; generated[:DRIFT]: made-up ones "
                 "as of M2.5, which change their topic with each token by so much [0]")
      ->type_name("FILE");
  app.add_flag("--breakdown", flags->breakdown, "say where the time goes, stage by stage");
  app.add_option("--replay", flags->replay,
                 "how many of the recorded experts --ram would have held, without computing; "
                 "generated[:DRIFT] as above")
      ->type_name("FILE");
  app.add_flag("--json", flags->json, "print one JSON object");
  flags->options = std::make_unique<OptionReader>(app, kModelOptions);
  return [flags] { return bench(*flags); };
}

}  // namespace jevons
