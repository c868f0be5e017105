// Folders for what people wrote. Any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace jevons {

/// Makes `path` and what is above it if they are missing, and keeps `path` to its owner (0700).
/// Errors name the path.
[[nodiscard]] Result<void> make_private_folder(const std::string& path);

}  // namespace jevons
