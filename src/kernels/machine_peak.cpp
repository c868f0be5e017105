#include "kernels/machine_peak.h"

#include <time.h>

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace jevons::kernels {
namespace {

/// Time that this thread has run. What other programs take from it is not the machine's limit.
double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Keeps the compiler from leaving out the work that made `value`.
template <typename T>
void use(const T& value) {
  asm volatile("" : : "m"(value) : "memory");
}

std::int64_t run_scalar(int n_rounds) {
  constexpr int kElements = 64;
  std::int8_t a[kElements];
  std::int8_t b[kElements];
  for (int i = 0; i < kElements; ++i) a[i] = b[i] = static_cast<std::int8_t>(i);
  std::int32_t sum = 0;
  for (int round = 0; round < n_rounds; ++round) {
    use(a);
    for (int i = 0; i < kElements; ++i) sum += a[i] * b[i];
  }
  use(sum);
  return std::int64_t{2} * kElements * n_rounds;
}

std::int64_t floats_scalar(int n_rounds) {
  constexpr int kSums = 8;
  float sums[kSums] = {};
  float a = 0.5f;
  for (int round = 0; round < n_rounds; ++round) {
    use(a);
    for (float& sum : sums) sum = sum * a + 1.0f;
  }
  use(sums);
  return std::int64_t{2} * kSums * n_rounds;
}

std::uint64_t read_scalar(const std::byte* data, std::size_t n_bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 8 <= n_bytes; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, data + i, sizeof(word));
    sum ^= word;
  }
  return sum;
}

}  // namespace
}  // namespace jevons::kernels

#if defined(__x86_64__)

JEVONS_TARGET_BEGIN("avx2,fma")
namespace jevons::kernels {
namespace {

constexpr std::size_t kReadAheadBytes = 4096;

std::int64_t run_avx2(int n_rounds) {
  constexpr int kSums = 8;
  constexpr int kSumsIn16Bits = 8;
  __m256i sums[kSums];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3);
  __m256i b = _mm256_set1_epi8(5);
  const __m256i ones = _mm256_set1_epi16(1);
  for (int round = 0; round < n_rounds; ++round) {
    for (__m256i& sum : sums) {
      __m256i pairs = _mm256_setzero_si256();
      for (int i = 0; i < kSumsIn16Bits; ++i) {
        asm volatile("" : "+x"(a), "+x"(b), "+x"(pairs));
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(a, b));
      }
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
    }
  }
  use(sums);
  return std::int64_t{2} * 32 * kSumsIn16Bits * kSums * n_rounds;
}

std::int64_t floats_avx2(int n_rounds) {
  constexpr int kSums = 12;  // two units of four or five cycles each
  __m256 sums[kSums];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  __m256 a = _mm256_set1_ps(0.5f);
  __m256 b = _mm256_set1_ps(1.0f);
  for (int round = 0; round < n_rounds; ++round) {
    for (__m256& sum : sums) {
      asm volatile("" : "+x"(a), "+x"(b));
      sum = _mm256_fmadd_ps(sum, a, b);
    }
  }
  use(sums);
  return std::int64_t{2} * 8 * kSums * n_rounds;
}

std::uint64_t read_avx2(const std::byte* data, std::size_t n_bytes) {
  __m256i sums[4];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i + 128 <= n_bytes; i += 128) {
    const auto ahead = reinterpret_cast<std::uintptr_t>(data) + i + kReadAheadBytes;
    _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(ahead + 64), _MM_HINT_T0);
    for (std::size_t k = 0; k < 4; ++k) {
      const auto* p = reinterpret_cast<const __m256i*>(data + i + 32 * k);
      sums[k] = _mm256_xor_si256(sums[k], _mm256_loadu_si256(p));
    }
  }
  const __m256i sum =
      _mm256_xor_si256(_mm256_xor_si256(sums[0], sums[1]), _mm256_xor_si256(sums[2], sums[3]));
  return static_cast<std::uint64_t>(_mm256_extract_epi64(sum, 0));
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

