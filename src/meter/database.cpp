#include "meter/database.h"

#include <sqlite3.h>

#include <utility>

namespace jevons {
namespace {

// Another server or a report may hold the file for a moment.
constexpr int kBusyMs = 2000;

std::unexpected<Error> problem_of(sqlite3* database, const std::string& path) {
  const int code = database != nullptr ? sqlite3_extended_errcode(database) : SQLITE_NOMEM;
  const char* text = database != nullptr ? sqlite3_errmsg(database) : "out of memory";
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return fail("{} is not a database of SQLite", path);
    case SQLITE_FULL:
      return fail("{}: the disk is full", path);
    case SQLITE_READONLY:
      return fail("{} cannot be written to", path);
    case SQLITE_CORRUPT:
      return fail("{} is damaged ({})", path, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail("{} is held by another program", path);
    default:
      return fail("{}: {}", path, text);
  }
}

}  // namespace

void Statement::Closer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Statement& Statement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), at, value);
  return *this;
}
Statement& Statement::bind(int at, double value) {
  sqlite3_bind_double(statement_.get(), at, value);
  return *this;
}
Statement& Statement::bind(int at, std::string_view value) {
  // sqlite3_bind_text64 knows no negative length, and its last argument has the copy made.
  sqlite3_bind_text64(statement_.get(), at, value.data(), value.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind(int at, std::optional<std::int64_t> value) {
  if (value) return bind(at, *value);
  sqlite3_bind_null(statement_.get(), at);
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  auto problem = problem_of(sqlite3_db_handle(statement_.get()), path_);
  sqlite3_reset(statement_.get());
  return problem;
}

Result<void> Statement::run() {
  for (;;) {
    JEVONS_ASSIGN(const bool has_row, step());
    if (!has_row) break;
  }
  sqlite3_reset(statement_.get());
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }
std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  if (bytes == nullptr) return "";
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::string& path, Access access) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (access == Access::kReadOnly ? SQLITE_OPEN_READONLY
                                                 : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database;
  database.database_.reset(handle);
  database.path_ = path;
  if (code != SQLITE_OK) return problem_of(handle, path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMs);
  return database;
}

Result<void> Database::run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return problem_of(database_.get(), path_);
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return problem_of(database_.get(), path_);
  }
  return Statement(statement, path_);
}

Result<std::int64_t> Database::number(std::string_view sql) {
  JEVONS_ASSIGN(Statement statement, prepare(sql));
  JEVONS_ASSIGN(const bool has_row, statement.step());
  if (!has_row) return fail("{}: '{}' gave nothing", path_, sql);
  return statement.integer(0);
}

}  // namespace jevons
