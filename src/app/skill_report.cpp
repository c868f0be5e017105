#include "app/skill_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "app/quantity.h"
#include "app/term/bars.h"
#include "app/term/table.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

// M2.5's as others measured it, over 32 tokens of one session (docs/PERFORMANCE.md, "Which experts
// stay in memory"): for 1, 2, 4, 8 and 16 tokens back.
constexpr std::array kOverlapOfM25 = {0.334, 0.237, 0.200, 0.212, 0.204};
constexpr double kForeseenOfM25 = 0.785;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

void add_share(TextTable& table, const std::string& name, const Share& share) {
  if (share.n == 0) return;
  const Share::Interval interval = share.interval();
  table.add_row({name, fmt::format("{}", share.n_right), fmt::format("{}", share.n),
                 percent(share.value()),
                 fmt::format("{:.1f} to {:.1f}", 100 * interval.low, 100 * interval.high)});
}

struct Lengths {
  double mean = 0;
  int median = 0, of_95 = 0, longest = 0;
};

Lengths lengths_of(std::vector<int> tokens) {
  if (tokens.empty()) return {};
  std::sort(tokens.begin(), tokens.end());
  const auto at = [&](std::size_t share) { return tokens[(tokens.size() - 1) * share / 100]; };
  return {std::reduce(tokens.begin(), tokens.end(), 0.0) / static_cast<double>(tokens.size()),
          at(50), at(95), tokens.back()};
}

Json json_of(const Share& share) {
  const Share::Interval interval = share.interval();
  return {{"right", share.n_right},
          {"of", share.n},
          {"share", share.value()},
          {"low", interval.low},
          {"high", interval.high}};
}

Json json_of(const RoutingFigures& figures) {
  Json overlap = Json::object();
  for (std::size_t i = 0; i < figures.overlap.size(); ++i) {
    overlap[fmt::format("{}", RoutingFigures::kDistances[i])] = figures.overlap[i];
  }
  return {{"tokens", figures.n_tokens},
          {"overlap", overlap},
          {"overlap_by_chance", figures.overlap_by_chance},
          {"next_layer_foreseen", figures.foreseen},
          {"top_32nd_share_of_32_tokens",
           figures.top_32nd > 0 ? Json(figures.top_32nd) : Json(nullptr)},
          {"top_8th_share_of_32_tokens", figures.top_8th},
          {"busiest_over_mean", figures.busiest},
          {"idle_experts", figures.n_idle},
          {"experts", figures.n_experts}};
}

}  // namespace

std::string SkillReport::text(int columns) const {
  const double cached = run.n_prompt_tokens == 0 ? 0
                                                 : static_cast<double>(run.n_cached_tokens) /
                                                       static_cast<double>(run.n_prompt_tokens);
  std::string result = wrapped(
      fmt::format(
          "{}, {}: {} of {} cases of {}, {}. {} prompt tokens, {} of them from the cache, and {} "
          "generated in {:.0f} s.",
          model, quantisation, score.ended.n, run.turns.size(), suite,
          sampled ? "sampled as the model's card says" : "greedy", run.n_prompt_tokens,
          percent(cached), run.n_generated_tokens, run.seconds),
      columns);
  result += "\n";
  TextTable measures({"measure", ">right", ">of", ">share", ">95 % interval"});
  add_share(measures, "reasoning closed, turn ended", score.ended);
  add_share(measures, "no stray marker of the format", score.clean);
  add_share(measures, "a call where one is wanted", score.called);
  add_share(measures, "no call where none is wanted", score.silent);
  add_share(measures, "calls: format valid", score.format_valid);
  add_share(measures, "calls: right tools", score.right_tools);
  add_share(measures, "calls: right arguments, each", score.arguments);
  add_share(measures, "calls: right tools and all arguments", score.right_calls);
  add_share(measures, "answers: right", score.right_answers);
  result += measures.render(columns) + "\n";
  TextTable skills({"right turns, by skill", ">right", ">of", ">share", ">95 % interval"});
  for (const auto& [skill, share] : score.skills) add_share(skills, skill, share);
  add_share(skills, "knowledge of those who were taught it", score.taught);
  result += skills.render(columns);
  const Lengths lengths = lengths_of(score.reasoning_tokens);
  result +=
      "\n" + wrapped(fmt::format("Reasoning: {:.0f} tokens on average, half of the turns at "
                                 "most {}, 95 % at most {}, the longest {}.",
                                 lengths.mean, lengths.median, lengths.of_95, lengths.longest),
                     columns);
  if (routing) result += "\n" + routing_text(*routing, columns);
  return result;
}

