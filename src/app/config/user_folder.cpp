#include "app/config/user_folder.h"

#include <cstdlib>

namespace jevons {

std::string user_folder(const char* variable, const char* under_home) {
  if (const char* xdg = std::getenv(variable); xdg != nullptr && *xdg == '/') {
    return std::string(xdg) + "/jevons";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/" + under_home + "/jevons";
  }
  return "";
}

}  // namespace jevons
