#include "app/term/table.h"

#include <algorithm>

#include "app/term/terminal.h"
#include "base/check.h"

namespace jevons {
namespace {

constexpr int kGap = 2;
constexpr int kNarrowest = 8;

}  // namespace

TextTable::TextTable(const std::vector<std::string>& titles) {
  std::vector<std::string> shown;
  for (const std::string& title : titles) {
    on_the_right_.push_back(title.starts_with('>'));
    shown.push_back(title.substr(on_the_right_.back() ? 1 : 0));
  }
  rows_.push_back(std::move(shown));
}

void TextTable::add_row(std::vector<std::string> cells) {
  JEVONS_CHECK(cells.size() == on_the_right_.size());
  rows_.push_back(std::move(cells));
}

std::string TextTable::render(int columns) const {
  std::vector<int> widths(on_the_right_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  int total = kGap * (static_cast<int>(widths.size()) - 1);
  for (const int width : widths) total += width;
  while (total > columns) {
    const auto widest = std::max_element(widths.begin(), widths.end(), [&](int& a, int& b) {
      const auto weight = [&](int& w) {
        return on_the_right_[static_cast<std::size_t>(&w - widths.data())] ? 0 : w;
      };
      return weight(a) < weight(b);
    });
    if (on_the_right_[static_cast<std::size_t>(widest - widths.begin())]) break;
    if (*widest <= kNarrowest) break;
    --*widest;
    --total;
  }

  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = fit_to_width(row[i], widths[i]);
      const auto padding = static_cast<std::size_t>(widths[i] - display_width(cell));
      if (i > 0) line.append(kGap, ' ');
      if (on_the_right_[i]) line.append(padding, ' ');
      line += cell;
      if (!on_the_right_[i]) line.append(padding, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace jevons
