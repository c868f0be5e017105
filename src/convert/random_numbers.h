// Random numbers for generated weights and tokens: the same on every machine and for any number of
// threads, because each row of each tensor has a sequence of its own. One thread per object.
#pragma once

#include <cstdint>
#include <string_view>

namespace jevons {

/// SplitMix64 (Steele, Lea, Flood 2014).
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : state_(seed) {}
  /// A sequence of its own for part `index` of the thing called `name`.
  RandomNumbers(std::uint64_t seed, std::string_view name, std::uint64_t index) : state_(seed) {
    std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    state_ = next() ^ hash;
    state_ = next() ^ index;
    state_ = next();
  }

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// 0 to n - 1; the bias of the multiplication is below n / 2^32.
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }

  /// [0, 1)
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }

  /// Nearly normal, mean 0 and variance 1: the sum of four uniform numbers, at most 3.47 away.
  float normal() {
    const std::uint64_t r = next();
    const auto sum =
        static_cast<float>((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48));
    return (sum - 131070.0f) * (1.0f / 37837.2f);
  }

 private:
  std::uint64_t state_;
};

}  // namespace jevons
