// The M2 network on int8 activations: docs/MODEL.md has each formula beside its function.
//
// Thread: one owner calls forward(); the model's own threads work inside it. The weights are views
// into a mapped file that must outlive the model. A token's logits are the same bit for bit
// whatever the batch, the chunking of the prompt and the number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/thread_pool.h"
#include "kernels/kernel_set.h"
#include "model/foresight.h"
#include "model/kv_cache.h"
#include "model/routing_trace.h"
#include "model/stage_times.h"
#include "weights/m2_weights.h"

namespace jevons {

class ExpertCache;
class RoutingRecorder;

struct ModelOptions {
  int n_threads = 1;
  int max_batch = 512;  // tokens of one forward()
  kernels::KvFormat kv_format = kernels::KvFormat::kQ8_0;
  const kernels::KernelSet* kernels = nullptr;  // nullptr: the best this CPU runs
  ExpertCache* experts = nullptr;       // of a model larger than memory; else all are in `weights`
  int foresight = 1;                    // layers ahead whose experts are guessed; needs `experts`
  RoutingRecorder* recorder = nullptr;  // told of every token's experts; not owned
};

/// One token on its way through the network.
struct BatchToken {
  std::int32_t id;
  std::int32_t position;  // all earlier positions of the sequence are in its cache or this batch
  KvSequence* sequence;   // reserved up to `position`; not owned
  bool wants_logits;
};

/// For comparing arithmetics and for measurements; all off in normal work. Tokens are found by
/// their position.
struct RoutingHooks {
  const RoutingTrace* forced = nullptr;   // experts to take instead of the router's choice
  RoutingTrace* recorded = nullptr;       // experts that were taken
  const RoutingTrace* guessed = nullptr;  // to take instead of what foresight says
  /// Filled with what each layer's router says of the hidden state one layer before; the first
  /// layer's stays as it is.
  RoutingTrace* foreseen = nullptr;
};

/// What may happen in the middle of a pass. Empty members: nothing.
struct PassControl {
  /// The pass is given up soon once this is true. Any thread may set it, none may clear it before
  /// the pass ends.
  const std::atomic<bool>* abandon = nullptr;
  /// Called after each layer but the last, by the thread that runs the pass; may run another model
  /// that shares weights and expert cache. False: the pass is given up.
  std::function<bool()> between_layers = {};
};

class Model {
 public:
  /// `weights` must outlive the model.
  Model(const M2Weights& weights, const ModelOptions& options);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] const ModelConfig& config() const;
  [[nodiscard]] const kernels::KernelSet& kernels() const;
  [[nodiscard]] const KvLayout& kv_layout() const;
  [[nodiscard]] int max_batch() const;
  [[nodiscard]] int n_threads() const;
  /// Of the scratch buffers, for planning: nothing else is allocated but KV pages.
  [[nodiscard]] static std::uint64_t scratch_bytes(const ModelConfig& config, int max_batch);

  /// Runs 1 to max_batch tokens and stores their keys and values. Tokens of one sequence come in
  /// the order of their positions. logits: [number of tokens with wants_logits][vocab_size], in
  /// batch order; may be null if there are none. Allocates nothing but what reading experts takes.
  /// Fails only if experts or rows of the embedding have to be read and cannot be: the logits and
  /// the batch's keys and values are then not to be used, and the batch may be run again.
  [[nodiscard]] Result<void> forward(std::span<const BatchToken> batch, float* logits,
                                     const RoutingHooks& hooks = {});

  /// The same, under control of somebody; says false, with results as after a failure, if the pass
  /// was given up.
  [[nodiscard]] Result<bool> forward_unless(const PassControl& control,
                                            std::span<const BatchToken> batch, float* logits);

  /// Of guesses that were made and compared with the truth. Any thread.
  [[nodiscard]] Foresight::Counts foresight() const;

  /// From now on forward() adds to `into` where its time goes; null: no longer. Not owned.
  void time_stages(StageTimes* into);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jevons
