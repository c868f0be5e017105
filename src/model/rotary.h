// Cosines and sines of the rotary embedding. Pure functions; any thread.
#pragma once

#include <vector>

namespace jevons {

/// Frequencies theta^(-2i / rotary_dim), i = 0..rotary_dim/2-1, in radians per position.
[[nodiscard]] std::vector<double> rotary_frequencies(double theta, int rotary_dim);

/// cosines, sines: [frequencies.size()] of the angle position * frequency. Computed in double: at
/// position 100,000 a product in f32 is off by more than the turn between neighbouring tokens of
/// the slower dims.
void rotary_angles(const std::vector<double>& frequencies, int position, float* cosines,
                   float* sines);

}  // namespace jevons
