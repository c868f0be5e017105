#include "weights/embedding_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "weights/model_file.h"

namespace jevons {

Result<EmbeddingFile> EmbeddingFile::open(const ModelFile& file, const Matrix& table) {
  const FilePlace place = file.place_of(table.data);
  EmbeddingFile opened;
  JEVONS_ASSIGN(opened.file_,
                open_disk_files({file.paths()[static_cast<std::size_t>(place.shard)]}, false));
  opened.offset_ = place.offset;
  opened.row_bytes_ = table.row_bytes;
  return opened;
}

Result<void> EmbeddingFile::read_rows(std::span<const std::int32_t> rows, std::byte* into) const {
  for (const std::int32_t row : rows) {
    JEVONS_TRY(read_row(row, into));
    into += row_bytes_;
  }
  return check_unchanged(file_.front());
}

Result<void> EmbeddingFile::read_row(std::int32_t row, std::byte* into) const {
  const DiskFile& file = file_.front();
  const std::uint64_t begin = offset_ + static_cast<std::uint64_t>(row) * row_bytes_;
  for (std::size_t done = 0; done < row_bytes_;) {
    const ssize_t n_bytes =
        ::pread(file.fd.get(), into + done, row_bytes_ - done, static_cast<off_t>(begin + done));
    if (n_bytes < 0 && errno == EINTR) continue;
    if (n_bytes < 0) {
      return fail("cannot read {} bytes at {} of {}: {}", row_bytes_ - done, begin + done,
                  file.path, std::strerror(errno));
    }
    if (n_bytes == 0) {
      return fail("{} ends at {}, in the middle of row {} of the embedding, which takes {} bytes",
                  file.path, begin + done, row, row_bytes_);
    }
    done += static_cast<std::size_t>(n_bytes);
  }
  return {};
}

}  // namespace jevons
