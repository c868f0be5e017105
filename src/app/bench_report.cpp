#include "app/bench_report.h"

#include <nlohmann/json.hpp>

#include "app/quantity.h"
#include "app/streaming_report.h"
#include "app/term/table.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

// One line of a breakdown. bytes: of weights, or of keys and values, that a token reads; 0: none
// that counts, or shared between tokens.
struct Stage {
  const char* name;
  double ms_per_token;
  double bytes_per_token;
};

double n_steps_of(const SpeedFigure& figure) {
  return figure.test.n_tokens * static_cast<double>(figure.tokens_per_second.size());
}

std::vector<Stage> stages_of(const SpeedFigure& figure, const StageBytes& weights,
                             double kv_bytes) {
  const double n_tokens = n_steps_of(figure) * figure.test.n_sequences;
  const auto ms = [&](double seconds) { return seconds * 1000 / n_tokens; };
  const StageTimes& t = figure.stages;
  const double reads = figure.test.is_prompt || figure.test.n_sequences > 1 ? 0 : 1;
  return {{"projections", ms(t.projections), reads * weights.projections},
          {"attention", ms(t.attention), reads * kv_bytes},
          {"router", ms(t.router), reads * weights.router},
          {"experts", ms(t.experts), reads * weights.experts},
          {"head", ms(t.head), reads * weights.head},
          {"embedding", ms(t.embedding), 0},
          {"sampling", ms(figure.sampling_seconds), 0}};
}

Json streaming_json(const SpeedFigure::Streaming& s) {
  return {{"seconds", s.seconds},
          {"n_needed", s.n_needed},
          {"n_from_memory", s.n_hits},
          {"n_foreseen", s.n_foreseen},
          {"n_foreseen_in_time", s.n_in_time},
          {"n_from_disk", s.n_missed},
          {"n_guessed", s.n_guessed},
          {"n_guessed_right", s.n_right},
          {"n_guessable", s.n_guessable},
          {"bytes_read", s.bytes_read},
          {"disk_seconds", s.disk_seconds},
          {"waiting_seconds", s.waiting_seconds},
          {"disk_bytes_per_second", s.disk_bytes_per_second}};
}

std::string speed_text(double value) { return fmt::format("{:.{}f}", value, value < 100 ? 2 : 1); }

}  // namespace

std::string test_name(const SpeedTest& test) {
  const std::string depth = test.depth > 0 ? fmt::format(" @ {}", test.depth) : "";
  const std::string sequences =
      test.n_sequences > 1 ? fmt::format(" x {}", test.n_sequences) : std::string();
  return fmt::format("{}{}{}{}", test.is_prompt ? "pp" : "tg", test.n_tokens, sequences, depth);
}

BenchReport BenchReport::of(const ModelSummary& summary, const std::string& kv_type) {
  BenchReport report;
  report.model = summary.name;
  report.kv_type = kv_type;
  report.weight_bytes_per_token = summary.bytes_per_token;
  report.kv_bytes_per_token =
      kv_type == "f16" ? summary.kv_bytes_per_token_f16 : summary.kv_bytes_per_token_q8_0;
  if (summary.config) {
    report.n_experts_per_token = summary.config->n_layers * summary.config->n_experts_used;
  }
  return report;
}

double BenchReport::kv_bytes(const SpeedTest& test) const {
  const double keys = test.depth + (test.is_prompt ? 0.0 : test.n_tokens / 2.0);
  return keys * static_cast<double>(kv_bytes_per_token);
}

double BenchReport::bytes_per_token(const SpeedFigure& figure) const {
  const SpeedTest& test = figure.test;
  const auto weights = static_cast<double>(weight_bytes_per_token);
  if (test.n_sequences == 1) return weights + kv_bytes(test);
  const double experts = static_cast<double>(figure.stages.n_experts) / n_steps_of(figure) /
                         n_experts_per_token * stage_bytes.experts;
  return (weights - stage_bytes.experts + experts) / test.n_sequences + kv_bytes(test);
}

double BenchReport::ratio_to_limit(const SpeedFigure& figure) const {
  const double limit =
      figure.test.is_prompt ? figure.int8_operations_per_second : figure.memory_bytes_per_second;
  if (limit <= 0) return 0;
  const double work =
      figure.test.is_prompt ? 2.0 * prompt_multiplications : bytes_per_token(figure);
  return figure.mean * work / limit;
}

