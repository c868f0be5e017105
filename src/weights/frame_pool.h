// Memory for experts, in frames of one size. Pages are taken from the system when a frame is first
// written to, and given back when the limit falls. One thread at a time.
#pragma once

#include <cstddef>
#include <vector>

namespace jevons {

class FramePool {
 public:
  /// Reserves addresses, not memory, for `most_frames`; the limit is 0. frame_bytes: a multiple of
  /// the page size.
  FramePool(std::size_t frame_bytes, int most_frames);
  ~FramePool();
  FramePool(FramePool&& other) noexcept;
  FramePool& operator=(FramePool&&) = delete;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  /// A frame of whoever takes it, or -1 if `limit` are taken.
  [[nodiscard]] int take();
  void give_back(int frame);
  /// Frames that may be taken, at most as many as there are addresses for. Frames that are taken
  /// stay so: those beyond the limit give up their memory when they come back.
  void set_limit(int n_frames);

  [[nodiscard]] int limit() const { return limit_; }
  [[nodiscard]] int n_taken() const { return n_taken_; }
  /// That take() would give now.
  [[nodiscard]] int n_free() const { return limit_ > n_taken_ ? limit_ - n_taken_ : 0; }
  [[nodiscard]] std::size_t frame_bytes() const { return frame_bytes_; }
  [[nodiscard]] std::byte* data(int frame) const {
    return memory_ + frame_bytes_ * static_cast<std::size_t>(frame);
  }
  /// Memory that the system may be holding for the pool.
  [[nodiscard]] std::size_t held_bytes() const {
    return frame_bytes_ * (static_cast<std::size_t>(n_taken_) + used_.size());
  }

 private:
  void release(int frame) const;

  std::size_t frame_bytes_;
  int most_frames_;
  int limit_ = 0;
  int n_taken_ = 0;
  std::byte* memory_ = nullptr;
  std::vector<int> used_;   // free, and have memory
  std::vector<int> fresh_;  // free, and have none
};

}  // namespace jevons
