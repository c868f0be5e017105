#include "meter/model_plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/memory_info.h"

namespace jevons {
namespace {

constexpr int kPageTokens = 64;         // KvPage
constexpr int kDefaultContext = 32768;  // engine/context_plan.h
constexpr int kChunk = 512;             // tokens of a prompt at once, of a model in memory
constexpr int kStreamedChunk = 2048;    // at most, of one that is read from disk
constexpr double kPrompt = 2048, kShortPrompt = 512;
constexpr std::uint64_t kFrames = 8;  // experts of each size that streaming needs at least

std::uint64_t as_bytes(double value) { return static_cast<std::uint64_t>(std::max(0.0, value)); }

int round_up_to_page(int n_tokens) {
  return (n_tokens + kPageTokens - 1) / kPageTokens * kPageTokens;
}

// What divides memory, for one way of holding the weights.
class Division {
 public:
  Division(const PlannedModel& model, const PlanRequest& request, std::string_view kv_type)
      : model_(model),
        request_(request),
        available_(request.ram_bytes > 0 ? request.ram_bytes
                                         : as_bytes(request.machine.ram_available_bytes.value)),
        page_bytes_(model.kv_bytes_per_token(kv_type) * kPageTokens),
        n_agents_(static_cast<std::uint64_t>(std::max(1, request.n_agents))) {
    set_chunk(kChunk);
  }

  void set_chunk(int chunk) {
    chunk_ = chunk;
    scratch_ = scratch_of(chunk);
  }

  // As many tokens of a prompt at once as an eighth of memory has work space for, and room for the
  // steps that go on beside them.
  void set_streamed_chunk() {
    int chunk = kStreamedChunk;
    while (chunk > kChunk && request_.scratch_bytes(model_.config, chunk) > available_ / 8) {
      chunk /= 2;
    }
    set_chunk(chunk);
    scratch_ += scratch_of(request_.n_between);
  }

  [[nodiscard]] std::uint64_t usable() const {
    return bytes_left(available_, scratch_ + request_.program_bytes);
  }
  // For keys and values: what weights that fit leave, else a quarter.
  [[nodiscard]] std::uint64_t kv_budget() const {
    if (model_.file_bytes < usable()) return usable() - model_.file_bytes;
    return usable() / 4;
  }
  // What weights in memory and the reserve leave for keys and values.
  [[nodiscard]] std::uint64_t budget_in_memory() const {
    return bytes_left(for_weights(0), model_.file_bytes);
  }
  // The longest context of each agent, without streaming or with it.
  [[nodiscard]] int fitting_context(bool in_memory) const {
    const std::uint64_t budget = in_memory ? budget_in_memory() : kv_budget();
    // One agent's run takes a context more for its cache of prefixes, and into the reserve too: so
    // the weights stay in memory only beside both.
    const std::uint64_t shares =
        in_memory && n_agents_ == 1 && request_.ram_bytes == 0 ? 2 : n_agents_;
    const std::uint64_t fits = budget / page_bytes_ / shares * kPageTokens;
    return static_cast<int>(
        std::min<std::uint64_t>(fits, static_cast<std::uint64_t>(model_.config.context_length)));
  }
  // Keys and values that the engine sets aside.
  [[nodiscard]] std::uint64_t kv_bytes(int context) const {
    const auto of_one = static_cast<std::uint64_t>(round_up_to_page(context)) / kPageTokens;
    if (n_agents_ > 1) return n_agents_ * of_one * page_bytes_;
    const std::uint64_t fits = kv_budget() / page_bytes_;
    return std::max(of_one, std::min(2 * of_one, fits)) * page_bytes_;
  }
  // Beside keys and values of so many bytes.
  [[nodiscard]] std::uint64_t for_weights(std::uint64_t n_kv_bytes) const {
    return bytes_left(with_reserve(), n_kv_bytes + scratch_ + request_.program_bytes);
  }
  // Available without the reserve that stays for others, unless the user said how much to take.
  [[nodiscard]] std::uint64_t with_reserve() const {
    if (request_.ram_bytes > 0) return request_.ram_bytes;
    return bytes_left(available_, system_reserve_bytes(as_bytes(request_.machine.ram_bytes.value)));
  }
  [[nodiscard]] std::uint64_t available() const { return available_; }
  [[nodiscard]] std::uint64_t scratch() const { return scratch_; }
  [[nodiscard]] int chunk() const { return chunk_; }

 private:
  // Of steps with so many tokens of prompts.
  [[nodiscard]] std::uint64_t scratch_of(int n_tokens) const {
    return request_.scratch_bytes(model_.config,
                                  n_tokens + static_cast<int>(n_agents_) + request_.n_guess_rows);
  }

