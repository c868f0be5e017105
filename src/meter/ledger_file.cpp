#include "meter/ledger_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/private_folder.h"

namespace jevons {
namespace {

// "Jev1": marks the file as ours.
constexpr std::int64_t kApplicationId = 0x4a657631;

// WITHOUT ROWID keeps the sums in the order of their key.
constexpr const char* kTables = R"(
CREATE TABLE requests(
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  key TEXT NOT NULL, client TEXT NOT NULL, model TEXT NOT NULL, class TEXT NOT NULL,
  tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
  queue_s REAL NOT NULL, read_s REAL NOT NULL, write_s REAL NOT NULL,
  microjoules INTEGER, marginal_microjoules INTEGER,
  source TEXT NOT NULL, confidence TEXT NOT NULL,
  nano_cost INTEGER, currency TEXT NOT NULL,
  stop TEXT NOT NULL);
CREATE INDEX requests_by_time ON requests(at_ms);
CREATE TABLE days(
  day TEXT NOT NULL,
  key TEXT NOT NULL, client TEXT NOT NULL, model TEXT NOT NULL, class TEXT NOT NULL,
  currency TEXT NOT NULL,
  n INTEGER NOT NULL,
  tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
  queue_s REAL NOT NULL, read_s REAL NOT NULL, write_s REAL NOT NULL,
  n_measured INTEGER NOT NULL,
  microjoules INTEGER NOT NULL, marginal_microjoules INTEGER NOT NULL,
  n_priced INTEGER NOT NULL, nano_cost INTEGER NOT NULL,
  PRIMARY KEY(day, key, client, model, class, currency)) WITHOUT ROWID;
CREATE TABLE idle_power(
  source TEXT PRIMARY KEY, watts REAL NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
)";

constexpr const char* kInsertRow = R"(
INSERT INTO requests(at_ms, key, client, model, class, tokens_in, tokens_cached, tokens_out,
  queue_s, read_s, write_s, microjoules, marginal_microjoules, source, confidence, nano_cost,
  currency, stop)
VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18))";

constexpr const char* kAddToDay = R"(
INSERT INTO days VALUES(?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12,
  ?13, ?14, ?15, ?16, ?17)
ON CONFLICT(day, key, client, model, class, currency) DO UPDATE SET
  n = n + 1,
  tokens_in = tokens_in + excluded.tokens_in,
  tokens_cached = tokens_cached + excluded.tokens_cached,
  tokens_out = tokens_out + excluded.tokens_out,
  queue_s = queue_s + excluded.queue_s,
  read_s = read_s + excluded.read_s,
  write_s = write_s + excluded.write_s,
  n_measured = n_measured + excluded.n_measured,
  microjoules = microjoules + excluded.microjoules,
  marginal_microjoules = marginal_microjoules + excluded.marginal_microjoules,
  n_priced = n_priced + excluded.n_priced,
  nano_cost = nano_cost + excluded.nano_cost)";

std::optional<std::int64_t> whole(std::optional<double> figure, double per_unit) {
  if (!figure || !std::isfinite(*figure)) return std::nullopt;
  // A request takes far less; what is beyond would only make every sum overflow.
  constexpr double kMost = 1e17;
  return std::llround(std::clamp(*figure * per_unit, -kMost, kMost));
}

Result<void> check_identity(Database& database, const std::string& path) {
  JEVONS_ASSIGN(const std::int64_t id, database.number("PRAGMA application_id"));
  JEVONS_ASSIGN(const std::int64_t version, database.number("PRAGMA user_version"));
  if (id != kApplicationId) return fail("{} is a database of another program", path);
  if (version > LedgerFile::kVersion) {
    return fail("{} is a ledger of version {}, and this program knows versions up to {}", path,
                version, LedgerFile::kVersion);
  }
  return {};
}

Result<void> make_tables(Database& database, const std::string& path) {
  // Two programs may find the file empty at once: the second one waits here.
  JEVONS_TRY(database.run("BEGIN IMMEDIATE"));
  JEVONS_ASSIGN(const std::int64_t n_tables, database.number("SELECT count(*) FROM sqlite_master"));
  if (n_tables > 0) {
    JEVONS_TRY(database.run("ROLLBACK"));
    return check_identity(database, path);
  }
  JEVONS_TRY(database.run(kTables));
  JEVONS_TRY(
      database.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                               kApplicationId, LedgerFile::kVersion)));
  return {};
}

void bind_row(Statement& statement, const LedgerRow& row) {
  statement.bind(1, row.at_ms)
      .bind(2, std::string_view(row.key))
      .bind(3, std::string_view(row.client))
      .bind(4, std::string_view(row.model))
      .bind(5, std::string_view(row.priority))
      .bind(6, row.tokens_in)
      .bind(7, row.tokens_cached)
      .bind(8, row.tokens_out)
      .bind(9, row.queue_seconds)
      .bind(10, row.read_seconds)
      .bind(11, row.write_seconds)
      .bind(12, whole(row.joules, kMicroPerJoule))
      .bind(13, whole(row.marginal_joules, kMicroPerJoule))
      .bind(14, std::string_view(row.source))
      .bind(15, std::string_view(row.confidence))
      .bind(16, whole(row.cost, kNanoPerUnit))
      .bind(17, std::string_view(row.currency))
      .bind(18, std::string_view(row.stop));
}

