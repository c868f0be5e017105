#include "meter/energy_shares.h"

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

using Time = RequestWork::Time;

// After work the host needs this long until it takes what it takes when idle.
constexpr auto kSettling = std::chrono::seconds(2);

double seconds_between(Time from, Time to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

double overlap_seconds(const RequestWork& work, const EnergyPiece& piece) {
  return seconds_between(std::max(work.begin, piece.begin), std::min(work.end, piece.end));
}

// The shares of one step stand together: [at, end) of them.
using WorkIterator = std::deque<RequestWork>::const_iterator;
WorkIterator end_of_step(WorkIterator at, const WorkIterator& end) {
  const Time begin = at->begin;
  while (at != end && at->begin == begin) ++at;
  return at;
}

}  // namespace

// Of a whole piece, for all who were computed in it.
struct EnergyShares::Division {
  double joules = 0;
  std::optional<double> marginal{};
  double work_seconds = 0;
};

void EnergyShares::add_work(std::span<const RequestWork> work) {
  for (const RequestWork& share : work) {
    Account& account = accounts_[share.id];
    if (share.is_last) {
      if (!std::exchange(account.is_over, true)) over_.push_back(share.id);
      continue;
    }
    account.energy.seconds += seconds_between(share.begin, share.end);
    account.last_work = share.end;
    // A time that was divided before the work was known cannot be divided again.
    if (share.begin < divided_until_) account.is_known = false;
    last_work_end_ = std::max(last_work_end_, share.end);
    work_.push_back(share);
  }
}

void EnergyShares::add_piece(const EnergyPiece& piece) {
  if (piece.end > piece.begin) pieces_.push_back(piece);
}

void EnergyShares::advance(Time horizon, std::optional<double> idle_watts) {
  while (!pieces_.empty() && pieces_.front().begin < horizon) {
    EnergyPiece& first = pieces_.front();
    EnergyPiece part = first;
    if (first.end > horizon) {
      part.end = horizon;
      if (first.joules) {
        const double share =
            seconds_between(first.begin, horizon) / seconds_between(first.begin, first.end);
        part.joules = *first.joules * share;
        *first.joules -= *part.joules;
      }
      first.begin = horizon;
      divide(part, idle_watts);
    } else {
      divide(part, idle_watts);
      pieces_.pop_front();
    }
    divided_until_ = part.end;
    while (!work_.empty() && work_.front().end <= divided_until_) work_.pop_front();
  }
}

double EnergyShares::work_seconds_in(const EnergyPiece& piece) const {
  double seconds = 0;
  for (auto at = work_.begin(); at != work_.end() && at->begin < piece.end;) {
    seconds += overlap_seconds(*at, piece);
    at = end_of_step(at, work_.end());
  }
  return seconds;
}

void EnergyShares::divide(const EnergyPiece& piece, std::optional<double> idle_watts) {
  const double seconds = seconds_between(piece.begin, piece.end);
  Division parts;
  parts.work_seconds = work_seconds_in(piece);
  std::optional<double> joules = piece.joules;
  if (piece.stated_watts) {
    joules = *piece.stated_watts * parts.work_seconds +
             idle_watts.value_or(0) * (seconds - parts.work_seconds);
  }
  if (!joules) {
    for (const RequestWork& share : work_) {
      if (overlap_seconds(share, piece) > 0) accounts_[share.id].is_known = false;
    }
    return;
  }
  host_joules_ += *joules;
  if (parts.work_seconds <= 0) {
    if (piece.begin >= last_work_end_ + kSettling && !piece.stated_watts) {
      idle_.seconds += seconds;
      idle_.joules += *joules;
    }
    return;
  }
  const double covered = std::min(1.0, parts.work_seconds / seconds);
  if (idle_watts) {
    parts.marginal = std::max(0.0, *joules - *idle_watts * seconds);
    parts.joules = *parts.marginal + (*joules - *parts.marginal) * covered;
  } else {
    // What is stated is stated for the time of work.
    parts.joules = piece.stated_watts ? *joules : *joules * covered;
  }
  attributed_joules_ += parts.joules;
  charge(piece, parts);
}

void EnergyShares::charge(const EnergyPiece& piece, const Division& parts) {
  for (auto at = work_.cbegin(); at != work_.cend() && at->begin < piece.end;) {
    const auto end = end_of_step(at, work_.cend());
    double weights = 0;
    for (auto share = at; share != end; ++share) weights += share->weight;
    const double of_piece = overlap_seconds(*at, piece) / parts.work_seconds;
    for (; at != end; ++at) {
      if (of_piece <= 0) continue;
      const double part = of_piece * at->weight / weights;
      RequestEnergy& energy = accounts_[at->id].energy;
      energy.joules += part * parts.joules;
      if (!parts.marginal) {
        energy.marginal_joules.reset();
      } else if (energy.marginal_joules) {
        *energy.marginal_joules += part * *parts.marginal;
      }
      if (!piece.price_per_joule) {
        energy.cost.reset();
      } else if (energy.cost) {
        *energy.cost += part * parts.joules * *piece.price_per_joule;
      }
    }
  }
}

void EnergyShares::spoil_running() {
  for (auto& [id, account] : accounts_) {
    if (!account.is_over) account.is_known = false;
  }
}

bool EnergyShares::is_over(RequestId id) const {
  const auto found = accounts_.find(id);
  return found != accounts_.end() && found->second.is_over &&
         found->second.last_work <= divided_until_;
}

std::optional<RequestEnergy> EnergyShares::energy_of(RequestId id) const {
  const auto found = accounts_.find(id);
  if (found == accounts_.end() || !found->second.is_known) return std::nullopt;
  return found->second.energy;
}

void EnergyShares::forget_over(std::size_t n_most) {
  while (over_.size() > n_most) {
    accounts_.erase(over_.front());
    over_.pop_front();
  }
}

EnergyShares::IdleTime EnergyShares::take_idle_time() { return std::exchange(idle_, {}); }

}  // namespace jevons
