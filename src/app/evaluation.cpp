#include "app/evaluation.h"

#include <utility>

#include "app/model_path.h"
#include "app/recording.h"
#include "app/residency_settings.h"
#include "app/term/progress_line.h"
#include "base/thread_pool.h"
#include "convert/routing_file.h"
#include "model/model.h"

namespace jevons {
namespace {

Result<void> hold_weights(const Settings& settings, Evaluation& evaluation) {
  ResidencyOptions residency;
  JEVONS_ASSIGN(residency.ram_bytes, ram_bytes_of(settings));
  residency.other_bytes =
      Model::scratch_bytes(evaluation.model.weights.config, evaluation.options.batch);
  JEVONS_ASSIGN(evaluation.resident, ResidentModel::open(evaluation.model, residency));
  evaluation.options.experts = evaluation.resident->experts();
  evaluation.options.foresight = settings.foresight;
  if (evaluation.options.experts != nullptr && evaluation.options.reference) {
    return fail("--reference needs the whole model in memory");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Evaluation>> Evaluation::open(const Wishes& wishes,
                                                     const Settings& settings) {
  JEVONS_ASSIGN(const std::string path, model_path_or_nano(settings.model));
  JEVONS_ASSIGN(OpenModel model, OpenModel::open(path));
  auto evaluation = std::make_unique<Evaluation>(Evaluation{std::move(model), {}, {}, {}, {}, {}});
  EvalOptions& options = evaluation->options;
  options.n_threads = settings.threads > 0 ? settings.threads : available_cpus();
  if (settings.batch > 0) options.batch = settings.batch;
  options.kv_format =
      settings.kv_type == "f16" ? kernels::KvFormat::kF16 : kernels::KvFormat::kQ8_0;
  options.reference = wishes.is_reference;
  JEVONS_TRY(hold_weights(settings, *evaluation));
  if (!wishes.forced.empty()) {
    JEVONS_ASSIGN(evaluation->forced,
                  read_routing(wishes.forced, evaluation->model.weights.config));
    options.forced = &evaluation->forced;
  }
  if (wishes.is_recorded) options.recorded = &evaluation->recorded;
  JEVONS_ASSIGN(evaluation->recorder, recorder_of(settings));
  options.recorder = evaluation->recorder.get();
  return evaluation;
}

Result<RoutingFigures> measure_routing(Evaluation& evaluation,
                                       std::span<const std::vector<std::int32_t>> texts) {
  const ModelConfig& config = evaluation.model.weights.config;
  RoutingStatistics statistics(config.n_layers, config.n_experts, config.n_experts_used);
  RoutingTrace foreseen;
  EvalOptions options = evaluation.options;
  options.recorded = &evaluation.recorded;
  options.foreseen = &foreseen;
  ProgressLine progress;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    progress.show(fmt::format("routing of text {} of {}", i + 1, texts.size()));
    const auto ignore = [](int, int, const float*) -> Result<void> { return {}; };
    JEVONS_TRY(for_each_logits(evaluation.resident->weights(), texts[i], options, ignore));
    statistics.add(evaluation.recorded, foreseen);
  }
  return statistics.figures();
}

}  // namespace jevons
