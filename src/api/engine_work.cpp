#include "api/engine_work.h"

namespace jevons {

double operations_of(const WorkShare& share, const ModelFacts& facts) {
  return share.n_tokens * facts.operations_per_token +
         share.n_logits * facts.operations_per_logits +
         static_cast<double>(share.n_positions) * facts.operations_per_position;
}

WorkFeed work_feed(Engine& engine) {
  return [&engine, shares = std::vector<WorkShare>()](std::vector<RequestWork>& work) mutable {
    shares.clear();
    const WorkHorizon horizon = engine.take_work(shares);
    for (const WorkShare& share : shares) {
      work.push_back(
          {share.id, share.begin, share.end, operations_of(share, engine.facts()), share.is_last});
    }
    return WorkUntil{horizon.until, horizon.n_lost, horizon.is_busy};
  };
}

}  // namespace jevons
