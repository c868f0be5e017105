// Binding on files made by hand: a whole tiny model, then the same with one thing wrong.
#include "weights/m2_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "gguf_bytes.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

using test::as_span;
using test::RawFile;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t kHidden = 64, kHeads = 4, kKvHeads = 2, kHeadDim = 32, kExperts = 3,
                        kExpertSize = 32, kVocabulary = 10;

RawFile tiny_metadata() {
  RawFile f;
  f.string("general.architecture", "minimax-m2").string("general.name", "tiny");
  f.u32("minimax-m2.block_count", 1).u32("minimax-m2.context_length", 100);
  f.u32("minimax-m2.embedding_length", kHidden).u32("minimax-m2.attention.head_count", kHeads);
  f.u32("minimax-m2.attention.head_count_kv", kKvHeads);
  f.u32("minimax-m2.attention.key_length", kHeadDim);
  f.u32("minimax-m2.attention.value_length", kHeadDim);
  f.u32("minimax-m2.rope.dimension_count", 16).f32("minimax-m2.rope.freq_base", 5e6f);
  f.f32("minimax-m2.attention.layer_norm_rms_epsilon", 1e-6f);
  f.u32("minimax-m2.expert_count", kExperts).u32("minimax-m2.expert_used_count", 2);
  f.u32("minimax-m2.expert_feed_forward_length", kExpertSize);
  f.u32("minimax-m2.expert_gating_func", 2);
  return f;
}

RawFile tiny_model() {
  RawFile f = tiny_metadata();
  f.zeros("token_embd.weight", {kHidden, kVocabulary}).zeros("output_norm.weight", {kHidden});
  f.zeros("output.weight", {kHidden, kVocabulary}).zeros("blk.0.attn_norm.weight", {kHidden});
  f.zeros("blk.0.attn_q.weight", {kHidden, kHeads * kHeadDim});
  f.zeros("blk.0.attn_k.weight", {kHidden, kKvHeads * kHeadDim});
  f.zeros("blk.0.attn_v.weight", {kHidden, kKvHeads * kHeadDim});
  f.zeros("blk.0.attn_q_norm.weight", {kHeads * kHeadDim});
  f.zeros("blk.0.attn_k_norm.weight", {kKvHeads * kHeadDim});
  f.zeros("blk.0.attn_output.weight", {kHeads * kHeadDim, kHidden});
  f.zeros("blk.0.ffn_norm.weight", {kHidden});
  f.zeros("blk.0.ffn_gate_inp.weight", {kHidden, kExperts});
  f.zeros("blk.0.exp_probs_b.bias", {kExperts});
  f.zeros("blk.0.ffn_gate_exps.weight", {kHidden, kExpertSize, kExperts});
  f.zeros("blk.0.ffn_down_exps.weight", {kExpertSize, kHidden, kExperts});
  f.zeros("blk.0.ffn_up_exps.weight", {kHidden, kExpertSize, kExperts});
  return f;
}

test::RawTensor& tensor(RawFile& file, const std::string& name) {
  return *std::find_if(file.tensors.begin(), file.tensors.end(),
                       [&](const test::RawTensor& t) { return t.name == name; });
}

void remove_entry(RawFile& file, const std::string& key) {
  const std::string start = test::Bytes().string(key).text();
  std::erase_if(file.entries, [&](const std::string& e) { return e.starts_with(start); });
}

std::string error_of(const RawFile& raw) {
  const std::string bytes = raw.build();
  const auto file = ModelFile::from_bytes(as_span(bytes), "tiny.gguf");
  if (!file) return "parse: " + file.error().message;
  const auto weights = M2Weights::bind(*file);
  return weights ? "no error" : weights.error().message;
}

