// The embedding table of a model that is larger than memory, read row by row as tokens want them: a
// token reads one row, so the table is not worth half a gigabyte. Rows that come often stay in the
// system's page cache, which gives them up when memory is short.
//
// Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "weights/disk_files.h"
#include "weights/m2_weights.h"

namespace jevons {

class ModelFile;

class EmbeddingFile {
 public:
  /// `table` is a view into `file`. Errors name the path and the system's reason.
  [[nodiscard]] static Result<EmbeddingFile> open(const ModelFile& file, const Matrix& table);

  /// into: [rows][row_bytes of the table]; each row: 0 to the table's height. Errors: the file was
  /// changed or cut since it was opened, or could not be read.
  [[nodiscard]] Result<void> read_rows(std::span<const std::int32_t> rows, std::byte* into) const;

 private:
  [[nodiscard]] Result<void> read_row(std::int32_t row, std::byte* into) const;

  std::vector<DiskFile> file_;  // the one that has the table
  std::uint64_t offset_ = 0;
  std::size_t row_bytes_ = 0;
};

}  // namespace jevons
