#include "weights/expert_cache.h"

#include <xxhash.h>

#include <algorithm>

#include "base/check.h"
#include "base/memory_info.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kLeastFrames = 2;  // of each kind
constexpr int kMostFills = 4;
// Experts that are computed in one go. A long prompt frees a frame only when the go is over.
constexpr std::size_t kMostAtOnce = 8;
constexpr auto kLookForAbandon = std::chrono::milliseconds(5);

// No more pieces of an expert than can be told apart.
std::size_t piece_bytes_for(const ExpertLayout& layout, std::size_t wanted) {
  constexpr std::size_t kMost = 512;
  std::size_t piece_bytes = wanted;
  for (const FrameClass& c : layout.classes()) {
    while (c.frame_bytes / piece_bytes > kMost) piece_bytes *= 2;
  }
  return piece_bytes;
}

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

}  // namespace

ExpertCache::ExpertCache(const ExpertLayout& layout, const ExpertCacheOptions& options, int n_used)
    : layout_(layout),
      options_(options),
      n_used_(n_used),
      piece_bytes_(piece_bytes_for(layout, options.piece_bytes)),
      policy_(layout.n_layers(), layout.n_experts()),
      members_(static_cast<std::size_t>(layout.n_layers())) {
  const auto n_experts = static_cast<std::size_t>(layout_.n_experts());
  entries_.resize(members_.size() * n_experts);
  if (options_.verify) checksums_.resize(entries_.size());
  for (auto* list : {&missing_, &ready_, &handed_}) list->reserve(n_experts);
  ranking_.reserve(n_experts);
  wishes_.reserve(4 * n_experts);
  for (auto& members : members_) members.reserve(n_experts);
  for (const FrameClass& c : layout_.classes()) {
    pools_.emplace_back(c.frame_bytes, c.n_layers * layout_.n_experts() + options_.transit_frames);
  }
}

Result<std::unique_ptr<ExpertCache>> ExpertCache::open(const ExpertLayout& layout,
                                                       const ExpertCacheOptions& options,
                                                       int n_used, const OpenReader& open_reader) {
  std::unique_ptr<ExpertCache> cache(new ExpertCache(layout, options, n_used));
  JEVONS_TRY(cache->plan(options.memory_bytes));
  JEVONS_ASSIGN(cache->reader_,
                open_reader([c = cache.get()](std::uint64_t tag, const Result<void>& result) {
                  c->finished_read(tag, result);
                }));
  return cache;
}

ExpertCache::~ExpertCache() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  // Reads that are under way still end, and must not begin others: the reader's threads are gone
  // before anything that they use.
  reader_.reset();
}

// Divides memory: the same number of experts for each layer, and frames in transit.
Result<void> ExpertCache::plan(std::uint64_t memory_bytes) {
  std::uint64_t of_each_layer = 0;  // one expert of each layer
  std::uint64_t of_each_class = 0;
  for (const FrameClass& c : layout_.classes()) {
    of_each_layer += c.frame_bytes * static_cast<std::uint64_t>(c.n_layers);
    of_each_class += c.frame_bytes;
  }
  const auto n_experts = static_cast<std::uint64_t>(layout_.n_experts());
  const std::uint64_t transit =
      std::clamp(memory_bytes / of_each_class / 2, kLeastFrames,
                 std::max(kLeastFrames, static_cast<std::uint64_t>(options_.transit_frames)));
  if (memory_bytes / of_each_class < kLeastFrames) {
    return fail("{} of memory for experts do not hold the least, {} at once: {}",
                memory_text(memory_bytes), kLeastFrames, memory_text(of_each_class * kLeastFrames));
  }
  memory_bytes_ = memory_bytes;
  n_transit_ = static_cast<int>(transit);
  quota_ = static_cast<int>(
      std::min(n_experts, (memory_bytes - transit * of_each_class) / of_each_layer));
  if (memory_bytes / of_each_layer >= n_experts) {
    quota_ = layout_.n_experts();
    n_transit_ = 0;
  }
  for (std::size_t c = 0; c < pools_.size(); ++c) {
    pools_[c].set_limit(quota_ * layout_.classes()[c].n_layers + n_transit_);
  }
  return {};
}

