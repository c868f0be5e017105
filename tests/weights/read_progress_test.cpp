#include "weights/read_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace jevons {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kOffset = 10'000;  // 1,808 bytes behind a multiple of the alignment
constexpr std::size_t kBytes = 20'000;

struct Fixture {
  DiskFile file;
  std::vector<std::byte> buffer = std::vector<std::byte>(direct_bytes(kOffset, kBytes));
  ReadProgress progress{
      {.tag = 1, .file = 0, .offset = kOffset, .n_bytes = kBytes, .buffer = buffer.data()},
      ReadUrgency::kNeeded};

  Fixture() {
    file.path = "weights.gguf";
    file.n_bytes = 100'000;
  }
};

TEST(ReadProgress, AsksForAnAlignedStretchAroundTheBytes) {
  Fixture f;
  EXPECT_EQ(f.progress.next_offset(), 8192u);
  EXPECT_EQ(f.progress.next_bytes(), 24'576u);
  EXPECT_EQ(f.progress.next_buffer(), f.buffer.data());
  const auto result = f.progress.note(24'576, f.file);
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result);
  EXPECT_EQ(f.progress.n_bytes_read(), 24'576u);
}

TEST(ReadProgress, EndsWithTheLastByteThatWasAskedFor) {
  Fixture f;
  EXPECT_FALSE(f.progress.note(1808 + 19'999, f.file));
  // Goes on from the last multiple of the alignment.
  EXPECT_EQ(f.progress.next_offset(), 8192u + 20'480);
  EXPECT_EQ(f.progress.next_buffer(), f.buffer.data() + 20'480);
  EXPECT_EQ(f.progress.next_bytes(), 4096u);
  const auto result = f.progress.note(1328, f.file);
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result);
}

TEST(ReadProgress, LargeReadsAreDoneInPieces) {
  ReadProgress progress(
      {.tag = 1, .file = 0, .offset = 0, .n_bytes = std::size_t{5} << 30, .buffer = nullptr},
      ReadUrgency::kFill);
  EXPECT_EQ(progress.next_bytes(), 1u << 30);
  const DiskFile file;
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(progress.note(1 << 30, file));
  EXPECT_EQ(progress.next_offset(), std::uint64_t{4} << 30);
  EXPECT_TRUE(progress.note(1 << 30, file));
}

TEST(ReadProgress, InterruptedReadsAreTriedAgainButNotForEver) {
  Fixture f;
  EXPECT_FALSE(f.progress.note(-EINTR, f.file));
  EXPECT_FALSE(f.progress.note(8192, f.file));
  int n_retries = 0;
  while (!f.progress.note(-EAGAIN, f.file)) ASSERT_LT(++n_retries, 10'000);
  EXPECT_EQ(n_retries, 1000);
  EXPECT_EQ(f.progress.next_offset(), 16'384u);
}

TEST(ReadProgress, ErrorsNameFilePlaceAndReason) {
  Fixture f;
  const auto result = f.progress.note(-EIO, f.file);
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(
      result->error().message,
      std::string("weights.gguf: cannot read 20000 bytes at offset 10000: ") + std::strerror(EIO));
}

TEST(ReadProgress, AnEndOfTheFileIsAnError) {
  Fixture f;
  EXPECT_FALSE(f.progress.note(1808 + 300, f.file));
  const auto result = f.progress.note(1808 + 300, f.file);
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_THAT(result->error().message,
              HasSubstr("weights.gguf: read 300 of 20000 bytes at offset 10000: "));
  // Also if it lies before the first byte that was asked for.
  Fixture empty;
  const auto nothing = empty.progress.note(0, empty.file);
  ASSERT_TRUE(nothing);
  ASSERT_FALSE(*nothing);
  EXPECT_THAT(nothing->error().message, HasSubstr("read 0 of 20000 bytes"));
}

}  // namespace
}  // namespace jevons
