#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "weights/checkpoint.h"
#include "weights/gguf_value.h"
#include "weights/m2_config.h"

namespace jevons {
namespace {

using Json = nlohmann::json;

/// The keys of one config.json, typed; a key that is null counts as absent.
class ConfigKeys {
 public:
  ConfigKeys(const Json& json, const std::string& file_name) : json_(json), name_(file_name) {}

  [[nodiscard]] const Json* find(const char* key) const {
    const auto place = json_.find(key);
    return place == json_.end() || place->is_null() ? nullptr : &*place;
  }

  Result<int> integer(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return fail("{}: key '{}' is missing", name_, key);
    if (!value->is_number_integer()) return wrong(key, *value, "a whole number");
    const auto number = value->get<std::int64_t>();
    if (number < 0 || number > std::numeric_limits<int>::max()) {
      return fail("{}: key '{}' is {}, must be 0 to {}", name_, key, number,
                  std::numeric_limits<int>::max());
    }
    return static_cast<int>(number);
  }

  Result<int> integer(const char* key, int fallback) const {
    return find(key) == nullptr ? Result<int>(fallback) : integer(key);
  }

  Result<double> real(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return fail("{}: key '{}' is missing", name_, key);
    if (!value->is_number()) return wrong(key, *value, "a number");
    return value->get<double>();
  }

  /// Absent or exactly `expected`, or the model is not M2 as this program computes it.
  Result<void> must_be(const char* key, const Json& expected) const {
    const Json* value = find(key);
    if (value == nullptr || *value == expected) return {};
    return wrong(key, *value, expected.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  [[nodiscard]] std::unexpected<Error> wrong(const char* key, const Json& value,
                                             const std::string& expected) const {
    return fail("{}: key '{}' is {}, must be {}", name_, key,
                printable(value.dump(-1, ' ', false, Json::error_handler_t::replace)), expected);
  }

 private:
  const Json& json_;
  const std::string& name_;
};

Result<void> refuse_variants(const ConfigKeys& keys) {
  JEVONS_TRY(keys.must_be("scoring_func", "sigmoid"));
  JEVONS_TRY(keys.must_be("use_qk_norm", true));
  JEVONS_TRY(keys.must_be("qk_norm_type", "per_layer"));
  JEVONS_TRY(keys.must_be("use_routing_bias", true));
  JEVONS_TRY(keys.must_be("shared_intermediate_size", 0));
  JEVONS_TRY(keys.must_be("hidden_act", "silu"));
  if (const Json* value = keys.find("sliding_window")) {
    return keys.wrong("sliding_window", *value, "null");
  }
  if (const Json* value = keys.find("rope_scaling")) {
    return keys.wrong("rope_scaling", *value, "null");
  }
  if (const Json* types = keys.find("attn_type_list")) {
    for (const Json& type : *types) {
      if (type != 1) return keys.wrong("attn_type_list", *types, "all 1, full attention");
    }
  }
  return {};
}

/// Newer files keep the rotary settings in an object of their own.
Result<void> read_rotary(const ConfigKeys& keys, const std::string& file_name,
                         ModelConfig& config) {
  const Json none = Json::object();
  const Json* object = keys.find("rope_parameters");
  const ConfigKeys inner(object != nullptr && object->is_object() ? *object : none, file_name);
  const ConfigKeys& theta_keys = keys.find("rope_theta") != nullptr ? keys : inner;
  JEVONS_ASSIGN(const double theta, theta_keys.real("rope_theta"));
  config.rope_theta = static_cast<float>(theta);
  JEVONS_TRY(inner.must_be("rope_type", "default"));
  if (keys.find("rotary_dim") != nullptr) {
    JEVONS_ASSIGN(config.rotary_dim, keys.integer("rotary_dim"));
    return {};
  }
  const ConfigKeys& factor_keys = keys.find("partial_rotary_factor") != nullptr ? keys : inner;
  if (factor_keys.find("partial_rotary_factor") == nullptr) {
    return fail("{}: key 'rotary_dim' is missing", file_name);
  }
  JEVONS_ASSIGN(const double factor, factor_keys.real("partial_rotary_factor"));
  if (!(factor > 0.0 && factor <= 1.0)) {
    return fail("{}: key 'partial_rotary_factor' is {}, must be over 0 and at most 1", file_name,
                factor);
  }
  config.rotary_dim = static_cast<int>(std::lround(factor * config.head_dim));
  return {};
}

}  // namespace

Result<CheckpointConfig> parse_checkpoint_config(std::string_view text,
                                                 const std::string& file_name) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return fail("{}: not a JSON object", file_name);
  const ConfigKeys keys(json, file_name);
  if (keys.find("model_type") == nullptr) return fail("{}: key 'model_type' is missing", file_name);
  JEVONS_TRY(keys.must_be("model_type", "minimax_m2"));
  JEVONS_TRY(refuse_variants(keys));
  CheckpointConfig result{};
  ModelConfig& c = result.model;
  JEVONS_ASSIGN(c.n_layers, keys.integer("num_hidden_layers"));
  JEVONS_ASSIGN(c.hidden_size, keys.integer("hidden_size"));
  JEVONS_ASSIGN(c.n_heads, keys.integer("num_attention_heads"));
  JEVONS_ASSIGN(c.n_kv_heads, keys.integer("num_key_value_heads", c.n_heads));
  const int even_head = c.n_heads > 0 ? c.hidden_size / c.n_heads : 0;
  JEVONS_ASSIGN(c.head_dim, keys.integer("head_dim", even_head));
  JEVONS_ASSIGN(c.n_experts, keys.integer("num_local_experts"));
  JEVONS_ASSIGN(c.n_experts_used, keys.integer("num_experts_per_tok"));
  JEVONS_ASSIGN(c.expert_size, keys.integer("intermediate_size"));
  JEVONS_ASSIGN(c.vocab_size, keys.integer("vocab_size"));
  JEVONS_ASSIGN(c.context_length, keys.integer("max_position_embeddings"));
  JEVONS_ASSIGN(const double epsilon, keys.real("rms_norm_eps"));
  c.rms_epsilon = static_cast<float>(epsilon);
  JEVONS_TRY(read_rotary(keys, file_name, c));
  const Json* tied = keys.find("tie_word_embeddings");
  result.tied_head = tied != nullptr && tied->is_boolean() && tied->get<bool>();
  if (c.vocab_size == 0) return fail("{}: key 'vocab_size' is 0", file_name);
  JEVONS_TRY(check_config(c, file_name));
  return result;
}

}  // namespace jevons
