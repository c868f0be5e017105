// What the terminal at a file descriptor can do, and how wide text is on it. Any thread may call;
// use_utf8_locale() once at the start of the program.
#pragma once

#include <string>
#include <string_view>

namespace jevons {

/// Character widths and line editing need a UTF-8 locale; falls back to C.UTF-8.
void use_utf8_locale();

[[nodiscard]] bool is_terminal(int fd);

/// False in a pipe, with TERM=dumb, and when NO_COLOR is set.
[[nodiscard]] bool shows_styles(int fd);

/// Columns, 80 if the terminal does not say.
[[nodiscard]] int terminal_width(int fd);

/// Columns that valid UTF-8 takes: wide characters two, combining marks none.
[[nodiscard]] int display_width(std::string_view text);

/// As much of `text` as fits into `columns`, with "…" at the end if something was cut.
[[nodiscard]] std::string fit_to_width(std::string_view text, int columns);

/// Control characters and direction overrides as harmless pictures; line breaks and tabs stay.
/// What is not UTF-8 becomes U+FFFD. For everything that a model, a file or a tool wrote.
[[nodiscard]] std::string harmless_text(std::string_view text);

inline constexpr const char* kDim = "\x1b[2m";
inline constexpr const char* kPlain = "\x1b[0m";

}  // namespace jevons
