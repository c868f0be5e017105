#include "meter/idle_power.h"

#include <algorithm>
#include <vector>

namespace jevons {
namespace {

constexpr std::size_t kMostSeconds = 300;

}  // namespace

void IdlePower::add(double seconds, double joules) {
  seconds_ += seconds;
  joules_ += joules;
  if (seconds_ < 1) return;
  watts_.push_back(joules_ / seconds_);
  if (watts_.size() > kMostSeconds) watts_.pop_front();
  seconds_ = 0;
  joules_ = 0;
}

// The median: another program that worked for some of the time does not move it.
std::optional<double> IdlePower::measured() const {
  if (watts_.size() < kLeastSeconds) return std::nullopt;
  std::vector<double> sorted(watts_.begin(), watts_.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::optional<double> IdlePower::watts() const {
  if (stated_) return stated_;
  if (const auto now = measured()) return now;
  return remembered_;
}

const char* IdlePower::origin() const {
  if (stated_) return "stated";
  if (measured()) return "measured";
  return remembered_ ? "remembered" : "unknown";
}

}  // namespace jevons
