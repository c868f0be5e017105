// An open model and how to run it, for the parts of jevons eval that need no engine. Main thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/config/options.h"
#include "base/result.h"
#include "convert/evaluate.h"
#include "convert/routing_statistics.h"
#include "model/open_model.h"
#include "model/resident_model.h"
#include "model/routing_recorder.h"

namespace jevons {

struct Evaluation {
  OpenModel model;
  std::unique_ptr<ResidentModel> resident;
  RoutingTrace forced, recorded;
  EvalOptions options;
  std::unique_ptr<RoutingRecorder> recorder;

  struct Wishes {
    std::string forced;         // file with the experts to take; empty: the model's own choice
    bool is_recorded = false;   // `recorded` is filled
    bool is_reference = false;  // the f32 oracle path
  };

  [[nodiscard]] static Result<std::unique_ptr<Evaluation>> open(const Wishes& wishes,
                                                                const Settings& settings);
};

/// Of the texts one by one, each read from nothing.
[[nodiscard]] Result<RoutingFigures> measure_routing(
    Evaluation& evaluation, std::span<const std::vector<std::int32_t>> texts);

}  // namespace jevons
