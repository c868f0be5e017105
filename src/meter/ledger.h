// The ledger of a running program: rows are taken at once and written behind by a thread of its
// own, every second. A killed program loses what came in the last second, and the file stays whole.
//
// Any thread may call any member.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "meter/ledger_file.h"

namespace jevons {

struct LedgerStatus {
  std::string path;
  std::uint64_t n_written = 0;  // by this program
  std::uint64_t n_waiting = 0;
  std::uint64_t n_lost = 0;  // that could not be written and found no room to wait
  std::string problem;       // why rows cannot be written now; empty if they can
};

class Ledger {
 public:
  /// `flush_every`: rows wait so long at most. Errors as LedgerFile::open().
  [[nodiscard]] static Result<std::unique_ptr<Ledger>> open(
      const std::string& path, TimeZone zone,
      std::chrono::milliseconds flush_every = std::chrono::seconds(1));
  /// Writes what waits.
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Never waits. While the file cannot be written to (a full disk), rows wait in memory, and it is
  /// tried again every few seconds; beyond kMostWaiting the oldest are lost, and counted.
  void add(LedgerRow row);
  /// Written with the next rows.
  void remember_idle(const std::string& source, double watts);
  /// Waits until what was added before has been written, or could not be.
  void flush();
  [[nodiscard]] LedgerStatus status() const;

  static constexpr std::size_t kMostWaiting = 20'000;

 private:
  struct State;
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
