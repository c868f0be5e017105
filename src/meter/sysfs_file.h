// The small files in which the kernel says one thing each. Any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/result.h"

namespace jevons {

struct SysfsProblem {
  enum class Kind : std::uint8_t {
    kAbsent,
    kForbidden,   // by its permissions
    kUnreadable,  // anything else: no such device any more, not a number
  };
  Kind kind;
  std::string message;  // names the file

  [[nodiscard]] Error error() const { return {message}; }
};

/// Without the line feed at its end.
[[nodiscard]] std::expected<std::string, SysfsProblem> read_sysfs(const std::string& path);
[[nodiscard]] std::expected<std::int64_t, SysfsProblem> read_sysfs_number(const std::string& path);

/// Names in a folder that begin with `prefix`, sorted; none if there is no such folder.
[[nodiscard]] std::vector<std::string> sysfs_entries(const std::string& folder,
                                                     const std::string& prefix = "");

}  // namespace jevons
