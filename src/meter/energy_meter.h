// Measures the host's energy on a thread of its own, and says what each request took.
//
// Any thread may call the public members. Nothing here runs on the engine's thread: the meter
// fetches what steps did, reads the sensors, and divides (src/meter/energy_shares.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "meter/energy_sensor.h"
#include "meter/energy_shares.h"

namespace jevons {

/// Appends what steps did since the last call. Called on the meter's thread.
struct WorkUntil {
  RequestWork::Time until{};  // of steps that ended before it none is missing
  std::uint64_t n_lost = 0;   // shares that were lost, ever
  bool is_busy = false;       // a step is running
  bool is_reading = false;    // weights are read from disk, for whatever reason
};
using WorkFeed = std::function<WorkUntil(std::vector<RequestWork>&)>;

/// How far a figure can be trusted.
///   "measured"      by a sensor that sees the whole machine
///   "partial"       by sensors that see parts of it
///   "partly_stated" the same, and what they miss is a constant that the user states
///   "coarse"        measured, but the sensor spoke less than twice while the request was computed
///   "stated"        the user's watts times measured seconds
struct EnergyUse {
  double joules = 0;
  std::optional<double> marginal_joules{};  // without its share of what the machine takes anyway
  std::optional<double> cost{};             // of joules
  std::string source{};                     // "rapl", "plug", "stated"
  std::string confidence{};

  [[nodiscard]] double watt_hours() const { return joules / 3600; }
};

struct EnergyMeterOptions {
  /// Empty: stated_watts must be there.
  std::vector<std::unique_ptr<EnergySensor>> sensors{};
  double extra_watts = 0;                   // that the sensors miss, stated by the user
  std::optional<double> stated_watts{};     // while the engine computes
  std::optional<double> idle_watts{};       // stated by the user
  std::optional<double> remembered_idle{};  // measured by an earlier run
  /// Of a kWh, in the user's currency, at a time in seconds since 1970. Called on the meter's
  /// thread; may be empty.
  std::function<std::optional<double>(std::int64_t)> price_per_kwh{};
  std::chrono::milliseconds busy_period{100}, idle_period{1000};  // between samples
  /// After attach(), and after weights were read from disk: until then nothing counts as idle.
  std::chrono::milliseconds settling{5000};
};

struct EnergyMeterStatus {
  std::string source, what, confidence;  // of a long request
  std::optional<double> watts;           // of the last sample
  std::optional<double> idle_watts;
  std::string idle_origin;              // "stated", "measured", "remembered", "unknown"
  std::optional<double> measured_idle;  // by this run
  double host_joules = 0;               // as far as it was known
  double attributed_joules = 0;         // of those, to requests
  double blind_seconds = 0;             // in which a sensor could not be read
  std::string problem;                  // why not, now; empty if it can
};

class EnergyMeter {
 public:
  explicit EnergyMeter(EnergyMeterOptions options);
  /// Answers what was asked, with what is known, and joins the thread.
  ~EnergyMeter();
  EnergyMeter(const EnergyMeter&) = delete;
  EnergyMeter& operator=(const EnergyMeter&) = delete;

  /// Answers what was asked, and measures nothing from now on. Waits for that; call it once, from
  /// another thread than the meter's.
  void stop();

  /// From now on work comes from here; an empty one: from nowhere. Waits for a call under way.
  /// Idle power is measured only while work could come: a model that is being loaded is not idle.
  void attach(WorkFeed feed);

  /// Work is about to begin: the time before it ends here.
  void wake();

  using Done = std::function<void(std::optional<EnergyUse>)>;
  /// Calls `done` on the meter's thread, as soon as all of the requests are over and their time was
  /// divided, with their sum. Absent: the energy of some of their time is not known. Requests of
  /// which nothing is heard for 5 s are given up.
  void settle(std::vector<RequestId> requests, Done done);

  /// Waits until all of them were answered, `most` at most.
  void wait_settled(std::chrono::milliseconds most);

  [[nodiscard]] EnergyMeterStatus status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jevons
