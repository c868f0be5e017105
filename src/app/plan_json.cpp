// The JSON of `jevons plan`.
#include <nlohmann/json.hpp>

#include "app/plan_report.h"
#include "app/plan_text.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

Json speed_json(const SpeedEstimate& estimate) {
  return {{"tokens_per_second", estimate.expected},
          {"low", estimate.low},
          {"high", estimate.high},
          {"limit", speed_limit_name(estimate.limit)},
          {"memory_seconds", estimate.memory_seconds},
          {"arithmetic_seconds", estimate.arithmetic_seconds},
          {"disk_seconds", estimate.disk_seconds},
          {"bytes_per_token", estimate.bytes_per_token},
          {"disk_bytes_per_token", estimate.disk_bytes_per_token},
          {"expert_hit_rate", estimate.hit_rate}};
}

const char* fit_name(const ModelPlan& plan) {
  if (plan.fit == Fit::kInMemory) return "in memory";
  return plan.fit == Fit::kStreamed ? "from disk" : "does not fit";
}

Json plan_json(const ModelPlan& plan, const PlanRequest& request) {
  const PlannedModel& model = plan.model;
  const auto all = static_cast<double>(model.n_parameters());
  Json out = {
      {"model", utf8_sanitize(model.name)},
      {"mix", model.mix},
      {"source", utf8_sanitize(model.source)},
      {"path", utf8_sanitize(model.path)},
      {"file_bytes", model.file_bytes},
      {"bits_per_weight", model.bits_per_weight()},
      {"parameters", model.n_parameters()},
      {"active_parameters", model.n_active_parameters()},
      {"active_part", static_cast<double>(model.n_active_parameters()) / all},
      {"bytes_per_token", model.bytes_per_token()},
      {"dense_bytes", model.dense_bytes()},
      {"pinned_bytes", model.pinned_bytes()},
      {"expert_bytes", model.expert_bytes()},
      {"kv_bytes_per_token",
       {{"q8_0", model.kv_bytes_per_token("q8_0")}, {"f16", model.kv_bytes_per_token("f16")}}},
      {"runs", plan.runs()},
      {"fit", fit_name(plan)},
      {"problem", utf8_sanitize(plan.problem)},
      {"largest_context",
       {{"q8_0", plan.largest_context_q8_0}, {"f16", plan.largest_context_f16}}}};
  if (plan.least_ram_bytes > 0) out["least_ram_bytes"] = plan.least_ram_bytes;
  if (plan.fit == Fit::kTooLarge) return out;
  out["resident_bytes"] = plan.resident_bytes;
  out["streamed_bytes"] = plan.streamed_bytes;
  out["resident_experts"] = plan.resident_experts;
  out["kv_bytes"] = plan.kv_bytes;
  out["scratch_bytes"] = plan.scratch_bytes;
  out["context"] = plan.context;
  out["prompt_batch"] = plan.prompt_batch;
  out["prompt"] = speed_json(plan.prompt);
  out["answer"] = speed_json(plan.answer);
  out["answer_full_context"] = speed_json(plan.answer_full);
  out["ready_seconds"] = plan.ready_seconds;
  out["warm_seconds"] = plan.warm_seconds;
  if (plan.runs()) out["command"] = utf8_sanitize(plan.command(request));
  return out;
}

}  // namespace

std::string PlanReport::json() const {
  Json out;
  Json machine = Json::parse(machine_facts_json(request.machine));
  machine.erase("version");
  machine["modelled"] = !request.machine.is_measured;
  machine["ram_available_bytes"] = {{"value", request.machine.ram_available_bytes.value},
                                    {"source", request.machine.ram_available_bytes.source}};
  machine["disk_of_the_model"] = utf8_sanitize(request.device);
  out["machine"] = std::move(machine);
  out["kv_type"] = request.kv_type;
  out["agents"] = request.n_agents;
  if (request.ram_bytes > 0) out["ram_bytes"] = request.ram_bytes;
  out["plans"] = Json::array();
  for (const ModelPlan& plan : plans) out["plans"].push_back(plan_json(plan, request));
  out["recommendation"] = nullptr;
  if (recommendation) {
    const ModelPlan& plan = plans[recommendation->index];
    out["recommendation"] = {{"mix", plan.model.mix},
                             {"reason", recommendation->reason},
                             {"command", utf8_sanitize(plan.command(request))}};
  } else {
    const std::string preset = preset_that_runs(plans.front().model, request);
    if (!preset.empty()) out["would_run_on"] = preset;
  }
  out["notes"] = notes;
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace jevons