void ExpertCache::begin(int layer, int n_tokens, std::span<const ExpertUse> used) {
  const std::lock_guard lock(mutex_);
  JEVONS_CHECK(layer_ < 0 && n_awaited_ == 0);
  layer_ = layer;
  policy_.note_pass(layer, n_tokens, used);
  std::erase_if(wishes_, [&](const Wish& wish) { return wish.layer == layer; });
  missing_.clear();
  next_missing_ = 0;
  ready_.clear();
  n_awaited_ = used.size();
  if (const auto ok = check_files(); !ok) fail_pass(ok.error());
  counts_.n_needed += used.size();
  for (const ExpertUse& use : used) need(layer, use.expert);
  choose_kept(layer, used);
  withdraw_wrong_guesses(layer);
  pump();
}

// What was read of a file that has changed since does not belong to what is read now.
Result<void> ExpertCache::check_files() {
  constexpr auto kInterval = std::chrono::seconds(1);
  const Clock::time_point now = Clock::now();
  if (now - files_checked_ < kInterval) return {};
  JEVONS_TRY(reader_->check_unchanged());
  files_checked_ = now;
  return {};
}

void ExpertCache::need(int layer, int expert) {
  Entry& entry = at(layer, expert);
  JEVONS_CHECK(!entry.is_needed);
  entry.is_needed = true;
  if (entry.is_expected) {
    ++counts_.n_expected;
    counts_.n_in_time += entry.phase == Phase::kReady ? 1 : 0;
  } else if (entry.phase == Phase::kReady) {
    ++counts_.n_hits;
  } else {
    ++counts_.n_missed;
  }
  entry.is_expected = false;
  switch (entry.phase) {
    case Phase::kReady:
      return ready_.push_back(expert);
    case Phase::kAbsent:
      return missing_.push_back(expert);
    case Phase::kLoading:
      for (std::size_t piece = 0; piece < entry.n_pieces; ++piece) {
        reader_->reprioritise(tag(layer, expert, piece), ReadUrgency::kNeeded);
      }
  }
}

// The layer's most valuable experts among those that are there and those that are coming.
void ExpertCache::choose_kept(int layer, std::span<const ExpertUse> used) {
  ranking_.clear();
  // What is resident goes before its equals: changing places costs a read.
  constexpr float kNearlyNothing = 1e-6F;
  for (const int expert : members_[static_cast<std::size_t>(layer)]) {
    ranking_.emplace_back(policy_.score(layer, expert) + kNearlyNothing, expert);
  }
  for (const ExpertUse& use : used) {
    if (at(layer, use.expert).phase != Phase::kAbsent) continue;
    ranking_.emplace_back(policy_.score(layer, use.expert), use.expert);
  }
  const auto n_kept = std::min(ranking_.size(), static_cast<std::size_t>(quota_));
  std::nth_element(ranking_.begin(), ranking_.begin() + static_cast<std::ptrdiff_t>(n_kept),
                   ranking_.end(), std::greater<>());
  for (std::size_t i = 0; i < ranking_.size(); ++i) {
    const int expert = ranking_[i].second;
    at(layer, expert).is_kept = i < n_kept;
  }
  for (std::size_t i = n_kept; i < ranking_.size(); ++i) settle(layer, ranking_[i].second);
}

void ExpertCache::withdraw_wrong_guesses(int layer) {
  std::vector<int>& members = members_[static_cast<std::size_t>(layer)];
  for (std::size_t i = members.size(); i-- > 0;) {
    const int expert = members[i];
    Entry& entry = at(layer, expert);
    if (!entry.is_expected) continue;
    entry.is_expected = false;
    ++counts_.n_wrong;
    if (entry.phase == Phase::kLoading) {
      // Pieces that have begun come to their end; what the others would have added is not missed.
      for (std::size_t piece = 0; piece < entry.n_pieces; ++piece) {
        if (!reader_->cancel(tag(layer, expert, piece))) continue;
        --entry.n_pieces_left;
        entry.is_partial = true;
      }
      if (entry.n_pieces_left == 0) drop(layer, expert);
    } else {
      settle(layer, expert);
    }
  }
}

void ExpertCache::expect(int layer, std::span<const int> experts, ReadUrgency urgency) {
  const std::lock_guard lock(mutex_);
  std::erase_if(wishes_, [&](const Wish& wish) { return wish.layer == layer; });
  for (const int expert : experts) {
    if (at(layer, expert).phase != Phase::kAbsent) continue;
    if (wishes_.size() < wishes_.capacity()) wishes_.push_back({layer, expert, urgency});
  }
  pump();
}

