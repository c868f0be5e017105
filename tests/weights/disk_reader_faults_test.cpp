// Files that are not there, change or end too early, and systems that refuse direct reads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "disk_reads.h"
#include "tests/base/scratch_folder.h"
#include "weights/disk_files.h"
#include "weights/disk_reader.h"

namespace jevons {
namespace {

using enum ReadUrgency;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr std::size_t kFileBytes = 1 << 20;

using DiskReaderFaults = DiskReaderTest;
INSTANTIATE_TEST_SUITE_P(All, DiskReaderFaults, all_read_methods(), read_method_name);

std::string error_of_opening(const std::vector<std::string>& paths,
                             const DiskReaderOptions& options) {
  const auto reader = DiskReader::open(paths, options, [](std::uint64_t, const Result<void>&) {});
  return reader ? "no error" : reader.error().message;
}

TEST_P(DiskReaderFaults, WhatCannotBeOpenedIsAnError) {
  const ScratchFolder folder;
  write_random_file(folder / "f", 100, 1);
  EXPECT_EQ(error_of_opening({folder / "f", folder / "missing"}, options(4)),
            "cannot open " + folder / "missing" + ": No such file or directory");
  EXPECT_EQ(error_of_opening({folder.path()}, options(4)),
            folder.path().string() + " is not a regular file");
}

TEST_P(DiskReaderFaults, AFileThatBecameShorterIsAnErrorOfTheReadsBehindItsEnd) {
  const ScratchFolder folder;
  const std::string content = write_random_file(folder / "f", kFileBytes, 1);
  ReadLog log;
  const auto reader = open({folder / "f"}, 4, log.done());
  fs::resize_file(folder / "f", 500'123);
  const TestRead across(1, 0, 400'000, 200'000);
  const TestRead behind(2, 0, 700'000, 1'000);
  const TestRead before(3, 0, 400'000, 100'123);
  for (const TestRead* read : {&across, &behind, &before}) reader->submit(read->read(), kNeeded);
  log.wait_for(3);
  EXPECT_EQ(log.error_of(1), folder / "f" +
                                 ": read 100123 of 200000 bytes at offset 400000: the file is "
                                 "shorter than when it was opened (500123 bytes now, 1048576 "
                                 "then)");
  EXPECT_THAT(log.error_of(2), HasSubstr("read 0 of 1000 bytes at offset 700000"));
  EXPECT_EQ(log.error_of(3), "");
  EXPECT_TRUE(before.bytes() == content.substr(400'000, 100'123));
  EXPECT_EQ(reader->counts().n_failed, 2u);
  EXPECT_EQ(reader->counts().n_reads, 1u);
}

TEST_P(DiskReaderFaults, ChangesOfAFileAreNoticed) {
  const ScratchFolder folder;
  write_random_file(folder / "a", kFileBytes, 1);
  write_random_file(folder / "b", kFileBytes, 2);
  ReadLog log;
  const auto reader = open({folder / "a", folder / "b"}, 4, log.done());
  EXPECT_TRUE(reader->check_unchanged());
  struct stat status{};
  ASSERT_EQ(::stat((folder / "b").c_str(), &status), 0);
  // Written to within the clock's tick: only the nanoseconds differ.
  std::array<timespec, 2> times{status.st_atim, status.st_mtim};
  times[1].tv_nsec = (times[1].tv_nsec + 1) % 1'000'000'000;
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "b").c_str(), times.data(), 0), 0);
  const auto written = reader->check_unchanged();
  ASSERT_FALSE(written);
  EXPECT_THAT(
      written.error().message,
      HasSubstr(folder / "b" + " was changed while it was in use: it was last written to at "));
  fs::resize_file(folder / "a", kFileBytes + 1);
  const auto grown = reader->check_unchanged();
  ASSERT_FALSE(grown);
  EXPECT_EQ(grown.error().message, folder / "a" +
                                       " was changed while it was in use: it has 1048577 bytes, "
                                       "and had 1048576 when it was opened");
}

