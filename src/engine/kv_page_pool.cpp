#include "engine/kv_page_pool.h"

#include <mutex>
#include <utility>
#include <vector>

namespace jevons {

struct KvPagePool::State {
  const std::size_t page_bytes;
  const int n_pages;
  mutable std::mutex mutex{};
  int n_held = 0;
  std::vector<std::unique_ptr<AlignedBuffer>> unused{};  // made before, held by nobody

  void give_back(std::unique_ptr<AlignedBuffer> buffer) {
    const std::lock_guard lock(mutex);
    --n_held;
    unused.push_back(std::move(buffer));
  }
};

KvPagePool::KvPagePool(std::size_t page_bytes, int n_pages)
    : state_(new State{page_bytes, n_pages}) {
  state_->unused.reserve(static_cast<std::size_t>(n_pages));
}

KvPage KvPagePool::acquire() {
  std::unique_ptr<AlignedBuffer> buffer;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->n_held == state_->n_pages) return nullptr;
    ++state_->n_held;
    if (!state_->unused.empty()) {
      buffer = std::move(state_->unused.back());
      state_->unused.pop_back();
    }
  }
  if (!buffer) buffer = std::make_unique<AlignedBuffer>(state_->page_bytes);
  return {buffer.release(), [state = state_](AlignedBuffer* page) {
            state->give_back(std::unique_ptr<AlignedBuffer>(page));
          }};
}

std::size_t KvPagePool::page_bytes() const { return state_->page_bytes; }
int KvPagePool::n_pages() const { return state_->n_pages; }
int KvPagePool::n_free() const {
  const std::lock_guard lock(state_->mutex);
  return state_->n_pages - state_->n_held;
}

}  // namespace jevons
