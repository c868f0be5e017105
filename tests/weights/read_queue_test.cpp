#include "weights/read_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace jevons {
namespace {

using enum ReadUrgency;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void push(ReadQueue& queue, std::uint64_t tag, ReadUrgency urgency) {
  queue.push({.tag = tag, .file = 0, .offset = 0, .n_bytes = 1, .buffer = nullptr}, urgency);
}

// The tags of all reads that may begin now.
std::vector<std::uint64_t> begin_all(ReadQueue& queue) {
  std::vector<std::uint64_t> tags;
  while (queue.can_begin()) tags.push_back(queue.begin_next()->read.tag);
  EXPECT_FALSE(queue.begin_next());
  return tags;
}

TEST(ReadQueue, TheMostUrgentGoFirstAndThoseOfOneUrgencyInTheirOrder) {
  ReadQueue queue(1, 1);
  push(queue, 1, kFill);
  push(queue, 2, kGuess);
  push(queue, 3, kAhead);
  push(queue, 4, kNeeded);
  push(queue, 5, kNeeded);
  push(queue, 6, kAhead);
  push(queue, 7, kFill);
  std::vector<std::uint64_t> order;
  while (queue.can_begin()) {
    const auto begun = queue.begin_next();
    order.push_back(begun->read.tag);
    EXPECT_FALSE(queue.can_begin());
    queue.end(begun->urgency);
  }
  EXPECT_THAT(order, ElementsAre(4, 5, 3, 6, 2, 1, 7));
  EXPECT_EQ(queue.n_waiting(), 0u);
  EXPECT_EQ(queue.n_under_way(), 0);
}

TEST(ReadQueue, NeededReadsAndThoseAheadShareTheDepth) {
  ReadQueue queue(3, 2);
  for (std::uint64_t tag = 1; tag <= 4; ++tag) push(queue, tag, tag <= 2 ? kNeeded : kAhead);
  EXPECT_THAT(begin_all(queue), ElementsAre(1, 2, 3));
  EXPECT_EQ(queue.n_under_way(), 3);
  queue.end(kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(4));
}

TEST(ReadQueue, GuessesWaitForWhatIsNeededAndAreFew) {
  ReadQueue queue(16, 2);
  push(queue, 1, kNeeded);
  push(queue, 2, kAhead);
  EXPECT_THAT(begin_all(queue), ElementsAre(1, 2));
  for (std::uint64_t tag = 3; tag <= 6; ++tag) push(queue, tag, kGuess);
  EXPECT_THAT(begin_all(queue), IsEmpty());
  queue.end(kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(3, 4));
  push(queue, 7, kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(7)) << "guesses must not hold up what is needed";
  queue.end(kGuess);
  EXPECT_THAT(begin_all(queue), IsEmpty());
  queue.end(kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(5));
}

TEST(ReadQueue, FillsAreAloneAndFew) {
  ReadQueue queue(16, 2);
  for (std::uint64_t tag = 10; tag < 20; ++tag) push(queue, tag, kFill);
  push(queue, 1, kAhead);
  EXPECT_THAT(begin_all(queue), ElementsAre(1));
  queue.end(kAhead);
  EXPECT_THAT(begin_all(queue), ElementsAre(10, 11, 12, 13));
  push(queue, 2, kGuess);
  EXPECT_THAT(begin_all(queue), ElementsAre(2));
  queue.end(kFill);
  EXPECT_THAT(begin_all(queue), IsEmpty());
  queue.end(kGuess);
  EXPECT_THAT(begin_all(queue), ElementsAre(14));
}

TEST(ReadQueue, AFillDoesNotOvertakeAGuessThatHasToWait) {
  ReadQueue queue(16, 1);
  push(queue, 1, kGuess);
  push(queue, 2, kGuess);
  push(queue, 3, kFill);
  EXPECT_THAT(begin_all(queue), ElementsAre(1));
  EXPECT_TRUE(queue.cancel(2));
  EXPECT_THAT(begin_all(queue), IsEmpty());
  queue.end(kGuess);
  EXPECT_THAT(begin_all(queue), ElementsAre(3));
}

TEST(ReadQueue, OnlyWhatWaitsIsCancelledOrGetsAnotherUrgency) {
  ReadQueue queue(1, 1);
  push(queue, 1, kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(1));
  EXPECT_FALSE(queue.cancel(1));
  EXPECT_FALSE(queue.reprioritise(1, kFill));
  EXPECT_FALSE(queue.cancel(99));
  push(queue, 2, kGuess);
  push(queue, 3, kNeeded);
  push(queue, 4, kNeeded);
  EXPECT_TRUE(queue.reprioritise(2, kNeeded));
  EXPECT_TRUE(queue.reprioritise(3, kNeeded)) << "which changes nothing";
  EXPECT_TRUE(queue.cancel(4));
  EXPECT_FALSE(queue.cancel(4));
  EXPECT_EQ(queue.n_waiting(), 2u);
  queue.end(kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(3));
  queue.end(kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(2));
  push(queue, 5, kFill);
  queue.clear();
  EXPECT_EQ(queue.n_waiting(), 0u);
  EXPECT_EQ(queue.n_under_way(), 1);
  push(queue, 5, kFill);
  queue.end(kNeeded);
  EXPECT_THAT(begin_all(queue), ElementsAre(5));
}

// The rules once more, on lists that are searched from the front each time.
class NaiveQueue {
 public:
  std::vector<std::pair<std::uint64_t, ReadUrgency>> waiting, under_way;

