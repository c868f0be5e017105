#include "app/bench_replay.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "app/commands.h"
#include "app/model_path.h"
#include "app/quantity.h"
#include "app/replay_report.h"
#include "app/term/progress_line.h"
#include "app/term/terminal.h"
#include "convert/routing_file.h"
#include "convert/routing_generator.h"
#include "model/open_model.h"
#include "weights/expert_layout.h"
#include "weights/model_summary.h"

namespace jevons {
namespace {

constexpr std::string_view kGenerated = "generated";
constexpr int kGeneratedTokens = 1024;

// The same number of experts for each layer, of M2.5's 256 from a laptop's share to a half.
std::vector<std::vector<int>> usual_slots(const ModelConfig& config) {
  std::vector<std::vector<int>> result;
  for (const int of_256 : {16, 21, 32, 36, 58, 96, 128}) {
    const int n = std::max(1, of_256 * config.n_experts / 256);
    if (!result.empty() && result.back().front() == n) continue;
    result.emplace_back(static_cast<std::size_t>(config.n_layers), n);
  }
  return result;
}

// ram_bytes: 0 for the usual sizes alone.
Result<ReplayReport> measure(const std::string& routing_name, std::uint64_t ram_bytes,
                             const std::string& model_path) {
  ReplayReport report;
  report.ram_bytes = ram_bytes;
  JEVONS_ASSIGN(const std::string path, model_path_or_nano(model_path));
  JEVONS_ASSIGN(const OpenModel model, OpenModel::open(path));
  const ModelConfig& config = model.weights.config;
  for (const ModelSummary::Group& group : summarize(*model.file).groups) {
    (is_expert_group(group.group) ? report.expert_bytes : report.dense_bytes) += group.n_bytes;
  }
  const ExpertLayout layout(model.weights);
  std::vector<std::uint64_t> expert_bytes;  // of one expert of each layer
  expert_bytes.reserve(static_cast<std::size_t>(config.n_layers));
  for (int layer = 0; layer < config.n_layers; ++layer) {
    expert_bytes.push_back(layout.expert_bytes(layer));
  }
  std::vector<std::vector<int>> sizes = usual_slots(config);
  if (ram_bytes > 0) {
    if (ram_bytes <= report.dense_bytes) {
      return fail("--ram is {}, and what every token reads takes {} already",
                  bytes_text(static_cast<double>(ram_bytes)),
                  bytes_text(static_cast<double>(report.dense_bytes)));
    }
    std::vector<int> slots =
        slots_within(ram_bytes - report.dense_bytes, expert_bytes, config.n_experts);
    if (std::ranges::find(sizes, slots) == sizes.end()) sizes.push_back(std::move(slots));
  }
  JEVONS_ASSIGN(const GeneratedRouting routing, named_routing("--replay", routing_name, config));
  report.model = config.name;
  report.routing = routing_name;
  report.n_tokens = routing.chosen.n_tokens;
  report.has_guesses = routing.guessed.n_tokens > 0;
  ProgressLine progress;
  for (std::vector<int>& slots : sizes) {
    progress.show(fmt::format("{} of {} sizes", report.rows.size(), sizes.size()));
    JEVONS_ASSIGN(ReplayReport::Row row,
                  ReplayReport::Row::of(routing, config.n_experts, expert_bytes, std::move(slots)));
    report.rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(report.rows, {}, &ReplayReport::Row::memory_bytes);
  return report;
}

}  // namespace

Result<GeneratedRouting> named_routing(const char* flag, const std::string& name,
                                       const ModelConfig& config) {
  if (name != kGenerated && !name.starts_with("generated:")) {
    JEVONS_ASSIGN(RoutingTrace chosen, read_routing(name, config));
    return GeneratedRouting{std::move(chosen), {}};
  }
  GeneratedSession session;
  session.n_layers = config.n_layers;
  session.n_experts = config.n_experts;
  session.n_used = config.n_experts_used;
  session.n_tokens = kGeneratedTokens;
  if (name != kGenerated) {
    const char* const end = name.data() + name.size();
    const auto [rest, problem] =
        std::from_chars(name.data() + kGenerated.size() + 1, end, session.drift);
    if (problem != std::errc{} || rest != end) {
      return fail("{} is '{}'; the drift after the colon must be a number", flag, name);
    }
  }
  return generate_routing(session);
}

int bench_replay(const std::string& routing, std::uint64_t ram_bytes, const std::string& model,
                 bool json) {
  const auto figures = measure(routing, ram_bytes, model);
  if (!figures) return report(figures.error());
  fmt::print("{}", json ? figures->json() + "\n"
                        : harmless_text(figures->text(terminal_width(STDOUT_FILENO))));
  return kSuccess;
}

}  // namespace jevons
