// Experts of a model that is larger than memory: which are resident, which are being read, and when
// a pass through the network may compute with them. docs/ARCHITECTURE.md, "Experts are read", tells
// the way of one expert.
//
// A layer keeps its `quota` most valuable experts between passes (ExpertPolicy). Frames beyond the
// quotas are in transit: for experts that a pass needs and the layer will not keep, and for those
// that are expected to be needed soon. So whatever a pass needs, it finds room, one after another.
//
// Thread: one owner makes the passes, layer by layer: begin(), then take_ready() and done() until
// nothing is left, then end(). Other members may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "weights/disk_reader.h"
#include "weights/expert_layout.h"
#include "weights/expert_policy.h"
#include "weights/frame_pool.h"

namespace jevons {

struct ExpertCacheOptions {
  std::uint64_t memory_bytes = 0;  // of all frames
  // Of each kind beyond the quotas, at most half of all memory: what one token needs in one layer,
  // as much again that is expected of the next, and some that are on their way meanwhile.
  int transit_frames = 24;
  // An expert is read in pieces of so many bytes, a multiple of kDirectAlignment: several at once
  // keep the disk busy when a single expert is wanted.
  std::size_t piece_bytes = std::size_t{512} << 10;
  double stall_seconds = 120;  // a read that takes longer fails
  bool verify = false;         // an expert that reads differently than the first time is an error
};

/// Since the cache was made; an expert of a pass counts once, however many tokens chose it.
struct ExpertCacheCounts {
  std::uint64_t n_needed = 0;
  std::uint64_t n_hits = 0;      // resident when their layer began, because they were kept
  std::uint64_t n_expected = 0;  // guessed right, and there or on their way
  std::uint64_t n_in_time = 0;   // of them, there when their layer began
  std::uint64_t n_missed = 0;    // read when they were needed
  std::uint64_t n_guesses = 0;   // reads that were begun on a guess
  std::uint64_t n_wrong = 0;     // of them, not needed by the pass they were made for
  double waiting_seconds = 0;    // of the owner, for reads
};

class ExpertCache {
 public:
  /// Opens a DiskReader; an own one is for tests.
  using OpenReader = std::function<Result<std::unique_ptr<DiskReader>>(DiskReader::Done done)>;

  /// Errors: memory for not even two frames of each kind, and the reader's.
  [[nodiscard]] static Result<std::unique_ptr<ExpertCache>> open(const ExpertLayout& layout,
                                                                 const ExpertCacheOptions& options,
                                                                 int n_used,
                                                                 const OpenReader& open_reader);
  ~ExpertCache();
  ExpertCache(const ExpertCache&) = delete;
  ExpertCache& operator=(const ExpertCache&) = delete;

  /// Says what the layer's tokens chose; reads of what is not there begin at once.
  void begin(int layer, int n_tokens, std::span<const ExpertUse> used);
  /// Experts of a later layer that will probably be needed, the likeliest first: read while the
  /// disk has time. kAhead for those that are all but certain, kGuess for others. Takes the place
  /// of what was expected of that layer before and has not begun; nearer layers are named first.
  void expect(int layer, std::span<const int> experts, ReadUrgency urgency);
  /// Of `experts`, in their order, those that are neither in memory nor being read.
  void find_absent(int layer, std::span<const int> experts, std::vector<int>& absent) const;
  /// Some of the experts that begin() named and that have not been handed out, in memory and
  /// staying there until done(); waits for at least one. Empty: all were handed out, or the pass
  /// failed, or `abandon` (may be null) became true. Valid until the next call.
  [[nodiscard]] std::span<const int> take_ready(const std::atomic<bool>* abandon);
  /// [n_bytes of the part] of an expert that was handed out.
  [[nodiscard]] const std::byte* data(int layer, int expert, std::size_t part) const;
  /// The arithmetic with these experts is finished.
  void done(std::span<const int> experts);
  /// Ends the layer, whether all was handed out or not. The error is that of the read that failed.
  [[nodiscard]] Result<void> end();

  /// More or less memory from now on; what a pass is using stays until it is done.
  void set_memory(std::uint64_t n_bytes);
  [[nodiscard]] std::uint64_t memory_bytes() const;
  [[nodiscard]] std::uint64_t held_bytes() const;
  /// Of all experts, the share that is resident now.
  [[nodiscard]] double resident_share() const;
  [[nodiscard]] int quota() const;
  [[nodiscard]] const ExpertLayout& layout() const { return layout_; }

