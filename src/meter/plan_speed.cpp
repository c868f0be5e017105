#include "meter/plan_speed.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "meter/kernel_shares.h"

namespace jevons {
namespace {

// expert_hit_rate: of 256 experts, how many are in memory, and the hits at a drift of 0.05, 0.15
// and 0.25. `jevons bench -m m25.gguf --replay generated:DRIFT --ram SIZE` on `jevons synth
// --sparse`.
struct HitPoint {
  double resident;
  std::array<double, 3> hits;
};
constexpr HitPoint kHits[] = {
    {0.0, {0, 0, 0}},
    {7.21 / 256, {0.327, 0.301, 0.275}},
    {16.0 / 256, {0.514, 0.475, 0.435}},
    {21.0 / 256, {0.581, 0.538, 0.491}},
    {32.0 / 256, {0.689, 0.633, 0.574}},
    {36.0 / 256, {0.719, 0.660, 0.597}},
    {58.0 / 256, {0.835, 0.766, 0.692}},
    {96.0 / 256, {0.930, 0.869, 0.795}},
    {128.0 / 256, {0.968, 0.917, 0.855}},
    {185.1 / 256, {0.995, 0.966, 0.929}},
    {213.4 / 256, {0.999, 0.983, 0.961}},
    {1.0, {1, 1, 1}},
};

// Seconds, by what they are spent on.
struct Seconds {
  double memory = 0, arithmetic = 0, loops = 0;
  [[nodiscard]] double sum() const { return memory + arithmetic + loops; }
};

class Timing {
 public:
  explicit Timing(const SpeedSetup& setup)
      : setup_(setup),
        model_(*setup.model),
        bandwidth_(setup.machine->bandwidth_all.value * kBandwidthReached) {}

  // Reading `n_bytes` and `n_weights` multiplications for each of `n_tokens`.
  void add_matrix(std::uint32_t type_id, double n_bytes, double n_weights, double n_tokens) {
    const MachineFacts& machine = *setup_.machine;
    const double peak = is_float_type(type_id) ? machine.f32_peak.value : machine.int8_peak.value;
    const double share = kernel_share(type_id, n_tokens, machine.kernels);
    add(n_bytes, 2 * n_weights * n_tokens / (peak * share));
  }

  // Queries of `n_tokens` positions in all against `positions` keys each, in `n_layers`. The keys
  // and values are read once for each of `n_reads`.
  void add_attention(double n_tokens, double positions, double n_reads, double n_layers,
                     bool is_prompt) {
    const double operations = 4.0 * model_.config.q_size() * positions * n_tokens * n_layers;
    const double share = attention_share(is_prompt);
    const auto kv_bytes = static_cast<double>(model_.kv_bytes_per_token(setup_.kv_type));
    add(n_reads * positions * kv_bytes * n_layers / model_.config.n_layers,
        operations / (setup_.machine->f32_peak.value * share));
  }

  void add_loops() {
    seconds_.loops += kSecondsPerLoop * (kLoopsPerLayer * model_.config.n_layers + 1);
  }

  [[nodiscard]] const Seconds& seconds() const { return seconds_; }
  [[nodiscard]] double bytes() const { return bytes_; }

 private:
  void add(double n_bytes, double arithmetic) {
    const double memory = n_bytes / bandwidth_;
    bytes_ += n_bytes;
    const double longer = std::max(memory, arithmetic);
    if (longer <= 0) return;
    const double shorter = std::min(memory, arithmetic) / longer;
    (memory > arithmetic ? seconds_.memory : seconds_.arithmetic) +=
        longer * std::sqrt(std::sqrt(1 + shorter * shorter * shorter * shorter));
  }

