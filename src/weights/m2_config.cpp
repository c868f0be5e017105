#include "weights/m2_config.h"

#include <limits>

namespace jevons {
namespace {

constexpr std::uint32_t kSigmoidGating = 2;

/// Reads keys below "minimax-m2." into a config.
class ConfigReader {
 public:
  explicit ConfigReader(const GgufFile& file) : file_(file) {}

  Result<int> integer(const char* key) const {
    JEVONS_ASSIGN(const std::uint32_t value, file_.get_u32(full(key)));
    if (value > static_cast<std::uint32_t>(std::numeric_limits<int>::max())) {
      return fail("{}: metadata key '{}' is {}, must be at most {}", file_.name(), full(key), value,
                  std::numeric_limits<int>::max());
    }
    return static_cast<int>(value);
  }

  Result<int> integer(const char* key, int fallback) const {
    return file_.find(full(key)) == nullptr ? Result<int>(fallback) : integer(key);
  }

  Result<float> real(const char* key) const { return file_.get_f32(full(key)); }

  /// What other members of the family have and M2 has not: 0 or absent, or the file is refused.
  Result<void> must_be(const char* key, std::uint32_t expected) const {
    JEVONS_ASSIGN(const std::uint32_t value, file_.get_u32(full(key), expected));
    if (value == expected) return {};
    return fail("{}: metadata key '{}' is {}, must be {} for M2", file_.name(), full(key), value,
                expected);
  }

  static std::string full(const char* key) { return fmt::format("{}.{}", kM2Architecture, key); }

