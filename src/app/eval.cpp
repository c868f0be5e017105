// jevons eval: logits of given tokens, perplexity of a text.
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/config/options.h"
#include "app/model_path.h"
#include "app/recording.h"
#include "app/residency_settings.h"
#include "app/term/progress_line.h"
#include "base/atomic_file.h"
#include "base/thread_pool.h"
#include "convert/evaluate.h"
#include "convert/routing_file.h"
#include "model/model.h"
#include "model/open_model.h"
#include "model/resident_model.h"
#include "text/tokenizer.h"

namespace jevons {
namespace {

struct EvalFlags {
  std::unique_ptr<OptionReader> options;
  std::string ids, out, forced, recorded, text;
  int window = 512;
  bool reference = false;
  bool json = false;
};

// What both subcommands need: an open model and how to run it.
struct Evaluation {
  OpenModel model;
  std::unique_ptr<ResidentModel> resident;
  RoutingTrace forced, recorded;
  EvalOptions options;
  std::unique_ptr<RoutingRecorder> recorder;
};

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

Result<std::unique_ptr<Evaluation>> prepare(const EvalFlags& flags, const Settings& settings) {
  JEVONS_ASSIGN(const std::string path, model_path_or_nano(settings.model));
  JEVONS_ASSIGN(OpenModel model, OpenModel::open(path));
  auto evaluation = std::make_unique<Evaluation>(Evaluation{std::move(model), {}, {}, {}, {}, {}});
  EvalOptions& options = evaluation->options;
  options.n_threads = settings.threads > 0 ? settings.threads : available_cpus();
  if (settings.batch > 0) options.batch = settings.batch;
  options.kv_format =
      settings.kv_type == "f16" ? kernels::KvFormat::kF16 : kernels::KvFormat::kQ8_0;
  options.reference = flags.reference;
  JEVONS_TRY(hold_weights(settings, *evaluation));
  if (!flags.forced.empty()) {
    JEVONS_ASSIGN(evaluation->forced, read_routing(flags.forced, evaluation->model.weights.config));
    options.forced = &evaluation->forced;
  }
  if (!flags.recorded.empty()) options.recorded = &evaluation->recorded;
  JEVONS_ASSIGN(evaluation->recorder, recorder_of(settings));
  options.recorder = evaluation->recorder.get();
  return evaluation;
}

Result<void> eval_logits(const EvalFlags& flags, const Settings& settings) {
  JEVONS_ASSIGN(const std::unique_ptr<Evaluation> evaluation, prepare(flags, settings));
  const M2Weights& weights = evaluation->resident->weights();
  JEVONS_ASSIGN(const auto ids, read_token_ids(flags.ids, weights.config.vocab_size));
  ProgressLine progress;
  evaluation->options.progress = [&](int n_done, int n_total) {
    progress.show(fmt::format("{} of {} tokens", n_done, n_total));
  };
  JEVONS_TRY(write_logits(flags.out, weights, ids, evaluation->options));
  if (!flags.recorded.empty()) {
    JEVONS_TRY(write_routing(flags.recorded, evaluation->recorded));
  }
  return check_recording(evaluation->recorder.get());
}

Result<void> eval_perplexity(const EvalFlags& flags, const Settings& settings) {
  JEVONS_ASSIGN(const std::unique_ptr<Evaluation> evaluation, prepare(flags, settings));
  JEVONS_ASSIGN(Vocabulary vocabulary, evaluation->model.vocabulary());
  JEVONS_ASSIGN(const Tokenizer tokenizer, Tokenizer::create(std::move(vocabulary)));
  JEVONS_ASSIGN(const std::string text, read_file(flags.text));
  const auto ids = tokenizer.encode(text, SpecialTokens::kIgnore);
  ProgressLine progress;
  evaluation->options.progress = [&](int n_done, int n_total) {
    progress.show(fmt::format("{} of {} tokens", n_done, n_total));
  };
  JEVONS_ASSIGN(const Perplexity result, measure_perplexity(evaluation->resident->weights(), ids,
                                                            flags.window, evaluation->options));
  progress.clear();
  // exp(x +- e) is about exp(x) +- e exp(x).
  const double error = result.perplexity * result.standard_error;
  if (flags.json) {
    fmt::print(
        "{{\"perplexity\": {:.6f}, \"standard_error\": {:.6f}, \"mean_nll\": {:.8f}, "
        "\"tokens\": {}, \"scored\": {}, \"windows\": {}}}\n",
        result.perplexity, error, result.mean_nll, ids.size(), result.n_scored, result.n_windows);
  } else {
    fmt::print("perplexity {:.4f} +- {:.4f} over {} of {} tokens, {} windows\n", result.perplexity,
               error, result.n_scored, ids.size(), result.n_windows);
  }
  return check_recording(evaluation->recorder.get());
}

CommandBody body_of(const std::shared_ptr<EvalFlags>& flags,
                    Result<void> (*evaluate)(const EvalFlags&, const Settings&)) {
  return [flags, evaluate]() -> int {
    const auto settings = flags->options->settings();
    if (!settings) return report(settings.error(), kUsage);
    const Result<void> done = evaluate(*flags, *settings);
    return done ? kSuccess : report(done.error());
  };
}

void add_shared_options(CLI::App& app, EvalFlags& flags) {
  app.add_flag("--reference", flags.reference,
               "the f32 oracle path: slow, no quantised activations");
  app.add_option("--force-routing", flags.forced, "take the experts recorded in this file")
      ->type_name("FILE");
  flags.options = std::make_unique<OptionReader>(app, kModelOptions | kThreadOptions);
}

}  // namespace

CommandBody define_eval(CLI::App& app) {
  app.require_subcommand(1);
  CLI::App* logits = app.add_subcommand("logits", "raw logits of given tokens");
  auto of_logits = std::make_shared<EvalFlags>();
  logits->add_option("--ids", of_logits->ids, "decimal token ids, separated by spaces")
      ->type_name("FILE")
      ->required();
  logits->add_option("--out", of_logits->out, "little-endian f32, tokens x vocabulary, no header")
      ->type_name("FILE")
      ->required();
  logits->add_option("--record-routing", of_logits->recorded, "write the experts that were taken")
      ->type_name("FILE");
  add_shared_options(*logits, *of_logits);

  CLI::App* ppl = app.add_subcommand("ppl", "perplexity of a text");
  auto of_ppl = std::make_shared<EvalFlags>();
  ppl->add_option("-f,--file", of_ppl->text, "the text")->type_name("FILE")->required();
  ppl->add_option("-c,--window", of_ppl->window,
                  "tokens of a window; its second half is scored [512]")
      ->type_name("N")
      ->check(CLI::Range(2, 1'000'000));
  ppl->add_flag("--json", of_ppl->json, "print one JSON object");
  add_shared_options(*ppl, *of_ppl);

  return [logits, run_logits = body_of(of_logits, eval_logits),
          run_ppl = body_of(of_ppl, eval_perplexity)] {
    return logits->parsed() ? run_logits() : run_ppl();
  };
}

}  // namespace jevons
