#include "engine/kv_store.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "engine/page_folder.h"
#include "engine/page_index.h"
#include "engine/write_budget.h"

namespace jevons {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::int64_t kTouchAfterNs = std::int64_t{3600} * 1'000'000'000;
constexpr std::int64_t kDayNs = std::int64_t{86'400} * 1'000'000'000;
constexpr std::size_t kLeastQueuePages = 16;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

SteadyClock::duration milliseconds(double ms) {
  return std::chrono::duration_cast<SteadyClock::duration>(
      std::chrono::duration<double, std::milli>(ms));
}

struct WriteJob {
  PageHash hash, parent;
  std::vector<std::int32_t> tokens;
  KvPage page;
};

struct ReadJob {
  std::vector<KvStore::PageRead> pages;
  std::function<void(int)> done;
};

}  // namespace

// The mutex guards everything but the folder and the budget, which the thread alone uses after
// open(): no other thread ever waits for the disk.
struct KvStore::State {
  State(const KvStoreOptions& chosen, std::unique_ptr<PageFolder> its_folder,
        WriteBudget its_budget)
      : options(chosen),
        root(shared_root_hash(chosen.fingerprint)),
        folder(std::move(its_folder)),
        file_bytes(folder->file_bytes()),
        max_queue(std::max<std::size_t>(kLeastQueuePages, chosen.queue_bytes / chosen.page_bytes)),
        budget(std::move(its_budget)) {}

  const KvStoreOptions options;
  const PageHash root;
  const std::unique_ptr<PageFolder> folder;
  const std::uint64_t file_bytes;
  const std::size_t max_queue;
  WriteBudget budget;

  std::mutex mutex;
  std::condition_variable work_came, work_done;
  bool stopping = false;
  bool pruned = false;
  PageIndex index;
  std::deque<PageFolder::Neighbour> neighbours;
  std::uint64_t neighbour_bytes = 0;
  std::deque<ReadJob> reads;
  std::deque<WriteJob> writes;
  bool writing = false;  // the first of them; it stays there until it is written
  std::vector<PageIndex::Name> removals;
  std::unordered_set<PageHash, PageHashIndex> queued;
  std::vector<PageIndex::Name> touches;
  SteadyClock::time_point paused_until{};
  bool failing = false;
  std::int64_t spent_day = 0;  // what the budget said last
  std::uint64_t spent_bytes = 0;
  std::uint64_t n_read = 0, n_written = 0, n_bad = 0, n_left_out = 0;
  std::thread thread;

  [[nodiscard]] std::uint64_t bytes() const { return index.size() * file_bytes + neighbour_bytes; }
  [[nodiscard]] bool has_room() const {
    return writes.size() < max_queue && file_bytes <= options.max_bytes &&
           SteadyClock::now() >= paused_until &&
           (options.daily_write_bytes == 0 ||
            spent_today() + file_bytes <= options.daily_write_bytes);
  }
  [[nodiscard]] std::uint64_t spent_today() const {
    return utc_day_now() > spent_day ? 0 : spent_bytes;
  }

