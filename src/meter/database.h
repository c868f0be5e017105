// SQLite as the rest of the room uses it: a connection and statements that clean up after
// themselves. One thread at a time. Errors name the file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace jevons {

class Statement {
 public:
  // Parameters count from 1, columns from 0, as SQLite has it.
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view value);  // copied
  Statement& bind(int at, std::optional<std::int64_t> value);

  /// True: there is a row.
  [[nodiscard]] Result<bool> step();
  /// Runs it to its end and makes it ready for other values.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  struct Closer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(sqlite3_stmt* statement, std::string path)
      : statement_(statement), path_(std::move(path)) {}
  std::unique_ptr<sqlite3_stmt, Closer> statement_;
  std::string path_;
};

class Database {
 public:
  enum class Access : std::uint8_t { kReadOnly, kReadWrite };

  /// kReadWrite makes the file if it is not there, in a folder that is.
  [[nodiscard]] static Result<Database> open(const std::string& path, Access access);

  /// One or more statements without parameters and results.
  [[nodiscard]] Result<void> run(const std::string& sql);
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  /// The single number that a statement gives.
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql);

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Closer> database_;
  std::string path_;
};

}  // namespace jevons
