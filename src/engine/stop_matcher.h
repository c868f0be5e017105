// Finds stop strings in text that arrives in pieces, and holds back what could still become one.
// One thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jevons {

class StopMatcher {
 public:
  /// Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stop_strings);

  /// Adds `text`; returns what can be shown now. After a match nothing more comes out.
  [[nodiscard]] std::string push(std::string_view text);
  /// What was held back, when the answer ends for another reason.
  [[nodiscard]] std::string finish();
  /// The stop string that was found first in the text (the longest of those that begin there).
  [[nodiscard]] const std::optional<std::string>& matched() const { return matched_; }

 private:
  std::vector<std::string> stop_strings_;
  std::string held_;
  std::optional<std::string> matched_;
};

}  // namespace jevons