TEST_P(DiskReaderFaults, AFileThatIsReplacedIsStillTheOldOne) {
  const ScratchFolder folder;
  const std::string content = write_random_file(folder / "f", kFileBytes, 1);
  ReadLog log;
  const auto reader = open({folder / "f"}, 4, log.done());
  write_random_file(folder / "new", kFileBytes, 2);
  fs::rename(folder / "new", folder / "f");
  EXPECT_TRUE(reader->check_unchanged());
  const TestRead read(1, 0, 5'000, 5'000);
  reader->submit(read.read(), kNeeded);
  log.wait_for(1);
  EXPECT_TRUE(read.bytes() == content.substr(5'000, 5'000));
}

// One of the few large files that every kernel offers, on a file system without direct reads.
constexpr const char* kKernelFile = "/sys/kernel/btf/vmlinux";

TEST_P(DiskReaderFaults, SystemsWithoutDirectReadsAreReadThroughTheCache) {
  std::ifstream file(kKernelFile, std::ios::binary);
  if (!file) GTEST_SKIP() << "there is no " << kKernelFile;
  const std::string content(std::istreambuf_iterator<char>(file), {});
  ASSERT_GT(content.size(), 500'000u);
  const ScratchFolder folder;
  const std::string other_content = write_random_file(folder / "f", kFileBytes, 1);
  ReadLog log;
  const auto reader = open({folder / "f", kKernelFile}, 4, log.done());
  EXPECT_FALSE(reader->is_direct());
  const TestRead read(1, 1, 100'001, 300'000);
  const TestRead other_read(2, 0, 100'001, 300'000);
  reader->submit(read.read(), kNeeded);
  reader->submit(other_read.read(), kNeeded);
  log.wait_for(2);
  EXPECT_EQ(log.error_of(1), "");
  EXPECT_TRUE(read.bytes() == content.substr(100'001, 300'000));
  EXPECT_TRUE(other_read.bytes() == other_content.substr(100'001, 300'000));
}

TEST(DiskFiles, ThoseOfOneDeviceShareADisk) {
  if (!fs::exists(kKernelFile)) GTEST_SKIP() << "there is no " << kKernelFile;
  const ScratchFolder folder;
  for (const char* name : {"a", "b"}) write_random_file(folder / name, 100, 1);
  const auto files = open_disk_files({folder / "a", kKernelFile, folder / "b"}, true);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(count_disks(*files), 2);
  EXPECT_EQ((*files)[0].disk, 0);
  EXPECT_EQ((*files)[1].disk, 1);
  EXPECT_EQ((*files)[2].disk, 0);
  EXPECT_EQ((*files)[2].n_bytes, 100u);
  EXPECT_FALSE((*files)[1].is_direct);
}

// From now on, and for this thread and those that it starts, the system answers io_uring_setup with
// that errno, as containers do. False if it does not let itself be told.
bool refuse_io_uring(int error) {
  std::array<sock_filter, 4> program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

void read_without_io_uring(int error) {
  if (!refuse_io_uring(error)) GTEST_SKIP() << "seccomp filters cannot be set here";
  const ScratchFolder folder;
  const std::string content = write_random_file(folder / "f", kFileBytes, 1);
  DiskReaderOptions options;
  options.method = DiskReaderOptions::Method::kIoUring;
  EXPECT_EQ(error_of_opening({folder / "f"}, options),
            fmt::format("the system refuses io_uring for {} reads at once: {}", options.depth,
                        std::strerror(error)));
  options.method = DiskReaderOptions::Method::kAuto;
  ReadLog log;
  const auto reader = DiskReader::open({folder / "f"}, options, log.done());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_STREQ((*reader)->method(), "threads");
  const TestRead read(1, 0, 5'000, 5'000);
  (*reader)->submit(read.read(), kNeeded);
  log.wait_for(1);
  EXPECT_TRUE(read.bytes() == content.substr(5'000, 5'000));
}

TEST(DiskReader, ThreadsReadWhereTheSystemRefusesIoUring) {
  for (const int error : {ENOSYS, EPERM}) std::thread(read_without_io_uring, error).join();
}

TEST(DiskReader, ARingTooLargeForTheSystemIsAnError) {
  const ScratchFolder folder;
  write_random_file(folder / "f", kFileBytes, 1);
  DiskReaderOptions options;
  options.depth = 100'000;
  options.method = DiskReaderOptions::Method::kIoUring;
  EXPECT_THAT(error_of_opening({folder / "f"}, options),
              HasSubstr("the system refuses io_uring for 100000 reads at once: "));
}

}  // namespace
}  // namespace jevons
