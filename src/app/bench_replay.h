// jevons bench --replay: how many experts would have been in memory. Main thread.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace jevons {

struct ReplayFlags {
  std::string routing;  // a file, or "generated[:DRIFT]"; empty: no replay
  std::string ram;
};

void add_replay_options(CLI::App& app, ReplayFlags& flags);

/// Returns the exit code. model: a path, empty for nano; read for its shape only.
int bench_replay(const ReplayFlags& flags, const std::string& model, bool json);

}  // namespace jevons
