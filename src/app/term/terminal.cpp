#include "app/term/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include "base/utf8.h"

namespace jevons {
namespace {

// The code point of the character at the start of `text`, which is valid UTF-8.
char32_t decode(std::string_view text, std::size_t length) {
  static constexpr unsigned kLeadMask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code_point = static_cast<unsigned char>(text[0]) & kLeadMask[length];
  for (std::size_t i = 1; i < length; ++i) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  return code_point;
}

// Characters that reorder the text around them, so that it no longer reads as it is stored.
bool changes_direction(char32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

void use_utf8_locale() {
  const char* locale = std::setlocale(LC_CTYPE, "");
  if (locale == nullptr || std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
}

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool shows_styles(int fd) {
  if (!is_terminal(fd)) return false;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::strcmp(term, "dumb") != 0;
}

int terminal_width(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

int display_width(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(text));
    const int width = ::wcwidth(static_cast<wchar_t>(decode(text, length)));
    columns += std::max(0, width);
    text.remove_prefix(length);
  }
  return columns;
}

std::string fit_to_width(std::string_view text, int columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string fitting;
  int used = 1;  // the ellipsis
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(text));
    used += display_width(text.substr(0, length));
    if (used > columns) break;
    fitting += text.substr(0, length);
    text.remove_prefix(length);
  }
  return columns > 0 ? fitting + "…" : "";
}

std::string harmless_text(std::string_view text) {
  const std::string valid = utf8_sanitize(text);
  std::string harmless;
  harmless.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    const std::size_t length = utf8_sequence_length(rest);
    const char32_t c = decode(rest, length);
    if (c < 0x20 && c != '\n' && c != '\t') {
      utf8_append(harmless, 0x2400 + c);  // Unicode has a picture for each of them
    } else if (c == 0x7F) {
      utf8_append(harmless, 0x2421);
    } else if ((c >= 0x80 && c < 0xA0) || changes_direction(c)) {
      utf8_append(harmless, 0xFFFD);
    } else {
      harmless += rest.substr(0, length);
    }
    rest.remove_prefix(length);
  }
  return harmless;
}

}  // namespace jevons