  const PlannedModel& model_;
  const PlanRequest& request_;
  const std::uint64_t available_, page_bytes_, n_agents_;
  std::uint64_t scratch_ = 0;
  int chunk_ = kChunk;
};

// Experts that streaming needs room for at least, of each size that layers have.
std::uint64_t least_expert_bytes(const PlannedModel& model) {
  std::set<std::uint32_t> down_types;
  for (const WeightPart& part : model.parts) {
    if (part.group == TensorGroup::kExpertDown) down_types.insert(part.type_id);
  }
  const auto n_experts = static_cast<std::uint64_t>(model.config.n_layers) *
                         static_cast<std::uint64_t>(model.config.n_experts);
  return kFrames * std::max<std::uint64_t>(1, down_types.size()) * model.expert_bytes() / n_experts;
}

std::string too_large_text(const ModelPlan& plan, const PlanRequest& request,
                           const Division& division) {
  return fmt::format(
      "{} of memory are not enough: what every token reads takes {}, keys and values {}, work "
      "space {}, the rest of the program {}, and a few experts {}",
      memory_text(division.with_reserve()), memory_text(plan.model.pinned_bytes()),
      memory_text(plan.kv_bytes), memory_text(plan.scratch_bytes),
      memory_text(request.program_bytes), memory_text(least_expert_bytes(plan.model)));
}

int context_to_use(const PlanRequest& request, const PlannedModel& model, int fits) {
  if (request.context > 0) return request.context;
  return std::min({model.config.context_length, kDefaultContext, fits / kPageTokens * kPageTokens});
}

// Tries to hold all weights in memory; false: they do not fit.
bool hold_in_memory(const PlanRequest& request, Division& division, ModelPlan& plan) {
  division.set_chunk(kChunk);
  const int fits = division.fitting_context(/*in_memory=*/true);
  plan.context = context_to_use(request, plan.model, fits);
  if (plan.context <= 0 || plan.context > fits) return false;
  plan.kv_bytes = division.kv_bytes(plan.context);
  plan.scratch_bytes = division.scratch();
  plan.fit = Fit::kInMemory;
  plan.resident_bytes = plan.model.file_bytes;
  plan.prompt_batch = division.chunk();
  return true;
}

void hold_streamed(const PlanRequest& request, Division& division, ModelPlan& plan) {
  division.set_streamed_chunk();
  plan.scratch_bytes = division.scratch();
  plan.prompt_batch = division.chunk();
  const int fits = division.fitting_context(/*in_memory=*/false);
  plan.context = context_to_use(request, plan.model, fits);
  plan.kv_bytes = plan.context > 0 ? division.kv_bytes(plan.context) : 0;
  const std::uint64_t least = least_expert_bytes(plan.model);
  if (plan.context <= 0 || plan.context > fits) {
    plan.problem = fmt::format(
        "a context of {} tokens{} does not fit beside the weights: {} of {} may go to keys and "
        "values, enough for {} tokens",
        std::max(plan.context, kPageTokens),
        request.n_agents > 1 ? fmt::format(" for each of {}", request.n_agents) : "",
        memory_text(division.kv_budget()), memory_text(division.available()), fits);
    return;
  }
  const std::uint64_t for_weights = division.for_weights(plan.kv_bytes);
  const std::uint64_t for_experts = bytes_left(for_weights, plan.model.pinned_bytes());
  if (for_experts < least) {
    plan.problem = too_large_text(plan, request, division);
    return;
  }
  const std::uint64_t experts = plan.model.expert_bytes();
  const std::uint64_t resident = std::min(experts, for_experts);
  plan.fit = Fit::kStreamed;
  plan.resident_bytes = plan.model.pinned_bytes() + resident;
  plan.streamed_bytes = experts - resident;
  plan.resident_experts = static_cast<double>(resident) / static_cast<double>(experts);
}

// The least memory that it would run in, to a MiB. With more of it everything fits that fits with
// less, but where the work space grows in a step, which a MiB more or less does not decide.
std::uint64_t least_ram(const PlannedModel& model, const PlanRequest& request) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const auto fits = [&](std::uint64_t n_mib) {
    PlanRequest other = request;
    other.ram_bytes = n_mib * kMiB;
    Division division(model, other, other.kv_type);
    ModelPlan plan;
    plan.model = model;
    hold_streamed(other, division, plan);
    return plan.fit == Fit::kStreamed;
  };
  std::uint64_t too_little = 0;
  std::uint64_t enough = 1024;
  while (!fits(enough)) {
    too_little = enough;
    enough *= 2;
    if (enough > (std::uint64_t{1} << 30)) return 0;  // a context that no machine holds
  }
  while (enough - too_little > 1) {
    const std::uint64_t middle = (enough + too_little) / 2;
    (fits(middle) ? enough : too_little) = middle;
  }
  const std::uint64_t reserve =
      request.ram_bytes > 0 ? 0 : system_reserve_bytes(as_bytes(request.machine.ram_bytes.value));
  return enough * kMiB + reserve;
}

int largest_context(const PlannedModel& model, const PlanRequest& request, const char* kv_type) {
  Division division(model, request, kv_type);
  const int in_memory = division.fitting_context(/*in_memory=*/true);
  if (in_memory >= kPageTokens) return in_memory / kPageTokens * kPageTokens;
  division.set_streamed_chunk();
  return division.fitting_context(/*in_memory=*/false) / kPageTokens * kPageTokens;
}

void estimate(const PlanRequest& request, ModelPlan& plan) {
  const MachineFacts::Disk* disk = request.machine.disk(request.device);
  const double disk_speed = disk != nullptr ? disk->bytes_per_second.value : 0;
  if (plan.fit == Fit::kStreamed && disk_speed <= 0) {
    plan.fit = Fit::kTooLarge;
    plan.problem = "it is larger than memory, and the speed of its disk is not known";
    return;
  }
  SpeedSetup setup{&plan.model,           &request.machine, request.kv_type,
                   plan.resident_experts, disk_speed,       plan.prompt_batch};
  const double context = plan.context;
  const int n = std::max(1, request.n_agents);
  plan.prompt = prompt_speed(setup, 0, std::min(kPrompt, context));
  plan.answer = answer_speed(setup, std::min(kShortPrompt, context / 2), n);
  plan.answer_full = answer_speed(setup, context, n);
  if (disk_speed <= 0) return;
  // A mapped file is there at once and read as it is touched; streaming reads its core first.
  const auto seconds = [&](std::uint64_t n_bytes) {
    return static_cast<double>(n_bytes) / disk_speed;
  };
  plan.warm_seconds = seconds(plan.resident_bytes);
  plan.ready_seconds = plan.fit == Fit::kStreamed ? seconds(plan.model.pinned_bytes()) : 0;
}

// For a shell: quotes where it needs them.
std::string shell_word(const std::string& text) {
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._-+:@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// Rounded down to a tenth of a GiB.
std::string gib_text(std::uint64_t n_bytes) {
  const auto tenths = n_bytes / ((std::uint64_t{1} << 30) / 10);
  return tenths % 10 == 0 ? fmt::format("{}GiB", tenths / 10)
                          : fmt::format("{}.{}GiB", tenths / 10, tenths % 10);
}

}  // namespace

std::string ModelPlan::command(const PlanRequest& request) const {
  const std::string file =
      model.path.empty() ? fmt::format("{}-{}.gguf", model.name, model.mix) : model.path;
  std::string text = fmt::format("jevons {} -m {} -c {}", request.n_agents > 1 ? "serve" : "run",
                                 shell_word(file), context);
  if (request.n_agents > 1) {
    // One GiB has 1024 MiB, and a page more or less does not matter.
    text += fmt::format(" --parallel {} --cache-memory {}MiB", request.n_agents,
                        (kv_bytes + (1 << 20) - 1) >> 20);
  }
  if (request.kv_type != "q8_0") text += " --kv-type " + request.kv_type;
  if (!request.ram_text.empty()) {
    text += " --ram " + shell_word(request.ram_text);
  } else if (fit == Fit::kStreamed) {
    text += " --ram " + gib_text(ram_bytes);
  }
  return text;
}

ModelPlan plan_model(const PlannedModel& model, const PlanRequest& request) {
  ModelPlan plan;
  plan.model = model;
  plan.problem = model.problem;
  plan.largest_context_q8_0 = largest_context(model, request, "q8_0");
  plan.largest_context_f16 = largest_context(model, request, "f16");
  if (request.context > model.config.context_length) {
    plan.problem = fmt::format(
        "a context of {} tokens was asked for, but this model was made for "
        "at most {}",
        request.context, model.config.context_length);
    return plan;
  }
  Division division(model, request, request.kv_type);
  plan.ram_bytes = division.with_reserve();
  if (!hold_in_memory(request, division, plan)) hold_streamed(request, division, plan);
  if (plan.fit == Fit::kTooLarge) {
    plan.least_ram_bytes = least_ram(model, request);
  } else {
    estimate(request, plan);
  }
  return plan;
}

std::optional<Recommendation> recommend(std::span<const ModelPlan> plans, int n_agents) {
  std::optional<Recommendation> fastest, most_bits;
  const std::string each = n_agents > 1 ? fmt::format(" for each of {} agents", n_agents) : "";
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const ModelPlan& plan = plans[i];
    if (!plan.runs()) continue;
    if (!fastest || plan.answer.expected > plans[fastest->index].answer.expected) {
      fastest = Recommendation{i, "the fastest; none writes as fast as people read" + each};
    }
    if (plan.answer.expected / std::max(1, n_agents) < kReadingSpeed) continue;
    if (!most_bits ||
        plan.model.bits_per_weight() > plans[most_bits->index].model.bits_per_weight()) {
      most_bits = Recommendation{i, "the most bits that write as fast as people read" + each};
    }
  }
  return most_bits ? most_bits : fastest;
}

}  // namespace jevons
