#include "weights/popularity_file.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;
// Of a use per token: a millionth is more than any cache can tell apart, and short to write.
constexpr double kUnit = 1e6;

Result<std::vector<float>> uses_of(const std::string& path, const Json& json, std::size_t n) {
  if (!json.is_array() || json.size() != n) {
    return fail("{}: 'uses_per_million' must be {} numbers", path, n);
  }
  std::vector<float> uses;
  uses.reserve(n);
  for (const Json& value : json) {
    if (!value.is_number_unsigned() || value.get<double>() > kUnit) {
      return fail("{}: 'uses_per_million' has {}, and must have whole numbers from 0 to {:.0f}",
                  path, value.dump(), kUnit);
    }
    uses.push_back(static_cast<float>(value.get<double>() / kUnit));
  }
  return uses;
}

Result<int> whole_number(const std::string& path, const Json& json, const char* key) {
  const auto place = json.find(key);
  constexpr int kMost = 1 << 20;
  if (place == json.end() || !place->is_number_integer() || place->get<double>() < 1 ||
      place->get<double>() > kMost) {
    return fail("{}: '{}' must be a whole number from 1 to {}", path, key, kMost);
  }
  return place->get<int>();
}

}  // namespace

Result<void> write_popularity(const std::string& path, const ExpertPopularity& popularity) {
  Json uses = Json::array();
  for (const float value : popularity.uses) {
    uses.push_back(static_cast<unsigned>(std::lround(static_cast<double>(value) * kUnit)));
  }
  const Json json = {{"version", kVersion},
                     {"fingerprint", popularity.fingerprint},
                     {"n_layers", popularity.n_layers},
                     {"n_experts", popularity.n_experts},
                     {"uses_per_million", std::move(uses)}};
  return write_file_atomically(path, json.dump() + "\n");
}

Result<ExpertPopularity> read_popularity(const std::string& path, const std::string& fingerprint) {
  JEVONS_ASSIGN(const std::string text, read_file(path, kMostBytes));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail("{}: not a JSON object", path);
  JEVONS_ASSIGN(const int version, whole_number(path, json, "version"));
  if (version != kVersion) {
    return fail("{}: 'version' is {}, and must be {}", path, version, kVersion);
  }
  ExpertPopularity popularity;
  const auto of_model = json.find("fingerprint");
  if (of_model == json.end() || *of_model != fingerprint) {
    return fail("{}: belongs to another model", path);
  }
  popularity.fingerprint = fingerprint;
  JEVONS_ASSIGN(popularity.n_layers, whole_number(path, json, "n_layers"));
  JEVONS_ASSIGN(popularity.n_experts, whole_number(path, json, "n_experts"));
  const auto n = static_cast<std::size_t>(popularity.n_layers) *
                 static_cast<std::size_t>(popularity.n_experts);
  const auto uses = json.find("uses_per_million");
  JEVONS_ASSIGN(popularity.uses, uses_of(path, uses == json.end() ? Json() : *uses, n));
  return popularity;
}

}  // namespace jevons
