#include "app/bench_speed.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLargestFile = 16 << 20;
constexpr double kMostSpeed = 1e6;

int whole_number(const Json& result, const char* name, int otherwise) {
  const auto found = result.find(name);
  return found != result.end() && found->is_number_integer() ? found->get<int>() : otherwise;
}

std::string test_text(const Json& result, bool is_prompt) {
  return fmt::format("{} of {} tokens after {}, {} threads", is_prompt ? "prompt" : "answer",
                     whole_number(result, "tokens", 0), whole_number(result, "depth", 0),
                     whole_number(result, "threads", 0));
}

}  // namespace

Result<BenchSpeed> read_bench_speed(const std::string& path) {
  JEVONS_ASSIGN(const std::string text, read_file(path, kLargestFile));
  const Json json = Json::parse(text, nullptr, false);
  const auto results = json.is_object() ? json.find("results") : json.end();
  if (!json.is_object() || results == json.end() || !results->is_array()) {
    return fail("{}: is not what `jevons bench --json` writes: an object with results", path);
  }
  const std::string file = std::filesystem::path(path).filename().string();
  BenchSpeed speed;
  for (const Json& result : *results) {
    if (!result.is_object() || !result.contains("test") || !result["test"].is_string()) continue;
    const bool is_prompt = result["test"] == "prompt";
    if (!is_prompt && result["test"] != "generation") continue;
    // Several answers side by side are not one agent's speed.
    if (whole_number(result, "sequences", 1) != 1) continue;
    const auto found = result.find("tokens_per_second");
    const double value = found != result.end() && found->is_number() ? found->get<double>() : 0;
    const auto figure = Amount::parse(fmt::format("{:.3f}", value));
    if (!(value >= 0.01 && value <= kMostSpeed) || !figure) {
      return fail("{}: a tokens_per_second is missing, or not a number from 0.01 to {}", path,
                  kMostSpeed);
    }
    auto& best = is_prompt ? speed.prompt : speed.answer;
    if (!best || *figure > best->value) {
      best = {*figure, fmt::format("bench, {}: {}", file, test_text(result, is_prompt))};
    }
  }
  if (!speed.answer && !speed.prompt) {
    return fail("{}: has no result of one prompt or one answer", path);
  }
  return speed;
}

}  // namespace jevons
