// Writes a file beside its final place and moves it there when it is whole and on disk, so that a
// crash at any moment leaves either the old file or the new one. One thread at a time.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace jevons {

class AtomicFile {
 public:
  /// Creates `path`.partial-<pid>; the file at `path` is untouched until commit(). `mode`: who may
  /// read and write it, less the process's umask.
  [[nodiscard]] static Result<AtomicFile> create(const std::string& path, ::mode_t mode = 0644);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Removes what was written if commit() was not reached.
  ~AtomicFile();

  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
  [[nodiscard]] Result<void> write(std::string_view text);
  /// Moves the end of the file forward over a hole: reads as zeros, takes no disk.
  [[nodiscard]] Result<void> skip(std::uint64_t n_bytes);
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Flushes to disk and renames over `path`. Nothing may be written afterwards.
  [[nodiscard]] Result<void> commit();

 private:
  AtomicFile() = default;
  std::string path_, partial_path_;
  int fd_ = -1;
  std::uint64_t position_ = 0;
};

/// The whole of `text` to `path`, atomically.
[[nodiscard]] Result<void> write_file_atomically(const std::string& path, std::string_view text,
                                                 ::mode_t mode = 0644);

/// The whole of a small file. Errors name the path; refuses files over `max_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::string& path,
                                            std::uint64_t max_bytes = std::uint64_t{1} << 32);

}  // namespace jevons
