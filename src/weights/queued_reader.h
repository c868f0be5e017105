// What both methods of reading share: the files, a queue for each disk, and the counts. A method
// adds the threads that take reads from the queues.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <vector>

#include "weights/disk_files.h"
#include "weights/disk_reader.h"
#include "weights/read_progress.h"
#include "weights/read_queue.h"

namespace jevons {

class QueuedReader : public DiskReader {
 public:
  void submit(const DiskRead& read, ReadUrgency urgency) final;
  void reprioritise(std::uint64_t tag, ReadUrgency urgency) final;
  bool cancel(std::uint64_t tag) final;
  [[nodiscard]] Result<void> check_unchanged() const final;
  [[nodiscard]] DiskReaderCounts counts() const final;
  [[nodiscard]] bool is_direct() const final;

 protected:
  QueuedReader(std::vector<DiskFile> files, const DiskReaderOptions& options, Done done);

  /// Reads of that disk can begin that could not before. Called without the lock.
  virtual void wake(int disk) = 0;

  // Those with a lock need the mutex.
  [[nodiscard]] int n_disks() const { return static_cast<int>(queues_.size()); }
  [[nodiscard]] const DiskFile& file_of(const ReadProgress& progress) const {
    return files_[static_cast<std::size_t>(progress.read().file)];
  }
  using Lock = std::unique_lock<std::mutex>;
  [[nodiscard]] bool can_begin(const Lock& lock, int disk) const;
  [[nodiscard]] std::optional<ReadProgress> begin_next(const Lock& lock, int disk);
  void end(const Lock& lock, const ReadProgress& progress, bool is_good);
  [[nodiscard]] bool is_stopping(const Lock&) const { return is_stopping_; }
  /// Drops what waits and what will come. A method's destructor begins with it.
  void stop();

  const std::vector<DiskFile> files_;
  const Done done_;
  mutable std::mutex mutex_;

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<ReadQueue> queues_;  // [n_disks]
  bool is_stopping_ = false;
  int n_under_way_ = 0;  // on all disks
  Clock::time_point busy_since_;
  DiskReaderCounts counts_;
};

}  // namespace jevons
