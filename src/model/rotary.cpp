#include "model/rotary.h"

#include <cmath>
#include <cstddef>

namespace jevons {

std::vector<double> rotary_frequencies(double theta, int rotary_dim) {
  std::vector<double> frequencies(static_cast<std::size_t>(rotary_dim) / 2);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = std::pow(theta, -2.0 * static_cast<double>(i) / rotary_dim);
  }
  return frequencies;
}

void rotary_angles(const std::vector<double>& frequencies, int position, float* cosines,
                   float* sines) {
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double angle = position * frequencies[i];
    cosines[i] = static_cast<float>(std::cos(angle));
    sines[i] = static_cast<float>(std::sin(angle));
  }
}

}  // namespace jevons
