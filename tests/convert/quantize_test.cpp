#include "convert/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint_files.h"
#include "convert/synth.h"
#include "kernels/dequantize.h"
#include "weights/gguf_vocabulary.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

using kernels::WeightFormat;
using test::CheckpointFiles;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<float> values_of(const ModelFile& file, const std::string& name) {
  const GgufTensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    ADD_FAILURE() << name << " is missing";
    return {};
  }
  const WeightFormat format = *weight_format(tensor->type_id);
  const auto n_columns = static_cast<int>(tensor->shape[0]);
  const std::size_t row_bytes = kernels::row_bytes(format, n_columns);
  std::vector<float> values(static_cast<std::size_t>(tensor->n_elements()));
  for (std::size_t row = 0; row * row_bytes < tensor->n_bytes; ++row) {
    kernels::dequantize_row(format, tensor->data + row * row_bytes,
                            values.data() + row * static_cast<std::size_t>(n_columns), n_columns);
  }
  return values;
}

/// GGUF name -> the official names it is made of, written out by hand.
std::map<std::string, std::vector<std::string>> names() {
  const std::string at = "model.layers.0.";
  std::map<std::string, std::vector<std::string>> result = {
      {"token_embd.weight", {"model.embed_tokens.weight"}},
      {"output.weight", {"lm_head.weight"}},
      {"output_norm.weight", {"model.norm.weight"}},
      {"blk.0.attn_norm.weight", {at + "input_layernorm.weight"}},
      {"blk.0.ffn_norm.weight", {at + "post_attention_layernorm.weight"}},
      {"blk.0.attn_q.weight", {at + "self_attn.q_proj.weight"}},
      {"blk.0.attn_k.weight", {at + "self_attn.k_proj.weight"}},
      {"blk.0.attn_v.weight", {at + "self_attn.v_proj.weight"}},
      {"blk.0.attn_output.weight", {at + "self_attn.o_proj.weight"}},
      {"blk.0.attn_q_norm.weight", {at + "self_attn.q_norm.weight"}},
      {"blk.0.attn_k_norm.weight", {at + "self_attn.k_norm.weight"}},
      {"blk.0.ffn_gate_inp.weight", {at + "block_sparse_moe.gate.weight"}},
      {"blk.0.exp_probs_b.bias", {at + "block_sparse_moe.e_score_correction_bias"}},
  };
  for (int e = 0; e < CheckpointFiles::kExperts; ++e) {
    const std::string expert = fmt::format("{}block_sparse_moe.experts.{}.", at, e);
    result["blk.0.ffn_gate_exps.weight"].push_back(expert + "w1.weight");
    result["blk.0.ffn_down_exps.weight"].push_back(expert + "w2.weight");
    result["blk.0.ffn_up_exps.weight"].push_back(expert + "w3.weight");
  }
  return result;
}

std::vector<float> source_values(const CheckpointFiles& files,
                                 const std::vector<std::string>& official) {
  std::vector<float> values;
  for (const std::string& name : official) {
    std::int64_t n = 1;
    for (const std::int64_t size : files.tensors.at(name).shape) n *= size;
    const auto part = test::random_values(name, n);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

double relative_error(const std::vector<float>& x, const std::vector<float>& y) {
  double error = 0;
  double power = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    error += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
    power += double{x[i]} * x[i];
  }
  return std::sqrt(error / power);
}

QuantizeOptions options_for(WeightFormat type) {
  QuantizeOptions options;
  options.type = type;
  options.n_threads = 2;
  return options;
}

std::string error_of(const std::string& input, const std::string& output,
                     WeightFormat type = WeightFormat::kF32) {
  const auto report = quantize_model(input, output, options_for(type));
  return report ? "no error" : report.error().message;
}

TEST(Quantize, FloatsOfACheckpointComeBackEqual) {
  for (const auto& [source_type, type] :
       {std::pair{"F32", WeightFormat::kF32}, std::pair{"BF16", WeightFormat::kF32},
        std::pair{"BF16", WeightFormat::kBF16}, std::pair{"F32", WeightFormat::kBF16}}) {
    CheckpointFiles files("floats");
    files.add_all(source_type);
    files.save();
    const std::string output = files.path("out.gguf");
    const auto report = quantize_model(files.folder(), output, options_for(type));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->n_tensors, 16u);
    const auto file = ModelFile::open(output);
    ASSERT_TRUE(file) << file.error().message;
    const auto weights = M2Weights::bind(*file);
    ASSERT_TRUE(weights) << weights.error().message;
    EXPECT_EQ(weights->layers[0].q.format, type);
    EXPECT_EQ(file->tensors().size(), names().size());
    for (const auto& [name, official] : names()) {
      EXPECT_EQ(values_of(*file, name), source_values(files, official)) << name;
    }
  }
}

