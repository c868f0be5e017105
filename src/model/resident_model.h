// A model's weights in memory: mapped as they lie in the file if all fit, else the dense core read
// once and the experts through a cache. Any thread may call; one thread runs the model.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/memory_info.h"
#include "base/result.h"
#include "model/open_model.h"
#include "weights/expert_cache.h"

namespace jevons {

struct ResidencyOptions {
  std::uint64_t ram_bytes = 0;    // of the whole program; 0: what is available, less a reserve
  std::uint64_t other_bytes = 0;  // of keys, values and work space, which come off it
  std::uint64_t program_bytes = kProgramBytes;
  std::string fingerprint;        // of the model, for the statistics
  std::string statistics_folder;  // where use is kept between runs; empty: nowhere
  bool verify = false;  // an expert that reads differently than the first time is an error
};

/// How weights and memory compare, decided before anything is read.
struct ResidencyPlan {
  bool is_streamed = false;
  std::uint64_t weight_bytes = 0;  // of all tensors
  std::uint64_t dense_bytes = 0;   // pinned, if streamed
  std::uint64_t cache_bytes = 0;   // for experts, if streamed
};
/// Errors: not enough memory for the dense core and a few experts, with all figures.
[[nodiscard]] Result<ResidencyPlan> plan_residency(const OpenModel& model,
                                                   const ResidencyOptions& options);

/// Tokens of a prompt to compute at once where experts are read from disk: each pass reads nearly
/// all of them, so as many as 2,048, but no more than an eighth of memory has work space for, and
/// 512 at least. ram_bytes: 0 for what is available.
[[nodiscard]] int streamed_batch(const ModelConfig& config, std::uint64_t ram_bytes);

class ResidentModel {
 public:
  /// `model` must outlive it. Errors: the plan's, and reading the dense core.
  [[nodiscard]] static Result<std::unique_ptr<ResidentModel>> open(const OpenModel& model,
                                                                   const ResidencyOptions& options);
  ~ResidentModel();
  ResidentModel(const ResidentModel&) = delete;
  ResidentModel& operator=(const ResidentModel&) = delete;

  [[nodiscard]] const ResidencyPlan& plan() const;
  [[nodiscard]] const M2Weights& weights() const;
  /// Null if all weights are mapped.
  [[nodiscard]] ExpertCache* experts() const;

 private:
  struct State;
  explicit ResidentModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
