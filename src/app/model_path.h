// Where the nano model is found when no model was named. Any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace jevons {

/// `given`, or the path of the nano model if it is empty. The error lists where it was looked for.
[[nodiscard]] Result<std::string> model_path_or_nano(const std::string& given);

}  // namespace jevons
