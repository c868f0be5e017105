#include "app/model_path.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace jevons {

namespace fs = std::filesystem;

Result<std::string> model_path_or_nano(const std::string& given) {
  std::error_code error;
  if (!given.empty() && fs::is_directory(given, error)) {
    return fail(
        "{} is a folder, and must be a GGUF file; jevons quantize makes one of a folder with "
        "safetensors files",
        given);
  }
  if (!given.empty()) return given;
  constexpr const char* kNano = "nano.gguf";
  std::vector<fs::path> candidates;
  if (const char* folder = std::getenv("JEVONS_MODELS"); folder != nullptr && *folder != '\0') {
    candidates.push_back(fs::path(folder) / kNano);
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path folder = program.parent_path();
    candidates.push_back((folder / "../../models" / kNano).lexically_normal());
    candidates.push_back((folder / "../share/jevons/models" / kNano).lexically_normal());
  }
  std::string looked;
  for (const fs::path& candidate : candidates) {
    if (fs::is_regular_file(candidate, error)) return candidate.string();
    looked += "\n  " + candidate.string();
  }
  return fail(
      "no model was named (-m FILE), and the nano model is not there; looked for it at{}\n"
      "$JEVONS_MODELS may name the folder that holds it",
      looked);
}

}  // namespace jevons
