// Where a person's files of one kind are (the XDG base directories). Any thread that may read the
// environment.
#pragma once

#include <string>

namespace jevons {

/// "$XDG_CACHE_HOME/jevons", or "$HOME/.cache/jevons" for ("XDG_CACHE_HOME", ".cache"); empty if
/// neither variable has an absolute path.
[[nodiscard]] std::string user_folder(const char* variable, const char* under_home);

}  // namespace jevons
