// A file mapped read-only. Thread-safe once open. The mapping lives as long as the object.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace jevons {

class MappedFile {
 public:
  /// Errors name the path and the system's reason. An empty file maps to an empty span.
  [[nodiscard]] static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace jevons
