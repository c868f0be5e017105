// What is said about experts that are read from disk. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "convert/throughput.h"
#include "engine/completion.h"

namespace jevons {

/// A line for each test that has such figures, at most 80 columns wide: where experts were when
/// they were needed, what was read for a token and how fast, and what was waited for.
[[nodiscard]] std::string streaming_table(const std::vector<SpeedFigure>& figures, int columns);

/// "experts: 71 % in memory, 12 % foreseen, 17 % read when needed; 210 MB a token, 1.4 GB/s": of
/// what lies between two looks at the engine. n_tokens: that went through the network.
[[nodiscard]] std::string streaming_line(const EngineStatus::Experts& before,
                                         const EngineStatus::Experts& after, int n_tokens);

}  // namespace jevons
