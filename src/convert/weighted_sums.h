// Small pieces of the block quantisers: rounding, and sums in a fixed order, four values at a time
// in the vector types that g++ and clang know on every machine. Any thread.
#pragma once

#include <cmath>
#include <cstring>

namespace jevons {

inline constexpr int kLanes = 4;
using Floats = float __attribute__((vector_size(4 * sizeof(float))));

inline Floats load(const float* x) {
  Floats values;
  std::memcpy(&values, x, sizeof values);
  return values;
}
inline void store(float* x, Floats values) { std::memcpy(x, &values, sizeof values); }

/// `x` in every lane.
inline Floats broadcast(float x) { return Floats{x, x, x, x}; }

inline float sum(Floats x) { return (x[0] + x[2]) + (x[1] + x[3]); }

/// The nearest whole number, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no fraction.
template <typename T>
inline T nearest(T x) {
  constexpr float kMagic = 12582912.0f;
  return (x + kMagic) - kMagic;
}

inline float clamp(float x, float low, float high) {
  const float at_least = x > low ? x : low;
  return at_least < high ? at_least : high;
}
inline Floats clamp(Floats x, float low, float high) {
  const Floats lows = broadcast(low);
  const Floats highs = broadcast(high);
  const Floats at_least = x > lows ? x : lows;
  return at_least < highs ? at_least : highs;
}

/// How much an error at each of `n` values (a multiple of 4) counts: |x| plus the root mean square.
inline void error_weights(const float* x, int n, float* weights) {
  Floats squares{};
  for (int i = 0; i < n; i += kLanes) squares += load(x + i) * load(x + i);
  const float root = std::sqrt(sum(squares) / static_cast<float>(n));
  for (int i = 0; i < n; ++i) weights[i] = root + std::fabs(x[i]);
}

}  // namespace jevons
