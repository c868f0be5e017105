// A table in plain text. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace jevons {

class TextTable {
 public:
  /// A title that begins with '>' stands, as its column does, on the right; the '>' is not shown.
  explicit TextTable(const std::vector<std::string>& titles);

  /// As many cells as titles.
  void add_row(std::vector<std::string> cells);

  /// Lines with a line feed each. If the table is wider than `columns`, the widest column on the
  /// left side is cut until it fits or is as narrow as eight columns.
  [[nodiscard]] std::string render(int columns) const;

 private:
  std::vector<bool> on_the_right_;
  std::vector<std::vector<std::string>> rows_;  // the titles first
};

}  // namespace jevons
