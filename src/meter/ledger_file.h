// The ledger's file: its tables, and who may write them. One thread at a time.
//
// requests has one row a request, for kRowDays days; days has their sums by day, key, client,
// model, class and currency, for good. Both change in one transaction.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "meter/database.h"
#include "meter/time_zone.h"

namespace jevons {

/// One request. No content: neither prompt nor answer, nor the key itself.
struct LedgerRow {
  std::int64_t at_ms = 0;  // when it came, milliseconds since 1970
  std::string key{};       // the name; "" without keys
  std::string client{};    // as the program calls itself
  std::string model{};
  std::string priority{};  // "interactive", "background"
  std::int64_t tokens_in = 0, tokens_cached = 0, tokens_out = 0;
  double queue_seconds = 0, read_seconds = 0, write_seconds = 0;
  std::optional<double> joules{}, marginal_joules{}, cost{};
  std::string source{}, confidence{};  // of joules; "" without
  std::string currency{};              // of cost; "" without
  std::string stop{};                  // stop_reason_name() and a few more
};

/// Energy and money stand in the file as whole numbers: sums are exact, in whatever order they are
/// made. A row is rounded once.
inline constexpr double kMicroPerJoule = 1e6;
inline constexpr double kNanoPerUnit = 1e9;  // of a currency

/// What the machine takes when idle, as measured with a source.
struct IdleWatts {
  std::string source;
  double watts = 0;
};

class LedgerFile {
 public:
  static constexpr int kVersion = 1;
  static constexpr int kRowDays = 400;

  /// Makes file (0600) and folder (0700) if they are not there. Errors: not a database, another
  /// program's database, a ledger of a newer version, a file that cannot be written to.
  [[nodiscard]] static Result<LedgerFile> open(const std::string& path);
  /// To read alone; also beside a server that writes. Errors as above, and: not there.
  [[nodiscard]] static Result<LedgerFile> open_to_read(const std::string& path);

  /// All or none of them, with `idle` measured at `now_unix` if it is there. `zone`: whose days.
  [[nodiscard]] Result<void> write(std::span<const LedgerRow> rows, const TimeZone& zone,
                                   const std::optional<IdleWatts>& idle = std::nullopt,
                                   std::int64_t now_unix = 0);
  /// Drops rows older than kRowDays; their sums stay.
  [[nodiscard]] Result<void> drop_old_rows(std::int64_t now_unix);

  /// What the machine takes when idle, as measured with a source.
  [[nodiscard]] Result<std::optional<double>> idle_watts(const std::string& source);
  [[nodiscard]] Result<void> set_idle_watts(const std::string& source, double watts,
                                            std::int64_t now_unix);

  [[nodiscard]] Database& database() { return database_; }

 private:
  explicit LedgerFile(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace jevons