  void add_listed(const std::vector<PageFolder::Listed>& pages);
  bool mark_used(const PageHash& hash);
  void run();
  void prune(std::unique_lock<std::mutex>& lock, std::uint64_t wanted_bytes);
  void read(std::unique_lock<std::mutex>& lock, ReadJob job);
  bool read_page(PageRead& wanted);
  void write_next(std::unique_lock<std::mutex>& lock);
  void note_written(const WriteJob& job, const Result<void>& written);
  void touch_files(std::unique_lock<std::mutex>& lock);
  void remove_files(std::unique_lock<std::mutex>& lock);
};

void KvStore::State::add_listed(const std::vector<PageFolder::Listed>& pages) {
  for (const PageFolder::Listed& page : pages) {
    if (index.find(page.hash) == nullptr) {
      index.add(page.hash, page.parent, page.mtime_ns);
    } else {
      folder->remove(page.hash, page.parent);  // a second parent for the same hash: not our doing
    }
  }
  for (PageFolder::Neighbour& neighbour : folder->neighbours()) {
    neighbour_bytes += neighbour.bytes;
    neighbours.push_back(std::move(neighbour));
  }
}

bool KvStore::State::mark_used(const PageHash& hash) {
  const PageIndex::Entry* const entry = index.find(hash);
  if (entry == nullptr) return queued.contains(hash);
  const std::int64_t now = now_ns();
  // The file's own time only serves the order after a restart; a write each use would wear the
  // disk.
  if (now - entry->mtime_ns > kTouchAfterNs) {
    touches.push_back({hash, entry->parent});
    index.set_mtime(hash, now);
    work_came.notify_one();
  }
  index.mark_used(hash, now);
  return true;
}

void KvStore::State::run() {
  std::unique_lock lock(mutex);
  prune(lock, 0);
  pruned = true;
  work_done.notify_all();
  while (!stopping) {
    if (!reads.empty()) {
      ReadJob job = std::move(reads.front());
      reads.pop_front();
      read(lock, std::move(job));
    } else if (!removals.empty()) {
      remove_files(lock);  // before a page of that name is written anew
    } else if (!writes.empty()) {
      write_next(lock);
    } else if (!touches.empty()) {
      touch_files(lock);
    } else {
      work_came.wait(lock);
    }
  }
  remove_files(lock);
  touch_files(lock);
  while (!reads.empty()) {
    const ReadJob job = std::move(reads.front());
    reads.pop_front();
    lock.unlock();
    job.done(0);
    lock.lock();
  }
}

// Makes room for `wanted_bytes`: other models' pages first, then the own ones used longest ago.
void KvStore::State::prune(std::unique_lock<std::mutex>& lock, std::uint64_t wanted_bytes) {
  while (!stopping && bytes() + wanted_bytes > options.max_bytes) {
    if (!neighbours.empty()) {
      const PageFolder::Neighbour neighbour = std::move(neighbours.front());
      neighbours.pop_front();
      neighbour_bytes -= neighbour.bytes;
      lock.unlock();
      PageFolder::remove_neighbour(neighbour);
      lock.lock();
      continue;
    }
    const auto name = index.first_to_go();
    if (!name) return;
    index.remove(name->hash);
    lock.unlock();
    folder->remove(name->hash, name->parent);
    lock.lock();
  }
}

void KvStore::State::read(std::unique_lock<std::mutex>& lock, ReadJob job) {
  int n_good = 0;
  for (PageRead& wanted : job.pages) {
    if (stopping) break;
    lock.unlock();
    const bool good = read_page(wanted);
    lock.lock();
    if (!good) break;
    ++n_good;
    ++n_read;
    mark_used(wanted.hash);
  }
  lock.unlock();
  job.done(n_good);
  job = {};  // pages that are not wanted any more go back outside the lock
  lock.lock();
}

bool KvStore::State::read_page(PageRead& wanted) {
  JEVONS_CHECK(wanted.page != nullptr && wanted.page->size_bytes() >= options.page_bytes);
  using Outcome = PageFolder::ReadOutcome;
  std::string why;
  const std::span bytes(wanted.page->data(), options.page_bytes);
  const Outcome outcome = folder->read(wanted.hash, wanted.parent, wanted.tokens, bytes, &why);
  if (outcome == Outcome::kGood) return true;
  const std::string path = folder->file_path(wanted.hash, wanted.parent);
  if (outcome == Outcome::kBad) {
    spdlog::warn("removed the cache page {}: {}", path, why);
    folder->remove(wanted.hash, wanted.parent);
  } else {
    // Nothing is known about the file then: it stays, and is not asked for again until a restart.
    spdlog::warn("cannot read the cache page {}: {}", path, why);
  }
  const std::scoped_lock lock(mutex);
  index.remove(wanted.hash);
  if (outcome == Outcome::kBad) ++n_bad;
  return false;
}

void KvStore::State::write_next(std::unique_lock<std::mutex>& lock) {
  writing = true;
  prune(lock, file_bytes);
  WriteJob job = std::move(writes.front());
  const bool may_write =
      !stopping && SteadyClock::now() >= paused_until && file_bytes <= options.max_bytes;
  lock.unlock();
  const std::int64_t today = utc_day_now();
  // Counted before it is written, so that no crash makes the count too small.
  const bool writes_it = may_write && budget.spend(file_bytes, today);
  Result<void> written;
  if (writes_it) {
    const std::span<const std::byte> bytes(job.page->data(), options.page_bytes);
    written = folder->write(job.hash, job.parent, job.tokens, bytes);
  }
  job.page.reset();
  lock.lock();
  spent_day = today;
  spent_bytes = budget.spent_bytes(today);
  if (writes_it) {
    note_written(job, written);
  } else {
    ++n_left_out;
  }
  queued.erase(job.hash);
  writes.pop_front();
  writing = false;
  if (writes.empty()) work_done.notify_all();
}

void KvStore::State::note_written(const WriteJob& job, const Result<void>& written) {
  if (written) {
    if (failing) spdlog::info("writing cache pages again");
    failing = false;
    ++n_written;
    index.add(job.hash, job.parent, now_ns());
    return;
  }
  ++n_left_out;
  paused_until = SteadyClock::now() + milliseconds(options.pause_after_error_ms);
  if (!failing) {
    spdlog::warn("{}; no cache pages are written for {:.0f} s", written.error().message,
                 options.pause_after_error_ms / 1000);
  }
  failing = true;
}

void KvStore::State::touch_files(std::unique_lock<std::mutex>& lock) {
  const std::vector<PageIndex::Name> names = std::exchange(touches, {});
  lock.unlock();
  for (const PageIndex::Name& name : names) folder->touch(name.hash, name.parent);
  lock.lock();
}

void KvStore::State::remove_files(std::unique_lock<std::mutex>& lock) {
  const std::vector<PageIndex::Name> names = std::exchange(removals, {});
  for (const PageIndex::Name& name : names) index.remove(name.hash);
  lock.unlock();
  for (const PageIndex::Name& name : names) folder->remove(name.hash, name.parent);
  lock.lock();
  if (writes.empty() && removals.empty()) work_done.notify_all();
}

KvStore::KvStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<KvStore>> KvStore::open(const KvStoreOptions& options) {
  JEVONS_CHECK(options.page_bytes > 0);
  JEVONS_ASSIGN(std::unique_ptr<PageFolder> folder,
                PageFolder::open(options.folder, options.fingerprint, options.page_bytes));
  std::uint64_t n_bad = 0;
  const std::vector<PageFolder::Listed> pages = folder->list(&n_bad);
  const std::int64_t today = utc_day_now();
  const auto n_today = std::count_if(pages.begin(), pages.end(), [today](const auto& page) {
    return page.mtime_ns / kDayNs >= today;
  });
  JEVONS_ASSIGN(
      WriteBudget budget,
      WriteBudget::open(options.folder + "/written-today", options.daily_write_bytes, today,
                        static_cast<std::uint64_t>(n_today) * folder->file_bytes()));
  auto state = std::make_unique<State>(options, std::move(folder), std::move(budget));
  state->n_bad = n_bad;
  state->spent_day = today;
  state->spent_bytes = state->budget.spent_bytes(today);
  state->add_listed(pages);
  State* const running = state.get();
  state->thread = std::thread([running] {
    ::pthread_setname_np(::pthread_self(), "page files");
    running->run();
  });
  return std::unique_ptr<KvStore>(new KvStore(std::move(state)));
}

KvStore::~KvStore() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_came.notify_all();
  state_->thread.join();
}

