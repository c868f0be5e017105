#include "weights/frame_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

}  // namespace

FramePool::FramePool(std::size_t frame_bytes, int most_frames)
    : frame_bytes_(frame_bytes), most_frames_(most_frames) {
  used_.reserve(static_cast<std::size_t>(most_frames));
  fresh_.reserve(static_cast<std::size_t>(most_frames));
  for (int i = most_frames; i-- > 0;) fresh_.push_back(i);
  if (most_frames == 0) return;
  const std::size_t n_bytes = frame_bytes * static_cast<std::size_t>(most_frames);
  void* address = ::mmap(nullptr, n_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  JEVONS_CHECK(address != MAP_FAILED);
  memory_ = static_cast<std::byte*>(address);
  // Advice only. Frames smaller than a large page would share one, and could not be given back.
  if (frame_bytes >= kLargePage) ::madvise(address, n_bytes, MADV_HUGEPAGE);
}

FramePool::~FramePool() {
  if (memory_ == nullptr) return;
  ::munmap(memory_, frame_bytes_ * static_cast<std::size_t>(most_frames_));
}

FramePool::FramePool(FramePool&& other) noexcept
    : frame_bytes_(other.frame_bytes_),
      most_frames_(other.most_frames_),
      limit_(other.limit_),
      n_taken_(other.n_taken_),
      memory_(std::exchange(other.memory_, nullptr)),
      used_(std::move(other.used_)),
      fresh_(std::move(other.fresh_)) {}

void FramePool::release(int frame) const { ::madvise(data(frame), frame_bytes_, MADV_DONTNEED); }

int FramePool::take() {
  if (n_free() == 0) return -1;
  std::vector<int>& from = used_.empty() ? fresh_ : used_;
  const int frame = from.back();
  from.pop_back();
  ++n_taken_;
  return frame;
}

void FramePool::give_back(int frame) {
  JEVONS_CHECK(n_taken_ > 0);
  --n_taken_;
  if (n_taken_ + static_cast<int>(used_.size()) < limit_) {
    used_.push_back(frame);
    return;
  }
  release(frame);
  fresh_.push_back(frame);
}

void FramePool::set_limit(int n_frames) {
  limit_ = std::clamp(n_frames, 0, most_frames_);
  while (!used_.empty() && n_taken_ + static_cast<int>(used_.size()) > limit_) {
    release(used_.back());
    fresh_.push_back(used_.back());
    used_.pop_back();
  }
}

}  // namespace jevons
