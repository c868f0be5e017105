#include "app/plan_report.h"

#include <algorithm>

#include "app/plan_text.h"
#include "app/quantity.h"
#include "app/term/bars.h"
#include "app/term/table.h"
#include "base/memory_info.h"

namespace jevons {
namespace {

constexpr int kIndent = 13;  // of values behind their names

std::string size_text(std::uint64_t n_bytes) { return bytes_text(static_cast<double>(n_bytes)); }

std::string value_line(const std::string& name, const std::string& value, int columns) {
  return wrapped(fmt::format("{:<{}}{}", name, kIndent, value), columns, kIndent);
}

std::string percent_text(double part) {
  const double percent = 100 * part;
  return fmt::format("{:.{}f} %", percent, percent < 10 ? 1 : 0);
}

std::string sparsity_text(const PlannedModel& model) {
  const auto all = static_cast<double>(model.n_parameters());
  const auto read = static_cast<double>(model.n_active_parameters());
  return fmt::format("{} parameters, of which a token reads {} ({}): {}", count_text(all),
                     count_text(read), percent_text(read / all),
                     size_text(model.bytes_per_token()));
}

std::string memory_text_of(const ModelPlan& plan) {
  if (plan.fit == Fit::kInMemory) return "all of it stays in memory";
  return fmt::format(
      "{} stay in memory: what every token reads and {} of the experts; the other {} are read from "
      "disk as they are needed",
      size_text(plan.resident_bytes), percent_text(plan.resident_experts),
      size_text(plan.streamed_bytes));
}

std::string loading_text(const ModelPlan& plan) {
  if (plan.fit == Fit::kInMemory && plan.warm_seconds <= 0) {
    return "at once; the first prompts read the file";
  }
  if (plan.fit == Fit::kInMemory) {
    return fmt::format("at once; the first prompts read the file, {} in all",
                       seconds_text(plan.warm_seconds));
  }
  return fmt::format("ready after {}, memory full after {}", seconds_text(plan.ready_seconds),
                     seconds_text(plan.warm_seconds));
}

std::string limit_text(const SpeedEstimate& estimate) {
  std::string text = fmt::format("limited by {}", speed_limit_name(estimate.limit));
  if (estimate.disk_seconds > 0 && estimate.hit_rate < 1) {
    text += fmt::format("; {} a token from disk", bytes_text(estimate.disk_bytes_per_token));
  }
  return text;
}

// Contexts that people ask for, and what they take.
std::string context_table(const PlannedModel& model, int columns) {
  TextTable table({">context", ">q8_0", ">f16"});
  std::vector<int> lengths = {8192, 32768, 131072, model.config.context_length};
  std::erase_if(lengths, [&](int n) { return n > model.config.context_length; });
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  for (const int n : lengths) {
    const auto size = [&](const char* type) {
      return size_text(model.kv_bytes_per_token(type) * static_cast<std::uint64_t>(n));
    };
    table.add_row({fmt::format("{}", n), size("q8_0"), size("f16")});
  }
  return "keys and values of a context:\n" + table.render(columns);
}

std::string detail(const ModelPlan& plan, const PlanRequest& request, int columns) {
  const PlannedModel& model = plan.model;
  std::string text;
  const auto add = [&](const char* name, const std::string& value) {
    text += value_line(name, value, columns);
  };
  add("file", fmt::format("{}, {:.2f} bits a weight ({})", size_text(model.file_bytes),
                          model.bits_per_weight(), model.source));
  add("sparsity", sparsity_text(model));
  if (plan.fit == Fit::kTooLarge) return text + "\n" + context_table(model, columns);
  add("memory", memory_text_of(plan));
  add("context",
      fmt::format("{} tokens{}; {} are set aside for keys and values in {}; at most {} tokens fit "
                  "in q8_0, {} in f16",
                  plan.context, request.n_agents > 1 ? " for each agent" : "",
                  size_text(plan.kv_bytes), request.kv_type, plan.largest_context_q8_0,
                  plan.largest_context_f16));
  add("loading", loading_text(plan));
  add("prompt", fmt::format("{} tokens/s, {}", range_text(plan.prompt), limit_text(plan.prompt)));
  add("answer", fmt::format("{} tokens/s, {}", range_text(plan.answer), limit_text(plan.answer)));
  add("", fmt::format("{} tokens/s at the end of the context", range_text(plan.answer_full)));
  if (plan.fit == Fit::kStreamed) {
    add("", fmt::format("{} of the experts that are used are found in memory (measured routing of "
                        "M2.5, mixed work)",
                        percent_text(plan.answer.hit_rate)));
  }
  if (request.n_agents > 1) {
    add("agents",
        fmt::format("{}: together as above, {} tokens/s each; they share the weights "
                    "that a step reads",
                    request.n_agents, speed_text(plan.answer.expected / request.n_agents)));
  }
  return text + "\n" + context_table(model, columns);
}

std::string place_text(const ModelPlan& plan) {
  if (!plan.model.problem.empty()) return "-";
  if (plan.fit == Fit::kTooLarge) return "no";
  return plan.fit == Fit::kInMemory ? "all" : percent_text(plan.resident_experts);
}

std::string table_of(const PlanReport& report, int columns) {
  TextTable table(
      {"", "mix", ">bits", ">file", ">in memory", ">context", ">prompt", ">answer", "limit"});
  for (std::size_t i = 0; i < report.plans.size(); ++i) {
    const ModelPlan& plan = report.plans[i];
    const bool is_best = report.recommendation && report.recommendation->index == i;
    const bool runs = plan.runs();
    table.add_row(
        {is_best ? "*" : "", plan.model.mix, fmt::format("{:.2f}", plan.model.bits_per_weight()),
         size_text(plan.model.file_bytes), place_text(plan),
         runs ? fmt::format("{}", plan.context) : "", runs ? speed_text(plan.prompt.expected) : "",
         runs ? range_text(plan.answer) : "", runs ? speed_limit_name(plan.answer.limit) : ""});
  }
  return table.render(columns);
}

std::string excluded_text(const PlanReport& report, int columns) {
  std::string text;
  for (const ModelPlan& plan : report.plans) {
    if (plan.model.problem.empty()) continue;
    text += wrapped(fmt::format("{} {}", plan.model.mix, plan.model.problem), columns, 2);
  }
  return text;
}

std::string nothing_text(const PlanReport& report, int columns) {
  const ModelPlan* least = nullptr;
  for (const ModelPlan& plan : report.plans) {
    if (!plan.model.problem.empty()) continue;
    if (least == nullptr || plan.model.file_bytes < least->model.file_bytes) least = &plan;
  }
  if (least == nullptr) {
    const PlannedModel& model = report.plans.front().model;
    return wrapped(fmt::format("Nothing runs: {} {}.", model.mix, model.problem), columns, 0);
  }
  std::string text = wrapped(
      fmt::format("Nothing fits. {}{}: {}.", report.plans.size() > 1 ? "The smallest, " : "",
                  least->model.mix, least->problem),
      columns, 0);
  if (least->least_ram_bytes > 0) {
    text += wrapped(fmt::format("{} would run with {} available (now {}).", least->model.mix,
                                memory_text(least->least_ram_bytes), memory_text(least->ram_bytes)),
                    columns, 0);
  }
  const std::string preset = preset_that_runs(least->model, report.request);
  if (!preset.empty()) {
    text += wrapped(fmt::format("It would run on {} (jevons plan --machine {}).", preset, preset),
                    columns, 0);
  }
  return text;
}

std::string recommendation_text(const PlanReport& report, int columns) {
  if (!report.recommendation) return nothing_text(report, columns);
  const ModelPlan& plan = report.plans[report.recommendation->index];
  std::string text;
  if (report.plans.size() > 1) {
    text +=
        wrapped(fmt::format("* {}: {}", plan.model.mix, report.recommendation->reason), columns, 2);
  }
  if (plan.model.path.empty()) {
    text += wrapped(fmt::format("When its file ({}) is here:", size_text(plan.model.file_bytes)),
                    columns, 2);
  }
  return text + "  " + plan.command(report.request) + "\n";
}

}  // namespace

PlanReport PlanReport::of(const std::vector<PlannedModel>& models, PlanRequest request) {
  PlanReport report;
  report.request = std::move(request);
  for (const PlannedModel& model : models) {
    report.plans.push_back(plan_model(model, report.request));
  }
  std::stable_sort(report.plans.begin(), report.plans.end(),
                   [](const ModelPlan& a, const ModelPlan& b) {
                     return a.model.file_bytes < b.model.file_bytes;
                   });
  report.recommendation = recommend(report.plans, report.request.n_agents);
  return report;
}

std::string PlanReport::text(int columns) const {
  const ModelPlan& first = plans.front();
  const bool is_one = plans.size() == 1;
  std::string out =
      is_one ? fmt::format("{} {}\n", first.model.name, first.model.mix)
             : wrapped(fmt::format("{}: {}", first.model.name, sparsity_text(first.model)), columns,
                       2);
  out += machine_lines(request.machine, request.device, columns);
  if (request.ram_bytes > 0)
    out += fmt::format("  given to Jevons: {}\n", ram_text(static_cast<double>(request.ram_bytes)));
  for (const std::string& note : notes) out += wrapped("  " + note, columns, 2);
  out += "\n";
  if (is_one) {
    out += detail(first, request, columns);
  } else {
    out += table_of(*this, columns);
    out += wrapped(fmt::format("prompt, answer: tokens per second{}; of an answer also the range",
                               request.n_agents > 1
                                   ? fmt::format(" of {} agents together, each with its context",
                                                 request.n_agents)
                                   : ""),
                   columns, 0);
    out += excluded_text(*this, columns);
  }
  out += "\n" + recommendation_text(*this, columns);
  if (shows_sparsity) out += "\n" + sparsity_table(columns);
  return out;
}

}  // namespace jevons
