#include "weights/uring_reader.h"

#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "weights/queued_reader.h"

namespace jevons {
namespace {

constexpr std::uint64_t kWakeTag = std::numeric_limits<std::uint64_t>::max();
constexpr auto kMemoryPause = std::chrono::milliseconds(1);

class UringReader final : public QueuedReader {
 public:
  UringReader(IoRing ring, std::vector<DiskFile> files, const DiskReaderOptions& options,
              Done done);
  ~UringReader() override;

  Result<void> start_thread();
  [[nodiscard]] const char* method() const override { return "io_uring"; }

 private:
  struct Ended {
    std::uint64_t tag;
    Result<void> result;
  };

  void wake(int disk) override;
  void run();
  void watch_wakes();
  bool begin_reads();
  void ask_for(std::size_t slot);
  void enter(bool waits);
  void take_answers();
  void take_answer(std::size_t slot, int answer);
  void tell_ended();
  [[nodiscard]] io_uring_sqe* next_entry();

  // All but the eventfd is the thread's alone while it runs.
  IoRing ring_;
  std::vector<ReadProgress> slots_;
  std::vector<std::size_t> free_slots_;
  std::vector<Ended> ended_;
  std::thread thread_;
};

UringReader::UringReader(IoRing ring, std::vector<DiskFile> files, const DiskReaderOptions& options,
                         Done done)
    : QueuedReader(std::move(files), options, std::move(done)),
      ring_(std::move(ring)),
      slots_(static_cast<std::size_t>(options.depth) * static_cast<std::size_t>(n_disks())) {
  for (std::size_t slot = slots_.size(); slot > 0; --slot) free_slots_.push_back(slot - 1);
}

Result<void> UringReader::start_thread() {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return fail("cannot start a thread to read files: {}", error.what());
  }
  return {};
}

UringReader::~UringReader() {
  if (!thread_.joinable()) return;
  stop();
  wake(0);
  thread_.join();
}

void UringReader::wake(int) {
  // It fails only when nobody looked 2^64 times.
  ::eventfd_write(ring_.wake.get(), 1);
}

void UringReader::run() {
  ::pthread_setname_np(::pthread_self(), "disk reads");
  watch_wakes();
  while (begin_reads()) {
    // The disks have work again before anybody hears of what has ended.
    enter(ended_.empty());
    tell_ended();
    take_answers();
  }
}

void UringReader::watch_wakes() {
  io_uring_sqe* const entry = next_entry();
  io_uring_prep_poll_add(entry, ring_.wake.get(), POLLIN);
  io_uring_sqe_set_data64(entry, kWakeTag);
}

// False when the reader is to end and nothing is left to do.
bool UringReader::begin_reads() {
  const Lock lock(mutex_);
  for (int disk = 0; disk < n_disks(); ++disk) {
    while (auto progress = begin_next(lock, disk)) {
      JEVONS_CHECK(!free_slots_.empty());
      const std::size_t slot = free_slots_.back();
      free_slots_.pop_back();
      slots_[slot] = *progress;
      ask_for(slot);
    }
  }
  return !is_stopping(lock) || free_slots_.size() < slots_.size() || !ended_.empty();
}

void UringReader::ask_for(std::size_t slot) {
  const ReadProgress& progress = slots_[slot];
  io_uring_sqe* const entry = next_entry();
  io_uring_prep_read(entry, file_of(progress).fd.get(), progress.next_buffer(),
                     progress.next_bytes(), progress.next_offset());
  io_uring_sqe_set_data64(entry, slot);
}

void UringReader::enter(bool waits) {
  const int answer = io_uring_submit_and_wait(ring_.ring.get(), waits ? 1 : 0);
  if (answer >= 0 || answer == -EINTR) return;
  // What the kernel had no memory for stays in the ring, and is handed over next time.
  JEVONS_CHECK(answer == -EAGAIN || answer == -EBUSY || answer == -ENOMEM);
  std::this_thread::sleep_for(kMemoryPause);
}

void UringReader::take_answers() {
  io_uring_cqe* entry = nullptr;
  while (io_uring_peek_cqe(ring_.ring.get(), &entry) == 0) {
    const std::uint64_t tag = io_uring_cqe_get_data64(entry);
    const int answer = entry->res;
    io_uring_cqe_seen(ring_.ring.get(), entry);
    if (tag == kWakeTag) {
      eventfd_t n_wakes = 0;
      ::eventfd_read(ring_.wake.get(), &n_wakes);
      watch_wakes();
    } else {
      take_answer(tag, answer);
    }
  }
}

void UringReader::take_answer(std::size_t slot, int answer) {
  ReadProgress& progress = slots_[slot];
  const DiskFile& file = file_of(progress);
  auto result = progress.note(answer, file);
  if (!result) return ask_for(slot);
  if (!file.is_direct) drop_from_cache(file, progress.first_offset(), progress.all_bytes());
  {
    const Lock lock(mutex_);
    end(lock, progress, result->has_value());
  }
  ended_.push_back({progress.read().tag, std::move(*result)});
  free_slots_.push_back(slot);
}

void UringReader::tell_ended() {
  for (const Ended& ended : ended_) done_(ended.tag, ended.result);
  ended_.clear();
}

// There is always one: each slot and the eventfd have at most one entry in the ring.
io_uring_sqe* UringReader::next_entry() {
  io_uring_sqe* const entry = io_uring_get_sqe(ring_.ring.get());
  JEVONS_CHECK(entry != nullptr);
  return entry;
}

bool can_read(io_uring* ring) {
  io_uring_probe* const probe = io_uring_get_probe_ring(ring);
  if (probe == nullptr) return false;
  const bool can = io_uring_opcode_supported(probe, IORING_OP_READ) != 0;
  io_uring_free_probe(probe);
  return can;
}

}  // namespace

void IoRing::Exit::operator()(io_uring* opened) const {
  io_uring_queue_exit(opened);
  std::default_delete<io_uring>()(opened);
}

Result<IoRing> open_io_ring(int n_reads) {
  auto ring = std::make_unique<io_uring>();
  const auto n_entries = static_cast<unsigned>(n_reads) + 1;
  const int answer = io_uring_queue_init(n_entries, ring.get(), 0);
  if (answer < 0) {
    return fail("the system refuses io_uring for {} reads at once: {}", n_reads,
                std::strerror(-answer));
  }
  IoRing opened{std::unique_ptr<io_uring, IoRing::Exit>(ring.release()),
                FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))};
  if (!can_read(opened.ring.get())) return fail("io_uring is too old here: Linux 5.6 is needed");
  if (!opened.wake.is_open()) return fail("cannot make an eventfd: {}", std::strerror(errno));
  return opened;
}

Result<std::unique_ptr<DiskReader>> open_uring_reader(IoRing ring, std::vector<DiskFile> files,
                                                      const DiskReaderOptions& options,
                                                      DiskReader::Done done) {
  auto reader =
      std::make_unique<UringReader>(std::move(ring), std::move(files), options, std::move(done));
  JEVONS_TRY(reader->start_thread());
  return reader;
}

}  // namespace jevons
