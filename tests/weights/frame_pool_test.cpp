#include "weights/frame_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace jevons {
namespace {

constexpr std::size_t kFrame = 8192;

TEST(FramePool, GivesAsManyAsItsLimitAndNoTwoAlike) {
  FramePool pool(kFrame, 5);
  EXPECT_EQ(pool.take(), -1);
  pool.set_limit(3);
  std::vector<int> frames;
  for (int frame = pool.take(); frame >= 0; frame = pool.take()) frames.push_back(frame);
  ASSERT_EQ(frames.size(), 3U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    std::memset(pool.data(frames[i]), static_cast<int>(i) + 1, kFrame);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(pool.data(frames[i])[kFrame - 1], static_cast<std::byte>(i + 1));
  }
}

TEST(FramePool, ALowerLimitTakesMemoryBackWhenFramesComeBack) {
  FramePool pool(kFrame, 4);
  pool.set_limit(4);
  std::vector<int> frames;
  for (int i = 0; i < 4; ++i) frames.push_back(pool.take());
  std::memset(pool.data(frames[0]), 7, kFrame);
  pool.set_limit(2);
  EXPECT_EQ(pool.n_free(), 0);
  EXPECT_EQ(pool.held_bytes(), 4 * kFrame);
  pool.give_back(frames[0]);
  // Given back to the system: reads as zero.
  EXPECT_EQ(pool.data(frames[0])[0], std::byte{0});
  pool.give_back(frames[1]);
  EXPECT_EQ(pool.held_bytes(), 2 * kFrame);
  EXPECT_EQ(pool.take(), -1);
  pool.give_back(frames[2]);
  EXPECT_EQ(pool.n_free(), 1);
  EXPECT_EQ(pool.held_bytes(), 2 * kFrame);
  pool.set_limit(0);
  EXPECT_EQ(pool.held_bytes(), kFrame);
  pool.set_limit(100);
  EXPECT_EQ(pool.limit(), 4);
  EXPECT_EQ(pool.n_free(), 3);
}

}  // namespace
}  // namespace jevons
