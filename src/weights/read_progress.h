// A read on its way: which bytes are still to come, and what the system's answers mean. Knows no
// method of reading. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "weights/disk_files.h"
#include "weights/disk_reader.h"

namespace jevons {

class ReadProgress {
 public:
  ReadProgress() = default;
  ReadProgress(const DiskRead& read, ReadUrgency urgency) : read_(read), urgency_(urgency) {}

  [[nodiscard]] const DiskRead& read() const { return read_; }
  [[nodiscard]] ReadUrgency urgency() const { return urgency_; }
  /// That have come, with what lies around the bytes that were asked for.
  [[nodiscard]] std::size_t n_bytes_read() const { return n_read_; }

  /// What to ask the system for; offset, length and buffer are aligned.
  [[nodiscard]] std::uint64_t next_offset() const { return first_offset() + next_from(); }
  [[nodiscard]] std::byte* next_buffer() const { return read_.buffer + next_from(); }
  [[nodiscard]] std::uint32_t next_bytes() const;

  /// Takes the system's answer: a number of bytes, or an errno below 0. Nothing as long as there is
  /// more to ask for, else how the read ended.
  [[nodiscard]] std::optional<Result<void>> note(std::int64_t answer, const DiskFile& file);

  /// The whole stretch of the file that is read.
  [[nodiscard]] std::uint64_t first_offset() const {
    return read_.offset - direct_slack(read_.offset);
  }
  [[nodiscard]] std::size_t all_bytes() const { return direct_bytes(read_.offset, read_.n_bytes); }

 private:
  // A direct read may stop anywhere and begin only at multiples of the alignment.
  [[nodiscard]] std::size_t next_from() const {
    return n_read_ / kDirectAlignment * kDirectAlignment;
  }
  [[nodiscard]] Result<void> end_of_file(const DiskFile& file) const;

  DiskRead read_{};
  ReadUrgency urgency_{};
  std::size_t n_read_ = 0;
  int n_retries_ = 0;
};

}  // namespace jevons
