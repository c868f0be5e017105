#include "base/memory_info.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

namespace jevons {
namespace {

TEST(MemoryInfo, LiesWithinWhatTheMachineHas) {
  const MemoryInfo info = memory_info();
  const auto physical = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_GT(info.total_bytes, std::uint64_t{64} << 20);
  EXPECT_LE(info.total_bytes, physical);
  EXPECT_GT(info.available_bytes, 0U);
  EXPECT_LE(info.available_bytes, info.total_bytes);
}

}  // namespace
}  // namespace jevons
