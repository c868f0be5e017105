#include "app/model_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/quantity.h"
#include "app/term/table.h"
#include "app/term/terminal.h"
#include "base/utf8.h"
#include "engine/context_plan.h"
#include "model/kv_cache.h"
#include "model/model.h"
#include "weights/gguf_vocabulary.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kPrefillChunk = 512;
constexpr std::size_t kMostNamed = 8;  // tensors named before "and 54 more"

const char* kind_name(TokenKind kind) {
  return kind == TokenKind::kControl ? "control" : "user-defined";
}

void add_vocabulary(const Vocabulary& vocabulary, ModelReport& report) {
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const TokenKind kind = vocabulary.kinds[i];
    const auto id = static_cast<std::int32_t>(i);
    if (kind == TokenKind::kUnused) ++report.n_unused_tokens;
    if (kind != TokenKind::kControl && kind != TokenKind::kUserDefined) continue;
    std::string role;
    if (vocabulary.bos_id == id) role = "begin of text";
    if (vocabulary.eos_id == id) role = "end of turn";
    if (vocabulary.unknown_id == id) role = "unknown";
    if (vocabulary.padding_id == id) role = "padding";
    report.special_tokens.push_back(
        {id, utf8_sanitize(vocabulary.tokens[i]), kind_name(kind), role});
  }
  report.sampling = vocabulary.sampling;
}

void add_plan(const ModelConfig& config, ModelReport& report) {
  const KvLayout layout =
      KvLayout::of(config, kernels::KvFormat::kQ8_0, kernels::best_kernel_set());
  report.scratch_bytes = Model::scratch_bytes(config, kPrefillChunk);
  const Result<int> planned =
      plan_context({0, config.context_length, layout.page_bytes, report.summary.file_bytes,
                    report.scratch_bytes, report.memory.available_bytes});
  report.planned_context = planned.value_or(0);
  if (!planned) report.memory_problem = planned.error().message;
}

std::string list_tensors(const std::vector<ModelSummary::NamedTensor>& tensors) {
  std::string text;
  for (std::size_t i = 0; i < std::min(tensors.size(), kMostNamed); ++i) {
    text += fmt::format("{}{} ({})", i == 0 ? "" : ", ", tensors[i].name, tensors[i].type);
  }
  if (tensors.size() > kMostNamed) text += fmt::format(" and {} more", tensors.size() - kMostNamed);
  return text;
}

const char* template_name(TemplateMatch match) {
  switch (match) {
    case TemplateMatch::kAbsent:
      return "none in the file; the M2 format is used";
    case TemplateMatch::kM2:
      return "M2 format";
    case TemplateMatch::kOther:
      return "not the M2 format: prompts may not be what the model was trained on";
  }
  return "";
}

std::string tensor_table(const ModelSummary& summary, int columns) {
  TextTable table({"tensors", "types", ">count", ">parameters", ">size"});
  for (const ModelSummary::Group& group : summary.groups) {
    std::string types;
    for (const ModelSummary::TypeCount& type : group.types) {
      if (!types.empty()) types += ", ";
      types +=
          group.types.size() == 1 ? type.type : fmt::format("{} x{}", type.type, type.n_tensors);
    }
    table.add_row({tensor_group_name(group.group), types, fmt::format("{}", group.n_tensors),
                   count_text(static_cast<double>(group.n_parameters)),
                   bytes_text(static_cast<double>(group.n_bytes))});
  }
  return table.render(columns);
}

std::string network_lines(const ModelSummary& s, const ModelConfig& config) {
  std::string text;
  text += fmt::format("active       {} parameters and {} read per token\n",
                      count_text(static_cast<double>(s.n_active_parameters)),
                      bytes_text(static_cast<double>(s.bytes_per_token)));
  text += fmt::format("network      {} layers of {}, {} heads on {} of {}, rotary {}\n",
                      config.n_layers, config.hidden_size, config.n_heads, config.n_kv_heads,
                      config.head_dim, config.rotary_dim);
  text += fmt::format("experts      {} of {} per token, width {}\n", config.n_experts_used,
                      config.n_experts, config.expert_size);
  text +=
      fmt::format("context      {} tokens; keys and values of one take {} (q8_0), {} (f16)\n",
                  config.context_length, bytes_text(static_cast<double>(s.kv_bytes_per_token_q8_0)),
                  bytes_text(static_cast<double>(s.kv_bytes_per_token_f16)));
  text += fmt::format("vocabulary   {} tokens\n", config.vocab_size);
  return text;
}

// All special tokens as running text: there are more than fifty.
std::string token_lines(const ModelReport& report, int columns) {
  std::string text = "special tokens\n ";
  int used = 1;
  for (const ModelReport::SpecialToken& token : report.special_tokens) {
    std::string item = fmt::format(" {} {}", token.id, token.text);
    if (!token.role.empty()) item += " (" + token.role + ")";
    item += &token == &report.special_tokens.back() ? "" : ",";
    if (used > 1 && used + display_width(item) > columns) {
      text += "\n ";
      used = 1;
    }
    text += item;
    used += display_width(item);
  }
  text += "\n";
  if (report.n_unused_tokens > 0) text += fmt::format("  and {} unused\n", report.n_unused_tokens);
  return text;
}

std::string format_lines(const ModelReport& report) {
  std::string text = fmt::format("template     {}\n", template_name(report.format.template_match));
  for (const std::string& item : report.format.template_differences) {
    text += "             " + item + "\n";
  }
  return text + "identity     " + report.format.default_identity + "\n";
}

