#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace jevons {
namespace {

ModelConfig m25() {
  ModelConfig config;
  config.n_layers = 62;
  config.n_kv_heads = 8;
  config.head_dim = 128;
  return config;
}

TEST(KvLayout, BytesOfAM25TokenAreThePublishedOnes) {
  const auto& set = kernels::best_kernel_set();
  EXPECT_EQ(KvLayout::of(m25(), kernels::KvFormat::kF16, set).bytes_per_token(), 253952U);
  EXPECT_EQ(KvLayout::of(m25(), kernels::KvFormat::kQ8_0, set).bytes_per_token(), 134912U);
}

TEST(KvSequence, EveryHeadHasItsOwnPlaceAndReservingKeepsWhatIsThere) {
  ModelConfig config = m25();
  config.n_layers = 3;
  const auto layout = KvLayout::of(config, kernels::KvFormat::kQ8_0, kernels::best_kernel_set());
  KvSequence sequence(layout);
  EXPECT_EQ(sequence.capacity(), 0);
  sequence.reserve(65);
  EXPECT_EQ(sequence.capacity(), 128);
  std::set<std::byte*> places;
  for (int layer = 0; layer < 3; ++layer) {
    for (int head = 0; head < 8; ++head) {
      for (int page = 0; page < 2; ++page) {
        for (std::byte* place :
             {sequence.keys(layer, head, page), sequence.values(layer, head, page)}) {
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % 64, 0U);
          std::memset(place, static_cast<int>(places.size()), layout.head_bytes);
          places.insert(place);
        }
      }
    }
  }
  EXPECT_EQ(places.size(), 3U * 8 * 2 * 2);
  std::byte* first = sequence.keys(0, 0, 0);
  sequence.reserve(1000);
  EXPECT_EQ(sequence.keys(0, 0, 0), first);
  EXPECT_EQ(sequence.values(0, 0, 0) - first, static_cast<std::ptrdiff_t>(layout.head_bytes));
}

}  // namespace
}  // namespace jevons
