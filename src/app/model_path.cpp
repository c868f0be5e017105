#include "app/model_path.h"

#include <cstdlib>
#include <expected>
#include <filesystem>
#include <vector>

namespace jevons {

namespace fs = std::filesystem;

namespace {

// Of a file that comes with the program. The error is where it was looked for, a line each.
std::expected<std::string, std::string> find_shipped(const char* name) {
  std::vector<fs::path> candidates;
  if (const char* folder = std::getenv("JEVONS_MODELS"); folder != nullptr && *folder != '\0') {
    candidates.push_back(fs::path(folder) / name);
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path folder = program.parent_path();
    candidates.push_back((folder / "../../models" / name).lexically_normal());
    candidates.push_back((folder / "../share/jevons/models" / name).lexically_normal());
  }
  std::string looked;
  for (const fs::path& candidate : candidates) {
    if (fs::is_regular_file(candidate, error)) return candidate.string();
    looked += "\n  " + candidate.string();
  }
  return std::unexpected(looked);
}

}  // namespace

Result<std::string> model_path_or_nano(const std::string& given) {
  std::error_code error;
  if (!given.empty() && fs::is_directory(given, error)) {
    return fail(
        "{} is a folder, and must be a GGUF file; jevons quantize makes one of a folder with "
        "safetensors files",
        given);
  }
  if (!given.empty()) return given;
  auto nano = find_shipped("nano.gguf");
  if (nano) return *std::move(nano);
  return fail(
      "no model was named (-m FILE), and the nano model is not there; looked for it at{}\n"
      "$JEVONS_MODELS may name the folder that holds it",
      nano.error());
}

Result<std::string> suite_path_or_shipped(const std::string& given) {
  if (!given.empty()) return given;
  auto suite = find_shipped("skills.jsonl");
  if (suite) return *std::move(suite);
  return fail(
      "no suite was named (--suite FILE), and the one that comes with the program is not there; "
      "looked for it at{}\n$JEVONS_MODELS may name the folder that holds it",
      suite.error());
}

}  // namespace jevons
