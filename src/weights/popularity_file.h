// How much each expert of a model was used, kept between runs so that a restart reads the popular
// ones first (docs/FORMATS.md, "Expert statistics"). Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace jevons {

/// Uses per token, [n_layers][n_experts] in a row.
struct ExpertPopularity {
  std::string fingerprint;  // of the model
  int n_layers = 0;
  int n_experts = 0;
  std::vector<float> uses;
};

/// Written beside and moved into place. Errors name the path.
[[nodiscard]] Result<void> write_popularity(const std::string& path,
                                            const ExpertPopularity& popularity);

/// Errors name the path and what is wrong; a file of another model is one.
[[nodiscard]] Result<ExpertPopularity> read_popularity(const std::string& path,
                                                       const std::string& fingerprint);

}  // namespace jevons
