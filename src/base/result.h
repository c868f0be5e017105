// Expected failures at a border: a file that lies, a flag that makes no sense, a full disk.
// Our own mistakes are not results; they abort through base/check.h.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

namespace jevons {

/// What went wrong, where, and what was expected, in one sentence for the user.
struct Error {
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

/// `return fail("{}: offset {} is past the end {}", path, offset, size);`
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected<Error>(Error{fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace jevons

#define JEVONS_CONCAT_INNER(a, b) a##b
#define JEVONS_CONCAT(a, b) JEVONS_CONCAT_INNER(a, b)

/// Returns the error of `expression` from the enclosing function, or goes on.
#define JEVONS_TRY(expression)                                  \
  do {                                                          \
    if (auto jevons_result = (expression); !jevons_result) {    \
      return std::unexpected(std::move(jevons_result).error()); \
    }                                                           \
  } while (false)

/// `JEVONS_ASSIGN(const auto file, MappedFile::open(path));` declares `file` or returns the error.
#define JEVONS_ASSIGN(declaration, expression) \
  JEVONS_ASSIGN_INNER(declaration, expression, JEVONS_CONCAT(jevons_result_, __LINE__))
#define JEVONS_ASSIGN_INNER(declaration, expression, result)      \
  auto result = (expression);                                     \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = std::move(*result)
