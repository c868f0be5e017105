// jevons run: one prompt, standard input, or a chat.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "app/answer_report.h"
#include "app/builtin_tools.h"
#include "app/chat_books.h"
#include "app/chat_session.h"
#include "app/commands.h"
#include "app/config/options.h"
#include "app/engine_settings.h"
#include "app/metering.h"
#include "app/model_path.h"
#include "app/standard_input.h"
#include "app/streaming_report.h"
#include "app/term/answer_view.h"
#include "app/term/chat_screen.h"
#include "app/term/interrupt.h"
#include "app/term/progress_line.h"
#include "app/term/terminal.h"
#include "base/atomic_file.h"

namespace jevons {
namespace {

constexpr std::uint64_t kLargestPrompt = std::uint64_t{64} << 20;

struct RunFlags {
  std::unique_ptr<OptionReader> options;
  std::string prompt, file;
  bool has_prompt = false;
  std::vector<std::string> stop;
  bool json = false;
  bool verbose = false;
};

SamplingParams sampling_params(const Settings& settings, SamplingParams params) {
  const auto as_float = [](double value) { return static_cast<float>(value); };
  if (settings.temperature) params.temperature = as_float(*settings.temperature);
  if (settings.top_k) params.top_k = *settings.top_k;
  if (settings.top_p) params.top_p = as_float(*settings.top_p);
  if (settings.min_p) params.min_p = as_float(*settings.min_p);
  if (settings.seed.value_or(-1) >= 0) params.seed = static_cast<std::uint64_t>(*settings.seed);
  params.repetition_penalty = as_float(settings.repeat_penalty);
  params.penalty_window = settings.repeat_window;
  params.presence_penalty = as_float(settings.presence_penalty);
  params.frequency_penalty = as_float(settings.frequency_penalty);
  return params;
}

// The whole prompt, or nothing when a chat is wanted.
Result<std::optional<std::string>> prompt_of(const RunFlags& flags) {
  const bool is_chat = !flags.has_prompt && flags.file.empty() && is_terminal(STDIN_FILENO);
  if (is_chat && flags.json) return fail("--json needs a prompt: -p, -f or standard input");
  if (is_chat && !is_terminal(STDOUT_FILENO)) {
    return fail("there is no prompt: give -p, -f, or pipe it in");
  }
  if (is_chat) return std::nullopt;
  std::string prompt = flags.prompt;
  std::string more;
  if (flags.file == "-" || (!flags.has_prompt && flags.file.empty())) {
    JEVONS_ASSIGN(more, read_standard_input(kLargestPrompt));
  } else if (!flags.file.empty()) {
    JEVONS_ASSIGN(more, read_file(flags.file, kLargestPrompt));
  }
  if (!prompt.empty() && !more.empty()) prompt += "\n\n";
  prompt += more;
  if (prompt.find_first_not_of(" \t\r\n") == std::string::npos) return fail("the prompt is empty");
  return prompt;
}

int answer_once(const RunFlags& flags, const Settings& settings, const Engine& engine,
                ChatSession& session, const std::string& prompt) {
  const bool to_terminal = is_terminal(STDOUT_FILENO);
  const EngineStatus before = engine.status();
  Result<Answer> answer = [&] {
    AnswerView view(stdout, {to_terminal, shows_styles(STDOUT_FILENO), settings.hide_reasoning});
    const AnswerInterrupt interrupt;
    return session.ask(prompt, flags.json ? ChatView{} : view.callbacks(), interrupt.token());
  }();
  if (!answer) return report(answer.error());
  if (flags.json) fmt::print("{}\n", answer_json(*answer, engine.facts()));
  if (std::fflush(stdout) != 0) return report({"cannot write to standard output"});
  if (flags.verbose || (is_terminal(STDERR_FILENO) && !flags.json)) {
    const bool styled = shows_styles(STDERR_FILENO);
    std::string lines = speed_line(*answer);
    if (answer->energy) lines += "\n" + energy_line(*answer);
    if (engine.facts().is_streamed) {
      const int n_tokens =
          answer->n_prompt_tokens - answer->n_cached_tokens + answer->n_generated_tokens;
      lines += "\n" + streaming_line(before.experts, engine.status().experts, n_tokens);
    }
    fmt::print(stderr, "{}{}{}\n", styled ? kDim : "", lines, styled ? kPlain : "");
  }
  return answer->stop_reason == StopReason::kCancelled ? kInterruptedExit : kSuccess;
}

int run(const RunFlags& flags) {
  const Result<Settings> settings = flags.options->settings();
  if (!settings) return report(settings.error(), kUsage);
  auto tools = builtin_tools(settings->tools);
  if (!tools) return report(tools.error(), kUsage);
  const auto prompt = prompt_of(flags);
  if (!prompt) return report(prompt.error(), kUsage);
  const auto path = model_path_or_nano(settings->model);
  if (!path) return report(path.error());
  auto options = engine_options(*settings, *path);
  if (!options) return report(options.error(), kUsage);

  auto opened_books = open_books(*settings);
  if (!opened_books) return report(opened_books.error(), kUsage);
  options->logs_work = (*opened_books)->has_energy();
  const BookkeeperStatus books_status = (*opened_books)->status();
  std::vector<std::string> complaints;
  if (flags.verbose) {
    complaints = complaints_of(books_status, *settings);
  } else if (!settings->ledger.empty()) {
    complaints = ledger_complaint(books_status);
  }
  for (const std::string& line : complaints) fmt::print(stderr, "{}\n", harmless_text(line));

  install_signal_handlers();
  auto engine = [&] {
    ProgressLine progress;
    progress.show_now("loading " + std::filesystem::path(*path).filename().string());
    return Engine::open(*options);
  }();
  if (!engine) return report(engine.error());
  Engine& model = **engine;
  ChatSettings chat{sampling_params(*settings, model.default_sampling()),
                    std::max(0, settings->predict), flags.stop, *std::move(tools)};
  const ChatBooks books(*std::move(opened_books), model);
  chat.on_answered = [&](Answer& answer) { books.close(answer); };
  ChatSession session(model, std::move(chat));
  session.set_system(settings->system);
  if (*prompt) return answer_once(flags, *settings, model, session, **prompt);
  return ChatScreen(session, model.facts(), settings->hide_reasoning).run();
}

}  // namespace

CommandBody define_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  app.add_option_function<std::string>(
         "-p,--prompt",
         [flags = flags.get()](const std::string& text) {
           flags->prompt = text;
           flags->has_prompt = true;
         },
         "one prompt; without it a chat, or standard input if that is not a terminal")
      ->type_name("TEXT");
  app.add_option("-f,--file", flags->file, "a file that follows the prompt; - is standard input")
      ->type_name("FILE");
  app.add_option("--stop", flags->stop, "ends the answer where this text begins; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_flag("--json", flags->json, "print one JSON object");
  app.add_flag("-v,--verbose", flags->verbose, "tokens and speed on standard error, always");
  flags->options = std::make_unique<OptionReader>(
      app, kRunOptions | kModelOptions | kThreadOptions | kEnergyOptions | kLedgerOptions);
  return [flags] { return run(*flags); };
}

}  // namespace jevons
