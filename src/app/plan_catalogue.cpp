// What `jevons plan` says about machines and models that are not here.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/plan_report.h"
#include "app/plan_text.h"
#include "app/quantity.h"
#include "app/term/bars.h"
#include "app/term/table.h"
#include "meter/machine_presets.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kFourBits = 4.84;  // what Q4_K_M comes to for M2

std::string percent_text(double part) { return fmt::format("{:.1f} %", 100 * part); }

// Parameters of the family, which all have the same network.
std::pair<double, double> family_parameters() {
  const auto model = compute_model("M2", m25_config(), *find_mix("BF16"));
  if (!model) return {0, 0};
  return {static_cast<double>(model->n_parameters()),
          static_cast<double>(model->n_active_parameters())};
}

double foreign_bytes(const ForeignModel& model, double bits) {
  return model.n_parameters * bits / 8;
}

Json figure_json(const SourcedFigure& figure) {
  return {{"value", figure.value}, {"source", figure.source}};
}

}  // namespace

std::string sparsity_table(int columns) {
  TextTable table({"model", ">parameters", ">read per token", ">part", "runs here"});
  const auto [all, read] = family_parameters();
  table.add_row({"MiniMax-M2, M2.1, M2.5, M2.7", count_text(all), count_text(read),
                 percent_text(read / all), "yes"});
  for (const ForeignModel& model : foreign_models()) {
    table.add_row({model.name, count_text(model.n_parameters),
                   count_text(model.n_active_parameters),
                   percent_text(model.n_active_parameters / model.n_parameters), "no"});
  }
  return table.render(columns);
}

std::string foreign_text(const ForeignModel& model, const PlanRequest& request, int columns) {
  std::string out = fmt::format("{}: not runnable here, for comparison only\n", model.name);
  out += machine_lines(request.machine, request.device, columns) + "\n";
  TextTable table({"precision", ">weights", ">read per token", "beside memory"});
  const auto row = [&](const std::string& name, double bits) {
    const double n_bytes = foreign_bytes(model, bits);
    const double available = request.ram_bytes > 0 ? static_cast<double>(request.ram_bytes)
                                                   : request.machine.ram_available_bytes.value;
    table.add_row({name, bytes_text(n_bytes), bytes_text(model.n_active_parameters * bits / 8),
                   n_bytes <= available ? "would fit"
                                        : fmt::format("{:.1f} times what is available",
                                                      n_bytes / std::max(1.0, available))});
  };
  row(fmt::format("{}, as published", model.native), model.native_bits);
  row("about 4.84 bits (Q4_K_M)", kFourBits);
  out += table.render(columns);
  const int context = request.context > 0 ? request.context : 32768;
  out += wrapped(
      fmt::format("A token of context takes {} in 16 bits; {} tokens {}{}.",
                  bytes_text(model.kv_bytes_per_token), context,
                  bytes_text(model.kv_bytes_per_token * context * request.n_agents),
                  request.n_agents > 1 ? fmt::format(" for {} agents", request.n_agents) : ""),
      columns, 0);
  out += wrapped(fmt::format("Source: {}.", model.source), columns, 0);
  return out + "\n" + sparsity_table(columns);
}

std::string foreign_json(const ForeignModel& model, const PlanRequest& request) {
  const int context = request.context > 0 ? request.context : 32768;
  Json out = {{"model", model.name},
              {"runs", false},
              {"problem", "not runnable here, for comparison only"},
              {"parameters", model.n_parameters},
              {"active_parameters", model.n_active_parameters},
              {"active_part", model.n_active_parameters / model.n_parameters},
              {"published_as", model.native},
              {"published_bytes", foreign_bytes(model, model.native_bits)},
              {"bytes_at_4_84_bits", foreign_bytes(model, kFourBits)},
              {"kv_bytes_per_token_16_bits", model.kv_bytes_per_token},
              {"context", context},
              {"agents", request.n_agents},
              {"kv_bytes", model.kv_bytes_per_token * context * request.n_agents},
              {"source", model.source}};
  return out.dump(2);
}

