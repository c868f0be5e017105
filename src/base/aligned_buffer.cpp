#include "base/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>

#include "base/check.h"

namespace jevons {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t n_bytes) : n_bytes_(n_bytes) {
  if (n_bytes == 0) return;
  const std::size_t alignment = n_bytes >= kLargePage ? kLargePage : kAlignment;
  const std::size_t rounded = (n_bytes + alignment - 1) / alignment * alignment;
  data_ = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  JEVONS_CHECK(data_ != nullptr);
  // Advice only: where it is refused the memory works all the same.
  if (alignment == kLargePage) ::madvise(data_, rounded, MADV_HUGEPAGE);
}

AlignedBuffer::~AlignedBuffer() { std::free(data_); }

}  // namespace jevons
