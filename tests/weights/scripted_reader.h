// A DiskReader that does as the test says: reads end when they are told to, well or badly, and what
// they bring is a pattern of file and offset.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "weights/disk_reader.h"

namespace jevons::testing {

inline std::byte pattern(int file, std::uint64_t offset) {
  return static_cast<std::byte>((offset * 2654435761U + static_cast<unsigned>(file) * 97U) >> 13);
}

class ScriptedReader final : public DiskReader {
 public:
  struct Waiting {
    DiskRead read;
    ReadUrgency urgency;
  };

  explicit ScriptedReader(Done done) : done_(std::move(done)) {}

  void submit(const DiskRead& read, ReadUrgency urgency) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({read, urgency});
  }
  void reprioritise(std::uint64_t tag, ReadUrgency urgency) override {
    const std::lock_guard lock(mutex_);
    for (Waiting& waiting : waiting_) {
      if (waiting.read.tag == tag) waiting.urgency = urgency;
    }
  }
  bool cancel(std::uint64_t tag) override {
    const std::lock_guard lock(mutex_);
    return !under_way_ &&
           std::erase_if(waiting_, [&](const Waiting& w) { return w.read.tag == tag; }) > 0;
  }
  [[nodiscard]] Result<void> check_unchanged() const override {
    if (has_changed_) return fail("model.gguf was written to");
    return {};
  }
  [[nodiscard]] DiskReaderCounts counts() const override { return {}; }
  [[nodiscard]] const char* method() const override { return "scripted"; }
  [[nodiscard]] bool is_direct() const override { return true; }

  void change_file() { has_changed_ = true; }
  /// From now on what is read is not what was read before.
  void spoil() { spoiled_ = std::byte{1}; }
  /// From now on cancel() comes too late for every read.
  void set_under_way(bool under_way) { under_way_ = under_way; }

  [[nodiscard]] std::deque<Waiting> waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

  /// Ends the most urgent read that came first. False if none waits.
  bool finish_one(const Result<void>& result = {}) {
    Waiting next{};
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return false;
      const auto first =
          std::min_element(waiting_.begin(), waiting_.end(),
                           [](const auto& a, const auto& b) { return a.urgency < b.urgency; });
      next = *first;
      waiting_.erase(first);
    }
    const std::uint64_t begin = next.read.offset - direct_slack(next.read.offset);
    for (std::size_t i = 0; i < direct_bytes(next.read.offset, next.read.n_bytes); ++i) {
      next.read.buffer[i] = pattern(next.read.file, begin + i) ^ spoiled_;
    }
    done_(next.read.tag, result);
    return true;
  }
  void finish_all() {
    while (finish_one()) {
    }
  }

 private:
  Done done_;
  mutable std::mutex mutex_;
  std::deque<Waiting> waiting_;
  std::atomic<bool> under_way_ = false;
  bool has_changed_ = false;
  std::byte spoiled_{0};
};

}  // namespace jevons::testing
