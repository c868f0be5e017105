// Where the files that come with the program are found when no other was named. Any thread.
#pragma once

#include <string>

#include "base/result.h"

namespace jevons {

/// `given`, or the path of the nano model if it is empty. The error lists where it was looked for.
[[nodiscard]] Result<std::string> model_path_or_nano(const std::string& given);

/// `given`, or the path of the skill suite if it is empty. The error likewise.
[[nodiscard]] Result<std::string> suite_path_or_shipped(const std::string& given);

}  // namespace jevons