// What becomes of weights that are more than memory.
std::string streaming_text(const ModelSummary& summary, double others, double available) {
  double experts = 0;
  for (const ModelSummary::Group& group : summary.groups) {
    if (is_expert_group(group.group)) experts += static_cast<double>(group.n_bytes);
  }
  const double left = available - others - (static_cast<double>(summary.file_bytes) - experts);
  if (experts == 0 || left <= 0) return "what every token reads does not fit";
  return fmt::format(
      "{:.0f} % of the experts fit; the others\n"
      "             are read from disk as they are needed",
      100 * left / experts);
}

std::string memory_lines(const ModelReport& report) {
  if (!report.memory_problem.empty()) return "here         " + report.memory_problem + "\n";
  if (report.planned_context == 0) return "";
  const auto weights = static_cast<double>(report.summary.file_bytes);
  const auto scratch = static_cast<double>(report.scratch_bytes);
  const double cache =
      static_cast<double>(report.summary.kv_bytes_per_token_q8_0) * report.planned_context;
  const double total = weights + scratch + cache;
  const auto available = static_cast<double>(report.memory.available_bytes);
  return fmt::format(
      "here         {} of weights, {} for {} tokens of context, {} of work space:\n"
      "             {} of {} available; {}\n",
      bytes_text(weights), bytes_text(cache), report.planned_context, bytes_text(scratch),
      bytes_text(total), bytes_text(available),
      total <= available ? "it fits" : streaming_text(report.summary, scratch + cache, available));
}

}  // namespace

Result<ModelReport> ModelReport::of(const std::string& path) {
  JEVONS_ASSIGN(const ModelFile file, ModelFile::open(path));
  ModelReport report;
  report.path = path;
  report.summary = summarize(file);
  report.memory = memory_info();
  if (report.summary.config) add_plan(*report.summary.config, report);
  if (const auto vocabulary = read_gguf_vocabulary(file.metadata())) {
    add_vocabulary(*vocabulary, report);
    report.format = prompt_format_for(vocabulary->chat_template, report.summary.name);
  } else {
    report.vocabulary_problem = vocabulary.error().message;
  }
  return report;
}

std::string ModelReport::text(int columns) const {
  const ModelSummary& s = summary;
  std::string out = path + "\n";
  out += fmt::format("name         {}\n", s.name.empty() ? "(none)" : s.name);
  out += fmt::format("architecture {}, GGUF version {}, {} file{}, {}\n", s.architecture,
                     s.gguf_version, s.n_shards, s.n_shards == 1 ? "" : "s",
                     bytes_text(static_cast<double>(s.file_bytes)));
  out += fmt::format("parameters   {} in {} tensors\n",
                     count_text(static_cast<double>(s.n_parameters)), s.n_tensors);
  if (s.config) out += network_lines(s, *s.config);
  out += "\n" + tensor_table(s, columns) + "\n";
  if (!s.extra.empty()) out += "not read: " + list_tensors(s.extra) + "\n";
  if (!s.unsupported.empty()) out += "cannot compute with: " + list_tensors(s.unsupported) + "\n";

  if (vocabulary_problem.empty()) {
    out += token_lines(*this, columns) + "\n" + format_lines(*this);
  } else {
    out += "tokens       " + vocabulary_problem + "\n";
  }
  out += memory_lines(*this);
  out += s.problem.empty() ? "runs         yes\n" : "runs         no: " + s.problem + "\n";
  return out;
}

std::string ModelReport::json() const {
  const ModelSummary& s = summary;
  Json out;
  out["path"] = utf8_sanitize(path);
  out["name"] = s.name;
  out["architecture"] = s.architecture;
  out["gguf_version"] = s.gguf_version;
  out["files"] = s.n_shards;
  out["file_bytes"] = s.file_bytes;
  out["parameters"] = s.n_parameters;
  out["active_parameters"] = s.n_active_parameters;
  out["bytes_per_token"] = s.bytes_per_token;
  out["kv_bytes_per_token"] = {{"q8_0", s.kv_bytes_per_token_q8_0},
                               {"f16", s.kv_bytes_per_token_f16}};
  if (s.config) {
    const ModelConfig& c = *s.config;
    out["network"] = {{"layers", c.n_layers},         {"hidden_size", c.hidden_size},
                      {"heads", c.n_heads},           {"kv_heads", c.n_kv_heads},
                      {"head_dim", c.head_dim},       {"rotary_dim", c.rotary_dim},
                      {"experts", c.n_experts},       {"experts_used", c.n_experts_used},
                      {"expert_size", c.expert_size}, {"vocab_size", c.vocab_size},
                      {"rope_theta", c.rope_theta},   {"rms_epsilon", c.rms_epsilon},
                      {"context", c.context_length}};
  }
  out["tensors"] = Json::array();
  for (const ModelSummary::Group& group : s.groups) {
    Json types = Json::object();
    for (const auto& type : group.types) {
      types[type.type] = {{"tensors", type.n_tensors}, {"bytes", type.n_bytes}};
    }
    out["tensors"].push_back({{"group", tensor_group_name(group.group)},
                              {"tensors", group.n_tensors},
                              {"parameters", group.n_parameters},
                              {"bytes", group.n_bytes},
                              {"types", std::move(types)}});
  }
  out["special_tokens"] = Json::array();
  for (const SpecialToken& token : special_tokens) {
    out["special_tokens"].push_back(
        {{"id", token.id}, {"text", token.text}, {"kind", token.kind}, {"role", token.role}});
  }
  out["template"] = {{"is_m2", format.template_match == TemplateMatch::kM2},
                     {"present", format.template_match != TemplateMatch::kAbsent},
                     {"differences", format.template_differences},
                     {"identity", utf8_sanitize(format.default_identity)}};
  out["here"] = {{"total_bytes", memory.total_bytes},
                 {"available_bytes", memory.available_bytes},
                 {"scratch_bytes", scratch_bytes},
                 {"context", planned_context}};
  out["problem"] = s.problem;
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace jevons
