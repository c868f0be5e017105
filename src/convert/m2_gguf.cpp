#include "convert/m2_gguf.h"

#include <utility>

#include "base/byte_spelling.h"
#include "weights/m2_config.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

WeightFormat format_of(const M2Formats& formats, TensorGroup group, const std::string& name) {
  WeightFormat format = WeightFormat::kF32;
  switch (group) {
    case TensorGroup::kEmbedding:
      format = formats.embedding;
      break;
    case TensorGroup::kHead:
      format = formats.head;
      break;
    case TensorGroup::kAttention:
      format = formats.attention;
      break;
    case TensorGroup::kExpertGate:
    case TensorGroup::kExpertUp:
    case TensorGroup::kExpertGateUp:
      format = formats.expert_gate_up;
      break;
    case TensorGroup::kExpertDown:
      format = formats.expert_down;
      break;
    case TensorGroup::kRouter:
    case TensorGroup::kNorms:
    case TensorGroup::kOther:
      return WeightFormat::kF32;
  }
  for (const M2Formats::Override& o : formats.overrides) {
    if (name.find(o.name_part) != std::string::npos) format = o.format;
  }
  return format;
}

}  // namespace

std::int64_t M2Tensor::n_rows() const {
  std::int64_t n = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) n *= shape[i];
  return n;
}

Result<std::vector<M2Tensor>> plan_m2_tensors(const ModelConfig& c, const M2Formats& formats,
                                              bool fused) {
  std::vector<M2Tensor> tensors;
  for (M2TensorShape& shape : m2_tensor_shapes(c, fused)) {
    const WeightFormat format = format_of(formats, shape.group, shape.name);
    tensors.push_back(
        {std::move(shape.name), shape.group, shape.layer, std::move(shape.shape), format});
  }
  for (const M2Tensor& tensor : tensors) {
    const kernels::FormatFacts facts = kernels::facts(tensor.format);
    if (tensor.n_columns() % facts.block_elements != 0) {
      return fail("tensor '{}' has rows of {} elements, must be a multiple of {} for {}",
                  tensor.name, tensor.n_columns(), facts.block_elements, facts.name);
    }
  }
  return tensors;
}

void set_m2_metadata(GgufWriter& writer, const ModelConfig& c, std::uint32_t file_type) {
  const auto set = [&writer](const char* key, auto value) {
    writer.set(fmt::format("{}.{}", kM2Architecture, key), value);
  };
  const auto u32 = [](int value) { return static_cast<std::uint32_t>(value); };
  writer.set_string("general.architecture", kM2Architecture);
  writer.set_string("general.type", "model");
  if (!c.name.empty()) writer.set_string("general.name", c.name);
  writer.set("general.file_type", file_type);
  writer.set("general.quantization_version", std::uint32_t{2});
  set("block_count", u32(c.n_layers));
  set("context_length", u32(c.context_length));
  set("embedding_length", u32(c.hidden_size));
  set("feed_forward_length", u32(c.expert_size));
  set("expert_feed_forward_length", u32(c.expert_size));
  set("attention.head_count", u32(c.n_heads));
  set("attention.head_count_kv", u32(c.n_kv_heads));
  set("attention.key_length", u32(c.head_dim));
  set("attention.value_length", u32(c.head_dim));
  set("attention.layer_norm_rms_epsilon", c.rms_epsilon);
  set("rope.dimension_count", u32(c.rotary_dim));
  set("rope.freq_base", c.rope_theta);
  set("expert_count", u32(c.n_experts));
  set("expert_used_count", u32(c.n_experts_used));
  set("expert_gating_func", std::uint32_t{2});  // sigmoid
  set("vocab_size", u32(c.vocab_size));
}

void set_vocabulary_metadata(GgufWriter& writer, const Vocabulary& vocabulary) {
  const ByteSpelling spelling;
  std::vector<std::string> texts(vocabulary.tokens.size());
  std::vector<std::int32_t> kinds(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    kinds[i] = static_cast<std::int32_t>(vocabulary.kinds[i]);
    if (vocabulary.kinds[i] == TokenKind::kNormal) {
      spelling.encode(vocabulary.tokens[i], texts[i]);
    } else if (vocabulary.kinds[i] == TokenKind::kByte) {
      texts[i] = fmt::format("<0x{:02X}>", static_cast<unsigned char>(vocabulary.tokens[i][0]));
    } else {
      texts[i] = vocabulary.tokens[i];
    }
  }
  std::vector<std::string> merges;
  merges.reserve(vocabulary.merges.size());
  for (const Vocabulary::Merge& merge : vocabulary.merges) {
    merges.push_back(texts[static_cast<std::size_t>(merge.left)] + " " +
                     texts[static_cast<std::size_t>(merge.right)]);
  }
  writer.set_string("tokenizer.ggml.model", "gpt2");
  writer.set_string("tokenizer.ggml.pre", vocabulary.pre_tokenizer);
  writer.set_strings("tokenizer.ggml.tokens", texts);
  writer.set_array<std::int32_t>("tokenizer.ggml.token_type", kinds);
  writer.set_strings("tokenizer.ggml.merges", merges);
  const auto set_id = [&writer](const char* key, const std::optional<std::int32_t>& id) {
    if (id) writer.set(key, static_cast<std::uint32_t>(*id));
  };
  set_id("tokenizer.ggml.bos_token_id", vocabulary.bos_id);
  set_id("tokenizer.ggml.eos_token_id", vocabulary.eos_id);
  set_id("tokenizer.ggml.unknown_token_id", vocabulary.unknown_id);
  set_id("tokenizer.ggml.padding_token_id", vocabulary.padding_id);
  writer.set("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  if (!vocabulary.chat_template.empty()) {
    writer.set_string("tokenizer.chat_template", vocabulary.chat_template);
  }
  const Vocabulary::SamplingDefaults& sampling = vocabulary.sampling;
  if (sampling.temperature) writer.set("general.sampling.temp", *sampling.temperature);
  if (sampling.top_p) writer.set("general.sampling.top_p", *sampling.top_p);
  if (sampling.top_k) writer.set("general.sampling.top_k", *sampling.top_k);
}

std::uint32_t file_type_of(WeightFormat format) {
  // enum llama_ftype of llama.h; of the K mixes the medium ones.
  switch (format) {
    case WeightFormat::kF32:
      return 0;
    case WeightFormat::kF16:
      return 1;
    case WeightFormat::kQ4_0:
      return 2;
    case WeightFormat::kQ4_1:
      return 3;
    case WeightFormat::kQ8_0:
      return 7;
    case WeightFormat::kQ5_0:
      return 8;
    case WeightFormat::kQ5_1:
      return 9;
    case WeightFormat::kQ2_K:
      return 10;
    case WeightFormat::kQ3_K:
      return 12;
    case WeightFormat::kQ4_K:
      return 15;
    case WeightFormat::kQ5_K:
      return 17;
    case WeightFormat::kQ6_K:
      return 18;
    case WeightFormat::kIQ4_NL:
      return 25;
    case WeightFormat::kIQ4_XS:
      return 30;
    case WeightFormat::kBF16:
      return 32;
  }
  return 0;
}

}  // namespace jevons