JEVONS_TARGET_BEGIN("avx2,avxvnni")
namespace jevons::kernels {
namespace {

std::int64_t run_avx_vnni(int n_rounds) {
  constexpr int kSums = 12;
  __m256i sums[kSums];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3);
  __m256i b = _mm256_set1_epi8(5);
  for (int round = 0; round < n_rounds; ++round) {
    for (__m256i& sum : sums) {
      asm volatile("" : "+x"(a), "+x"(b));
      sum = _mm256_dpbusd_avx_epi32(sum, a, b);
    }
  }
  use(sums);
  return std::int64_t{2} * 32 * kSums * n_rounds;
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

JEVONS_TARGET_BEGIN("avx512f,avx512vnni")
namespace jevons::kernels {
namespace {

std::int64_t run_avx512(int n_rounds) {
  constexpr int kSums = 16;
  __m512i sums[kSums];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  __m512i a = _mm512_set1_epi8(3);
  __m512i b = _mm512_set1_epi8(5);
  for (int round = 0; round < n_rounds; ++round) {
    for (__m512i& sum : sums) {
      asm volatile("" : "+v"(a), "+v"(b));
      sum = _mm512_dpbusd_epi32(sum, a, b);
    }
  }
  use(sums);
  return std::int64_t{2} * 64 * kSums * n_rounds;
}

std::int64_t floats_avx512(int n_rounds) {
  constexpr int kSums = 16;
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  __m512 a = _mm512_set1_ps(0.5f);
  __m512 b = _mm512_set1_ps(1.0f);
  for (int round = 0; round < n_rounds; ++round) {
    for (__m512& sum : sums) {
      asm volatile("" : "+v"(a), "+v"(b));
      sum = _mm512_fmadd_ps(sum, a, b);
    }
  }
  use(sums);
  return std::int64_t{2} * 16 * kSums * n_rounds;
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

#elif defined(__aarch64__)

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr std::size_t kReadAheadBytes = 4096;

std::int64_t run_neon(int n_rounds) {
  constexpr int kSums = 16;
  int32x4_t sums[kSums];
  for (int32x4_t& sum : sums) sum = vdupq_n_s32(0);
  int8x16_t a = vdupq_n_s8(3);
  int8x16_t b = vdupq_n_s8(5);
  for (int round = 0; round < n_rounds; ++round) {
    for (int32x4_t& sum : sums) {
      asm volatile("" : "+w"(a), "+w"(b));
      sum = vdotq_s32(sum, a, b);
    }
  }
  use(sums);
  return std::int64_t{2} * 16 * kSums * n_rounds;
}

std::int64_t floats_neon(int n_rounds) {
  constexpr int kSums = 16;
  float32x4_t sums[kSums];
  for (float32x4_t& sum : sums) sum = vdupq_n_f32(0);
  float32x4_t a = vdupq_n_f32(0.5f);
  float32x4_t b = vdupq_n_f32(1.0f);
  for (int round = 0; round < n_rounds; ++round) {
    for (float32x4_t& sum : sums) {
      asm volatile("" : "+w"(a), "+w"(b));
      sum = vfmaq_f32(b, sum, a);
    }
  }
  use(sums);
  return std::int64_t{2} * 4 * kSums * n_rounds;
}

std::uint64_t read_neon(const std::byte* data, std::size_t n_bytes) {
  uint64x2_t sums[4];
  for (uint64x2_t& sum : sums) sum = vdupq_n_u64(0);
  for (std::size_t i = 0; i + 64 <= n_bytes; i += 64) {
    const auto ahead = reinterpret_cast<std::uintptr_t>(data) + i + kReadAheadBytes;
    __builtin_prefetch(reinterpret_cast<const void*>(ahead));
    for (std::size_t k = 0; k < 4; ++k) {
      const auto* p = reinterpret_cast<const std::uint8_t*>(data + i + 16 * k);
      sums[k] = veorq_u64(sums[k], vreinterpretq_u64_u8(vld1q_u8(p)));
    }
  }
  const uint64x2_t sum = veorq_u64(veorq_u64(sums[0], sums[1]), veorq_u64(sums[2], sums[3]));
  return vgetq_lane_u64(sum, 0);
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif

namespace jevons::kernels {

namespace {

// Operations per second of what `run` does in so many rounds.
double peak_of(std::int64_t (*run)(int n_rounds), double seconds) {
  constexpr int kRounds = 20000;
  run(kRounds);  // the clock of the wide units rises only when they are in use
  const double start = thread_seconds();
  std::int64_t n_operations = 0;
  double elapsed;
  do {
    n_operations += run(kRounds);
    elapsed = thread_seconds() - start;
  } while (elapsed < seconds);
  return static_cast<double>(n_operations) / elapsed;
}

}  // namespace

double int8_peak_operations_per_second(Isa isa, double seconds) {
  auto* run = run_scalar;
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) run = run_avx2;
  if (isa == Isa::kAvxVnni) run = run_avx_vnni;
  if (isa == Isa::kAvx512) run = run_avx512;
#elif defined(__aarch64__)
  if (isa == Isa::kNeon) run = run_neon;
#else
  static_cast<void>(isa);
#endif
  return peak_of(run, seconds);
}

double f32_peak_operations_per_second(Isa isa, double seconds) {
  auto* run = floats_scalar;
#if defined(__x86_64__)
  if (isa == Isa::kAvx2 || isa == Isa::kAvxVnni) run = floats_avx2;
  if (isa == Isa::kAvx512) run = floats_avx512;
#elif defined(__aarch64__)
  if (isa == Isa::kNeon) run = floats_neon;
#else
  static_cast<void>(isa);
#endif
  return peak_of(run, seconds);
}

double read_bandwidth_bytes_per_second(const std::byte* data, std::size_t n_bytes) {
  auto* read = read_scalar;
#if defined(__x86_64__)
  if (cpu_supports(Isa::kAvx2)) read = read_avx2;
#elif defined(__aarch64__)
  if (cpu_supports(Isa::kNeon)) read = read_neon;
#endif
  const double start = thread_seconds();
  const std::uint64_t sum = read(data, n_bytes);
  const double elapsed = thread_seconds() - start;
  use(sum);
  return static_cast<double>(n_bytes) / elapsed;
}

}  // namespace jevons::kernels