TEST(Quantize, MetadataAndVocabularyComeAlong) {
  const CheckpointFiles files("metadata");
  files.save();
  const std::string output = files.path("out.gguf");
  ASSERT_EQ(error_of(files.folder(), output, WeightFormat::kQ8_0), "no error");
  const auto file = ModelFile::open(output);
  ASSERT_TRUE(file);
  const GgufFile& metadata = file->metadata();
  EXPECT_EQ(metadata.get_u32("general.file_type").value(), 7u);
  EXPECT_THAT(std::string(metadata.get_string("general.name").value()), HasSubstr("metadata_"));
  EXPECT_EQ(metadata.get_u32("minimax-m2.rope.dimension_count").value(), 32u);
  EXPECT_EQ(metadata.get_u32("minimax-m2.expert_gating_func").value(), 2u);
  const auto made = make_synth_vocabulary(CheckpointFiles::kVocabulary, 1, "{{ messages }}");
  const auto read = read_gguf_vocabulary(metadata);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->tokens, made->tokens);
  EXPECT_EQ(read->kinds, made->kinds);
  EXPECT_EQ(read->merges.size(), made->merges.size());
  EXPECT_EQ(read->merges.back().result, made->merges.back().result);
  EXPECT_EQ(read->eos_id, made->eos_id);
  EXPECT_EQ(read->bos_id, made->bos_id);
  EXPECT_EQ(read->unknown_id, made->unknown_id);
  EXPECT_EQ(read->chat_template, "{{ messages }}");
  EXPECT_EQ(read->sampling.top_k, 40);
  EXPECT_EQ(read->sampling.top_p, 0.95f);
}

/// E4M3 by its definition: sign, four bits of exponent with bias 7, three bits of fraction.
float decode_fp8(unsigned code) {
  const int exponent = static_cast<int>(code >> 3 & 15);
  const int fraction = static_cast<int>(code & 7);
  const double size =
      exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 7 - 3);
  return static_cast<float>((code & 0x80) != 0 ? -size : size);
}

TEST(Quantize, Fp8BlocksAreMultipliedWithTheirScale) {
  CheckpointFiles files("fp8");
  const std::string name = "model.layers.0.self_attn.q_proj.weight";
  std::string codes(256 * 256, '\0');
  for (std::size_t i = 0; i < codes.size(); ++i) {
    unsigned code = (i * 37 + i / 256) & 0xff;
    if ((code & 0x7f) == 0x7f) code = 0x38;  // not a number
    codes[i] = static_cast<char>(code);
  }
  codes[0] = 0x40;            // 2
  codes[255] = '\x7e';        // 448
  codes[200 * 256] = '\x01';  // 2^-9
  files.tensors[name] = {"F8_E4M3", {256, 256}, codes};
  files.tensors[name + "_scale_inv"] = {"F32", {2, 2}, test::f32_bytes({0.5f, 3.0f, 8.0f, 0.125f})};
  files.save();
  const std::string output = files.path("out.gguf");
  ASSERT_EQ(error_of(files.folder(), output), "no error");
  const auto file = ModelFile::open(output);
  const auto values = values_of(*file, "blk.0.attn_q.weight");
  EXPECT_EQ(values[0], 1.0f);               // 2 * 0.5
  EXPECT_EQ(values[255], 1344.0f);          // 448 * 3
  EXPECT_EQ(values[200 * 256], 0.015625f);  // 2^-9 * 8
  const float scales[2][2] = {{0.5f, 3.0f}, {8.0f, 0.125f}};
  for (std::size_t row = 0; row < 256; ++row) {
    for (std::size_t column = 0; column < 256; ++column) {
      const auto code = static_cast<unsigned char>(codes[row * 256 + column]);
      ASSERT_EQ(values[row * 256 + column], decode_fp8(code) * scales[row / 128][column / 128])
          << row << " " << column;
    }
  }
}

