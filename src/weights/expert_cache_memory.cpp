// The cache's memory between passes: growing, shrinking, filling, and what others see of it.
#include <algorithm>
#include <numeric>

#include "weights/expert_cache.h"

namespace jevons {

void ExpertCache::set_memory(std::uint64_t n_bytes) {
  const std::lock_guard lock(mutex_);
  if (n_bytes == memory_bytes_ || !plan(n_bytes)) return;
  for (int layer = 0; layer < layout_.n_layers(); ++layer) {
    choose_kept(layer, {});
  }
  next_fill_ = 0;
  pump();
}

std::uint64_t ExpertCache::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return memory_bytes_;
}

std::uint64_t ExpertCache::held_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t n_bytes = 0;
  for (const FramePool& frames : pools_) n_bytes += frames.held_bytes();
  return n_bytes;
}

void ExpertCache::find_absent(int layer, std::span<const int> experts,
                              std::vector<int>& absent) const {
  const std::lock_guard lock(mutex_);
  absent.clear();
  for (const int expert : experts) {
    if (entries_[index(layer, expert)].phase == Phase::kAbsent) absent.push_back(expert);
  }
}

double ExpertCache::resident_share() const {
  const std::lock_guard lock(mutex_);
  std::size_t n_members = 0;
  for (const auto& members : members_) n_members += members.size();
  return static_cast<double>(n_members) / static_cast<double>(entries_.size());
}

int ExpertCache::quota() const {
  const std::lock_guard lock(mutex_);
  return quota_;
}

ExpertCacheCounts ExpertCache::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

double ExpertCache::waiting_since_seconds() const {
  const std::lock_guard lock(mutex_);
  if (!waiting_since_) return 0;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - *waiting_since_).count();
}

std::vector<float> ExpertCache::popularity() const {
  const std::lock_guard lock(mutex_);
  return policy_.export_popularity();
}

Result<void> ExpertCache::import_popularity(std::span<const float> popularity) {
  const std::lock_guard lock(mutex_);
  return policy_.import_popularity(popularity);
}

void ExpertCache::start_filling() {
  const std::lock_guard lock(mutex_);
  fill_order_.resize(entries_.size());
  std::iota(fill_order_.begin(), fill_order_.end(), 0);
  const auto score = [&](int place) {
    return policy_.score(place / layout_.n_experts(), place % layout_.n_experts());
  };
  // Equals in the order of the file.
  std::sort(fill_order_.begin(), fill_order_.end(), [&](int a, int b) {
    const float of_a = score(a);
    const float of_b = score(b);
    return of_a != of_b ? of_a > of_b : a < b;
  });
  next_fill_ = 0;
  pump();
}

bool ExpertCache::is_filling() const {
  const std::lock_guard lock(mutex_);
  return n_filling_ > 0;
}

}  // namespace jevons
