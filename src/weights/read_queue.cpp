#include "weights/read_queue.h"

#include <numeric>

#include "base/check.h"

namespace jevons {

ReadQueue::ReadQueue(int depth, int guess_depth) : depth_(depth), guess_depth_(guess_depth) {
  JEVONS_CHECK(depth >= 1 && guess_depth >= 1);
}

void ReadQueue::push(const DiskRead& read, ReadUrgency urgency) {
  Line& its_line = line(urgency);
  const bool is_new = places_.try_emplace(read.tag, urgency, its_line.end()).second;
  JEVONS_CHECK(is_new);
  its_line.push_back(read);
  places_.at(read.tag).read = std::prev(its_line.end());
}

bool ReadQueue::reprioritise(std::uint64_t tag, ReadUrgency urgency) {
  const auto found = places_.find(tag);
  if (found == places_.end()) return false;
  Place& place = found->second;
  if (place.urgency == urgency) return true;
  Line& new_line = line(urgency);
  new_line.splice(new_line.end(), line(place.urgency), place.read);
  place.urgency = urgency;
  return true;
}

bool ReadQueue::cancel(std::uint64_t tag) {
  const auto found = places_.find(tag);
  if (found == places_.end()) return false;
  line(found->second.urgency).erase(found->second.read);
  places_.erase(found);
  return true;
}

void ReadQueue::clear() {
  for (Line& its_line : lines_) its_line.clear();
  places_.clear();
}

std::optional<ReadUrgency> ReadQueue::next() const {
  using enum ReadUrgency;
  const int n_all = n_under_way();
  if (n_all >= depth_) return std::nullopt;
  if (waits(kNeeded)) return kNeeded;
  if (waits(kAhead)) return kAhead;
  if (waits(kGuess)) {
    const bool may_begin = n_under_way(kNeeded) == 0 && n_under_way(kGuess) < guess_depth_;
    return may_begin ? std::optional(kGuess) : std::nullopt;
  }
  if (waits(kFill) && n_under_way(kFill) == n_all && n_all < kFillDepth) return kFill;
  return std::nullopt;
}

std::optional<ReadQueue::Begun> ReadQueue::begin_next() {
  const std::optional<ReadUrgency> urgency = next();
  if (!urgency) return std::nullopt;
  Line& its_line = line(*urgency);
  const DiskRead read = its_line.front();
  its_line.pop_front();
  places_.erase(read.tag);
  ++n_under_way_[static_cast<int>(*urgency)];
  return Begun{read, *urgency};
}

void ReadQueue::end(ReadUrgency urgency) {
  JEVONS_CHECK(n_under_way(urgency) > 0);
  --n_under_way_[static_cast<int>(urgency)];
}

int ReadQueue::n_under_way() const {
  return std::accumulate(n_under_way_.begin(), n_under_way_.end(), 0);
}

}  // namespace jevons
