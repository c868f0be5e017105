#include "meter/machine_facts.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/utf8.h"
#include "meter/day.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;  // of the file
constexpr std::int64_t kMostAge = std::int64_t{30} * 24 * 3600;
constexpr std::uint64_t kMostFileBytes = 1 << 20;

Json figure_json(const SourcedFigure& figure) {
  return {{"value", figure.value}, {"source", figure.source}};
}

SourcedFigure figure_of(const Json& json) {
  return {json.at("value").get<double>(), json.at("source").get<std::string>()};
}

// Throws what nlohmann throws if a key is missing or of another type.
MachineFacts facts_of(const Json& json) {
  MachineFacts facts;
  facts.name = json.at("name").get<std::string>();
  facts.description = json.at("description").get<std::string>();
  facts.is_measured = true;
  facts.identity = json.at("identity").get<std::string>();
  facts.measured_at = json.at("measured_at").get<std::int64_t>();
  facts.ram_bytes = figure_of(json.at("ram_bytes"));
  facts.n_cores = json.at("cores").get<int>();
  facts.kernels = json.at("kernels").get<std::string>();
  facts.instruction_sets = json.at("instruction_sets").get<std::vector<std::string>>();
  facts.bandwidth_one = figure_of(json.at("memory_bytes_per_second_one_thread"));
  facts.bandwidth_all = figure_of(json.at("memory_bytes_per_second"));
  facts.int8_peak = figure_of(json.at("int8_operations_per_second"));
  facts.f32_peak = figure_of(json.at("f32_operations_per_second"));
  for (const Json& disk : json.at("disks")) {
    facts.disks.push_back(
        {disk.at("device").get<std::string>(), figure_of(disk.at("bytes_per_second")),
         disk.at("read_bytes").get<std::uint64_t>(), disk.at("measured_at").get<std::int64_t>()});
  }
  for (const Json& gpu : json.at("gpus")) {
    facts.gpus.push_back(
        {gpu.at("name").get<std::string>(), gpu.at("memory_bytes").get<std::uint64_t>()});
  }
  return facts;
}

bool is_recent(std::int64_t measured_at, std::int64_t now) {
  return measured_at <= now && now - measured_at <= kMostAge;
}

bool is_usable(const MachineFacts& facts) {
  return facts.n_cores > 0 && facts.bandwidth_all.value > 0 && facts.int8_peak.value > 0 &&
         facts.f32_peak.value > 0 && facts.ram_bytes.value > 0;
}

}  // namespace

const MachineFacts::Disk* MachineFacts::disk(std::string_view device) const {
  for (const Disk& one : disks) {
    if (one.device == device) return &one;
  }
  return nullptr;
}

std::string machine_facts_json(const MachineFacts& facts) {
  Json out;
  out["version"] = kVersion;
  out["name"] = facts.name;
  out["description"] = utf8_sanitize(facts.description);
  out["identity"] = facts.identity;
  out["measured_at"] = facts.measured_at;
  out["date"] = day_text(day_of(facts.measured_at));
  out["ram_bytes"] = figure_json(facts.ram_bytes);
  out["cores"] = facts.n_cores;
  out["kernels"] = facts.kernels;
  out["instruction_sets"] = facts.instruction_sets;
  out["memory_bytes_per_second_one_thread"] = figure_json(facts.bandwidth_one);
  out["memory_bytes_per_second"] = figure_json(facts.bandwidth_all);
  out["int8_operations_per_second"] = figure_json(facts.int8_peak);
  out["f32_operations_per_second"] = figure_json(facts.f32_peak);
  out["disks"] = Json::array();
  for (const MachineFacts::Disk& disk : facts.disks) {
    out["disks"].push_back({{"device", utf8_sanitize(disk.device)},
                            {"bytes_per_second", figure_json(disk.bytes_per_second)},
                            {"read_bytes", disk.read_bytes},
                            {"measured_at", disk.measured_at},
                            {"date", day_text(day_of(disk.measured_at))}});
  }
  out["gpus"] = Json::array();
  for (const MachineFacts::Gpu& gpu : facts.gpus) {
    out["gpus"].push_back({{"name", utf8_sanitize(gpu.name)}, {"memory_bytes", gpu.memory_bytes}});
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

Result<MachineFacts> parse_machine_facts(std::string_view json, const std::string& file_name) {
  const Json parsed = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded() || !parsed.is_object()) return fail("{}: not a JSON object", file_name);
  if (parsed.value("version", 0) != kVersion) {
    return fail("{}: its version must be {}", file_name, kVersion);
  }
  try {
    MachineFacts facts = facts_of(parsed);
    if (!is_usable(facts)) return fail("{}: a figure that must be above 0 is not", file_name);
    return facts;
  } catch (const Json::exception& error) {
    return fail("{}: {}", file_name, error.what());
  }
}

std::optional<MachineFacts> load_machine_facts(const std::string& path, const std::string& identity,
                                               std::int64_t now) {
  const auto text = read_file(path, kMostFileBytes);
  if (!text) return std::nullopt;
  auto facts = parse_machine_facts(*text, path);
  if (!facts || facts->identity != identity || !is_recent(facts->measured_at, now)) {
    return std::nullopt;
  }
  std::erase_if(facts->disks,
                [&](const MachineFacts::Disk& disk) { return !is_recent(disk.measured_at, now); });
  return std::move(*facts);
}

Result<void> save_machine_facts(const std::string& path, const MachineFacts& facts) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  return write_file_atomically(path, machine_facts_json(facts) + "\n");
}

}  // namespace jevons
