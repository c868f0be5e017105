#include "weights/model_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "convert/synth.h"

namespace jevons {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;

ModelSummary summary_of_sparse(const SynthOptions& options) {
  const std::string path = fmt::format("{}summary{}.gguf", ::testing::TempDir(), ::getpid());
  const auto written = write_synth_model(path, options);
  EXPECT_TRUE(written) << written.error().message;
  const auto file = ModelFile::open(path);
  std::filesystem::remove(path);
  EXPECT_TRUE(file) << file.error().message;
  return summarize(file.value());
}

const ModelSummary::Group& group(const ModelSummary& summary, TensorGroup kind) {
  for (const auto& g : summary.groups) {
    if (g.group == kind) return g;
  }
  ADD_FAILURE() << tensor_group_name(kind);
  return summary.groups.front();
}

TEST(ModelSummary, CountsTheParametersOfM25) {
  SynthOptions options;
  options.sparse = true;
  const ModelSummary s = summary_of_sparse(options);
  EXPECT_EQ(s.problem, "");
  EXPECT_EQ(s.architecture, "minimax-m2");
  EXPECT_EQ(s.n_tensors, 809);
  EXPECT_EQ(s.n_parameters, 228'689'764'864u);
  EXPECT_EQ(group(s, TensorGroup::kExpertGate).n_parameters, 224'680'476'672u / 3);
  EXPECT_EQ(group(s, TensorGroup::kExpertDown).n_parameters, 224'680'476'672u / 3);
  EXPECT_EQ(group(s, TensorGroup::kAttention).n_parameters, 2'730'491'904u);
  EXPECT_EQ(group(s, TensorGroup::kEmbedding).n_parameters, 614'596'608u);
  EXPECT_EQ(group(s, TensorGroup::kHead).n_parameters, 614'596'608u);
  EXPECT_EQ(group(s, TensorGroup::kRouter).n_parameters, 48'774'656u);
  EXPECT_EQ(group(s, TensorGroup::kNorms).n_parameters, 828'416u);
  // Eight experts of 256, attention, router, norms, head, and one row of the embedding.
  EXPECT_EQ(s.n_active_parameters,
            224'680'476'672u / 32 + 2'730'491'904u + 48'774'656u + 828'416u + 614'596'608u + 3072u);
  EXPECT_NEAR(static_cast<double>(s.n_active_parameters) / 1e9, 10.42, 0.005);
  EXPECT_EQ(s.kv_bytes_per_token_f16, 253'952u);
  EXPECT_EQ(s.kv_bytes_per_token_q8_0, 134'912u);
  EXPECT_NEAR(static_cast<double>(s.bytes_per_token) / 1e9, 6.3, 0.3);  // mostly 4.5 bits
  EXPECT_TRUE(s.unsupported.empty());
  EXPECT_TRUE(s.extra.empty());
  const auto& attention = group(s, TensorGroup::kAttention);
  ASSERT_EQ(attention.types.size(), 2u);
  EXPECT_EQ(attention.types[0].type, "Q4_K");
  EXPECT_EQ(attention.types[0].n_tensors, 62 * 3);
  EXPECT_EQ(attention.types[1].type, "Q6_K");
}

TEST(ModelSummary, BytesPerTokenOfUniformFiles) {
  constexpr std::uint64_t kQuantised =
      224'680'476'672u / 32 + 2'730'491'904u + 614'596'608u + 3072u;
  constexpr std::uint64_t kFloats = 48'774'656u + 828'416u;  // router and norms stay F32
  for (const WeightFormat format :
       {WeightFormat::kQ8_0, WeightFormat::kQ6_K, WeightFormat::kQ2_K}) {
    SynthOptions options;
    options.sparse = true;
    options.formats = {format, format, format, format, format, {}};
    const ModelSummary s = summary_of_sparse(options);
    const kernels::FormatFacts facts = kernels::facts(format);
    EXPECT_EQ(s.bytes_per_token, kQuantised / static_cast<unsigned>(facts.block_elements) *
                                         static_cast<unsigned>(facts.block_bytes) +
                                     kFloats * 4);
  }
}

TEST(ModelSummary, FusedExpertsCountTheSame) {
  SynthOptions options;
  options.sparse = true;
  const ModelSummary apart = summary_of_sparse(options);
  options.fused_gate_up = true;
  const ModelSummary fused = summary_of_sparse(options);
  EXPECT_EQ(fused.problem, "");
  EXPECT_EQ(fused.n_parameters, apart.n_parameters);
  EXPECT_EQ(fused.n_active_parameters, apart.n_active_parameters);
  EXPECT_EQ(fused.bytes_per_token, apart.bytes_per_token);
}

TEST(ModelSummary, ShowsWhatCannotRun) {
  GgufWriter writer;
  writer.set_string("general.architecture", "llama");
  writer.add_tensor("blk.0.attn_q.weight", 21, {256, 4});
  writer.add_tensor("rope_freqs.weight", 0, {8});
  const std::string bytes = writer.header() + std::string(110 * 4 + 8 + 32, '\0');
  const auto file =
      ModelFile::from_bytes(std::as_bytes(std::span(bytes.data(), bytes.size())), "other");
  ASSERT_TRUE(file) << file.error().message;
  const ModelSummary s = summarize(*file);
  EXPECT_THAT(s.problem, HasSubstr("the architecture is 'llama'"));
  EXPECT_FALSE(s.config);
  EXPECT_EQ(s.n_parameters, 1024u + 8u);
  EXPECT_EQ(s.n_active_parameters, 0u);
  ASSERT_EQ(s.unsupported.size(), 1u);
  EXPECT_EQ(s.unsupported[0].name, "blk.0.attn_q.weight");
  EXPECT_EQ(s.unsupported[0].type, "IQ3_S");
  ASSERT_EQ(s.extra.size(), 1u);
  EXPECT_EQ(s.extra[0].name, "rope_freqs.weight");
}

}  // namespace
}  // namespace jevons
