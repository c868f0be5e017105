// What becomes of one model on one machine: what stays in memory, what is read from disk, how long
// a context may be, how fast it will be, and how it is started. Memory is divided as the engine
// divides it (engine/context_plan.h, model/resident_model.h; a test holds them together). Pure; any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/memory_info.h"
#include "base/result.h"
#include "meter/machine_facts.h"
#include "meter/plan_speed.h"
#include "meter/planned_model.h"

namespace jevons {

struct PlanRequest {
  MachineFacts machine;
  std::string device;           // the disk that the model is on, of the machine's
  std::uint64_t ram_bytes = 0;  // for the whole program; 0: what is available, less a reserve
  std::string ram_text;         // as the user wrote it, for the command
  int context = 0;              // tokens; 0: the model's, 32,768 or what fits
  int n_agents = 1;             // that keep a context each and write at once
  std::string kv_type = "q8_0";
  /// Work space of a step of so many tokens (Model::scratch_bytes).
  std::function<std::uint64_t(const ModelConfig& config, int batch)> scratch_bytes;
  int n_guess_rows = 0;  // that a step may have beside (n_guess_rows())
  int n_between = 0;     // tokens of prompts in a step beside a long pass (kMostBetween)
  std::uint64_t program_bytes = kProgramBytes;  // of the program itself
};

enum class Fit { kInMemory, kStreamed, kTooLarge };

struct ModelPlan {
  PlannedModel model;
  Fit fit = Fit::kTooLarge;
  std::string problem;  // why it does not fit, with all figures; or why it cannot run

  std::uint64_t ram_bytes = 0;                           // for all of it
  std::uint64_t resident_bytes = 0, streamed_bytes = 0;  // of the weights
  double resident_experts = 1;                           // part of the experts' bytes
  std::uint64_t kv_bytes = 0, scratch_bytes = 0;
  int context = 0;  // of each agent
  /// The longest context of each agent that fits, without leaving memory if the model fits at all.
  int largest_context_q8_0 = 0, largest_context_f16 = 0;
  int prompt_batch = 512;

  SpeedEstimate prompt;       // of 2,048 tokens or the context if that is shorter, from its start
  SpeedEstimate answer;       // its first tokens, after a prompt of 512
  SpeedEstimate answer_full;  // its last ones, the context being full
  double ready_seconds = 0;   // until the first token can be asked for
  double warm_seconds = 0;    // until memory is full of weights
  std::uint64_t least_ram_bytes = 0;  // of one that does not fit: what it would run in; 0: unknown

  [[nodiscard]] bool runs() const { return fit != Fit::kTooLarge && model.problem.empty(); }
  /// Of the program, "jevons run -m ...".
  [[nodiscard]] std::string command(const PlanRequest& request) const;
};

[[nodiscard]] ModelPlan plan_model(const PlannedModel& model, const PlanRequest& request);

/// What to take of several plans for one machine: the most bits that still write as fast as people
/// read (kReadingSpeed), else the fastest. Nothing if none runs.
struct Recommendation {
  std::size_t index;
  std::string reason;
};
[[nodiscard]] std::optional<Recommendation> recommend(std::span<const ModelPlan> plans,
                                                      int n_agents = 1);

/// Tokens per second: 250 words a minute (Brysbaert 2019: 238 for English prose) at 1.3 tokens
/// each.
inline constexpr double kReadingSpeed = 5.4;

}  // namespace jevons
