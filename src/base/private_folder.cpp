#include "base/private_folder.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace jevons {

Result<void> make_private_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail("cannot make the folder {}: {}", path, error.message());
  if (::chmod(path.c_str(), 0700) == 0) return {};
  return fail("cannot keep the folder {} to its owner: {}", path, std::strerror(errno));
}

}  // namespace jevons
