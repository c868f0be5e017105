// What jevons eval skills and eval routing print. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "app/skill_runner.h"
#include "convert/routing_statistics.h"
#include "convert/skill_score.h"

namespace jevons {

struct SkillReport {
  std::string model, quantisation, suite;
  bool sampled = false;
  SkillScore score;
  SkillRun run;
  std::optional<RoutingFigures> routing;

  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;
};

/// A table beside what others have measured of M2.5.
[[nodiscard]] std::string routing_text(const RoutingFigures& figures, int columns);
/// One JSON object.
[[nodiscard]] std::string routing_json(const RoutingFigures& figures);

/// One JSON object for each case that is done: id, whether it was right, what the model wrote.
[[nodiscard]] std::string turns_json_lines(std::span<const SkillCase> cases,
                                           std::span<const std::optional<SkillTurn>> turns);

}  // namespace jevons
