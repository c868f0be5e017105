// For tests of the disk reader: files of random bytes, aligned buffers, and what came back.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "weights/disk_reader.h"

namespace jevons {

/// Writes a file of random bytes and returns them.
inline std::string write_random_file(const std::string& path, std::size_t n_bytes, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(n_bytes, '\0');
  for (std::size_t i = 0; i < n_bytes; i += sizeof(std::uint64_t)) {
    const std::uint64_t value = random();
    std::memcpy(bytes.data() + i, &value, std::min(sizeof value, n_bytes - i));
  }
  std::ofstream(path, std::ios::binary) << bytes;
  return bytes;
}

/// One read and the buffer that belongs to it.
class TestRead {
 public:
  TestRead(std::uint64_t tag, int file, std::uint64_t offset, std::size_t n_bytes)
      : buffer_(static_cast<std::byte*>(
            ::operator new(direct_bytes(offset, n_bytes), std::align_val_t(kDirectAlignment)))),
        read_{tag, file, offset, n_bytes, buffer_.get()} {}

  [[nodiscard]] const DiskRead& read() const { return read_; }
  [[nodiscard]] std::string bytes() const {
    const std::byte* const begin = buffer_.get() + direct_slack(read_.offset);
    return {reinterpret_cast<const char*>(begin), read_.n_bytes};
  }

 private:
  struct Free {
    void operator()(std::byte* buffer) const {
      ::operator delete(buffer, std::align_val_t(kDirectAlignment));
    }
  };
  std::unique_ptr<std::byte, Free> buffer_;
  DiskRead read_;
};

/// What a reader told: each tag once, with an empty text or an error.
class ReadLog {
 public:
  [[nodiscard]] DiskReader::Done done() {
    return [this](std::uint64_t tag, const Result<void>& result) {
      const std::scoped_lock lock(mutex_);
      EXPECT_TRUE(errors_.emplace(tag, result ? "" : result.error().message).second) << tag;
      order_.push_back(tag);
      came_.notify_all();
    };
  }
  void wait_for(std::size_t n_reads) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return order_.size() >= n_reads; });
  }
  [[nodiscard]] std::vector<std::uint64_t> order() const {
    const std::scoped_lock lock(mutex_);
    return order_;
  }
  [[nodiscard]] std::string error_of(std::uint64_t tag) const {
    const std::scoped_lock lock(mutex_);
    const auto found = errors_.find(tag);
    return found == errors_.end() ? "no completion" : found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::uint64_t> order_;
  std::map<std::uint64_t, std::string> errors_;
};

/// Holds up whoever passes it first until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    is_reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_reached_; });
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_reached_ = false, is_open_ = false;
};

/// Each way of reading that this machine allows.
struct ReadMethod {
  DiskReaderOptions::Method method;
  bool bypass_cache;
  const char* name;
};

class DiskReaderTest : public testing::TestWithParam<ReadMethod> {
 protected:
  void SetUp() override {
    const auto reader = DiskReader::open({}, options(1), [](std::uint64_t, const Result<void>&) {});
    // Containers often forbid it.
    if (!reader) GTEST_SKIP() << reader.error().message;
  }
  [[nodiscard]] static DiskReaderOptions options(int depth) {
    DiskReaderOptions options;
    options.depth = depth;
    options.method = GetParam().method;
    options.bypass_cache = GetParam().bypass_cache;
    return options;
  }
  [[nodiscard]] static std::unique_ptr<DiskReader> open(const std::vector<std::string>& paths,
                                                        int depth, DiskReader::Done done) {
    auto reader = DiskReader::open(paths, options(depth), std::move(done));
    EXPECT_TRUE(reader) << reader.error().message;
    return std::move(*reader);
  }
};

inline auto all_read_methods() {
  using Method = DiskReaderOptions::Method;
  return testing::Values(ReadMethod{Method::kIoUring, true, "IoUring"},
                         ReadMethod{Method::kThreads, true, "Threads"},
                         ReadMethod{Method::kIoUring, false, "IoUringCached"},
                         ReadMethod{Method::kThreads, false, "ThreadsCached"});
}
inline std::string read_method_name(const testing::TestParamInfo<ReadMethod>& info) {
  return info.param.name;
}

}  // namespace jevons
