#include "base/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>

#include "base/atomic_file.h"
#include "scratch_folder.h"

namespace jevons {
namespace {

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  const ScratchFolder folder;
  const std::string content(10'000, 'q');
  ASSERT_TRUE(write_file_atomically(folder / "a", content));
  const Result<MappedFile> file = MappedFile::open(folder / "a");
  ASSERT_TRUE(file);
  EXPECT_EQ(text_of(*file), content);
  EXPECT_EQ(file->path(), folder / "a");
}

TEST(MappedFile, OutlivesTheNameAndMoves) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", "one"));
  ASSERT_TRUE(write_file_atomically(folder / "b", "three"));
  MappedFile a = MappedFile::open(folder / "a").value();
  MappedFile b = MappedFile::open(folder / "b").value();
  std::filesystem::remove(folder / "a");
  MappedFile moved = std::move(a);
  EXPECT_EQ(text_of(moved), "one");
  b = std::move(moved);
  EXPECT_EQ(text_of(b), "one");
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a", ""));
  const Result<MappedFile> file = MappedFile::open(folder / "a");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, ErrorsNameThePathAndTheReason) {
  const ScratchFolder folder;
  const auto missing = MappedFile::open(folder / "none");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, testing::HasSubstr(folder / "none"));
  EXPECT_THAT(missing.error().message, testing::HasSubstr("No such file"));
  const auto directory = MappedFile::open(folder.path().string());
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().message, testing::HasSubstr("not a regular file"));
  EXPECT_THAT(MappedFile::open("/dev/null").error().message,
              testing::HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace jevons
