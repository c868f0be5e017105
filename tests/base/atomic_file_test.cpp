#include "base/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include "scratch_folder.h"

namespace jevons {
namespace {

namespace fs = std::filesystem;

std::size_t n_files(const ScratchFolder& folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder.path())) ++n;
  return n;
}

TEST(AtomicFile, CommitPutsTheWholeTextInPlace) {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  Result<AtomicFile> file = AtomicFile::create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("new "));
  ASSERT_TRUE(file->write("text"));
  EXPECT_EQ(file->position(), 8U);
  EXPECT_EQ(read_file(path).value(), "old");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(path).value(), "new text");
  EXPECT_EQ(n_files(folder), 1U);
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  {
    Result<AtomicFile> file = AtomicFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("half of it"));
    EXPECT_EQ(n_files(folder), 2U);
  }
  EXPECT_EQ(read_file(path).value(), "old");
  EXPECT_EQ(n_files(folder), 1U);
}

TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  ASSERT_TRUE(write_file_atomically(path, "old"));
  // A limit on file size stands in for the full disk: write() fails the same way.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<void> written = write_file_atomically(path, std::string(5000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, testing::HasSubstr(path));
  EXPECT_THAT(written.error().message, testing::HasSubstr("at byte 1000"));
  EXPECT_EQ(read_file(path).value(), "old");
  EXPECT_EQ(n_files(folder), 1U);
}

TEST(AtomicFile, HolesReadAsZeros) {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  Result<AtomicFile> file = AtomicFile::create(path);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("a"));
  ASSERT_TRUE(file->skip(3));
  ASSERT_TRUE(file->write("b"));
  ASSERT_TRUE(file->skip(2));
  EXPECT_EQ(file->position(), 7U);
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_file(path).value(), std::string("a\0\0\0b\0\0", 7));
}

TEST(AtomicFile, MovedFromFilesDoNothing) {
  const ScratchFolder folder;
  const std::string path = folder / "a";
  Result<AtomicFile> first = AtomicFile::create(path);
  ASSERT_TRUE(first);
  AtomicFile second = std::move(*first);
  ASSERT_TRUE(second.write("text"));
  ASSERT_TRUE(second.commit());
  EXPECT_EQ(read_file(path).value(), "text");
}

TEST(AtomicFile, ErrorsNameThePath) {
  const ScratchFolder folder;
  const std::string path = folder / "missing/a";
  const auto file = AtomicFile::create(path);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, testing::HasSubstr(path));
  EXPECT_THAT(file.error().message, testing::HasSubstr("No such file"));
  // A folder stands where the file should go: found out by the rename.
  ASSERT_TRUE(fs::create_directories(folder.path() / "taken" / "inside"));
  const auto taken = write_file_atomically(folder / "taken", "text");
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, testing::HasSubstr("taken"));
  EXPECT_EQ(n_files(folder), 1U);
}

TEST(ReadFile, RefusesFoldersMissingAndLargeFiles) {
  const ScratchFolder folder;
  EXPECT_THAT(read_file(folder.path().string()).error().message, testing::HasSubstr("folder"));
  EXPECT_THAT(read_file(folder / "none").error().message, testing::HasSubstr("No such file"));
  ASSERT_TRUE(write_file_atomically(folder / "a", std::string(100'000, 'x')));
  EXPECT_EQ(read_file(folder / "a").value().size(), 100'000U);
  EXPECT_THAT(read_file(folder / "a", 99'999).error().message, testing::HasSubstr("99999"));
}

}  // namespace
}  // namespace jevons
