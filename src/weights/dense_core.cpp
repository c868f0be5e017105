#include "weights/dense_core.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "weights/disk_reader.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

// Large enough for the disk's full speed, small enough that several are under way.
constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

struct Range {
  std::size_t n_bytes;
  std::size_t buffer_offset;
};
/// By where they lie in the mapped file; a tied head is there once.
using Ranges = std::map<const std::byte*, Range>;

std::size_t matrix_bytes(const Matrix& matrix) {
  return matrix.row_bytes * static_cast<std::size_t>(matrix.n_rows);
}

// Calls matrix(Matrix&) and floats(const float*&, count) for everything that is pinned.
template <typename OnMatrix, typename OnFloats>
void for_each_dense(M2Weights& weights, OnMatrix&& matrix, OnFloats&& floats) {
  const ModelConfig& c = weights.config;
  if (weights.head_is_embedding()) matrix(weights.token_embedding);
  floats(weights.output_norm, c.hidden_size);
  matrix(weights.output);
  for (LayerWeights& layer : weights.layers) {
    floats(layer.attention_norm, c.hidden_size);
    for (Matrix* m : {&layer.q, &layer.k, &layer.v, &layer.attention_output}) matrix(*m);
    floats(layer.q_norm, c.q_size());
    floats(layer.k_norm, c.kv_size());
    floats(layer.expert_norm, c.hidden_size);
    floats(layer.router, c.n_experts * c.hidden_size);
    floats(layer.router_bias, c.n_experts);
  }
}

// Each range gets room for the aligned piece of the file that has it.
std::pair<Ranges, std::size_t> plan(const ModelFile& file, const M2Weights& weights) {
  Ranges ranges;
  std::size_t total = 0;
  const auto add = [&](const std::byte* data, std::size_t n_bytes) {
    const auto [place, is_new] = ranges.try_emplace(data, Range{n_bytes, total});
    if (is_new) total += direct_bytes(file.place_of(data).offset, n_bytes);
  };
  M2Weights copy = weights;
  for_each_dense(
      copy, [&](const Matrix& matrix) { add(matrix.data, matrix_bytes(matrix)); },
      [&](const float* data, int count) {
        add(reinterpret_cast<const std::byte*>(data),
            static_cast<std::size_t>(count) * sizeof(float));
      });
  return {std::move(ranges), total};
}

/// Waits for a known number of reads.
class ReadsLeft {
 public:
  explicit ReadsLeft(std::size_t n) : n_(n) {}
  void one_ended(const Result<void>& result) {
    const std::lock_guard lock(mutex_);
    if (!result && !error_) error_ = result.error();
    if (--n_ == 0) over_.notify_all();
  }
  [[nodiscard]] Result<void> wait() {
    std::unique_lock lock(mutex_);
    over_.wait(lock, [&] { return n_ == 0; });
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  std::size_t n_;
  std::optional<Error> error_;
};

// Pieces begin at multiples of the alignment, so that they fill one buffer without gaps.
std::vector<DiskRead> pieces_of(const ModelFile& file, const Ranges& ranges, std::byte* buffer) {
  std::vector<DiskRead> reads;
  for (const auto& [data, range] : ranges) {
    const FilePlace place = file.place_of(data);
    const std::uint64_t begin = place.offset - direct_slack(place.offset);
    const std::uint64_t end = place.offset + range.n_bytes;
    for (std::uint64_t at = begin; at < end; at += kPieceBytes) {
      const std::size_t n_bytes = std::min<std::uint64_t>(kPieceBytes, end - at);
      reads.push_back(
          {reads.size(), place.shard, at, n_bytes, buffer + range.buffer_offset + (at - begin)});
    }
  }
  return reads;
}

}  // namespace

std::uint64_t DenseCore::size_bytes(const ModelFile& file, const M2Weights& weights) {
  return plan(file, weights).second;
}

Result<DenseCore> DenseCore::read(const ModelFile& file, const M2Weights& weights) {
  const auto [ranges, n_bytes] = plan(file, weights);
  // The buffer's start is aligned as direct reads need it.
  DenseCore core{AlignedBuffer(n_bytes + kDirectAlignment), weights};
  const auto address = reinterpret_cast<std::uintptr_t>(core.bytes.data());
  std::byte* buffer = core.bytes.data() + (kDirectAlignment - address % kDirectAlignment);
  const std::vector<DiskRead> reads = pieces_of(file, ranges, buffer);
  ReadsLeft left(reads.size());
  JEVONS_ASSIGN(const auto reader,
                DiskReader::open(file.paths(), {}, [&](std::uint64_t, const Result<void>& result) {
                  left.one_ended(result);
                }));
  for (const DiskRead& read : reads) reader->submit(read, ReadUrgency::kNeeded);
  JEVONS_TRY(left.wait());
  const auto moved = [&](const std::byte* data) -> const std::byte* {
    const Range& range = ranges.at(data);
    return buffer + range.buffer_offset + direct_slack(file.place_of(data).offset);
  };
  for_each_dense(
      core.weights, [&](Matrix& matrix) { matrix.data = moved(matrix.data); },
      [&](const float*& data, int) {
        data = reinterpret_cast<const float*>(moved(reinterpret_cast<const std::byte*>(data)));
      });
  return core;
}

}  // namespace jevons
