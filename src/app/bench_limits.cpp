#include "app/bench_limits.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "app/residency_settings.h"
#include "convert/disk_speed.h"
#include "model/model.h"

namespace jevons {
namespace {

// The first layer's experts of one projection as they lie in the mapped file.
std::span<const std::byte> mapped_experts(const M2Weights& weights) {
  const ExpertMatrices& gate = weights.layers.front().gate;
  return {gate.data, gate.expert_stride_bytes * static_cast<std::size_t>(gate.n_experts - 1) +
                         gate.expert_bytes()};
}

// Beside the weights, as far as it can be told before.
std::uint64_t memory_of(const std::vector<SpeedTest>& tests, const M2Weights& weights,
                        const SpeedOptions& options) {
  const ModelConfig& config = weights.config;
  const KvLayout layout = KvLayout::of(config, options.kv_format, kernels::best_kernel_set());
  std::uint64_t most_tokens = 0;
  for (const SpeedTest& test : tests) {
    most_tokens = std::max(most_tokens, static_cast<std::uint64_t>(test.depth + test.n_tokens) *
                                            static_cast<std::uint64_t>(test.n_sequences));
  }
  return Model::scratch_bytes(config, options.batch) + layout.bytes_per_token() * most_tokens;
}

}  // namespace

BenchReport::Machine measure_machine(const OpenModel& model, bool is_mapped, int n_threads) {
  BenchReport::Machine machine;
  machine.large_pages = measure_memory_bandwidth(n_threads, PageSize::kLarge);
  machine.small_pages = measure_memory_bandwidth(n_threads, PageSize::kSmall);
  if (is_mapped) {
    machine.mapped = measure_memory_bandwidth(n_threads, mapped_experts(model.weights));
  }
  machine.int8_peak = measure_int8_peak(n_threads);
  return machine;
}

void prepare_streaming(const OpenModel& model, ExpertCache& experts, SpeedOptions& options) {
  while (experts.is_filling()) {
    if (options.progress) options.progress("filling memory");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  options.experts = &experts;
  options.measure_disk = [paths = model.file->paths(), layout = experts.layout()] {
    constexpr int kDepth = 16;
    constexpr double kSeconds = 2;
    return measure_disk_speed(paths, layout, kDepth, kSeconds);
  };
}

Result<std::unique_ptr<ResidentModel>> hold_weights(const OpenModel& model,
                                                    const Settings& settings,
                                                    const std::vector<SpeedTest>& tests,
                                                    SpeedOptions& options) {
  constexpr int kBatch = 512;
  ResidencyOptions residency;
  JEVONS_ASSIGN(residency.ram_bytes, ram_bytes_of(settings));
  options.batch = settings.batch > 0 ? settings.batch : kBatch;
  residency.other_bytes = memory_of(tests, model.weights, options);
  JEVONS_ASSIGN(const ResidencyPlan plan, plan_residency(model, residency));
  if (plan.is_streamed && settings.batch == 0) {
    options.batch = streamed_batch(model.weights.config, residency.ram_bytes);
    residency.other_bytes = memory_of(tests, model.weights, options);
  }
  return ResidentModel::open(model, residency);
}

}  // namespace jevons
