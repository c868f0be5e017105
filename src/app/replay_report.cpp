#include "app/replay_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "app/quantity.h"
#include "app/term/table.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

double mean_slots(const ReplayReport::Row& row) {
  const int sum = std::accumulate(row.slots.begin(), row.slots.end(), 0);
  return static_cast<double>(sum) / static_cast<double>(row.slots.size());
}

std::string percent(double ratio) { return fmt::format("{:.1f}", 100 * ratio); }

std::string size_text(std::uint64_t n_bytes) { return bytes_text(static_cast<double>(n_bytes)); }

Json counts_json(const ReplayResult& result) {
  Json layers = Json::array();
  for (const ReplayCounts& layer : result.layers) {
    layers.push_back({layer.hit_rate(), layer.hit_rate_without_first()});
  }
  return {{"hit_rate", result.all.hit_rate()},
          {"hit_rate_without_first", result.all.hit_rate_without_first()},
          {"layers", std::move(layers)}};
}

}  // namespace

Result<ReplayReport::Row> ReplayReport::Row::of(const GeneratedRouting& routing, int n_experts,
                                                std::span<const std::uint64_t> expert_bytes,
                                                std::vector<int> slots) {
  Row row;
  const auto replay = [&](ReplayPolicy policy, const RoutingTrace* guesses) {
    return replay_routing(routing.chosen, {policy, n_experts, slots, guesses});
  };
  JEVONS_ASSIGN(row.jevons, replay(ReplayPolicy::kJevons, nullptr));
  JEVONS_ASSIGN(row.recent, replay(ReplayPolicy::kRecent, nullptr));
  JEVONS_ASSIGN(row.frequent, replay(ReplayPolicy::kFrequent, nullptr));
  JEVONS_ASSIGN(row.optimal, replay(ReplayPolicy::kOptimal, nullptr));
  if (routing.guessed.n_tokens > 0) {
    JEVONS_ASSIGN(row.guessing, replay(ReplayPolicy::kJevons, &routing.guessed));
  }
  for (std::size_t layer = 0; layer < slots.size(); ++layer) {
    row.memory_bytes += expert_bytes[layer] * static_cast<std::uint64_t>(slots[layer]);
    const ReplayCounts& counts = row.jevons.layers[layer];
    row.read_bytes_per_token += static_cast<double>(counts.n_uses - counts.n_hits) *
                                static_cast<double>(expert_bytes[layer]) / routing.chosen.n_tokens;
  }
  row.slots = std::move(slots);
  return row;
}

std::string ReplayReport::text(int columns) const {
  std::string out = fmt::format("{}: {} of experts, {} of what every token reads\n", model,
                                size_text(expert_bytes), size_text(dense_bytes));
  out += fmt::format("{}: {} tokens, one at a time, from empty memory\n", routing, n_tokens);
  if (ram_bytes > 0) {
    out += fmt::format("{} of memory leave {} for experts\n", size_text(ram_bytes),
                       size_text(ram_bytes - dense_bytes));
  }
  out +=
      "\nHits of 100 uses, without the first use of each expert, which all policies\n"
      "miss; of jevons also with these, and what it reads from disk.\n\n";
  std::vector<std::string> titles = {">memory", ">slots",   ">jevons", ">LRU",
                                     ">LFU",    ">optimal", ">all",    ">read/token"};
  if (has_guesses) titles.insert(titles.end(), {">ready", ">useful"});
  TextTable table(titles);
  for (const Row& row : rows) {
    std::vector<std::string> cells = {size_text(row.memory_bytes),
                                      fmt::format("{:.1f}", mean_slots(row)),
                                      percent(row.jevons.all.hit_rate_without_first()),
                                      percent(row.recent.all.hit_rate_without_first()),
                                      percent(row.frequent.all.hit_rate_without_first()),
                                      percent(row.optimal.all.hit_rate_without_first()),
                                      percent(row.jevons.all.hit_rate()),
                                      bytes_text(row.read_bytes_per_token)};
    if (has_guesses) {
      cells.push_back(percent(row.guessing.ready_rate()));
      cells.push_back(percent(row.guessing.guesses.useful()));
    }
    table.add_row(std::move(cells));
  }
  out += table.render(columns);
  if (has_guesses && !rows.empty()) {
    const GuessCounts& guesses = rows.front().guessing.guesses;
    out += fmt::format(
        "\nGuesses of the next layer name {} % of its uses, and {} % of them are right.\n"
        "ready: uses in memory or guessed. useful: uses of 100 experts read ahead.\n",
        percent(guesses.recall()), percent(guesses.precision()));
  }
  return out;
}

std::string ReplayReport::json() const {
  Json out = {{"model", utf8_sanitize(model)}, {"routing", utf8_sanitize(routing)},
              {"n_tokens", n_tokens},          {"dense_bytes", dense_bytes},
              {"expert_bytes", expert_bytes},  {"ram_bytes", ram_bytes},
              {"rows", Json::array()}};
  for (const Row& row : rows) {
    Json cells = {{"memory_bytes", row.memory_bytes},
                  {"slots", row.slots},
                  {"read_bytes_per_token", row.read_bytes_per_token},
                  {"jevons", counts_json(row.jevons)},
                  {"lru", counts_json(row.recent)},
                  {"lfu", counts_json(row.frequent)},
                  {"optimal", counts_json(row.optimal)}};
    if (has_guesses) {
      const GuessCounts& guesses = row.guessing.guesses;
      cells["guesses"] = {{"precision", guesses.precision()},
                          {"recall", guesses.recall()},
                          {"useful", guesses.useful()},
                          {"ready", row.guessing.ready_rate()}};
    }
    out["rows"].push_back(std::move(cells));
  }
  return out.dump(2);
}

}  // namespace jevons
