// The answers of the turn store on disk, so that conversations go on after a restart as before it.
//
// Records are added at the end by a thread of its own; whoever adds one never waits for the disk.
// When the file is full it becomes `path`.before, in place of the one before that, and a new one
// begins. Each record carries a checksum: what a crash tore or a disk changed is left out, with all
// that follows it, and a file of another model or version is begun anew; each with a line in the
// log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace jevons {

struct TurnRecord {
  std::string key{}, opening{}, reasoning{};
  std::vector<std::int32_t> ids{};
  bool operator==(const TurnRecord&) const = default;
};

/// Any thread; one process for a path.
class TurnFile {
 public:
  /// `max_bytes` of each of the two files. Appends to `records` what they hold, the oldest first.
  /// Errors: the file cannot be made or read.
  [[nodiscard]] static Result<std::unique_ptr<TurnFile>> open(const std::string& path,
                                                              std::string_view fingerprint,
                                                              std::uint64_t max_bytes,
                                                              std::vector<TurnRecord>& records);
  TurnFile(const TurnFile&) = delete;
  TurnFile& operator=(const TurnFile&) = delete;
  /// Writes what still waits.
  ~TurnFile();

  /// Returns at once. A record that the disk is too slow or too full for is lost.
  void append(const TurnRecord& record);
  /// Waits until all that was appended is written or lost, `timeout_ms` at most.
  void flush(double timeout_ms);

 private:
  struct State;
  explicit TurnFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
