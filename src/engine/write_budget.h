// How many bytes may still be written to a disk today, counted over restarts and by all processes
// that share the file. Days are UTC days since 1970. One thread; several processes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace jevons {

class WriteBudget {
 public:
  /// `bytes_known_today` counts if the file is damaged: better too much than to begin at nothing.
  /// Errors: the file cannot be made or read.
  [[nodiscard]] static Result<WriteBudget> open(const std::string& path, std::uint64_t limit_bytes,
                                                std::int64_t today,
                                                std::uint64_t bytes_known_today);
  WriteBudget(WriteBudget&& other) noexcept;
  WriteBudget& operator=(WriteBudget&&) = delete;
  WriteBudget(const WriteBudget&) = delete;
  WriteBudget& operator=(const WriteBudget&) = delete;
  ~WriteBudget();

  /// Counts `n_bytes`, before they are written, if the day's limit (0: none) leaves room for them.
  [[nodiscard]] bool spend(std::uint64_t n_bytes, std::int64_t today);
  /// As far as this process knows.
  [[nodiscard]] std::uint64_t spent_bytes(std::int64_t today) const {
    return today > day_ ? 0 : bytes_;
  }
  [[nodiscard]] bool has_room(std::uint64_t n_bytes, std::int64_t today) const {
    return limit_bytes_ == 0 || spent_bytes(today) + n_bytes <= limit_bytes_;
  }

 private:
  WriteBudget(std::string path, int fd, std::uint64_t limit_bytes)
      : path_(std::move(path)), fd_(fd), limit_bytes_(limit_bytes) {}
  bool load(std::int64_t today);
  void save();

  std::string path_;
  int fd_;
  std::uint64_t limit_bytes_;
  std::int64_t day_ = 0;
  std::uint64_t bytes_ = 0;
  bool save_failed_ = false;
};

/// One line of fixed length: the day, the bytes written on it, and a checksum of both.
[[nodiscard]] std::string budget_record(std::int64_t day, std::uint64_t bytes);

[[nodiscard]] std::int64_t utc_day_now();

}  // namespace jevons
