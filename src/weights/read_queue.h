// The reads of one disk: those that wait, how many are under way, and which begins next. Knows
// neither files nor threads. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "weights/disk_reader.h"

namespace jevons {

/// Fills under way on one disk, at most: what is needed has to wait for them to end.
inline constexpr int kFillDepth = 4;

class ReadQueue {
 public:
  struct Begun {
    DiskRead read;
    ReadUrgency urgency;
  };

  /// At most `depth` reads are under way at once, of them `guess_depth` guesses; both at least 1.
  ReadQueue(int depth, int guess_depth);

  /// Behind those that wait with the same urgency.
  void push(const DiskRead& read, ReadUrgency urgency);
  /// Behind those that wait with that urgency already. False if no such read waits.
  bool reprioritise(std::uint64_t tag, ReadUrgency urgency);
  /// False if no such read waits.
  bool cancel(std::uint64_t tag);
  void clear();

  [[nodiscard]] bool can_begin() const { return next().has_value(); }
  /// Nothing if none may begin now; else the read counts as under way until it ends.
  [[nodiscard]] std::optional<Begun> begin_next();
  void end(ReadUrgency urgency);

  [[nodiscard]] std::size_t n_waiting() const { return places_.size(); }
  [[nodiscard]] int n_under_way() const;

 private:
  using Line = std::list<DiskRead>;
  struct Place {
    ReadUrgency urgency;
    Line::iterator read;
  };

  [[nodiscard]] std::optional<ReadUrgency> next() const;
  [[nodiscard]] Line& line(ReadUrgency urgency) { return lines_[static_cast<int>(urgency)]; }
  [[nodiscard]] bool waits(ReadUrgency urgency) const {
    return !lines_[static_cast<int>(urgency)].empty();
  }
  [[nodiscard]] int n_under_way(ReadUrgency urgency) const {
    return n_under_way_[static_cast<int>(urgency)];
  }

  int depth_, guess_depth_;
  std::array<Line, kReadUrgencies> lines_;
  std::array<int, kReadUrgencies> n_under_way_{};
  std::unordered_map<std::uint64_t, Place> places_;  // by tag, of all that wait
};

}  // namespace jevons