void bind_day(Statement& statement, const LedgerRow& row, const std::string& day) {
  statement.bind(1, std::string_view(day))
      .bind(2, std::string_view(row.key))
      .bind(3, std::string_view(row.client))
      .bind(4, std::string_view(row.model))
      .bind(5, std::string_view(row.priority))
      .bind(6, std::string_view(row.currency))
      .bind(7, row.tokens_in)
      .bind(8, row.tokens_cached)
      .bind(9, row.tokens_out)
      .bind(10, row.queue_seconds)
      .bind(11, row.read_seconds)
      .bind(12, row.write_seconds)
      .bind(13, std::int64_t{row.joules ? 1 : 0})
      .bind(14, whole(row.joules, kMicroPerJoule).value_or(0))
      .bind(15, whole(row.marginal_joules, kMicroPerJoule).value_or(0))
      .bind(16, std::int64_t{row.cost ? 1 : 0})
      .bind(17, whole(row.cost, kNanoPerUnit).value_or(0));
}

}  // namespace

Result<LedgerFile> LedgerFile::open(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::exists(folder, ignored)) {
    JEVONS_TRY(make_private_folder(folder));
  }
  // SQLite would make it for everybody to read; what it puts beside the file takes its mode. What
  // is wrong with a path that cannot be opened, SQLite says.
  constexpr int kOwnerAlone = 0600;
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_EXCL, kOwnerAlone);
  if (made >= 0) ::close(made);
  JEVONS_ASSIGN(Database database, Database::open(path, Database::Access::kReadWrite));
  JEVONS_ASSIGN(const std::int64_t n_tables, database.number("SELECT count(*) FROM sqlite_master"));
  if (n_tables > 0) {
    JEVONS_TRY(check_identity(database, path));
  }
  // In this mode a killed writer leaves the file whole, readers and the writer do not wait for each
  // other, and a commit is one write.
  JEVONS_TRY(database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"));
  if (n_tables == 0) {
    JEVONS_TRY(make_tables(database, path));
  }
  // Who may write the file but not its folder finds out now, and not at the first row.
  JEVONS_TRY(database.run("BEGIN IMMEDIATE; UPDATE idle_power SET at = at; COMMIT"));
  return LedgerFile(std::move(database));
}

Result<LedgerFile> LedgerFile::open_to_read(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) return fail("{}: {}", path, std::strerror(errno));
  JEVONS_ASSIGN(Database database, Database::open(path, Database::Access::kReadOnly));
  JEVONS_ASSIGN(const std::int64_t n_tables, database.number("SELECT count(*) FROM sqlite_master"));
  if (n_tables == 0) return fail("{} is empty", path);
  JEVONS_TRY(check_identity(database, path));
  return LedgerFile(std::move(database));
}

Result<void> LedgerFile::write(std::span<const LedgerRow> rows, const TimeZone& zone,
                               const std::optional<IdleWatts>& idle, std::int64_t now_unix) {
  if (rows.empty() && !idle) return {};
  JEVONS_TRY(database_.run("BEGIN IMMEDIATE"));
  const auto write_all = [&]() -> Result<void> {
    JEVONS_ASSIGN(Statement insert, database_.prepare(kInsertRow));
    JEVONS_ASSIGN(Statement add, database_.prepare(kAddToDay));
    for (const LedgerRow& row : rows) {
      bind_row(insert, row);
      JEVONS_TRY(insert.run());
      bind_day(add, row, day_text(zone, row.at_ms / 1000));
      JEVONS_TRY(add.run());
    }
    return idle ? set_idle_watts(idle->source, idle->watts, now_unix) : Result<void>{};
  };
  Result<void> written = write_all();
  if (written) written = database_.run("COMMIT");
  // After some errors SQLite has rolled back already.
  if (!written) {
    [[maybe_unused]] const auto undone = database_.run("ROLLBACK");
  }
  return written;
}

Result<void> LedgerFile::drop_old_rows(std::int64_t now_unix) {
  constexpr std::int64_t kDayMs = 86'400'000;
  JEVONS_ASSIGN(Statement drop, database_.prepare("DELETE FROM requests WHERE at_ms < ?1"));
  return drop.bind(1, now_unix * 1000 - kRowDays * kDayMs).run();
}

Result<std::optional<double>> LedgerFile::idle_watts(const std::string& source) {
  JEVONS_ASSIGN(Statement find,
                database_.prepare("SELECT watts FROM idle_power WHERE source = ?1"));
  JEVONS_ASSIGN(const bool has_row, find.bind(1, std::string_view(source)).step());
  return has_row ? std::optional(find.real(0)) : std::nullopt;
}

Result<void> LedgerFile::set_idle_watts(const std::string& source, double watts,
                                        std::int64_t now_unix) {
  JEVONS_ASSIGN(Statement put,
                database_.prepare("INSERT OR REPLACE INTO idle_power VALUES(?1, ?2, ?3)"));
  return put.bind(1, std::string_view(source)).bind(2, watts).bind(3, now_unix).run();
}

}  // namespace jevons
