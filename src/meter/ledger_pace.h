// How fast this machine was for one request of a model, and what it drew meanwhile, from the rows
// of the ledger. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "meter/ledger_file.h"

namespace jevons {

/// Sums over requests of one model.
struct ModelPace {
  std::string model;
  std::uint64_t n_requests = 0;
  std::int64_t tokens_read = 0, tokens_written = 0;  // cached ones are not read
  double read_seconds = 0, write_seconds = 0;
  std::uint64_t n_measured = 0;  // requests with energy
  double joules = 0;             // of those
  double measured_seconds = 0;   // in which those were read and written
  std::string sources;           // of joules: "plug (measured), stated"

  /// Of a request; where several were computed at once, each of them counts. Absent: there are
  /// less than kLeastSeconds to tell it from.
  [[nodiscard]] std::optional<double> read_per_second() const;
  [[nodiscard]] std::optional<double> written_per_second() const;
  /// joules / measured_seconds: what one request makes the machine take while it is computed. With
  /// the speeds above it gives the energy of a token, however many requests ran at once; beside
  /// another speed it means nothing.
  [[nodiscard]] std::optional<double> watts() const;

  static constexpr double kLeastSeconds = 60;
};

/// Of requests that came from `since_ms` on; the model with the most written tokens first.
[[nodiscard]] Result<std::vector<ModelPace>> pace_by_model(LedgerFile& file, std::int64_t since_ms);

}  // namespace jevons
