// jevons eval skills: a suite of cases with known ends, through the whole engine.
#include "app/eval_skills.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "app/config/options.h"
#include "app/engine_settings.h"
#include "app/evaluation.h"
#include "app/model_path.h"
#include "app/skill_report.h"
#include "app/skill_runner.h"
#include "app/term/interrupt.h"
#include "app/term/progress_line.h"
#include "app/term/terminal.h"
#include "base/atomic_file.h"
#include "text/prompt.h"

namespace jevons {
namespace {

// Of the suite's prompts, for the routing figures.
constexpr std::size_t kRoutingTokens = 16'384;

struct SkillFlags {
  std::unique_ptr<OptionReader> options;
  std::string suite, turns;
  std::vector<std::string> skills;
  int n_cases = 0;
  SkillRunOptions run;
  bool json = false;
};

Result<std::vector<SkillCase>> cases_of(const SkillFlags& flags, const std::string& suite) {
  JEVONS_ASSIGN(std::vector<SkillCase> cases, read_skill_suite(suite));
  return choose_cases(std::move(cases), flags.skills, flags.n_cases);
}

// Prompts evenly from the whole suite, until they have enough tokens.
Result<std::vector<std::vector<std::int32_t>>> routing_texts(const Engine& engine,
                                                             const std::vector<SkillCase>& cases) {
  std::size_t stride = 37;
  while (std::gcd(stride, cases.size()) != 1) ++stride;
  std::vector<std::vector<std::int32_t>> texts;
  std::size_t n_tokens = 0;
  for (std::size_t i = 0; i < cases.size() && n_tokens < kRoutingTokens; ++i) {
    const ChatRequest& request = cases[i * stride % cases.size()].request;
    JEVONS_ASSIGN(const auto pieces, render_prompt(request, engine.prompt_format()));
    texts.push_back(engine.tokenizer().encode(pieces));
    n_tokens += texts.back().size();
  }
  return texts;
}

// A model that is larger than memory is not held twice: the engine must be gone.
Result<RoutingFigures> routing_of(const std::vector<std::vector<std::int32_t>>& texts,
                                  Settings settings) {
  settings.trace.clear();  // it has what the cases took
  JEVONS_ASSIGN(const auto evaluation, Evaluation::open({}, settings));
  return measure_routing(*evaluation, texts);
}

struct Answers {
  SkillReport report;
  std::vector<std::vector<std::int32_t>> routing_texts;
  bool was_interrupted = false;
};

Result<Answers> answer_cases(const SkillFlags& flags, const Settings& settings,
                             const std::string& suite, const std::vector<SkillCase>& cases) {
  JEVONS_ASSIGN(const std::string model, model_path_or_nano(settings.model));
  JEVONS_ASSIGN(EngineOptions options, engine_options(settings, model));
  options.n_parallel = flags.run.n_parallel;
  ProgressLine progress;
  progress.show_now("loading " + std::filesystem::path(model).filename().string());
  JEVONS_ASSIGN(std::unique_ptr<Engine> engine, Engine::open(options));
  Answers answers;
  answers.report.model = std::filesystem::path(model).filename().string();
  answers.report.quantisation = engine->facts().quantisation;
  answers.report.suite = std::filesystem::path(suite).filename().string();
  answers.report.sampled = flags.run.sampled;
  const AnswerInterrupt interrupt;
  const auto show = [&](int n_done) {
    progress.show(fmt::format("{} of {} cases", n_done, cases.size()));
  };
  answers.report.run = run_skills(*engine, cases, flags.run, show, interrupt.token());
  answers.was_interrupted = interrupt.token().stop_requested();
  JEVONS_ASSIGN(answers.routing_texts, routing_texts(*engine, cases));
  return answers;
}

Result<int> eval_skills(const SkillFlags& flags, const Settings& settings) {
  JEVONS_ASSIGN(const std::string suite, suite_path_or_shipped(flags.suite));
  JEVONS_ASSIGN(const std::vector<SkillCase> cases, cases_of(flags, suite));
  install_signal_handlers();
  JEVONS_ASSIGN(Answers answers, answer_cases(flags, settings, suite, cases));
  SkillReport& made = answers.report;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& turn = made.run.turns[i];
    if (turn) made.score.add(cases[i], *turn, judge(cases[i], *turn));
  }
  if (!flags.turns.empty()) {
    JEVONS_TRY(write_file_atomically(flags.turns, turns_json_lines(cases, made.run.turns)));
  }
  const bool is_whole = !made.run.error && !answers.was_interrupted;
  if (is_whole) {
    Result<RoutingFigures> routing = routing_of(answers.routing_texts, settings);
    if (routing) made.routing = *routing;
    if (!routing) report({"the routing was not measured: " + routing.error().message});
  }
  fmt::print("{}", flags.json ? made.json() + "\n" : made.text(terminal_width(STDOUT_FILENO)));
  if (made.run.error) return std::unexpected(*made.run.error);
  return answers.was_interrupted ? kInterruptedExit : static_cast<int>(kSuccess);
}

}  // namespace

CommandBody define_eval_skills(CLI::App& app) {
  auto flags = std::make_shared<SkillFlags>();
  app.add_option("--suite", flags->suite, "JSON lines, docs/FORMATS.md [the one that comes along]")
      ->type_name("FILE");
  app.add_option("--skill", flags->skills, "only this skill; may be repeated")->type_name("NAME");
  app.add_option("--cases", flags->n_cases, "so many, evenly of all skills [all]")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--parallel", flags->run.n_parallel, "cases at a time [4]")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  app.add_option("--max-tokens", flags->run.max_tokens, "of a turn, with its reasoning [2048]")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  CLI::Option* sampled =
      app.add_flag("--sampled", flags->run.sampled,
                   "sample as the model's card says, instead of taking the likeliest token");
  app.add_option("--seed", flags->run.seed, "of the sampling [0]")->type_name("N")->needs(sampled);
  app.add_option("--turns", flags->turns, "write what the model wrote, a JSON line for each case")
      ->type_name("FILE");
  app.add_flag("--json", flags->json, "print one JSON object");
  flags->options = std::make_unique<OptionReader>(app, kModelOptions | kThreadOptions);
  return [flags]() -> int {
    const auto settings = flags->options->settings();
    if (!settings) return report(settings.error(), kUsage);
    const Result<int> done = eval_skills(*flags, *settings);
    return done ? *done : report(done.error());
  };
}

}  // namespace jevons
