// What this machine could do at best, measured: the limits that speeds are compared with. Each
// call works in the calling thread alone and counts the time that this thread was running, so a
// busy machine gives what is left of its bandwidth but its full arithmetic. For a machine's figure
// run it in every thread at once.
#pragma once

#include <cstddef>

#include "kernels/isa.h"

namespace jevons::kernels {

/// Multiplications and additions of 8-bit integers (two for each pair) per second, from a loop of
/// independent sums in registers: vpdpbusd in AVX-512 and AVX-VNNI; in AVX2 vpmaddubsw added up in
/// 16 bits and widened every eighth time, as quants of four bits allow; sdot in NEON; plain code in
/// the scalar set. Runs for `seconds` or a little longer. The CPU must have `isa`.
[[nodiscard]] double int8_peak_operations_per_second(Isa isa, double seconds = 0.05);

/// The same of fused multiplications and additions of 32-bit floats (two for each pair), with the
/// widest vectors of `isa`.
[[nodiscard]] double f32_peak_operations_per_second(Isa isa, double seconds = 0.05);

/// Bytes per second of reading `n_bytes` at `data` once, from start to end. For the bandwidth of
/// memory the buffer must be several times larger than the caches, and written to beforehand.
[[nodiscard]] double read_bandwidth_bytes_per_second(const std::byte* data, std::size_t n_bytes);

}  // namespace jevons::kernels
