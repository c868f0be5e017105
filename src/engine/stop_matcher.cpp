#include "engine/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

}  // namespace

StopMatcher::StopMatcher(std::vector<std::string> stop_strings)
    : stop_strings_(std::move(stop_strings)) {
  std::erase(stop_strings_, std::string());
  std::sort(stop_strings_.begin(), stop_strings_.end(),
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string StopMatcher::push(std::string_view text) {
  if (matched_) return {};
  if (stop_strings_.empty()) return std::string(text);
  held_ += text;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const std::string_view rest = std::string_view(held_).substr(i);
    for (const std::string& stop : stop_strings_) {
      if (starts_with(rest, stop)) {
        matched_ = stop;
        std::string shown = held_.substr(0, i);
        held_.clear();
        return shown;
      }
      // Not whole yet. A shorter one that is whole here waits too: the longest match decides.
      if (starts_with(stop, rest)) {
        std::string shown = held_.substr(0, i);
        held_.erase(0, i);
        return shown;
      }
    }
  }
  return std::exchange(held_, {});
}

std::string StopMatcher::finish() {
  if (matched_) return {};
  // The end settles what a longer stop string kept open: a shorter one that was already whole.
  for (std::size_t i = 0; i < held_.size(); ++i) {
    for (const std::string& stop : stop_strings_) {
      if (!starts_with(std::string_view(held_).substr(i), stop)) continue;
      matched_ = stop;
      return held_.substr(0, i);
    }
  }
  return std::exchange(held_, {});
}

}  // namespace jevons