std::string BenchReport::text(int columns) const {
  std::string out = fmt::format("{}, {} kernels, keys and values in {}\n", model, kernels, kv_type);
  out += fmt::format("a token reads {} of weights, and {} for each one before it\n",
                     bytes_text(static_cast<double>(weight_bytes_per_token)),
                     bytes_text(static_cast<double>(kv_bytes_per_token)));
  for (const auto& [n_threads, can] : machine) {
    out += fmt::format(
        "{} thread{}: int8 {} operations/s; memory {}/s on 2 MB pages,\n"
        "  {}/s on 4 kB pages{}\n",
        n_threads, n_threads == 1 ? "" : "s", count_text(can.int8_peak),
        bytes_text(can.large_pages), bytes_text(can.small_pages),
        can.mapped > 0 ? fmt::format(", {}/s mapped", bytes_text(can.mapped)) : "");
  }
  TextTable table({"test", ">threads", ">tok/s", ">+-", ">bytes/token", ">of limit", "limit"});
  for (const SpeedFigure& figure : figures) {
    const SpeedTest& test = figure.test;
    table.add_row({test_name(test), fmt::format("{}", test.n_threads), speed_text(figure.mean),
                   speed_text(figure.deviation),
                   test.is_prompt ? "" : bytes_text(bytes_per_token(figure)),
                   fmt::format("{:.1f} %", 100 * ratio_to_limit(figure)),
                   test.is_prompt ? "int8" : "memory"});
  }
  out += "\n" + table.render(columns) + streaming_table(figures, columns);
  if (!has_breakdown) return out;
  for (const SpeedFigure& figure : figures) out += breakdown_text(figure, columns);
  return out;
}

std::string BenchReport::breakdown_text(const SpeedFigure& figure, int columns) const {
  const SpeedTest& test = figure.test;
  const std::vector<Stage> stages = stages_of(figure, stage_bytes, kv_bytes(test));
  double total = 0;
  for (const Stage& stage : stages) total += stage.ms_per_token;
  TextTable table({test_name(test), ">ms/token", ">share", ">memory", ">of limit"});
  const double limit = figure.memory_bytes_per_second;
  for (const Stage& stage : stages) {
    const double speed = stage.bytes_per_token / stage.ms_per_token * 1000;
    const bool has_speed = stage.bytes_per_token > 0 && stage.ms_per_token > 0;
    table.add_row({stage.name, fmt::format("{:.4f}", stage.ms_per_token),
                   fmt::format("{:.1f} %", 100 * stage.ms_per_token / total),
                   has_speed ? bytes_text(speed) + "/s" : "",
                   has_speed && limit > 0 ? fmt::format("{:.0f} %", 100 * speed / limit) : ""});
  }
  const double n_steps = n_steps_of(figure);
  const double n_tokens = n_steps * test.n_sequences;
  const StageTimes& times = figure.stages;
  std::string out = "\n" + table.render(columns);
  out +=
      fmt::format("{} thread{}; of this, waiting for other threads: {:.4f} ms ({:.1f} %)\n",
                  test.n_threads, test.n_threads == 1 ? "" : "s", times.waiting * 1000 / n_tokens,
                  100 * times.waiting * 1000 / n_tokens / total);
  if (!test.is_prompt && times.n_loops > 0) {
    out += fmt::format("{:.0f} loops divided among threads in a step\n",
                       static_cast<double>(times.n_loops) / n_steps);
  }
  return out;
}

std::string BenchReport::json() const {
  Json out;
  out["model"] = utf8_sanitize(model);
  out["kernels"] = kernels;
  out["kv_type"] = kv_type;
  out["weight_bytes_per_token"] = weight_bytes_per_token;
  out["kv_bytes_per_token"] = kv_bytes_per_token;
  out["prompt_multiplications"] = prompt_multiplications;
  out["machine"] = Json::array();
  for (const auto& [n_threads, can] : machine) {
    out["machine"].push_back({{"threads", n_threads},
                              {"memory_bytes_per_second", can.large_pages},
                              {"memory_bytes_per_second_4k_pages", can.small_pages},
                              {"memory_bytes_per_second_mapped", can.mapped},
                              {"int8_operations_per_second", can.int8_peak}});
  }
  out["results"] = Json::array();
  for (const SpeedFigure& figure : figures) {
    const SpeedTest& test = figure.test;
    out["results"].push_back({{"test", test.is_prompt ? "prompt" : "generation"},
                              {"tokens", test.n_tokens},
                              {"depth", test.depth},
                              {"threads", test.n_threads},
                              {"tokens_per_second", figure.mean},
                              {"deviation", figure.deviation},
                              {"repetitions", figure.tokens_per_second},
                              {"sequences", test.n_sequences},
                              {"bytes_per_token", bytes_per_token(figure)},
                              {"ratio_to_limit", ratio_to_limit(figure)},
                              {"limit", test.is_prompt ? "int8" : "memory"}});
    if (figure.streaming) out["results"].back()["streaming"] = streaming_json(*figure.streaming);
    if (!has_breakdown) continue;
    Json stages = Json::object();
    for (const Stage& stage : stages_of(figure, stage_bytes, kv_bytes(test))) {
      stages[stage.name] =
          Json{{"ms_per_token", stage.ms_per_token}, {"bytes_per_token", stage.bytes_per_token}};
    }
    Json& result = out["results"].back();
    result["stages"] = std::move(stages);
    result["waiting_seconds"] = figure.stages.waiting;
    result["n_loops"] = figure.stages.n_loops;
  }
  return out.dump(2);
}

}  // namespace jevons
