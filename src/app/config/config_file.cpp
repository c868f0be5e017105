#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "app/config/options.h"
#include "app/config/user_folder.h"
#include "base/atomic_file.h"

namespace jevons {
namespace {

constexpr std::uint64_t kLargestFile = 1 << 20;

// A scalar as text, in the spelling that the flags use.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  return std::nullopt;
}

Result<OptionValues> values_of(const toml::table& table, const std::string& path) {
  OptionValues values;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto line = key.source().begin.line;
    const auto options = option_table();
    if (std::none_of(options.begin(), options.end(),
                     [&](const OptionSpec& spec) { return spec.key == name; })) {
      return fail("{}:{}: there is no option '{}' (jevons run --help lists them)", path, line,
                  name);
    }
    const std::optional<std::string> text = text_of(node);
    if (!text) {
      return fail("{}:{}: {} must be a text, a number, true or false", path, line, name);
    }
    values[name] = {fmt::format("{}:{}: {}", path, line, name), *text};
  }
  return values;
}

}  // namespace

Result<OptionValues> read_config_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return OptionValues{};
  JEVONS_ASSIGN(const std::string text, read_file(path, kLargestFile));
  try {
    return values_of(toml::parse(text, path), path);
  } catch (const toml::parse_error& parse_error) {
    return fail("{}:{}: {}", path, parse_error.source().begin.line, parse_error.description());
  }
}

std::string config_path() {
  if (const char* path = std::getenv("JEVONS_CONFIG"); path != nullptr && *path != '\0') {
    return path;
  }
  const std::string folder = user_folder("XDG_CONFIG_HOME", ".config");
  return folder.empty() ? "" : folder + "/config.toml";
}

}  // namespace jevons