 private:
  const GgufFile& file_;
};

Result<void> refuse_variants(const GgufFile& file, const ConfigReader& reader) {
  JEVONS_TRY(reader.must_be("expert_gating_func", kSigmoidGating));
  JEVONS_TRY(reader.must_be("expert_shared_count", 0));
  JEVONS_TRY(reader.must_be("leading_dense_block_count", 0));
  JEVONS_TRY(reader.must_be("attention.sliding_window", 0));
  const std::string norm_key = ConfigReader::full("expert_weights_norm");
  JEVONS_ASSIGN(const bool weights_norm, file.get_bool(norm_key, true));
  if (!weights_norm) return fail("{}: metadata key '{}' must be true", file.name(), norm_key);
  const std::string scale_key = ConfigReader::full("expert_weights_scale");
  JEVONS_ASSIGN(const float weights_scale, file.get_f32(scale_key, 1.0f));
  if (weights_scale != 1.0f && weights_scale != 0.0f) {  // 0 is how some writers say "unset"
    return fail("{}: metadata key '{}' is {}, must be 1", file.name(), scale_key, weights_scale);
  }
  const std::string scaling_key = ConfigReader::full("rope.scaling.type");
  JEVONS_ASSIGN(const auto scaling, file.get_string(scaling_key, "none"));
  if (scaling != "none") {
    return fail("{}: metadata key '{}' is '{}', must be 'none': M2 scales no rotary angles",
                file.name(), scaling_key, printable(scaling));
  }
  return {};
}

Result<void> in_range(const std::string& name, const char* what, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return fail("{}: {} is {}, must be {} to {}", name, what, value, least, most);
}

Result<void> multiple_of(const std::string& name, const char* what, int value, int factor) {
  if (value % factor == 0) return {};
  return fail("{}: {} is {}, must be a multiple of {}", name, what, value, factor);
}

}  // namespace

Result<void> check_config(const ModelConfig& c, const std::string& name) {
  JEVONS_TRY(in_range(name, "the number of layers", c.n_layers, 1, 4096));
  JEVONS_TRY(in_range(name, "the hidden size", c.hidden_size, 32, 1 << 17));
  JEVONS_TRY(in_range(name, "the number of heads", c.n_heads, 1, 4096));
  JEVONS_TRY(in_range(name, "the number of KV heads", c.n_kv_heads, 1, c.n_heads));
  JEVONS_TRY(in_range(name, "the head dimension (key_length)", c.head_dim, 32, 256));
  JEVONS_TRY(in_range(name, "the rotary dimension", c.rotary_dim, 2, c.head_dim));
  JEVONS_TRY(in_range(name, "the number of experts", c.n_experts, 1, 4096));
  JEVONS_TRY(in_range(name, "the number of experts used", c.n_experts_used, 1, c.n_experts));
  JEVONS_TRY(in_range(name, "the expert size", c.expert_size, 32, 1 << 17));
  JEVONS_TRY(in_range(name, "the context length", c.context_length, 1, 1 << 30));
  if (c.vocab_size != 0)
    JEVONS_TRY(in_range(name, "the vocabulary size", c.vocab_size, 1, 1 << 24));
  JEVONS_TRY(multiple_of(name, "the hidden size", c.hidden_size, 32));
  JEVONS_TRY(multiple_of(name, "the expert size", c.expert_size, 32));
  JEVONS_TRY(multiple_of(name, "the head dimension (key_length)", c.head_dim, 32));
  JEVONS_TRY(multiple_of(name, "the rotary dimension", c.rotary_dim, 2));
  if (c.n_heads % c.n_kv_heads != 0) {
    return fail("{}: {} heads cannot share {} KV heads evenly", name, c.n_heads, c.n_kv_heads);
  }
  if (!(c.rms_epsilon > 0.0f && c.rms_epsilon < 1.0f)) {
    return fail("{}: the RMS norm's epsilon is {}, must be between 0 and 1", name, c.rms_epsilon);
  }
  if (!(c.rope_theta >= 1.0f && c.rope_theta <= 1e12f)) {
    return fail("{}: the rotary base is {}, must be 1 to 1e12", name, c.rope_theta);
  }
  return {};
}

Result<ModelConfig> read_m2_config(const GgufFile& file) {
  JEVONS_ASSIGN(const auto architecture, file.get_string("general.architecture"));
  if (architecture != kM2Architecture) {
    return fail("{}: the architecture is '{}', must be '{}'", file.name(), printable(architecture),
                kM2Architecture);
  }
  const ConfigReader reader(file);
  ModelConfig config;
  JEVONS_ASSIGN(const auto model_name, file.get_string("general.name", ""));
  config.name = printable(model_name);
  JEVONS_ASSIGN(config.n_layers, reader.integer("block_count"));
  JEVONS_ASSIGN(config.context_length, reader.integer("context_length"));
  JEVONS_ASSIGN(config.hidden_size, reader.integer("embedding_length"));
  JEVONS_ASSIGN(config.n_heads, reader.integer("attention.head_count"));
  JEVONS_ASSIGN(config.n_kv_heads, reader.integer("attention.head_count_kv", config.n_heads));
  const int even_head = config.n_heads > 0 ? config.hidden_size / config.n_heads : 0;
  JEVONS_ASSIGN(config.head_dim, reader.integer("attention.key_length", even_head));
  JEVONS_ASSIGN(const int value_dim, reader.integer("attention.value_length", config.head_dim));
  if (value_dim != config.head_dim) {
    return fail("{}: attention.value_length is {}, must be equal to attention.key_length, {}",
                file.name(), value_dim, config.head_dim);
  }
  // No default: a program that guesses the whole head here is silently wrong for M2.
  JEVONS_ASSIGN(config.rotary_dim, reader.integer("rope.dimension_count"));
  JEVONS_ASSIGN(config.rope_theta, reader.real("rope.freq_base"));
  JEVONS_ASSIGN(config.rms_epsilon, reader.real("attention.layer_norm_rms_epsilon"));
  JEVONS_ASSIGN(config.n_experts, reader.integer("expert_count"));
  JEVONS_ASSIGN(config.n_experts_used, reader.integer("expert_used_count"));
  const char* size_key = file.find(ConfigReader::full("expert_feed_forward_length")) != nullptr
                             ? "expert_feed_forward_length"
                             : "feed_forward_length";
  JEVONS_ASSIGN(config.expert_size, reader.integer(size_key));
  JEVONS_TRY(refuse_variants(file, reader));
  JEVONS_TRY(check_config(config, file.name()));
  return config;
}

}  // namespace jevons
