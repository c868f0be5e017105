// Energy, price, ledger and budgets together, as a server or a chat uses them. Any part may be
// missing: then it says so, and the rest goes on.
//
// Any thread may call any member.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "meter/budgets.h"
#include "meter/energy_meter.h"
#include "meter/ledger.h"
#include "meter/sensor_search.h"
#include "meter/tariff.h"

namespace jevons {

struct BookkeeperOptions {
  SensorWish sensors{};
  std::optional<double> stated_watts{};  // instead of sensors
  std::optional<double> idle_watts{};
  double extra_watts = 0;
  std::string tariff{};  // "" none; as Tariff::read()
  std::string currency{};
  std::string ledger{};  // a path; "" none
};

/// Of requests that are over.
struct RequestSums {
  std::uint64_t n_measured = 0, n_unmeasured = 0;  // by whether their energy is known
  double joules = 0, marginal_joules = 0, cost = 0;
};

struct BookkeeperStatus {
  RequestSums requests;
  std::optional<EnergyMeterStatus> energy;  // absent: nothing can be measured
  std::vector<std::string> missing;         // then: what was looked for, and why it cannot be used
  std::optional<double> price;              // of a kWh now
  std::string tariff, currency;             // "" without a tariff
  std::string tariff_problem;               // of a file that was read again
  std::optional<LedgerStatus> ledger;
  std::string ledger_problem;  // of a ledger that could not be opened

  /// "ok", "failing", "off"
  [[nodiscard]] const char* ledger_word() const;
};

class Bookkeeper {
 public:
  /// Errors: a source of energy that is wished for and cannot be used, watts without sense, a
  /// tariff that cannot be read. A ledger that cannot be opened is no error: see status().
  [[nodiscard]] static Result<std::unique_ptr<Bookkeeper>> open(BookkeeperOptions options);
  ~Bookkeeper();
  Bookkeeper(const Bookkeeper&) = delete;
  Bookkeeper& operator=(const Bookkeeper&) = delete;

  /// Whether requests have energy; and a cost.
  [[nodiscard]] bool has_energy() const;
  [[nodiscard]] bool has_tariff() const;
  /// Whether a ledger was asked for, open or not.
  [[nodiscard]] bool wants_ledger() const;
  [[nodiscard]] const std::string& currency() const;

  /// As EnergyMeter's.
  void attach(WorkFeed feed);
  void wake();
  /// Calls `done` with nothing at once if nothing can be measured.
  void settle(std::vector<RequestId> requests, EnergyMeter::Done done);

  /// Waits until every settle() so far has been answered, `most` at most.
  void wait_settled(std::chrono::milliseconds most);

  /// Writes a row whose energy is known, or cannot be, and adds it to its key's day.
  void record(LedgerRow row);
  /// The same as soon as the energy of its requests is known.
  void record_when_settled(LedgerRow row, std::vector<RequestId> requests);

  [[nodiscard]] std::optional<SpentBudget> check(const std::string& key, const Budget& budget);
  /// Today.
  [[nodiscard]] KeyUse use_of(const std::string& key);
  /// Why such a budget cannot be held here; empty if it can.
  [[nodiscard]] std::string problem_with(const Budget& budget) const;

  [[nodiscard]] BookkeeperStatus status() const;
  /// Writes what waits for the ledger.
  void flush();

 private:
  struct State;
  explicit Bookkeeper(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Puts the energy into a row.
void put_energy(LedgerRow& row, const EnergyUse& use, const std::string& currency);

}  // namespace jevons