  [[nodiscard]] ExpertCacheCounts counts() const;
  [[nodiscard]] DiskReaderCounts disk() const { return reader_->counts(); }
  [[nodiscard]] const DiskReader& reader() const { return *reader_; }
  /// How long the owner has been waiting for the disk; 0 if it is not.
  [[nodiscard]] double waiting_since_seconds() const;

  [[nodiscard]] std::vector<float> popularity() const;
  [[nodiscard]] Result<void> import_popularity(std::span<const float> popularity);
  /// Reads the most valuable experts into memory that is free, in the background.
  void start_filling();
  /// Whether that still goes on.
  [[nodiscard]] bool is_filling() const;

 private:
  static constexpr std::size_t kMostPieces = 1024;
  enum class Phase : std::uint8_t { kAbsent, kLoading, kReady };
  struct Entry {
    int frame = -1;
    Phase phase = Phase::kAbsent;
    std::uint16_t n_pieces = 0;  // that it is read in
    std::uint16_t n_pieces_left = 0;
    bool is_needed = false;    // by the pass at work, and not done
    bool is_expected = false;  // read on a guess, until its layer begins
    bool is_kept = false;      // between passes
    bool is_filling = false;   // read because there was nothing better to do
    bool is_partial =
        false;  // some piece failed, or was withdrawn: to be dropped when the rest came
  };
  struct Wish {
    int layer, expert;
    ReadUrgency urgency;
  };

  ExpertCache(const ExpertLayout& layout, const ExpertCacheOptions& options, int n_used);
  [[nodiscard]] Entry& at(int layer, int expert) { return entries_[index(layer, expert)]; }
  [[nodiscard]] std::size_t index(int layer, int expert) const {
    return static_cast<std::size_t>(layer) * static_cast<std::size_t>(layout_.n_experts()) +
           static_cast<std::size_t>(expert);
  }
  [[nodiscard]] FramePool& pool(int layer) {
    return pools_[static_cast<std::size_t>(layout_.frame_class(layer))];
  }

  // All of these hold mutex_.
  [[nodiscard]] Result<void> plan(std::uint64_t memory_bytes);
  void choose_kept(int layer, std::span<const ExpertUse> used);
  void need(int layer, int expert);
  void withdraw_wrong_guesses(int layer);
  void pump();
  void pump_wishes();
  void pump_fill();
  [[nodiscard]] bool start(int layer, int expert, ReadUrgency urgency);
  [[nodiscard]] std::uint64_t tag(int layer, int expert, std::size_t piece) const {
    return index(layer, expert) * kMostPieces + piece;
  }
  void drop(int layer, int expert);
  void settle(int layer, int expert);
  void finish(int layer, int expert);
  void fail_pass(Error error);

  [[nodiscard]] Result<void> check_files();

  // Take mutex_ themselves.
  void finished_read(std::uint64_t tag, const Result<void>& result);
  [[nodiscard]] Result<void> verify(int layer, int expert);

  const ExpertLayout layout_;
  const ExpertCacheOptions options_;
  const int n_used_;
  const std::size_t piece_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  ExpertPolicy policy_;
  std::vector<Entry> entries_;             // [n_layers][n_experts]
  std::vector<std::vector<int>> members_;  // [n_layers]: experts that have a frame
  std::vector<FramePool> pools_;           // by frame class
  std::uint64_t memory_bytes_ = 0;
  int quota_ = 0;      // experts that each layer keeps
  int n_transit_ = 0;  // frames of each class beyond the quotas

  // The pass at work.
  int layer_ = -1;
  std::vector<int> missing_;  // needed and without a frame, from next_missing_ on
  std::size_t next_missing_ = 0;
  std::vector<int> ready_;     // not handed out
  std::vector<int> handed_;    // the last that were
  std::size_t n_awaited_ = 0;  // needed and not handed out
  std::optional<Error> failure_;
  std::vector<std::pair<float, int>> ranking_;  // scratch
  std::chrono::steady_clock::time_point files_checked_{};

  std::vector<Wish> wishes_;     // expected and not begun, in this order
  std::vector<int> fill_order_;  // of all experts, as index()
  std::size_t next_fill_ = 0;
  int n_filling_ = 0;

  std::vector<std::uint64_t> checksums_;  // as entries_, 0: not read yet; only with `verify`

  bool is_closing_ = false;
  ExpertCacheCounts counts_;
  std::optional<std::chrono::steady_clock::time_point> waiting_since_;
  std::unique_ptr<DiskReader> reader_;  // last: its threads use all of the above
};

}  // namespace jevons