// Begins as many reads as there are frames for, what is needed first.
void ExpertCache::pump() {
  if (failure_ || is_closing_) return;
  for (; next_missing_ < missing_.size(); ++next_missing_) {
    if (!start(layer_, missing_[next_missing_], ReadUrgency::kNeeded)) return;
  }
  pump_wishes();
  pump_fill();
}

void ExpertCache::pump_wishes() {
  std::size_t n_begun = 0;
  for (; n_begun < wishes_.size(); ++n_begun) {
    const Wish& wish = wishes_[n_begun];
    // What the layer at work may still need, when another one is to be read for it, stays free.
    if (pool(wish.layer).n_free() <= std::min(n_used_, n_transit_ / 2)) break;
    if (at(wish.layer, wish.expert).phase != Phase::kAbsent) continue;
    if (!start(wish.layer, wish.expert, wish.urgency)) break;
    at(wish.layer, wish.expert).is_expected = true;
    ++counts_.n_guesses;
  }
  wishes_.erase(wishes_.begin(), wishes_.begin() + static_cast<std::ptrdiff_t>(n_begun));
}

void ExpertCache::pump_fill() {
  if (!wishes_.empty()) return;
  for (; next_fill_ < fill_order_.size() && n_filling_ < kMostFills; ++next_fill_) {
    const int layer = fill_order_[next_fill_] / layout_.n_experts();
    const int expert = fill_order_[next_fill_] % layout_.n_experts();
    if (at(layer, expert).phase != Phase::kAbsent) continue;
    const auto& members = members_[static_cast<std::size_t>(layer)];
    const auto n_kept =
        std::count_if(members.begin(), members.end(), [&](int e) { return at(layer, e).is_kept; });
    if (n_kept >= quota_) continue;
    if (pool(layer).n_free() <= n_transit_ || !start(layer, expert, ReadUrgency::kFill)) return;
    at(layer, expert).is_kept = true;
    at(layer, expert).is_filling = true;
    ++n_filling_;
  }
}

// False if there is no frame.
bool ExpertCache::start(int layer, int expert, ReadUrgency urgency) {
  Entry& entry = at(layer, expert);
  JEVONS_CHECK(entry.phase == Phase::kAbsent);
  FramePool& frames = pool(layer);
  entry.frame = frames.take();
  if (entry.frame < 0) return false;
  entry.phase = Phase::kLoading;
  entry.n_pieces = 0;
  entry.is_partial = false;
  members_[static_cast<std::size_t>(layer)].push_back(expert);
  for (const ExpertPart& part : layout_.parts(layer, expert)) {
    std::byte* buffer = frames.data(entry.frame) + part.frame_offset;
    const std::uint64_t begin = part.place.offset - direct_slack(part.place.offset);
    const std::uint64_t end = part.place.offset + part.n_bytes;
    for (std::uint64_t at = begin; at < end; at += piece_bytes_) {
      JEVONS_CHECK(entry.n_pieces < kMostPieces);
      const auto n_bytes =
          static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes_, end - at));
      reader_->submit({tag(layer, expert, entry.n_pieces++), part.place.shard, at, n_bytes,
                       buffer + (at - begin)},
                      urgency);
    }
  }
  // The lock keeps the first of them from ending before the last was counted.
  entry.n_pieces_left = entry.n_pieces;
  return true;
}

// Gives the frame back. What is needed all the same is read anew.
void ExpertCache::drop(int layer, int expert) {
  Entry& entry = at(layer, expert);
  pool(layer).give_back(entry.frame);
  n_filling_ -= entry.is_filling ? 1 : 0;
  const bool is_needed = entry.is_needed;
  entry = Entry{};
  entry.is_needed = is_needed;
  std::vector<int>& members = members_[static_cast<std::size_t>(layer)];
  const auto place = std::find(members.begin(), members.end(), expert);
  *place = members.back();
  members.pop_back();
  if (is_needed && layer == layer_) missing_.push_back(expert);
}

// Drops what nobody has a reason to keep.
void ExpertCache::settle(int layer, int expert) {
  const Entry& entry = at(layer, expert);
  if (entry.phase == Phase::kReady && !entry.is_needed && !entry.is_expected && !entry.is_kept) {
    drop(layer, expert);
  }
}