TEST(M2Weights, BindsEveryTensor) {
  const std::string bytes = tiny_model().build();
  const auto file = ModelFile::from_bytes(as_span(bytes), "tiny.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const auto weights = M2Weights::bind(*file);
  ASSERT_TRUE(weights) << weights.error().message;
  const ModelConfig& c = weights->config;
  EXPECT_EQ(c.name, "tiny");
  EXPECT_EQ(c.vocab_size, 10);
  EXPECT_EQ(c.q_size(), 128);
  EXPECT_EQ(c.kv_size(), 64);
  EXPECT_EQ(c.rotary_dim, 16);
  EXPECT_EQ(c.rope_theta, 5e6f);
  EXPECT_EQ(c.rms_epsilon, 1e-6f);
  ASSERT_EQ(weights->layers.size(), 1u);
  const LayerWeights& layer = weights->layers[0];
  EXPECT_EQ(layer.q.data, file->find_tensor("blk.0.attn_q.weight")->data);
  EXPECT_EQ(layer.q.n_rows, 128);
  EXPECT_EQ(layer.q.n_columns, 64);
  EXPECT_EQ(layer.q.row_bytes, 256u);
  EXPECT_EQ(layer.down.n_rows, 64);
  EXPECT_EQ(layer.down.n_columns, 32);
  EXPECT_EQ(layer.down.expert(2).data, layer.down.data + 2 * 64 * 32 * 4);
  EXPECT_EQ(layer.gate.data, file->find_tensor("blk.0.ffn_gate_exps.weight")->data);
  EXPECT_EQ(layer.up.data, file->find_tensor("blk.0.ffn_up_exps.weight")->data);
  EXPECT_EQ(reinterpret_cast<const std::byte*>(layer.router_bias),
            file->find_tensor("blk.0.exp_probs_b.bias")->data);
  EXPECT_EQ(weights->output.data, file->find_tensor("output.weight")->data);
}

TEST(M2Weights, TiesTheHeadOnlyIfThereIsNone) {
  RawFile raw = tiny_model();
  tensor(raw, "output.weight").name = "something.else";
  const std::string bytes = raw.build();
  const auto file = ModelFile::from_bytes(as_span(bytes), "tiny.gguf");
  const auto weights = M2Weights::bind(*file);
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_EQ(weights->output.data, weights->token_embedding.data);
}

TEST(M2Weights, FusedGateAndUp) {
  for (const char* name : {"blk.0.ffn_gate_up_exps.weight", "blk.0.ffn_up_gate_exps.weight"}) {
    RawFile raw = tiny_model();
    tensor(raw, "blk.0.ffn_gate_exps.weight").name = "other.gate";
    tensor(raw, "blk.0.ffn_up_exps.weight").name = "other.up";
    raw.zeros(name, {kHidden, 2 * kExpertSize, kExperts});
    const std::string bytes = raw.build();
    const auto file = ModelFile::from_bytes(as_span(bytes), "tiny.gguf");
    const auto weights = M2Weights::bind(*file);
    ASSERT_TRUE(weights) << weights.error().message;
    const LayerWeights& layer = weights->layers[0];
    const std::byte* start = file->find_tensor(name)->data;
    const std::size_t expert_bytes = 2 * kExpertSize * kHidden * 4;
    EXPECT_EQ(layer.gate.n_rows, 32);
    EXPECT_EQ(layer.up.n_rows, 32);
    EXPECT_EQ(layer.gate.expert(1).data, start + expert_bytes);
    EXPECT_EQ(layer.up.expert(1).data, start + expert_bytes + expert_bytes / 2);
  }
}

TEST(M2Weights, OtherArchitecturesAreRefusedByName) {
  RawFile raw = tiny_model();
  raw.entries[0] =
      test::Bytes().string("general.architecture").number<std::uint32_t>(8).string("llama").text();
  EXPECT_THAT(error_of(raw), HasSubstr("the architecture is 'llama', must be 'minimax-m2'"));
  remove_entry(raw, "general.architecture");
  EXPECT_THAT(error_of(raw), HasSubstr("'general.architecture' is missing"));
}

TEST(M2Weights, MissingAndMisshapenTensors) {
  RawFile raw = tiny_model();
  tensor(raw, "blk.0.attn_k.weight").name = "nothing";
  EXPECT_THAT(error_of(raw),
              HasSubstr("tensor 'blk.0.attn_k.weight' of shape [64, 64] is missing"));
  raw = tiny_model();
  tensor(raw, "blk.0.attn_output.weight").shape = {kHidden, kHeads * kHeadDim};
  EXPECT_THAT(error_of(raw), HasSubstr("'blk.0.attn_output.weight' has shape [64, 128], must have "
                                       "[128, 64]"));
  raw = tiny_model();
  tensor(raw, "token_embd.weight").shape = {kHidden * kVocabulary};
  EXPECT_THAT(error_of(raw), HasSubstr("'token_embd.weight' has shape [640]"));
  raw = tiny_model();
  tensor(raw, "blk.0.ffn_gate_inp.weight").type_id = 1;
  EXPECT_THAT(error_of(raw), HasSubstr("'blk.0.ffn_gate_inp.weight' is of type F16, must be F32"));
  raw = tiny_model();
  tensor(raw, "blk.0.exp_probs_b.bias").shape = {kExperts, 1};
  EXPECT_EQ(error_of(raw), "no error");
}

TEST(M2Weights, TypesWithoutKernelsAreListedTogether) {
  RawFile raw = tiny_model();
  for (test::RawTensor& t : raw.tensors) {
    if (t.name.find("exps") != std::string::npos || t.name.find("attn_q.") != std::string::npos) {
      t.type_id = 39;  // MXFP4
    }
  }
  raw.zeros("extra", {32});
  raw.tensors.back().type_id = 24;  // I8, in a tensor that nothing reads
  EXPECT_THAT(error_of(raw),
              AllOf(HasSubstr("4 of 17 tensors have a type that cannot be computed with"),
                    HasSubstr("blk.0.attn_q.weight (MXFP4)"), HasSubstr(", ..."),
                    HasSubstr("Types that work: F32, F16, Q4_0"), HasSubstr("Q4_K_M")));
}

TEST(M2Weights, TokensMustMatchTheEmbedding) {
  RawFile raw = tiny_model();
  raw.strings("tokenizer.ggml.tokens", {"a", "b"});
  EXPECT_THAT(error_of(raw),
              HasSubstr("tokenizer.ggml.tokens has 2 tokens, but token_embd.weight has 10 rows"));
}

struct WrongKey {
  const char* key;
  std::uint32_t value;
  const char* message;
};

class M2ConfigKeys : public ::testing::TestWithParam<WrongKey> {};

TEST_P(M2ConfigKeys, AreChecked) {
  RawFile raw = tiny_model();
  const std::string key = std::string("minimax-m2.") + GetParam().key;
  remove_entry(raw, key);
  raw.u32(key, GetParam().value);
  EXPECT_THAT(error_of(raw), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, M2ConfigKeys,
    ::testing::Values(
        WrongKey{"block_count", 0, "the number of layers is 0, must be 1 to 4096"},
        WrongKey{"block_count", 4000000000u, "is 4000000000, must be at most 2147483647"},
        WrongKey{"block_count", 2, "tensor 'blk.1.attn_norm.weight' of shape [64] is missing"},
        WrongKey{"context_length", 0, "the context length is 0"},
        WrongKey{"embedding_length", 48, "the hidden size is 48, must be a multiple of 32"},
        WrongKey{"embedding_length", 1u << 30, "the hidden size is 1073741824"},
        WrongKey{"attention.head_count", 5, "5 heads cannot share 2 KV heads evenly"},
        WrongKey{"attention.head_count_kv", 0, "the number of KV heads is 0, must be 1 to 4"},
        WrongKey{"attention.head_count_kv", 8, "the number of KV heads is 8, must be 1 to 4"},
        WrongKey{"attention.key_length", 288, "value_length is 32, must be equal"},
        WrongKey{"attention.value_length", 64, "value_length is 64, must be equal"},
        WrongKey{"rope.dimension_count", 64, "the rotary dimension is 64, must be 2 to 32"},
        WrongKey{"rope.dimension_count", 15, "the rotary dimension is 15, must be a multiple of 2"},
        WrongKey{"expert_count", 0, "the number of experts is 0"},
        WrongKey{"expert_used_count", 4, "the number of experts used is 4, must be 1 to 3"},
        WrongKey{"expert_feed_forward_length", 40, "the expert size is 40, must be a multiple"},
        WrongKey{"expert_gating_func", 1, "expert_gating_func' is 1, must be 2"},
        WrongKey{"expert_shared_count", 1, "expert_shared_count' is 1, must be 0"},
        WrongKey{"rope.freq_base", 1, "must be a float"}));

TEST(M2Config, MissingKeys) {
  RawFile raw = tiny_model();
  for (const char* optional :
       {"minimax-m2.attention.value_length", "general.name", "minimax-m2.expert_gating_func"}) {
    remove_entry(raw, optional);
    EXPECT_EQ(error_of(raw), "no error") << optional;
  }
  remove_entry(raw, "minimax-m2.rope.dimension_count");
  EXPECT_THAT(error_of(raw), HasSubstr("'minimax-m2.rope.dimension_count' is missing"));
  raw = tiny_model();
  remove_entry(raw, "minimax-m2.expert_feed_forward_length");
  EXPECT_THAT(error_of(raw), HasSubstr("'minimax-m2.feed_forward_length' is missing"));
  raw.u32("minimax-m2.feed_forward_length", kExpertSize);
  EXPECT_EQ(error_of(raw), "no error");
  raw.string("minimax-m2.rope.scaling.type", "yarn");
  EXPECT_THAT(error_of(raw), HasSubstr("is 'yarn', must be 'none'"));
}

}  // namespace
}  // namespace jevons
