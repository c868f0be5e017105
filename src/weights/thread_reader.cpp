#include "weights/thread_reader.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <system_error>
#include <thread>
#include <utility>

#include "weights/queued_reader.h"

namespace jevons {
namespace {

class ThreadReader final : public QueuedReader {
 public:
  ThreadReader(std::vector<DiskFile> files, const DiskReaderOptions& options, Done done)
      : QueuedReader(std::move(files), options, std::move(done)),
        wakes_(static_cast<std::size_t>(n_disks())) {}
  ~ThreadReader() override;

  Result<void> start_threads(int n_per_disk);
  [[nodiscard]] const char* method() const override { return "threads"; }

 private:
  void wake(int disk) override { wakes_[static_cast<std::size_t>(disk)].notify_one(); }
  void serve(int disk);
  [[nodiscard]] Result<void> read(ReadProgress& progress) const;

  std::vector<std::condition_variable> wakes_;  // [n_disks]
  std::vector<std::thread> threads_;
};

Result<void> ThreadReader::start_threads(int n_per_disk) {
  try {
    for (int i = 0; i < n_per_disk * n_disks(); ++i) {
      threads_.emplace_back([this, disk = i % n_disks()] { serve(disk); });
    }
  } catch (const std::system_error& error) {
    return fail("cannot start thread {} of {} to read files: {}", threads_.size() + 1,
                n_per_disk * n_disks(), error.what());
  }
  return {};
}

ThreadReader::~ThreadReader() {
  stop();
  for (std::condition_variable& wake : wakes_) wake.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadReader::serve(int disk) {
  ::pthread_setname_np(::pthread_self(), "disk reads");
  Lock lock(mutex_);
  for (;;) {
    wakes_[static_cast<std::size_t>(disk)].wait(
        lock, [&] { return is_stopping(lock) || can_begin(lock, disk); });
    if (is_stopping(lock)) return;
    ReadProgress progress = *begin_next(lock, disk);
    // A wake may have been for several reads: each thread passes it on.
    if (can_begin(lock, disk)) wake(disk);
    lock.unlock();
    const Result<void> result = read(progress);
    lock.lock();
    end(lock, progress, result.has_value());
    // This thread tells first what it has read.
    if (can_begin(lock, disk)) wake(disk);
    lock.unlock();
    done_(progress.read().tag, result);
    lock.lock();
  }
}

Result<void> ThreadReader::read(ReadProgress& progress) const {
  const DiskFile& file = file_of(progress);
  for (;;) {
    const ssize_t n = ::pread(file.fd.get(), progress.next_buffer(), progress.next_bytes(),
                              static_cast<off_t>(progress.next_offset()));
    if (auto result = progress.note(n < 0 ? -errno : n, file)) {
      if (!file.is_direct) drop_from_cache(file, progress.first_offset(), progress.all_bytes());
      return std::move(*result);
    }
  }
}

}  // namespace

Result<std::unique_ptr<DiskReader>> open_thread_reader(std::vector<DiskFile> files,
                                                       const DiskReaderOptions& options,
                                                       DiskReader::Done done) {
  auto reader = std::make_unique<ThreadReader>(std::move(files), options, std::move(done));
  JEVONS_TRY(reader->start_threads(options.depth));
  return reader;
}

}  // namespace jevons
