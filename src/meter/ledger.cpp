#include "meter/ledger.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <condition_variable>
#include <iterator>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/wall_clock.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRetry = std::chrono::seconds(5);
constexpr auto kDropEvery = std::chrono::hours(6);

}  // namespace

struct Ledger::State {
  State(LedgerFile opened, const std::string& path, TimeZone its_zone,
        std::chrono::milliseconds every)
      : file(std::move(opened)), zone(std::move(its_zone)), flush_every(every) {
    seen.path = path;
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  // The ledger's thread.

  void run(const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "ledger");
    Clock::time_point drop_at = Clock::now();
    std::unique_lock lock(mutex);
    for (;;) {
      const auto pause = seen.problem.empty() ? flush_every : std::chrono::milliseconds(kRetry);
      changed.wait_for(lock, stop, pause, [&] { return n_flushes_asked > n_flushes; });
      const bool is_last = stop.stop_requested();
      const std::uint64_t flush = n_flushes_asked;
      write(lock);
      if (Clock::now() >= drop_at && seen.problem.empty()) {
        drop_at = Clock::now() + kDropEvery;
        lock.unlock();
        if (const auto dropped = file.drop_old_rows(unix_seconds()); !dropped) {
          spdlog::warn("the ledger keeps its old rows: {}", dropped.error().message);
        }
        lock.lock();
      }
      n_flushes = flush;
      flushed.notify_all();
      if (is_last) return;
    }
  }

  void write(std::unique_lock<std::mutex>& lock) {
    std::vector<LedgerRow> rows = std::exchange(waiting, {});
    const auto its_idle = std::exchange(idle, std::nullopt);
    if (rows.empty() && !its_idle) return;
    lock.unlock();
    Result<void> written = file.write(rows, zone, its_idle, unix_seconds());
    lock.lock();
    if (written) {
      if (!seen.problem.empty()) spdlog::info("the ledger is written again");
      seen.problem.clear();
      seen.n_written += rows.size();
      return;
    }
    if (seen.problem != written.error().message) {
      spdlog::error("the ledger cannot be written to, requests go on: {}", written.error().message);
    }
    seen.problem = std::move(written).error().message;
    rows.insert(rows.end(), std::make_move_iterator(waiting.begin()),
                std::make_move_iterator(waiting.end()));
    waiting = std::move(rows);
    if (!idle) idle = its_idle;
    drop_beyond_limit();
  }

  void drop_beyond_limit() {
    if (waiting.size() <= kMostWaiting) return;
    const std::size_t n = waiting.size() - kMostWaiting;
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(n));
    seen.n_lost += n;
  }

  LedgerFile file;
  TimeZone zone;
  std::chrono::milliseconds flush_every;

  mutable std::mutex mutex;  // of what follows
  std::condition_variable_any changed, flushed;
  std::vector<LedgerRow> waiting;
  std::optional<IdleWatts> idle;
  std::uint64_t n_flushes_asked = 0, n_flushes = 0;
  LedgerStatus seen;

  std::jthread thread;  // last: it uses all of the above
};

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path, TimeZone zone,
                                             std::chrono::milliseconds flush_every) {
  JEVONS_ASSIGN(LedgerFile file, LedgerFile::open(path));
  return std::unique_ptr<Ledger>(
      new Ledger(std::make_unique<State>(std::move(file), path, std::move(zone), flush_every)));
}

void Ledger::add(LedgerRow row) {
  const std::lock_guard lock(state_->mutex);
  state_->waiting.push_back(std::move(row));
  if (!state_->seen.problem.empty()) state_->drop_beyond_limit();
}

void Ledger::remember_idle(const std::string& source, double watts) {
  const std::lock_guard lock(state_->mutex);
  state_->idle = IdleWatts{source, watts};
}

void Ledger::flush() {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t wanted = ++state_->n_flushes_asked;
  state_->changed.notify_one();
  state_->flushed.wait(lock, [&] { return state_->n_flushes >= wanted; });
}

LedgerStatus Ledger::status() const {
  const std::lock_guard lock(state_->mutex);
  LedgerStatus status = state_->seen;
  status.n_waiting = state_->waiting.size();
  return status;
}

}  // namespace jevons
