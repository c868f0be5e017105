// The program: one subcommand for each job, from one table.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "app/commands.h"
#include "app/similar_word.h"
#include "app/term/terminal.h"

namespace jevons {
namespace {

struct Subcommand {
  const char* name;
  const char* summary;
  CommandBody (*define)(CLI::App& app);
};

constexpr Subcommand kSubcommands[] = {
    {"run", "one prompt, or a chat in the terminal", define_run},
    {"serve", "an HTTP server that agents and SDKs can use", define_serve},
    {"inspect", "what is in a model file, and what it needs here", define_inspect},
    {"plan", "what fits a machine, and how fast it will be", define_plan},
    {"eval", "logits, perplexity, routing and skills", define_eval},
    {"bench", "how fast it is, beside what this machine could do", define_bench},
    {"cost", "what an agent costs for a year, hosted and on this machine", define_cost},
    {"quantize", "a checkpoint or a GGUF file to another type", define_quantize},
    {"synth", "a model of any shape with random weights, for tests", define_synth},
};

constexpr const char* kFooter =
    "`jevons COMMAND --help` says more. Without -m every command uses the nano model.\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.";

int complain_about_command(std::string_view given) {
  std::vector<std::string_view> names;
  for (const Subcommand& subcommand : kSubcommands) names.push_back(subcommand.name);
  const std::string_view similar = similar_word(given, names);
  fmt::print(stderr, "jevons: there is no command '{}'{}\n", harmless_text(given),
             similar.empty() ? "; jevons --help lists them"
                             : fmt::format(". Did you mean '{}'?", similar));
  return kUsage;
}

int run_program(int argc, char** argv) {
  CLI::App app("Runs MiniMax-M2 models on the machine you have.", "jevons");
  app.set_version_flag("--version", "jevons " JEVONS_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  std::vector<std::pair<CLI::App*, CommandBody>> commands;
  for (const Subcommand& subcommand : kSubcommands) {
    CLI::App* command = app.add_subcommand(subcommand.name, subcommand.summary);
    commands.emplace_back(command, subcommand.define(*command));
  }
  if (argc < 2) {
    fmt::print("{}", app.help());
    return kUsage;
  }
  if (argv[1][0] != '-') {
    bool is_known = false;
    for (const Subcommand& subcommand : kSubcommands) {
      is_known = is_known || std::string_view(argv[1]) == subcommand.name;
    }
    if (!is_known) return complain_about_command(argv[1]);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  for (const auto& [command, body] : commands) {
    if (command->parsed()) return body();
  }
  return kUsage;
}

}  // namespace

int report(const Error& error, ExitCode code) {
  fmt::print(stderr, "jevons: {}\n", harmless_text(error.message));
  return code;
}

}  // namespace jevons

int main(int argc, char** argv) {
  try {
    jevons::use_utf8_locale();
    // Standard output belongs to the answer.
    spdlog::set_default_logger(spdlog::stderr_logger_mt("jevons"));
    return jevons::run_program(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "jevons: internal error: %s\n", error.what());
    return jevons::kFailure;
  }
}
