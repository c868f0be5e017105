#include "meter/host_energy.h"

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

using Quantity = EnergyReading::Quantity;

double seconds_between(EnergyIntegral::Time from, EnergyIntegral::Time to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Result<void> EnergyIntegral::add(const EnergyReading& reading) {
  if (!last_) {
    last_ = reading;
    joules_ = shown_;
    return {};
  }
  const double seconds = seconds_between(last_->at, reading.at);
  if (seconds <= 0) return {};
  double joules = seconds * (last_->value + reading.value) / 2;
  if (reading.quantity == Quantity::kJoules) {
    joules = reading.value - last_->value;
    if (joules < 0 || joules > kMostWatts * std::max(seconds, 1.0)) {
      const double before = last_->value;
      forget();
      return fail("the counter went from {:.1f} to {:.1f} J in {:.3f} s, which no machine takes",
                  before, reading.value, seconds);
    }
  }
  joules_ += joules;
  last_ = reading;
  return {};
}

double EnergyIntegral::joules_at(Time now) {
  double joules = joules_;
  // What a counter has not counted yet may be nothing: some count in large steps.
  if (last_ && last_->quantity == Quantity::kWatts) {
    joules += last_->value * std::max(0.0, seconds_between(last_->at, now));
  }
  shown_ = std::max(shown_, joules);
  return shown_;
}

HostEnergy::HostEnergy(std::vector<std::unique_ptr<EnergySensor>> sensors, double extra_watts)
    : extra_watts_(extra_watts) {
  for (auto& sensor : sensors) {
    const SensorFacts& facts = sensor->facts();
    source_ += (source_.empty() ? "" : "+") + facts.name;
    what_ += (what_.empty() ? "" : " and ") + facts.what;
    if (facts.coverage == EnergyCoverage::kHost) coverage_ = EnergyCoverage::kHost;
    period_ms_ = std::max(period_ms_, facts.period_ms);
    inputs_.push_back({std::move(sensor)});
  }
}

Result<double> HostEnergy::total(Time now) {
  double joules = 0;
  for (Input& input : inputs_) {
    auto reading = input.sensor->read();
    if (!reading) {
      input.integral.forget();
      return std::unexpected(std::move(reading).error());
    }
    if (auto added = input.integral.add(*reading); !added) {
      return fail("{}: {}", input.sensor->facts().what, added.error().message);
    }
    joules += input.integral.joules_at(std::max(now, reading->at));
  }
  return joules;
}

Result<std::optional<double>> HostEnergy::sample(Time now) {
  auto joules = total(now);
  if (!joules) {
    last_.reset();
    return std::unexpected(std::move(joules).error());
  }
  const auto before = std::exchange(last_, std::pair(now, *joules));
  if (!before) return std::nullopt;
  return *joules - before->second + extra_watts_ * seconds_between(before->first, now);
}

}  // namespace jevons
