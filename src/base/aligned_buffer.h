// Memory for arithmetic: 64-byte aligned, not initialised, on large pages where the kernel grants
// them. Owned by one object; moving it leaves the source empty.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace jevons {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// Ends the program if the system has no memory left: sizes are planned before work starts.
  explicit AlignedBuffer(std::size_t n_bytes);
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(n_bytes_, other.n_bytes_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer();

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size_bytes() const { return n_bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t n_bytes_ = 0;
};

/// [n_rows][n_columns] floats, each row 64-byte aligned.
class FloatRows {
 public:
  FloatRows() = default;
  FloatRows(std::size_t n_rows, std::size_t n_columns)
      : stride_((n_columns + 15) / 16 * 16), buffer_(n_rows * stride_ * sizeof(float)) {}
  [[nodiscard]] float* row(std::size_t i) const {
    return reinterpret_cast<float*>(buffer_.data()) + i * stride_;
  }

 private:
  std::size_t stride_ = 0;
  AlignedBuffer buffer_;
};

}  // namespace jevons
