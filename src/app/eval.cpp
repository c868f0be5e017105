// jevons eval: logits of given tokens, perplexity of a text, what the router does with it, skills.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/config/options.h"
#include "app/eval_skills.h"
#include "app/evaluation.h"
#include "app/recording.h"
#include "app/skill_report.h"
#include "app/term/progress_line.h"
#include "app/term/terminal.h"
#include "base/atomic_file.h"
#include "convert/routing_file.h"
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

Result<std::unique_ptr<Evaluation>> prepare(const EvalFlags& flags, const Settings& settings) {
  return Evaluation::open({flags.forced, !flags.recorded.empty(), flags.reference}, settings);
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

Result<std::vector<std::int32_t>> tokens_of_text(const EvalFlags& flags,
                                                 const Evaluation& evaluation) {
  JEVONS_ASSIGN(Vocabulary vocabulary, evaluation.model.vocabulary());
  JEVONS_ASSIGN(const Tokenizer tokenizer, Tokenizer::create(std::move(vocabulary)));
  JEVONS_ASSIGN(const std::string text, read_file(flags.text));
  return tokenizer.encode(text, SpecialTokens::kIgnore);
}

Result<void> eval_routing(const EvalFlags& flags, const Settings& settings) {
  JEVONS_ASSIGN(const std::unique_ptr<Evaluation> evaluation, prepare(flags, settings));
  JEVONS_ASSIGN(const auto ids, tokens_of_text(flags, *evaluation));
  std::vector<std::vector<std::int32_t>> texts;
  const auto window = static_cast<std::size_t>(flags.window);
  for (std::size_t first = 0; first < ids.size(); first += window) {
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t n = std::min(window, ids.size() - first);
    texts.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(n));
  }
  if (texts.empty()) return fail("{} is empty", flags.text);
  JEVONS_ASSIGN(const RoutingFigures figures, measure_routing(*evaluation, texts));
  fmt::print("{}", flags.json ? routing_json(figures) + "\n"
                              : routing_text(figures, terminal_width(STDOUT_FILENO)));
  return check_recording(evaluation->recorder.get());
}

Result<void> eval_perplexity(const EvalFlags& flags, const Settings& settings) {
  JEVONS_ASSIGN(const std::unique_ptr<Evaluation> evaluation, prepare(flags, settings));
  JEVONS_ASSIGN(const auto ids, tokens_of_text(flags, *evaluation));
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

CommandBody define_logits(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  app.add_option("--ids", flags->ids, "decimal token ids, separated by spaces")
      ->type_name("FILE")
      ->required();
  app.add_option("--out", flags->out, "little-endian f32, tokens x vocabulary, no header")
      ->type_name("FILE")
      ->required();
  app.add_option("--record-routing", flags->recorded, "write the experts that were taken")
      ->type_name("FILE");
  add_shared_options(app, *flags);
  return body_of(flags, eval_logits);
}

void add_text_options(CLI::App& app, EvalFlags& flags, const char* window_help) {
  app.add_option("-f,--file", flags.text, "the text")->type_name("FILE")->required();
  app.add_option("-c,--window", flags.window, window_help)
      ->type_name("N")
      ->check(CLI::Range(2, 1'000'000));
  app.add_flag("--json", flags.json, "print one JSON object");
}

CommandBody define_perplexity(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  add_text_options(app, *flags, "tokens of a window; its second half is scored [512]");
  add_shared_options(app, *flags);
  return body_of(flags, eval_perplexity);
}

CommandBody define_routing(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  flags->window = 2048;
  add_text_options(app, *flags, "tokens that are read in one piece [2048]");
  flags->options = std::make_unique<OptionReader>(app, kModelOptions | kThreadOptions);
  return body_of(flags, eval_routing);
}

}  // namespace

CommandBody define_eval(CLI::App& app) {
  app.require_subcommand(1);
  using Define = CommandBody (*)(CLI::App&);
  struct Part {
    const char* name;
    const char* help;
    Define define;
  };
  constexpr std::array kParts = {
      Part{"logits", "raw logits of given tokens", define_logits},
      Part{"ppl", "perplexity of a text", define_perplexity},
      Part{"routing", "which experts a text uses, and how evenly", define_routing},
      Part{"skills", "tools, forms and answers: a thousand cases with known ends",
           define_eval_skills}};
  std::vector<std::pair<CLI::App*, CommandBody>> parts;
  parts.reserve(kParts.size());
  for (const Part& part : kParts) {
    CLI::App* command = app.add_subcommand(part.name, part.help);
    parts.emplace_back(command, part.define(*command));
  }
  return [parts] {
    const auto chosen = std::find_if(parts.begin(), parts.end(),
                                     [](const auto& part) { return part.first->parsed(); });
    return chosen->second();
  };
}

}  // namespace jevons