std::string machines_text(int columns) {
  std::string out = "Modelled from specifications; nothing of these was measured.\n\n";
  TextTable table(
      {"machine", ">memory", ">available", ">bandwidth", ">8-bit/s", ">float/s", ">disk"});
  const std::vector<MachineFacts> presets = machine_presets();
  for (const MachineFacts& machine : presets) {
    table.add_row({machine.name, ram_text(machine.ram_bytes.value),
                   ram_text(machine.ram_available_bytes.value),
                   bytes_text(machine.bandwidth_all.value) + "/s",
                   count_text(machine.int8_peak.value), count_text(machine.f32_peak.value),
                   bytes_text(machine.disks.front().bytes_per_second.value) + "/s"});
  }
  out += table.render(columns);
  for (const MachineFacts& machine : presets) {
    out += "\n" + wrapped(fmt::format("{}: {}", machine.name, machine.description), columns, 2);
    const auto source = [&](const char* name, const std::string& text) {
      out += wrapped(fmt::format("  {}: {}", name, text), columns, 4);
    };
    source("memory", machine.bandwidth_all.source);
    source("available", machine.ram_available_bytes.source);
    source("arithmetic", machine.int8_peak.source);
    source("disk", machine.disks.front().bytes_per_second.source);
  }
  return out;
}

std::string machines_json() {
  Json out = Json::array();
  for (const MachineFacts& machine : machine_presets()) {
    out.push_back({{"name", machine.name},
                   {"description", machine.description},
                   {"modelled", true},
                   {"cores", machine.n_cores},
                   {"kernels", machine.kernels},
                   {"ram_bytes", figure_json(machine.ram_bytes)},
                   {"ram_available_bytes", figure_json(machine.ram_available_bytes)},
                   {"memory_bytes_per_second", figure_json(machine.bandwidth_all)},
                   {"int8_operations_per_second", figure_json(machine.int8_peak)},
                   {"f32_operations_per_second", figure_json(machine.f32_peak)},
                   {"disk_bytes_per_second", figure_json(machine.disks.front().bytes_per_second)}});
  }
  return out.dump(2);
}

std::string catalogue_text(int columns) {
  std::string out;
  for (const FamilyMember& member : m2_family()) {
    out += wrapped(fmt::format("{:<14} {}  {}", member.name, member.released, member.source),
                   columns, 24);
  }
  out += "\nTheir mixes, such as M2.5:Q4_K_M; sizes follow from the tensors' shapes.\n\n";
  TextTable table({"mix", ">bits", ">size", "runs", "types by"});
  for (const QuantisationMix& mix : quantisation_mixes()) {
    const auto model = compute_model("M2", m25_config(), mix);
    if (!model) continue;
    table.add_row({mix.name, fmt::format("{:.2f}", model->bits_per_weight()),
                   bytes_text(static_cast<double>(model->file_bytes)),
                   model->problem.empty() ? "yes" : "no", mix.source});
  }
  return out + table.render(columns) + "\n" + sparsity_table(columns);
}

std::string catalogue_json() {
  Json out;
  out["family"] = Json::array();
  const auto [all, read] = family_parameters();
  for (const FamilyMember& member : m2_family()) {
    out["family"].push_back({{"name", member.name},
                             {"released", member.released},
                             {"parameters", all},
                             {"active_parameters", read},
                             {"active_part", read / all},
                             {"source", member.source}});
  }
  out["mixes"] = Json::array();
  for (const QuantisationMix& mix : quantisation_mixes()) {
    const auto model = compute_model("M2", m25_config(), mix);
    if (!model) continue;
    out["mixes"].push_back({{"name", mix.name},
                            {"bits_per_weight", model->bits_per_weight()},
                            {"bytes", model->file_bytes},
                            {"problem", model->problem},
                            {"source", model->source}});
  }
  out["others"] = Json::array();
  for (const ForeignModel& model : foreign_models()) {
    out["others"].push_back({{"name", model.name},
                             {"parameters", model.n_parameters},
                             {"active_parameters", model.n_active_parameters},
                             {"active_part", model.n_active_parameters / model.n_parameters},
                             {"kv_bytes_per_token_16_bits", model.kv_bytes_per_token},
                             {"runs", false},
                             {"source", model.source}});
  }
  return out.dump(2);
}

}  // namespace jevons
