#include "api/engine_work.h"

#include <utility>

namespace jevons {

double operations_of(const WorkShare& share, const ModelFacts& facts) {
  return share.n_tokens * facts.operations_per_token +
         share.n_logits * facts.operations_per_logits +
         static_cast<double>(share.n_positions) * facts.operations_per_position;
}

WorkFeed work_feed(Engine& engine) {
  return [&engine, shares = std::vector<WorkShare>(),
          n_bytes_read = std::uint64_t{0}](std::vector<RequestWork>& work) mutable {
    shares.clear();
    const WorkHorizon horizon = engine.take_work(shares);
    for (const WorkShare& share : shares) {
      work.push_back(
          {share.id, share.begin, share.end, operations_of(share, engine.facts()), share.is_last});
    }
    WorkUntil until{horizon.until, horizon.n_lost, horizon.is_busy, false};
    // Experts are read when the engine has nothing to do as well.
    if (engine.facts().is_streamed) {
      const std::uint64_t now_read = engine.status().experts.n_bytes_read;
      until.is_reading = now_read != std::exchange(n_bytes_read, now_read);
    }
    return until;
  };
}

}  // namespace jevons
