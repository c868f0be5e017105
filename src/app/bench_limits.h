// What this machine could do, for `jevons bench`. One thread.
#pragma once

#include <memory>

#include "app/bench_report.h"
#include "model/open_model.h"
#include "model/resident_model.h"

namespace jevons {

/// Of `n_threads`: memory bandwidth and int8 peak; with mapped weights their bandwidth, too.
[[nodiscard]] BenchReport::Machine measure_machine(const OpenModel& model, bool is_mapped,
                                                   int n_threads);

/// Of a model that is larger than memory: waits until memory is full, and says how to measure the
/// disk in `options`.
void prepare_streaming(const OpenModel& model, ExpertCache& experts, SpeedOptions& options);

/// Memory beside the weights that the tests take, as far as it can be told before.
[[nodiscard]] std::uint64_t bench_memory(const M2Weights& weights,
                                         const std::vector<SpeedTest>& tests, int batch,
                                         kernels::KvFormat kv_format);

}  // namespace jevons