void ExpertCache::finished_read(std::uint64_t tag, const Result<void>& result) {
  const auto place = static_cast<int>(tag / kMostPieces);
  const int layer = place / layout_.n_experts();
  const int expert = place % layout_.n_experts();
  const auto note = [&](const Result<void>& outcome) {
    Entry& entry = at(layer, expert);
    if (outcome) return;
    entry.is_partial = true;
    if (entry.is_needed) fail_pass(outcome.error());
  };
  std::unique_lock lock(mutex_);
  Entry& entry = at(layer, expert);
  JEVONS_CHECK(entry.phase == Phase::kLoading && entry.n_pieces_left > 0);
  note(result);
  if (--entry.n_pieces_left > 0) return;
  if (options_.verify && !entry.is_partial) {
    // Nobody else touches an expert that is whole and not yet ready.
    lock.unlock();
    const Result<void> verified = verify(layer, expert);
    lock.lock();
    note(verified);
  }
  finish(layer, expert);
  pump();
}

Result<void> ExpertCache::verify(int layer, int expert) {
  std::uint64_t sum = 1;
  const auto parts = layout_.parts(layer, expert);
  for (std::size_t p = 0; p < kExpertParts; ++p) {
    sum = XXH3_64bits_withSeed(data(layer, expert, p), parts[p].n_bytes, sum);
  }
  std::uint64_t& known = checksums_[index(layer, expert)];
  if (known == 0) known = sum;
  if (known == sum) return {};
  return fail(
      "expert {} of layer {} reads differently than before: the file has changed, or its "
      "disk or the memory fails",
      expert, layer);
}

// All pieces came to their end.
void ExpertCache::finish(int layer, int expert) {
  Entry& entry = at(layer, expert);
  if (entry.is_partial) return drop(layer, expert);
  entry.phase = Phase::kReady;
  n_filling_ -= entry.is_filling ? 1 : 0;
  entry.is_filling = false;
  if (!entry.is_needed) return settle(layer, expert);
  ready_.push_back(expert);
  arrived_.notify_one();
}

void ExpertCache::fail_pass(Error error) {
  if (!failure_) failure_ = std::move(error);
  arrived_.notify_one();
}

std::span<const int> ExpertCache::take_ready(const std::atomic<bool>* abandon) {
  std::unique_lock lock(mutex_);
  handed_.clear();
  const auto is_over = [&] {
    return failure_ || n_awaited_ == 0 || (abandon != nullptr && abandon->load());
  };
  if (ready_.empty() && !is_over()) {
    const Clock::time_point began = Clock::now();
    waiting_since_ = began;
    while (ready_.empty() && !is_over()) {
      arrived_.wait_for(lock, kLookForAbandon);
      if (seconds_since(began) < options_.stall_seconds) continue;
      fail_pass({fmt::format("the disk has not answered for {:.0f} s", options_.stall_seconds)});
    }
    waiting_since_.reset();
    counts_.waiting_seconds += seconds_since(began);
  }
  if (is_over()) return {};
  // First those whose frames become free.
  std::partition(ready_.begin(), ready_.end(), [&](int e) { return at(layer_, e).is_kept; });
  while (!ready_.empty() && handed_.size() < kMostAtOnce) {
    handed_.push_back(ready_.back());
    ready_.pop_back();
  }
  n_awaited_ -= handed_.size();
  return handed_;
}

const std::byte* ExpertCache::data(int layer, int expert, std::size_t part) const {
  // No lock: the owner holds the expert, so nobody changes its entry.
  const Entry& entry = entries_[index(layer, expert)];
  return pools_[static_cast<std::size_t>(layout_.frame_class(layer))].data(entry.frame) +
         layout_.parts(layer, expert)[part].data_offset;
}

void ExpertCache::done(std::span<const int> experts) {
  const std::lock_guard lock(mutex_);
  for (const int expert : experts) {
    at(layer_, expert).is_needed = false;
    settle(layer_, expert);
  }
  pump();
}

Result<void> ExpertCache::end() {
  const std::lock_guard lock(mutex_);
  const int layer = std::exchange(layer_, -1);
  n_awaited_ = 0;
  missing_.clear();
  next_missing_ = 0;
  ready_.clear();
  for (int expert = 0; expert < layout_.n_experts(); ++expert) {
    Entry& entry = at(layer, expert);
    if (!entry.is_needed) continue;
    entry.is_needed = false;
    if (entry.phase == Phase::kAbsent) entry.is_kept = false;
    settle(layer, expert);
  }
  if (failure_) wishes_.clear();
  std::optional<Error> failure = std::exchange(failure_, std::nullopt);
  pump();
  if (!failure) return {};
  return std::unexpected(*std::move(failure));
}

}  // namespace jevons