TEST(Quantize, QuantisedTypesStayNear) {
  const CheckpointFiles files("near");
  files.save();
  for (const auto& [type, limit] :
       {std::pair{WeightFormat::kQ8_0, 0.0056}, std::pair{WeightFormat::kQ4_K, 0.076},
        std::pair{WeightFormat::kF16, 0.0004}}) {
    const std::string output = files.path("out.gguf");
    std::uint64_t last = 0;
    QuantizeOptions options = options_for(type);
    options.progress = [&last](const QuantizeProgress& p) {
      EXPECT_GT(p.bytes_done, last);
      EXPECT_LE(p.bytes_done, p.bytes_total);
      last = p.bytes_done;
    };
    const auto report = quantize_model(files.folder(), output, options);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->file_bytes, std::filesystem::file_size(output));
    const auto file = ModelFile::open(output);
    const auto weights = M2Weights::bind(*file);
    ASSERT_TRUE(weights) << weights.error().message;
    EXPECT_EQ(weights->layers[0].gate.format, type);
    for (const auto& [name, official] : names()) {
      const auto source = source_values(files, official);
      EXPECT_LT(relative_error(source, values_of(*file, name)), limit) << name;
    }
    if (type == WeightFormat::kQ4_K) {
      EXPECT_EQ(weights->token_embedding.format, WeightFormat::kQ6_K);
      EXPECT_EQ(weights->output.format, WeightFormat::kQ6_K);
      EXPECT_EQ(weights->layers[0].v.format, WeightFormat::kQ6_K);
      EXPECT_EQ(weights->layers[0].q.format, WeightFormat::kQ4_K);
      EXPECT_EQ(weights->layers[0].down.format, WeightFormat::kQ4_K);
    }
  }
}

TEST(Quantize, AGgufFileGivesTheSameBlocks) {
  const CheckpointFiles files("gguf");
  files.save();
  const std::string direct = files.path("direct.gguf");
  const std::string floats = files.path("floats.gguf");
  const std::string again = files.path("again.gguf");
  ASSERT_EQ(error_of(files.folder(), direct, WeightFormat::kQ4_K), "no error");
  ASSERT_EQ(error_of(files.folder(), floats, WeightFormat::kF32), "no error");
  ASSERT_EQ(error_of(floats, again, WeightFormat::kQ4_K), "no error");
  const auto a = ModelFile::open(direct);
  const auto b = ModelFile::open(again);
  ASSERT_EQ(a->tensors().size(), b->tensors().size());
  for (const GgufTensor* tensor : a->tensors()) {
    const GgufTensor* other = b->find_tensor(tensor->name);
    ASSERT_EQ(tensor->n_bytes, other->n_bytes);
    EXPECT_EQ(std::memcmp(tensor->data, other->data, tensor->n_bytes), 0) << tensor->name;
  }
  EXPECT_EQ(b->metadata().get_u32("general.file_type").value(), 15u);
  EXPECT_EQ(read_gguf_vocabulary(b->metadata())->chat_template, "{{ messages }}");
  EXPECT_THAT(error_of(direct, again),
              HasSubstr("is of type Q6_K, must be F32, F16, BF16 or Q8_0 to be quantised"));
  EXPECT_THAT(error_of(floats, floats), HasSubstr("input and output are the same file"));
}

TEST(Quantize, TensorsBeginWhereTheyAreTold) {
  const CheckpointFiles files("aligned");
  files.save();
  QuantizeOptions options = options_for(WeightFormat::kQ4_K);
  ASSERT_TRUE(quantize_model(files.folder(), files.path("usual.gguf"), options));
  options.alignment = 4096;
  ASSERT_TRUE(quantize_model(files.folder(), files.path("aligned.gguf"), options));
  const auto a = ModelFile::open(files.path("usual.gguf"));
  const auto b = ModelFile::open(files.path("aligned.gguf"));
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(a->metadata().find("general.alignment"), nullptr);
  for (const GgufTensor* tensor : a->tensors()) {
    const GgufTensor* other = b->find_tensor(tensor->name);
    EXPECT_EQ(b->place_of(other->data).offset % 4096, 0U) << tensor->name;
    EXPECT_EQ(std::memcmp(tensor->data, other->data, tensor->n_bytes), 0) << tensor->name;
  }
  options.alignment = 48;
  const auto refused = quantize_model(files.folder(), files.path("none.gguf"), options);
  EXPECT_THAT(refused.error().message, HasSubstr("the alignment is 48"));
}

TEST(Quantize, ThreadsChangeNothing) {
  const CheckpointFiles files("threads");
  files.save();
  std::string first;
  for (const int n_threads : {1, 2, 5}) {
    QuantizeOptions options = options_for(WeightFormat::kQ4_K);
    options.n_threads = n_threads;
    ASSERT_TRUE(quantize_model(files.folder(), files.path("out.gguf"), options));
    const auto bytes = read_file(files.path("out.gguf"));
    if (first.empty()) first = *bytes;
    EXPECT_TRUE(*bytes == first) << n_threads;
  }
}