  const SpeedSetup& setup_;
  const PlannedModel& model_;
  const double bandwidth_;
  Seconds seconds_;
  double bytes_ = 0;
};

double overlapped(double compute, double disk, double overlap = kOverlap) {
  return compute + disk - overlap * std::min(compute, disk);
}

double spread_of(const MachineFacts& machine) {
  return machine.is_measured ? kMeasuredSpread : kModelledSpread;
}

SpeedLimit limit_of(const Seconds& seconds, double disk) {
  if (disk > seconds.sum()) return SpeedLimit::kDisk;
  return seconds.arithmetic > seconds.memory ? SpeedLimit::kArithmetic : SpeedLimit::kMemory;
}

// One step of `n` sequences computed, as if all were in memory.
Timing answer_timing(const SpeedSetup& setup, double depth, double n, double touched) {
  const PlannedModel& model = *setup.model;
  const ModelConfig& config = model.config;
  Timing timing(setup);
  const double chosen = touched / config.n_experts;
  for (const WeightPart& part : model.parts) {
    const auto n_bytes = static_cast<double>(part.n_bytes);
    const auto n_weights = static_cast<double>(part.n_elements);
    if (part.group == TensorGroup::kEmbedding || part.group == TensorGroup::kOther) continue;
    if (is_expert_group(part.group)) {
      timing.add_matrix(part.type_id, n_bytes * chosen, n_weights * chosen,
                        n * config.n_experts_used / touched);
    } else {
      timing.add_matrix(part.type_id, n_bytes, n_weights, n);
    }
  }
  timing.add_attention(n, depth, n, config.n_layers, /*is_prompt=*/false);
  timing.add_loops();
  return timing;
}

// A chunk of a prompt computed, as if all were in memory. has_head: it ends with the prompt's last
// token, the only one whose logits are wanted.
Timing prompt_timing(const SpeedSetup& setup, double depth, double n, double touched,
                     bool has_head) {
  const PlannedModel& model = *setup.model;
  const ModelConfig& config = model.config;
  Timing timing(setup);
  const double layers = config.n_layers;
  const double whole_layers = (layers - 1) / layers;  // the last one gives keys and values alone
  const double keys_part =
      config.kv_size() / static_cast<double>(config.kv_size() + config.q_size());
  for (const WeightPart& part : model.parts) {
    double share = 0;
    double n_tokens = n;
    if (part.group == TensorGroup::kAttention) {
      share = keys_part + (1 - keys_part) * whole_layers;
    } else if (part.group == TensorGroup::kRouter) {
      share = whole_layers;
    } else if (is_expert_group(part.group)) {
      share = whole_layers * touched / config.n_experts;
      n_tokens = n * config.n_experts_used / touched;
    }
    if (part.group == TensorGroup::kHead && has_head) {
      share = 1;
      n_tokens = 1;
    }
    if (share == 0) continue;
    timing.add_matrix(part.type_id, static_cast<double>(part.n_bytes) * share,
                      static_cast<double>(part.n_elements) * share, n_tokens);
  }
  timing.add_attention(n, depth + n / 2, 1, layers - 1, /*is_prompt=*/true);
  timing.add_loops();
  return timing;
}

}  // namespace

const char* speed_limit_name(SpeedLimit limit) {
  switch (limit) {
    case SpeedLimit::kMemory:
      return "memory";
    case SpeedLimit::kArithmetic:
      return "arithmetic";
    case SpeedLimit::kDisk:
      return "disk";
  }
  return "?";
}

double expert_hit_rate(double resident, Session session) {
  const auto which = static_cast<std::size_t>(session);
  if (resident >= 1) return 1;
  for (std::size_t i = 1; i < std::size(kHits); ++i) {
    if (resident > kHits[i].resident) continue;
    const HitPoint& low = kHits[i - 1];
    const HitPoint& high = kHits[i];
    const double part = (std::max(0.0, resident) - low.resident) / (high.resident - low.resident);
    return low.hits[which] + part * (high.hits[which] - low.hits[which]);
  }
  return 1;
}

double experts_touched(int n_experts, int n_used, double n_tokens) {
  const double all = n_experts;
  return all * (1 - std::pow(1 - n_used / all, n_tokens));
}

SpeedEstimate answer_speed(const SpeedSetup& setup, double depth, int n_sequences) {
  const ModelConfig& config = setup.model->config;
  const double n = n_sequences;
  const double touched = experts_touched(config.n_experts, config.n_experts_used, n);
  const Timing timing = answer_timing(setup, depth, n, touched);
  const double compute = timing.seconds().sum();
  const double step_bytes =
      static_cast<double>(setup.model->expert_bytes()) * touched / config.n_experts;
  const auto disk_seconds = [&](Session session) {
    if (setup.resident >= 1) return 0.0;
    return step_bytes * (1 - expert_hit_rate(setup.resident, session)) /
           setup.disk_bytes_per_second;
  };
  const double spread = spread_of(*setup.machine);
  SpeedEstimate estimate;
  const double disk = disk_seconds(Session::kMixedWork);
  estimate.expected = n / overlapped(compute, disk);
  estimate.low = n / overlapped(compute, disk_seconds(Session::kManyTopics)) / spread;
  estimate.high = n / overlapped(compute, disk_seconds(Session::kOneTopic)) * spread;
  estimate.limit = limit_of(timing.seconds(), disk);
  estimate.memory_seconds = timing.seconds().memory + timing.seconds().loops;
  estimate.arithmetic_seconds = timing.seconds().arithmetic;
  estimate.disk_seconds = disk;
  estimate.hit_rate = expert_hit_rate(setup.resident, Session::kMixedWork);
  estimate.bytes_per_token = timing.bytes() / n;
  estimate.disk_bytes_per_token = disk * setup.disk_bytes_per_second / n;
  return estimate;
}

SpeedEstimate prompt_speed(const SpeedSetup& setup, double depth, double n_tokens) {
  const ModelConfig& config = setup.model->config;
  const double n_chunks = std::ceil(n_tokens / setup.prompt_batch);
  const double n = n_tokens / n_chunks;
  const double touched = experts_touched(config.n_experts, config.n_experts_used, n);
  double compute = 0;
  Seconds seconds;
  double n_bytes = 0;
  for (double i = 0; i < n_chunks; ++i) {
    const Timing timing = prompt_timing(setup, depth + i * n, n, touched, i + 1 == n_chunks);
    compute += timing.seconds().sum();
    seconds.memory += timing.seconds().memory + timing.seconds().loops;
    seconds.arithmetic += timing.seconds().arithmetic;
    n_bytes += timing.bytes();
  }
  const double missing = setup.resident >= 1 ? 0 : 1 - std::max(0.0, setup.resident);
  const double read = missing * static_cast<double>(setup.model->expert_bytes()) * touched /
                      config.n_experts * (config.n_layers - 1) / config.n_layers * n_chunks;
  const double disk = missing > 0 ? read / setup.disk_bytes_per_second : 0;
  const double spread = spread_of(*setup.machine);
  SpeedEstimate estimate;
  estimate.expected = n_tokens / overlapped(compute, disk, kPromptOverlap);
  estimate.low = estimate.expected / spread;
  estimate.high = estimate.expected * spread;
  estimate.limit = limit_of(seconds, disk);
  estimate.memory_seconds = seconds.memory / n_tokens;
  estimate.arithmetic_seconds = seconds.arithmetic / n_tokens;
  estimate.disk_seconds = disk / n_tokens;
  estimate.hit_rate = 1 - missing;
  estimate.bytes_per_token = n_bytes / n_tokens;
  estimate.disk_bytes_per_token = read / n_tokens;
  return estimate;
}

}  // namespace jevons
