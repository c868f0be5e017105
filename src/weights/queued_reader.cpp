#include "weights/queued_reader.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void check_read(const DiskRead& read, const std::vector<DiskFile>& files) {
  JEVONS_CHECK(read.file >= 0 && static_cast<std::size_t>(read.file) < files.size());
  const std::uint64_t file_bytes = files[static_cast<std::size_t>(read.file)].n_bytes;
  JEVONS_CHECK(read.n_bytes >= 1 && read.n_bytes <= file_bytes);
  JEVONS_CHECK(read.offset <= file_bytes - read.n_bytes);
  JEVONS_CHECK(read.buffer != nullptr);
  JEVONS_CHECK(reinterpret_cast<std::uintptr_t>(read.buffer) % kDirectAlignment == 0);
}

}  // namespace

QueuedReader::QueuedReader(std::vector<DiskFile> files, const DiskReaderOptions& options, Done done)
    : files_(std::move(files)),
      done_(std::move(done)),
      queues_(static_cast<std::size_t>(count_disks(files_)),
              ReadQueue(options.depth, options.guess_depth)) {}

void QueuedReader::submit(const DiskRead& read, ReadUrgency urgency) {
  check_read(read, files_);
  const int disk = files_[static_cast<std::size_t>(read.file)].disk;
  Lock lock(mutex_);
  if (is_stopping_) return;
  queues_[static_cast<std::size_t>(disk)].push(read, urgency);
  const bool wakes = can_begin(lock, disk);
  lock.unlock();
  if (wakes) wake(disk);
}

void QueuedReader::reprioritise(std::uint64_t tag, ReadUrgency urgency) {
  for (int disk = 0; disk < n_disks(); ++disk) {
    Lock lock(mutex_);
    if (!queues_[static_cast<std::size_t>(disk)].reprioritise(tag, urgency)) continue;
    const bool wakes = can_begin(lock, disk);
    lock.unlock();
    if (wakes) wake(disk);
    return;
  }
}

bool QueuedReader::cancel(std::uint64_t tag) {
  for (int disk = 0; disk < n_disks(); ++disk) {
    Lock lock(mutex_);
    if (!queues_[static_cast<std::size_t>(disk)].cancel(tag)) continue;
    // A guess that waited may have been all that held up the fills.
    const bool wakes = can_begin(lock, disk);
    lock.unlock();
    if (wakes) wake(disk);
    return true;
  }
  return false;
}

Result<void> QueuedReader::check_unchanged() const {
  for (const DiskFile& file : files_) JEVONS_TRY(jevons::check_unchanged(file));
  return {};
}

DiskReaderCounts QueuedReader::counts() const {
  const Lock lock(mutex_);
  DiskReaderCounts counts = counts_;
  if (n_under_way_ > 0) counts.busy_seconds += seconds_since(busy_since_);
  return counts;
}

bool QueuedReader::is_direct() const {
  return std::all_of(files_.begin(), files_.end(),
                     [](const DiskFile& file) { return file.is_direct; });
}

bool QueuedReader::can_begin(const Lock&, int disk) const {
  return queues_[static_cast<std::size_t>(disk)].can_begin();
}

std::optional<ReadProgress> QueuedReader::begin_next(const Lock&, int disk) {
  const auto begun = queues_[static_cast<std::size_t>(disk)].begin_next();
  if (!begun) return std::nullopt;
  if (n_under_way_++ == 0) busy_since_ = Clock::now();
  return ReadProgress(begun->read, begun->urgency);
}

void QueuedReader::end(const Lock&, const ReadProgress& progress, bool is_good) {
  queues_[static_cast<std::size_t>(file_of(progress).disk)].end(progress.urgency());
  if (--n_under_way_ == 0) counts_.busy_seconds += seconds_since(busy_since_);
  if (!is_good) {
    ++counts_.n_failed;
    return;
  }
  ++counts_.n_reads;
  counts_.n_bytes += progress.read().n_bytes;
  counts_.direct_bytes += progress.n_bytes_read();
}

void QueuedReader::stop() {
  const Lock lock(mutex_);
  is_stopping_ = true;
  for (ReadQueue& queue : queues_) queue.clear();
}

}  // namespace jevons