TEST(Quantize, FusedExpertsStayFused) {
  SynthOptions synth;
  synth.config = {.name = "tiny",
                  .n_layers = 1,
                  .hidden_size = 256,
                  .n_heads = 4,
                  .n_kv_heads = 2,
                  .head_dim = 64,
                  .rotary_dim = 32,
                  .n_experts = 2,
                  .n_experts_used = 1,
                  .expert_size = 256,
                  .vocab_size = 320,
                  .context_length = 64,
                  .rms_epsilon = 1e-6f,
                  .rope_theta = 5e6f};
  const WeightFormat f = WeightFormat::kF16;
  synth.formats = {f, f, f, f, f, {}};
  synth.fused_gate_up = true;
  const CheckpointFiles files("fused");
  const std::string input = files.path("in.gguf");
  const std::string output = files.path("out.gguf");
  ASSERT_TRUE(write_synth_model(input, synth));
  ASSERT_EQ(error_of(input, output, WeightFormat::kQ8_0), "no error");
  const auto before = ModelFile::open(input);
  const auto after = ModelFile::open(output);
  const std::string name = "blk.0.ffn_gate_up_exps.weight";
  EXPECT_LT(relative_error(values_of(*before, name), values_of(*after, name)), 0.0056);
  EXPECT_TRUE(M2Weights::bind(*after));
}

TEST(Quantize, NarrowRowsFallBackToQ8) {
  ModelConfig config = m25_config();
  config.expert_size = 1440;
  M2Formats formats = quantize_formats(WeightFormat::kQ4_K, config);
  EXPECT_EQ(formats.expert_down, WeightFormat::kQ8_0);
  EXPECT_EQ(formats.expert_gate_up, WeightFormat::kQ4_K);
  EXPECT_TRUE(plan_m2_tensors(config, formats));
  config.hidden_size = 2976;
  config.head_dim = 96;
  formats = quantize_formats(WeightFormat::kQ4_K, config);
  EXPECT_TRUE(plan_m2_tensors(config, formats));
}

class QuantizeErrors : public ::testing::Test {
 protected:
  std::string error() {
    files_.save();
    const std::string message = error_of(files_.folder(), files_.path("out.gguf"), type_);
    EXPECT_FALSE(std::filesystem::exists(files_.path("out.gguf")));
    return message;
  }
  CheckpointFiles files_{"errors"};
  WeightFormat type_ = WeightFormat::kQ8_0;
  const std::string expert_ = "model.layers.0.block_sparse_moe.experts.2.w2.weight";
};

TEST_F(QuantizeErrors, NameTheTensor) {
  auto& tensor = files_.tensors[expert_];
  const auto good = tensor;
  files_.tensors.erase(expert_);
  EXPECT_THAT(error(), HasSubstr("experts.2.w2.weight' is missing"));
  files_.tensors[expert_] = {"F32", {128, 512}, good.bytes};
  EXPECT_THAT(error(), HasSubstr("has shape [128, 512], must have [256, 256]"));
  files_.tensors[expert_] = {"I32", {256, 256}, good.bytes};
  EXPECT_THAT(error(), HasSubstr("is of type I32, must be F32, F16, BF16 or F8_E4M3"));
  files_.tensors[expert_] = {"F8_E4M3", {256, 256}, std::string(65536, '\0')};
  EXPECT_THAT(error(), HasSubstr("w2.weight_scale_inv' is missing"));
  files_.tensors[expert_ + "_scale_inv"] = {"F32", {1, 4}, std::string(16, '\0')};
  EXPECT_THAT(error(), HasSubstr("has shape [1, 4], must have [2, 2]"));
}

TEST_F(QuantizeErrors, NameTheRowThatCannotBeStored) {
  auto values = test::random_values("x", 65536);
  values[300] = NAN;
  files_.tensors[expert_].bytes = test::f32_bytes(values);
  // Expert 2 starts at row 512; value 300 lies in its second row.
  EXPECT_THAT(error(), HasSubstr("'blk.0.ffn_down_exps.weight' has a value in row 513"));
  values[300] = 1e6f;
  files_.tensors[expert_].bytes = test::f32_bytes(values);
  EXPECT_THAT(error(), HasSubstr("too large for Q8_0"));
  files_.save();
  EXPECT_EQ(error_of(files_.folder(), files_.path("wide.gguf"), WeightFormat::kBF16), "no error");
}

TEST_F(QuantizeErrors, WrongTypesAndPaths) {
  type_ = WeightFormat::kQ3_K;
  EXPECT_THAT(error(), HasSubstr("cannot quantise to Q3_K"));
  EXPECT_THAT(error_of(files_.folder(), files_.folder()), HasSubstr("is a folder"));
  EXPECT_THAT(error_of(files_.path("none.gguf"), files_.path("out.gguf")), HasSubstr("none.gguf"));
  type_ = WeightFormat::kQ8_0;
  files_.write("tokenizer.json", "{}");
  EXPECT_THAT(error(), HasSubstr("tokenizer.json"));
}

}  // namespace
}  // namespace jevons
