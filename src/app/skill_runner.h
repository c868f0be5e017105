// Cases of a skill suite answered by an engine: several at once, through the same prompt, sampler
// and parser as every other request. The engine must outlive the call and serve nobody else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "convert/skill_score.h"
#include "convert/skill_suite.h"
#include "engine/engine.h"

namespace jevons {

struct SkillRunOptions {
  int n_parallel = 4;
  int max_tokens = 2048;   // of one turn, reasoning included
  bool sampled = false;    // as the model's card says; else the likeliest token each time
  std::uint64_t seed = 0;  // with each case's id
};

struct SkillRun {
  std::vector<std::optional<SkillTurn>> turns;  // in the order of the cases; nothing: not done
  std::optional<Error> error;                   // why not all are done, with the case
  std::int64_t n_prompt_tokens = 0, n_cached_tokens = 0, n_generated_tokens = 0;
  double seconds = 0;
};

/// The threads that ask are its own; progress is called by one at a time. After an error, or once
/// `cancel` is requested, what was done is there.
[[nodiscard]] SkillRun run_skills(Engine& engine, std::span<const SkillCase> cases,
                                  const SkillRunOptions& options,
                                  const std::function<void(int n_done)>& progress,
                                  const std::stop_token& cancel);

}  // namespace jevons