std::string SkillReport::json() const {
  const Lengths lengths = lengths_of(score.reasoning_tokens);
  Json skills = Json::object();
  for (const auto& [skill, share] : score.skills) skills[skill] = json_of(share);
  Json root = {{"model", model},
               {"quantisation", quantisation},
               {"suite", suite},
               {"cases", run.turns.size()},
               {"done", score.ended.n},
               {"sampled", sampled},
               {"ended", json_of(score.ended)},
               {"no_stray_marker", json_of(score.clean)},
               {"no_call_where_none_is_wanted", json_of(score.silent)},
               {"calls",
                {{"made_where_wanted", json_of(score.called)},
                 {"format_valid", json_of(score.format_valid)},
                 {"right_tools", json_of(score.right_tools)},
                 {"right_arguments", json_of(score.arguments)},
                 {"right", json_of(score.right_calls)}}},
               {"answers", json_of(score.right_answers)},
               {"skills", skills},
               {"taught", json_of(score.taught)},
               {"reasoning_tokens",
                {{"mean", lengths.mean},
                 {"median", lengths.median},
                 {"p95", lengths.of_95},
                 {"max", lengths.longest}}},
               {"prompt_tokens", run.n_prompt_tokens},
               {"cached_tokens", run.n_cached_tokens},
               {"generated_tokens", run.n_generated_tokens},
               {"seconds", run.seconds}};
  if (routing) root["routing"] = json_of(*routing);
  return root.dump();
}

std::string routing_text(const RoutingFigures& figures, int columns) {
  TextTable table({fmt::format("routing, over {} tokens", figures.n_tokens), ">here", ">M2.5"});
  for (std::size_t i = 0; i < figures.overlap.size(); ++i) {
    const int distance = RoutingFigures::kDistances[i];
    table.add_row({distance == 1 ? "experts shared with the token before"
                                 : fmt::format("with the one {} before", distance),
                   percent(figures.overlap[i]), percent(kOverlapOfM25[i])});
  }
  table.add_row({"by chance", percent(figures.overlap_by_chance), "3.1 %"});
  table.add_row({"told by the layer before", percent(figures.foreseen), percent(kForeseenOfM25)});
  if (figures.top_32nd > 0) {
    table.add_row({"of 32 tokens, the most used 1/32 of a layer's experts take",
                   percent(figures.top_32nd), "31 to 41 %"});
  }
  table.add_row({"of 32 tokens, the most used 1/8 take", percent(figures.top_8th), "69 to 79 %"});
  table.add_row(
      {"busiest expert, over its layer's mean", fmt::format("{:.2f}", figures.busiest), "-"});
  table.add_row({"experts with less than a tenth of the mean",
                 fmt::format("{} of {}", figures.n_idle, figures.n_experts), "-"});
  return table.render(columns);
}

std::string routing_json(const RoutingFigures& figures) { return json_of(figures).dump(); }

std::string turns_json_lines(std::span<const SkillCase> cases,
                             std::span<const std::optional<SkillTurn>> turns) {
  std::string lines;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    if (!turns[i]) continue;
    const SkillTurn& turn = *turns[i];
    const SkillVerdict verdict = judge(cases[i], turn);
    Json calls = Json::array();
    for (const ToolCall& call : turn.message.tool_calls) {
      calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
    }
    const Json line = {{"id", cases[i].id},
                       {"skill", cases[i].skill},
                       {"right", verdict.right},
                       {"ended", verdict.ended},
                       {"clean", verdict.is_clean},
                       {"reasoning", turn.message.reasoning.value_or("")},
                       {"text", turn.message.content.joined()},
                       {"calls", calls},
                       {"warnings", turn.warnings}};
    lines += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return lines;
}

}  // namespace jevons
