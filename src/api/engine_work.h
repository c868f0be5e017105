// What the engine did, as the meter wants it: each share of a step weighted by the operations that
// it took. Any thread.
#pragma once

#include "engine/engine.h"
#include "meter/energy_meter.h"

namespace jevons {

/// Multiplications and additions of a share: of its tokens, of the logits among them, and of the
/// context that they were compared with. Tokens that the cache had are in no share.
[[nodiscard]] double operations_of(const WorkShare& share, const ModelFacts& facts);

/// The engine must have been opened with logs_work, and outlive the feed.
[[nodiscard]] WorkFeed work_feed(Engine& engine);

}  // namespace jevons
