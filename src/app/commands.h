// The subcommands. Each lives in the file of its name: it declares its options on `app` and returns
// what to do once they are parsed. Main thread.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace jevons {

/// Exit codes of the program; 130 (app/term/interrupt.h) after Ctrl-C.
enum ExitCode : int { kSuccess = 0, kFailure = 1, kUsage = 2 };

/// Returns the exit code.
using CommandBody = std::function<int()>;

CommandBody define_run(CLI::App& app);
CommandBody define_serve(CLI::App& app);
CommandBody define_inspect(CLI::App& app);
CommandBody define_eval(CLI::App& app);
CommandBody define_bench(CLI::App& app);
CommandBody define_cost(CLI::App& app);
CommandBody define_plan(CLI::App& app);
CommandBody define_quantize(CLI::App& app);
CommandBody define_synth(CLI::App& app);

/// Prints the error as "jevons: ..." and returns `code`.
int report(const Error& error, ExitCode code = kFailure);

}  // namespace jevons
