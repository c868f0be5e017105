// Speed against memory as a picture: a curve for each quantisation, this machine marked. Pure; any
// thread.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "meter/model_plan.h"

namespace jevons {

struct SpeedCurve {
  std::string name;  // "Q4_K_M"
  std::vector<std::pair<double, double>>
      points;  // bytes of memory, tokens per second; rising memory
};

/// Of each model, the speed of an answer on this machine with less or more memory than it has, from
/// 4 to 512 GiB. Models that never run have no curve.
[[nodiscard]] std::vector<SpeedCurve> speed_curves(std::span<const PlannedModel> models,
                                                   const PlanRequest& request);

struct PictureText {
  std::string title, subtitle, mark;  // mark: what the marked memory is, "this machine"
};

/// A whole SVG document. mark_bytes: memory of the marked machine; 0: none is.
[[nodiscard]] std::string speed_picture(std::span<const SpeedCurve> curves, double mark_bytes,
                                        const PictureText& text);

}  // namespace jevons
