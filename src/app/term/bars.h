// Bars, points and paragraphs in plain text, for terminals with and without UTF-8. Pure but for
// locale_is_utf8(); any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jevons {

/// By LC_ALL, LC_CTYPE and LANG, the first that says something: what a terminal or a file is to
/// get, whatever use_utf8_locale() chose for the program.
[[nodiscard]] bool locale_is_utf8();

struct TextBar {
  std::string label;
  double value;            // 0 or more
  std::string value_text;  // behind the bar
};

/// A line for each bar, the longest as long as fits; blocks in UTF-8, else '#'. Labels are cut to
/// a third of the columns.
[[nodiscard]] std::string text_bars(const std::vector<TextBar>& bars, int columns, bool utf8);

struct TextPoint {
  double x, y;
  char mark;
};

/// A frame with the points in it, `x` logarithmic (more than 0). Points on one place: '*'.
[[nodiscard]] std::string text_scatter(const std::vector<TextPoint>& points,
                                       const std::string& x_title, const std::string& y_title,
                                       int columns);

/// Words in lines of at most `columns`, if no word is longer. The first line keeps the blanks that
/// it begins with; the others begin with `indent`.
[[nodiscard]] std::string wrapped(std::string_view words, int columns, int indent = 0);

}  // namespace jevons