const PageHash& KvStore::shared_root() const { return state_->root; }

bool KvStore::contains(const PageHash& hash) const {
  const std::scoped_lock lock(state_->mutex);
  return state_->index.find(hash) != nullptr;
}

bool KvStore::mark_used(const PageHash& hash) {
  const std::scoped_lock lock(state_->mutex);
  return state_->mark_used(hash);
}

bool KvStore::has_room() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->has_room();
}

void KvStore::write(const PageHash& hash, const PageHash& parent,
                    std::span<const std::int32_t> tokens, KvPage page) {
  JEVONS_CHECK(tokens.size() == static_cast<std::size_t>(kernels::kKeysPerPage));
  JEVONS_CHECK(page != nullptr && page->size_bytes() >= state_->options.page_bytes);
  const std::scoped_lock lock(state_->mutex);
  if (state_->mark_used(hash)) return;
  if (!state_->has_room()) {
    ++state_->n_left_out;
    return;
  }
  state_->queued.insert(hash);
  state_->writes.push_back({hash, parent, {tokens.begin(), tokens.end()}, std::move(page)});
  state_->work_came.notify_one();
}

void KvStore::remove(const PageHash& hash, const PageHash& parent) {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->queued.contains(hash) && state_->index.find(hash) == nullptr) return;
  state_->index.remove(hash);
  state_->removals.push_back({hash, parent});
  // One that is half written goes when it is there.
  std::deque<WriteJob>& writes = state_->writes;
  const auto job = std::find_if(writes.begin(), writes.end(),
                                [&hash](const WriteJob& waiting) { return waiting.hash == hash; });
  if (job != writes.end() && !(state_->writing && job == writes.begin())) {
    state_->queued.erase(hash);
    writes.erase(job);
  }
  state_->work_came.notify_one();
}

void KvStore::read(std::vector<PageRead> pages, std::function<void(int)> done) {
  const std::scoped_lock lock(state_->mutex);
  state_->reads.push_back({std::move(pages), std::move(done)});
  state_->work_came.notify_one();
}

void KvStore::flush(double timeout_ms) {
  std::unique_lock lock(state_->mutex);
  state_->work_done.wait_for(lock, milliseconds(timeout_ms), [this] {
    return state_->pruned && state_->writes.empty() && state_->removals.empty();
  });
}

EngineStatus::Disk KvStore::status() const {
  const std::scoped_lock lock(state_->mutex);
  EngineStatus::Disk disk{};
  disk.enabled = true;
  disk.bytes = state_->bytes();
  disk.max_bytes = state_->options.max_bytes;
  disk.written_today_bytes = state_->spent_today();
  disk.daily_write_bytes = state_->options.daily_write_bytes;
  disk.n_pages = state_->index.size();
  disk.n_pages_read = state_->n_read;
  disk.n_pages_written = state_->n_written;
  disk.n_pages_bad = state_->n_bad;
  disk.n_pages_left_out = state_->n_left_out;
  return disk;
}

}  // namespace jevons
