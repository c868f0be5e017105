// jevons eval skills. Main thread.
#pragma once

#include <CLI/CLI.hpp>

#include "app/commands.h"

namespace jevons {

/// Declares its options on `app`, the subcommand.
CommandBody define_eval_skills(CLI::App& app);

}  // namespace jevons
