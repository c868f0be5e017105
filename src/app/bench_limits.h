// What this machine could do, for `jevons bench`. One thread.
#pragma once

#include <memory>
#include <vector>

#include "app/bench_report.h"
#include "app/config/options.h"
#include "model/open_model.h"
#include "model/resident_model.h"

namespace jevons {

/// Of `n_threads`: memory bandwidth and int8 peak; with mapped weights their bandwidth, too.
[[nodiscard]] BenchReport::Machine measure_machine(const OpenModel& model, bool is_mapped,
                                                   int n_threads);

/// Of a model that is larger than memory: waits until memory is full, and says how to measure the
/// disk in `options`.
void prepare_streaming(const OpenModel& model, ExpertCache& experts, SpeedOptions& options);

/// Opens the weights in what memory the settings give beside what the tests take, and sets the
/// batch in `options`: as asked for, else 512, or more of a model that is larger than memory.
[[nodiscard]] Result<std::unique_ptr<ResidentModel>> hold_weights(
    const OpenModel& model, const Settings& settings, const std::vector<SpeedTest>& tests,
    SpeedOptions& options);

}  // namespace jevons
