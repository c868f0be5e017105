// Whose energy it was: divides the host's energy among the requests that were computed meanwhile.
// Arithmetic alone; one thread.
//
// Of a piece of time of T seconds in which the host took J joules and the engine computed for C
// seconds, with an idle power of P watts known:
//   marginal  M = max(0, J - P T)             all of it to those that were computed
//   idle      I = (J - M) C / T               their share of what the host takes anyway
// With no idle power known there is J C / T, and nothing marginal. A request's part of M and I is
// the sum over steps s that it took part in, each lasting c_s within the piece:
//   (c_s / C) w / (sum of w in s)
// where w is the work that the step did for it. What nobody caused, (J - M) (T - C) / T or all of J
// if nothing was computed, is kept as unattributed: with it the shares add up to the host's energy.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace jevons {

using RequestId = std::uint64_t;

/// What a step of the engine did for one request. Shares of a step have the same times.
struct RequestWork {
  using Time = std::chrono::steady_clock::time_point;
  RequestId id = 0;
  Time begin{}, end{};
  double weight = 0;     // any unit, the same for all; above 0
  bool is_last = false;  // no work but a mark: the request is over
};

/// A piece of time and what the host took in it.
struct EnergyPiece {
  using Time = RequestWork::Time;
  Time begin{}, end{};
  std::optional<double> joules{};         // absent: not known
  std::optional<double> price_per_joule;  // absent: not known, or nobody asked for it
  /// Instead of joules, if there is no sensor: the power while the engine computes, and otherwise
  /// the idle power, as the user states them.
  std::optional<double> stated_watts{};
};

/// What was found for one request.
struct RequestEnergy {
  double joules = 0;                      // marginal and its share of idle
  std::optional<double> marginal_joules;  // absent: no idle power was known
  std::optional<double> cost;             // of joules; absent: a price was not known
  double seconds = 0;                     // of steps that it took part in
};

class EnergyShares {
 public:
  using Time = RequestWork::Time;

  /// In the order of their times.
  void add_work(std::span<const RequestWork> work);
  /// Each begins where the one before it ended, or later.
  void add_piece(const EnergyPiece& piece);
  /// Divides what lies before `horizon`, until when all work is known. `idle_watts`: absent if it
  /// is not known.
  void advance(Time horizon, std::optional<double> idle_watts);
  /// Work was lost: nothing is known of the energy of the requests that are running.
  void spoil_running();

  /// Whether its mark has come and all pieces of its time were divided.
  [[nodiscard]] bool is_over(RequestId id) const;
  /// As far as it was divided. Absent: nothing is known, or not of all of its time.
  [[nodiscard]] std::optional<RequestEnergy> energy_of(RequestId id) const;
  /// Forgets the first of the requests that are over, until `n_most` of those are left. Not by
  /// time: the first answer of a request may be over long before its last one.
  void forget_over(std::size_t n_most);

  // Sums since the beginning; host = attributed + unattributed.
  [[nodiscard]] double host_joules() const { return host_joules_; }
  [[nodiscard]] double attributed_joules() const { return attributed_joules_; }
  [[nodiscard]] double unattributed_joules() const { return host_joules_ - attributed_joules_; }

  /// Time in which nothing was computed and its energy, since the last call: what idle power is
  /// measured by. Pieces next to work are left out, as caches and fans take time to settle.
  struct IdleTime {
    double seconds = 0, joules = 0;
  };
  [[nodiscard]] IdleTime take_idle_time();

 private:
  struct Account {
    RequestEnergy energy{.joules = 0, .marginal_joules = 0, .cost = 0, .seconds = 0};
    bool is_known = true, is_over = false;
    Time last_work{};
  };
  struct Division;
  void divide(const EnergyPiece& piece, std::optional<double> idle_watts);
  void charge(const EnergyPiece& piece, const Division& parts);
  [[nodiscard]] double work_seconds_in(const EnergyPiece& piece) const;

  std::deque<RequestWork> work_;  // not yet divided, marks left out
  std::deque<EnergyPiece> pieces_;
  std::map<RequestId, Account> accounts_;
  std::deque<RequestId> over_;  // in the order of their ends
  Time divided_until_{}, last_work_end_{};
  double host_joules_ = 0, attributed_joules_ = 0;
  IdleTime idle_;
};

}  // namespace jevons
