#include "convert/disk_speed.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>

#include "base/aligned_buffer.h"
#include "weights/disk_reader.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

// Keeps `depth` reads under way, each into a buffer of its own, until the time is over.
class RandomReads {
 public:
  RandomReads(const std::vector<DiskPiece>& pieces, int depth, double seconds)
      : pieces_(pieces),
        until_(Clock::now() +
               std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))),
        n_under_way_(depth) {
    std::size_t most = 0;
    for (const DiskPiece& piece : pieces) {
      most = std::max(most, direct_bytes(piece.offset, piece.n_bytes));
    }
    for (int i = 0; i < depth; ++i) buffers_.emplace_back(most + kDirectAlignment);
  }

  void begin(DiskReader& reader) {
    reader_ = &reader;
    for (std::size_t i = 0; i < buffers_.size(); ++i) submit(i);
  }

  void one_ended(std::uint64_t tag, const Result<void>& result) {
    const std::lock_guard lock(mutex_);
    if (!result && !error_) error_ = result.error();
    if (!error_ && Clock::now() < until_) return submit(static_cast<std::size_t>(tag));
    if (--n_under_way_ == 0) over_.notify_all();
  }

  [[nodiscard]] Result<void> wait() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [&] { return n_under_way_ == 0; });
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  void submit(std::size_t buffer) {
    const DiskPiece& piece = pieces_[random_() % pieces_.size()];
    const auto address = reinterpret_cast<std::uintptr_t>(buffers_[buffer].data());
    reader_->submit({buffer, piece.file, piece.offset, piece.n_bytes,
                     buffers_[buffer].data() + (kDirectAlignment - address % kDirectAlignment)},
                    ReadUrgency::kNeeded);
  }

  const std::vector<DiskPiece>& pieces_;
  const Clock::time_point until_;
  std::vector<AlignedBuffer> buffers_;
  std::minstd_rand random_{17};
  DiskReader* reader_ = nullptr;
  std::mutex mutex_;
  std::condition_variable over_;
  int n_under_way_;
  std::optional<Error> error_;
};

}  // namespace

Result<double> measure_disk_speed(const std::vector<std::string>& paths,
                                  const std::vector<DiskPiece>& pieces, int depth, double seconds) {
  if (pieces.empty()) return fail("there is nothing to read for measuring a disk");
  RandomReads reads(pieces, depth, seconds);
  DiskReaderOptions options;
  options.depth = depth;
  JEVONS_ASSIGN(
      const auto reader,
      DiskReader::open(paths, options, [&](std::uint64_t tag, const Result<void>& result) {
        reads.one_ended(tag, result);
      }));
  const auto start = Clock::now();
  reads.begin(*reader);
  JEVONS_TRY(reads.wait());
  const double taken = std::chrono::duration<double>(Clock::now() - start).count();
  return static_cast<double>(reader->counts().direct_bytes) / taken;
}

Result<double> measure_disk_speed(const std::vector<std::string>& paths, const ExpertLayout& layout,
                                  int depth, double seconds) {
  std::vector<DiskPiece> pieces;
  for (int layer = 0; layer < layout.n_layers(); ++layer) {
    for (int expert = 0; expert < layout.n_experts(); ++expert) {
      for (const ExpertPart& part : layout.parts(layer, expert)) {
        pieces.push_back({part.place.shard, part.place.offset, part.n_bytes});
      }
    }
  }
  return measure_disk_speed(paths, pieces, depth, seconds);
}

}  // namespace jevons
