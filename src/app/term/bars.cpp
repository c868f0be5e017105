#include "app/term/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "app/term/terminal.h"

namespace jevons {
namespace {

std::string bar_of(double part, int columns, bool utf8) {
  constexpr int kEighths = 8;
  constexpr const char* kBlocks[kEighths] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double length = std::clamp(part, 0.0, 1.0) * columns;
  if (!utf8) {
    // Whatever is more than nothing is seen.
    const int n = std::max(static_cast<int>(std::lround(length)), part > 0 ? 1 : 0);
    std::string bar;
    bar.append(static_cast<std::size_t>(n), '#');
    return bar;
  }
  const int eighths = std::max(static_cast<int>(std::lround(length * kEighths)), part > 0 ? 1 : 0);
  std::string bar;
  for (int i = 0; i < eighths / kEighths; ++i) bar += "█";
  return bar + kBlocks[eighths % kEighths];
}

// `text` made as wide as `columns`.
std::string padded(const std::string& text, int columns) {
  std::string out = fit_to_width(text, columns);
  out.append(static_cast<std::size_t>(std::max(0, columns - display_width(out))), ' ');
  return out;
}

std::string axis_number(double value) { return fmt::format("{:.3g}", value); }

}  // namespace

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string letters;
    for (const char c : std::string_view(value)) {
      if (c != '-') letters += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return letters.find("utf8") != std::string::npos;
  }
  return false;
}

std::string text_bars(const std::vector<TextBar>& bars, int columns, bool utf8) {
  int label_width = 0, value_width = 0;
  double most = 0;
  for (const TextBar& bar : bars) {
    label_width = std::max(label_width, display_width(bar.label));
    value_width = std::max(value_width, display_width(bar.value_text));
    most = std::max(most, bar.value);
  }
  label_width = std::min(label_width, columns / 3);
  const int length = std::max(columns - label_width - value_width - 3, 4);
  std::string out;
  for (const TextBar& bar : bars) {
    out += padded(bar.label, label_width) + "  ";
    out += bar_of(most > 0 ? bar.value / most : 0, length, utf8);
    out += (bar.value > 0 && most > 0 ? " " : "") + bar.value_text + "\n";
  }
  return out;
}

std::string text_scatter(const std::vector<TextPoint>& points, const std::string& x_title,
                         const std::string& y_title, int columns) {
  constexpr int kRows = 14, kAxis = 6;
  if (points.empty()) return "";
  const int width = std::clamp(columns - kAxis - 3, 10, 72);
  double x_low = points[0].x, x_high = x_low, y_low = points[0].y, y_high = y_low;
  for (const TextPoint& point : points) {
    x_low = std::min(x_low, point.x);
    x_high = std::max(x_high, point.x);
    y_low = std::min(y_low, point.y);
    y_high = std::max(y_high, point.y);
  }
  const auto place = [](double value, double low, double high, int n) {
    const double part = high > low ? (value - low) / (high - low) : 0.5;
    return static_cast<std::size_t>(std::lround(part * (n - 1)));
  };
  std::vector<std::string> rows(kRows, std::string(static_cast<std::size_t>(width), ' '));
  for (const TextPoint& point : points) {
    const std::size_t column = place(std::log(point.x), std::log(x_low), std::log(x_high), width);
    char& cell = rows[kRows - 1 - place(point.y, y_low, y_high, kRows)][column];
    cell = cell == ' ' ? point.mark : '*';
  }
  std::string out = y_title + "\n";
  for (int i = 0; i < kRows; ++i) {
    const bool is_end = i == 0 || i == kRows - 1;
    const std::string number = is_end ? axis_number(i == 0 ? y_high : y_low) : "";
    std::string line = fmt::format("{:>{}} | {}", number, kAxis, rows[static_cast<std::size_t>(i)]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  const std::string low = axis_number(x_low), high = axis_number(x_high);
  out +=
      fmt::format("{:>{}} +{}\n", "", kAxis, std::string(static_cast<std::size_t>(width) + 1, '-'));
  const int between = width - display_width(low) - display_width(high);
  return out +
         fmt::format("{:>{}}   {}{:^{}}{}\n", "", kAxis, low, x_title, std::max(between, 0), high);
}

std::string wrapped(std::string_view words, int columns, int indent) {
  const std::size_t first = std::min(words.find_first_not_of(' '), words.size());
  std::string out(words.substr(0, first));
  int used = static_cast<int>(first);
  words.remove_prefix(first);
  bool begins_line = true;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    const std::string_view word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    const int width = display_width(word);
    if (!begins_line && used + 1 + width > columns) {
      out += "\n";
      out.append(static_cast<std::size_t>(indent), ' ');
      used = indent;
    } else if (!begins_line) {
      out += ' ';
      ++used;
    }
    out += word;
    used += width;
    begins_line = false;
  }
  return out + "\n";
}

}  // namespace jevons
