// Reads pieces of files into memory, many at once and past the page cache: io_uring where the
// kernel grants it, else a team of threads that read one piece each. Files may lie on several
// disks; each disk has a queue of its own depth, so that none waits for another.
//
// What is needed goes first: a read starts only while none of greater urgency waits for its disk,
// a guess only while nothing that is needed is under way there, a fill only while nothing else is.
//
// Thread: any may call; completions come on the reader's own threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace jevons {

/// From the most urgent to the least.
enum class ReadUrgency : std::uint8_t {
  kNeeded,  // somebody waits for it
  kAhead,   // will be needed soon, for certain or nearly so
  kGuess,   // may be needed soon: never under way beside a needed one when it starts
  kFill,    // may be needed some day: starts only while nothing else waits or is under way
};
inline constexpr int kReadUrgencies = 4;

/// Buffers and the file offsets that are really read are multiples of this. With large pages under
/// the buffers a read of 2.6 MB takes about 20 us of CPU time, else 100 to 300.
inline constexpr std::size_t kDirectAlignment = 4096;

/// Bytes that are read, and that the buffer must have, to get `n_bytes` at `offset`.
[[nodiscard]] constexpr std::size_t direct_bytes(std::uint64_t offset, std::size_t n_bytes) {
  const std::uint64_t begin = offset / kDirectAlignment * kDirectAlignment;
  const std::uint64_t end = (offset + n_bytes + kDirectAlignment - 1) / kDirectAlignment;
  return static_cast<std::size_t>(end * kDirectAlignment - begin);
}
/// Where in its buffer the byte at `offset` lies.
[[nodiscard]] constexpr std::size_t direct_slack(std::uint64_t offset) {
  return static_cast<std::size_t>(offset % kDirectAlignment);
}

struct DiskRead {
  std::uint64_t tag;  // the caller's; unique among the reads that have not ended
  int file;           // index of the path
  std::uint64_t offset;
  std::size_t n_bytes;  // at least 1, and inside the file as it was opened
  std::byte* buffer;    // [direct_bytes(offset, n_bytes)], aligned; the caller's until the end
};

struct DiskReaderOptions {
  int depth = 32;       // reads under way on each disk, at most
  int guess_depth = 8;  // of them guesses
  enum class Method : std::uint8_t { kAuto, kIoUring, kThreads } method = Method::kAuto;
  bool bypass_cache = true;  // where the file system can; else pages are dropped after each read
};

/// Since the reader was opened.
struct DiskReaderCounts {
  std::uint64_t n_reads = 0;  // that ended well
  std::uint64_t n_failed = 0;
  std::uint64_t n_bytes = 0;       // that were asked for
  std::uint64_t direct_bytes = 0;  // that were read for them
  double busy_seconds = 0;         // during which at least one read was under way
};

class DiskReader {
 public:
  /// Called once for each read that was neither cancelled nor dropped, on a thread of the reader
  /// that holds no lock of it; may call the reader. Other reads may have to wait for its return.
  /// The error names file, offset, what was wrong and what was expected.
  using Done = std::function<void(std::uint64_t tag, const Result<void>& result)>;

  /// Errors name the path and the system's reason.
  [[nodiscard]] static Result<std::unique_ptr<DiskReader>> open(
      const std::vector<std::string>& paths, const DiskReaderOptions& options, Done done);
  /// Drops what waits, without completion, and waits for what is under way and its completions;
  /// none comes after that. Not to be called by a completion.
  virtual ~DiskReader() = default;

  virtual void submit(const DiskRead& read, ReadUrgency urgency) = 0;
  /// Gives a read that still waits another urgency; others are left as they are.
  virtual void reprioritise(std::uint64_t tag, ReadUrgency urgency) = 0;
  /// True if the read had not begun: it never will, and no completion comes.
  virtual bool cancel(std::uint64_t tag) = 0;

  /// That no file was written to, cut or grew since it was opened. A few microseconds.
  [[nodiscard]] virtual Result<void> check_unchanged() const = 0;
  [[nodiscard]] virtual DiskReaderCounts counts() const = 0;
  /// "io_uring" or "threads", and whether the page cache is bypassed.
  [[nodiscard]] virtual const char* method() const = 0;
  [[nodiscard]] virtual bool is_direct() const = 0;
};

}  // namespace jevons