  [[nodiscard]] long count_under_way(ReadUrgency urgency) const {
    return std::count_if(under_way.begin(), under_way.end(),
                         [&](const auto& read) { return read.second == urgency; });
  }
  [[nodiscard]] auto most_urgent() {
    return std::min_element(waiting.begin(), waiting.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  [[nodiscard]] bool may_begin(ReadUrgency urgency, long depth, long guess_depth) const {
    const auto n_all = static_cast<long>(under_way.size());
    if (n_all >= depth) return false;
    if (urgency == kGuess) {
      return count_under_way(kNeeded) == 0 && count_under_way(kGuess) < guess_depth;
    }
    return urgency != kFill || (n_all < kFillDepth && count_under_way(kFill) == n_all);
  }
};

void compare_at_random(unsigned seed) {
  std::mt19937 random(seed);
  const int depth = 1 + static_cast<int>(random() % 8);
  const int guess_depth = 1 + static_cast<int>(random() % 3);
  ReadQueue queue(depth, guess_depth);
  NaiveQueue naive;
  for (std::uint64_t step = 0; step < 2000; ++step) {
    const auto urgency = static_cast<ReadUrgency>(random() % kReadUrgencies);
    const std::uint64_t tag = step - random() % (1 + std::min<std::uint64_t>(step, 30));
    const auto waiting = std::find_if(naive.waiting.begin(), naive.waiting.end(),
                                      [&](const auto& read) { return read.first == tag; });
    const bool waits = waiting != naive.waiting.end();
    switch (random() % 5) {
      case 0:
      case 1:
        push(queue, step, urgency);
        naive.waiting.emplace_back(step, urgency);
        break;
      case 2:
        ASSERT_EQ(queue.cancel(tag), waits);
        if (waits) naive.waiting.erase(waiting);
        break;
      case 3:
        ASSERT_EQ(queue.reprioritise(tag, urgency), waits);
        if (waits && waiting->second != urgency) {
          naive.waiting.erase(waiting);
          naive.waiting.emplace_back(tag, urgency);
        }
        break;
      default:
        if (naive.under_way.empty()) break;
        const auto ended = naive.under_way.begin() + random() % naive.under_way.size();
        queue.end(ended->second);
        naive.under_way.erase(ended);
    }
    while (const auto begun = queue.begin_next()) {
      const auto expected = naive.most_urgent();
      ASSERT_NE(expected, naive.waiting.end());
      ASSERT_EQ(begun->read.tag, expected->first);
      ASSERT_EQ(begun->urgency, expected->second);
      ASSERT_TRUE(naive.may_begin(begun->urgency, depth, guess_depth));
      naive.under_way.push_back(*expected);
      naive.waiting.erase(expected);
    }
    const auto next = naive.most_urgent();
    ASSERT_TRUE(next == naive.waiting.end() || !naive.may_begin(next->second, depth, guess_depth));
    ASSERT_EQ(queue.n_waiting(), naive.waiting.size());
    ASSERT_EQ(queue.n_under_way(), static_cast<int>(naive.under_way.size()));
  }
}

TEST(ReadQueue, DoesWhatANaiveOneDoes) {
  for (unsigned seed = 0; seed < 20; ++seed) compare_at_random(seed);
}

}  // namespace
}  // namespace jevons
