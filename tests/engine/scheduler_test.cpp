#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>

namespace jevons {
namespace {

constexpr auto kInteractive = Priority::kInteractive;
constexpr auto kBackground = Priority::kBackground;

// A queue and some places: one admission and one end after the other, as the engine does it.
class Office {
 public:
  void add(Priority priority, const std::string& client) {
    const std::uint64_t arrival = clients_.size();
    clients_.push_back(client);
    waiting_.push_back({arrival, priority, clients_.back(), arrival});
  }
  /// The client that is admitted.
  std::string admit() {
    const auto index = next_to_admit(waiting_, admitted_, history_);
    if (!index) return "nobody";
    const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const auto& entry) { return entry.index == *index; });
    const std::string client(at->client);
    admitted_.push_back(*at);
    waiting_.erase(at);
    history_[client] = ++n_served_;
    return client;
  }
  void end_oldest() { admitted_.erase(admitted_.begin()); }

 private:
  std::deque<std::string> clients_;  // views into it stay valid
  std::vector<SchedulerEntry> waiting_, admitted_;
  ServiceHistory history_;
  std::uint64_t n_served_ = 0;
};

TEST(Scheduler, InteractiveWorkComesFirstWhenItCameLast) {
  Office office;
  office.add(kBackground, "batch");
  office.add(kBackground, "batch");
  office.add(kInteractive, "person");
  EXPECT_EQ(office.admit(), "person");
  EXPECT_EQ(office.admit(), "batch");
}

TEST(Scheduler, AClientWithManyRequestsTakesTurnsWithOneThatHasFew) {
  Office office;
  for (int i = 0; i < 50; ++i) office.add(kInteractive, "many");
  for (int i = 0; i < 3; ++i) office.add(kInteractive, "few");
  // Two places that become free one by one.
  std::vector<std::string> order = {office.admit(), office.admit()};
  for (int i = 0; i < 6; ++i) {
    office.end_oldest();
    order.push_back(office.admit());
  }
  EXPECT_EQ(std::count(order.begin(), order.begin() + 6, "few"), 3);
}

TEST(Scheduler, NoClientIsServedTwiceMoreThanAnotherThatWaits) {
  Office office;
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  for (std::size_t i = 0; i < 400; ++i) office.add(kInteractive, names[i < 250 ? 0 : i % 5]);
  std::map<std::string, int> served;
  for (int i = 0; i < 8; ++i) ++served[office.admit()];
  // While all clients have work waiting, places are shared evenly.
  for (int i = 0; i < 60; ++i) {
    office.end_oldest();
    ++served[office.admit()];
  }
  const auto [least, most] =
      std::minmax_element(served.begin(), served.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_EQ(served.size(), names.size());
  EXPECT_LE(most->second - least->second, 2);
}

TEST(Scheduler, WhoGaveItsPlaceUpIsBackBeforeNewOnesOfItsClass) {
  const std::vector<SchedulerEntry> waiting = {{0, kInteractive, "a", 1, false},
                                               {1, kInteractive, "b", 5, true},
                                               {2, kBackground, "c", 0, true}};
  EXPECT_EQ(next_to_admit(waiting, {}, {}), 1U);
}

TEST(Scheduler, TheYoungestBackgroundSequenceGivesUpItsPagesFirst) {
  std::vector<SchedulerEntry> holders = {{0, kInteractive, "a", 9},
                                         {1, kBackground, "b", 2},
                                         {2, kBackground, "b", 4},
                                         {3, kInteractive, "c", 1}};
  std::vector<std::size_t> order;
  while (const auto victim = next_to_preempt(holders)) {
    order.push_back(*victim);
    std::erase_if(holders, [&](const auto& entry) { return entry.index == *victim; });
  }
  EXPECT_EQ(order, (std::vector<std::size_t>{2, 1, 0, 3}));
}

int total(const std::vector<PromptShare>& shares) {
  return std::accumulate(shares.begin(), shares.end(), 0,
                         [](int sum, const PromptShare& share) { return sum + share.n_tokens; });
}

TEST(DivideSlice, UsesAllOfTheSliceAndNeverMoreThanIsLeft) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<PromptWork> prompts;
    int n_all = 0;
    const std::size_t n_prompts = random() % 6;
    for (std::size_t i = 0; i < n_prompts; ++i) {
      prompts.push_back({i, static_cast<int>(1 + random() % 300), random() % 1000});
      n_all += prompts.back().n_remaining;
    }
    const int n_slice = static_cast<int>(random() % 400);
    const auto shares = divide_slice(prompts, n_slice);
    EXPECT_EQ(total(shares), std::min(n_slice, n_all));
    for (const PromptShare& share : shares) {
      EXPECT_GE(share.n_tokens, 1);
      EXPECT_LE(share.n_tokens, prompts[share.index].n_remaining);
    }
  }
}

// The slices until each prompt is read, when all of them are there from the beginning.
std::vector<int> slices_until_read(std::vector<PromptWork> prompts, int n_slice) {
  std::vector<int> ends(prompts.size(), 0);
  for (int slice = 1; !prompts.empty(); ++slice) {
    for (const PromptShare& share : divide_slice(prompts, n_slice)) {
      const auto at = std::find_if(prompts.begin(), prompts.end(),
                                   [&](const auto& work) { return work.index == share.index; });
      at->n_remaining -= share.n_tokens;
      if (at->n_remaining > 0) continue;
      ends[share.index] = slice;
      prompts.erase(at);
    }
  }
  return ends;
}

TEST(DivideSlice, AShortPromptTakesAtMostTwiceAsLongAsAlone) {
  const auto ends = slices_until_read({{0, 20000, 1}, {1, 200, 2}}, 50);
  EXPECT_LE(ends[1], 2 * 200 / 50);
  EXPECT_EQ(ends[0], (20000 + 200) / 50);
}

TEST(DivideSlice, ALongPromptAdvancesByHalfHoweverManyShortOnesCome) {
  int n_left = 1000;
  int n_slices = 0;
  for (std::uint64_t arrival = 2; n_left > 0; ++arrival, ++n_slices) {
    // A new short prompt for each slice that would fill it alone.
    const std::vector<PromptWork> prompts = {{0, n_left, 1}, {1, 100, arrival}};
    for (const PromptShare& share : divide_slice(prompts, 100)) {
      if (share.index == 0) n_left -= share.n_tokens;
    }
  }
  EXPECT_LE(n_slices, 20);
}

}  // namespace
}  // namespace jevons
