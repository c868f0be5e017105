// Sizes that are computed against files that people have: an exact one, and those that hubs print.
#include "meter/planned_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "convert/synth.h"
#include "meter/quantisation_mix.h"
#include "weights/m2_tensor_shapes.h"
#include "weights/model_file.h"
#include "weights/model_summary.h"

namespace jevons {
namespace {

using testing::HasSubstr;

PlannedModel m25(std::string_view mix) {
  auto model = compute_model("MiniMax-M2.5", m25_config(), *find_mix(mix));
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return std::move(*model);
}

// A published Q2_K of the family has this many bytes of tensors.
TEST(PlannedModel, Q2KIsTheSizeOfAPublishedFile) {
  EXPECT_EQ(m25("Q2_K").file_bytes, 83'294'393'344U);
  EXPECT_EQ(m25("Q2_K").n_parameters(), 228'689'764'864U);
}

// As hubs print them, in GB.
TEST(PlannedModel, SizesAreThoseOfPublishedFiles) {
  const std::map<std::string, double> published = {
      {"Q3_K_S", 98.7}, {"Q3_K_M", 109.3}, {"IQ4_XS", 122}, {"Q4_K_M", 138.4}, {"Q5_K_M", 162},
      {"Q6_K", 188},    {"Q8_0", 243},     {"BF16", 457},   {"FP8", 230.12}};
  for (const auto& [mix, gigabytes] : published) {
    EXPECT_NEAR(static_cast<double>(m25(mix).file_bytes) / 1e9, gigabytes, gigabytes * 0.003)
        << mix;
  }
}

// 227.41 GB in 8 bits, 55.5 MB of scales, 2.458 GB of embedding and head, 195 MB of routers.
TEST(PlannedModel, Fp8IsTheOfficialCheckpoint) {
  const PlannedModel model = m25("FP8");
  const double weights = 224'680'476'672.0 + 2'730'491'904.0;
  const double expected =
      weights * (1 + 4.0 / (128 * 128)) + 2 * 614'596'608.0 * 2 + 48'774'656.0 * 4 + 828'416.0 * 2;
  EXPECT_EQ(static_cast<double>(model.file_bytes), expected);
  EXPECT_THAT(model.problem, HasSubstr("jevons quantize"));
}

TEST(PlannedModel, ATokenReadsLittleOfIt) {
  const PlannedModel model = m25("Q8_0");
  // 8 experts of 62 layers, attention, routers, head, norms and a row of the embedding.
  const std::uint64_t active =
      8ULL * 62 * 14'155'776 + 2'730'491'904 + 48'774'656 + 614'596'608 + 828'416 + 3072;
  EXPECT_EQ(model.n_active_parameters(), active);
  EXPECT_EQ(model.kv_bytes_per_token("f16"), 253'952U);
  EXPECT_EQ(model.kv_bytes_per_token("q8_0"), 134'912U);
  EXPECT_NEAR(model.bits_per_weight(), 8.5, 0.01);
}

// The counts of a load log of M2.7 in UD-IQ3_S: 250, 62 and 124 matrices.
TEST(PlannedModel, APublishedMixHasItsCounts) {
  const QuantisationMix& mix = *find_mix("UD-IQ3_S");
  std::map<std::string, int> counts;
  for (const M2TensorShape& tensor : m2_tensor_shapes(m25_config())) {
    if (tensor.group == TensorGroup::kNorms || tensor.group == TensorGroup::kRouter) continue;
    ++counts[std::string(planned_type_name(mix.type_of(tensor, 62)))];
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"Q6_K", 250}, {"IQ3_S", 62}, {"IQ2_S", 124}}));
  EXPECT_THAT(m25("UD-IQ3_S").problem, HasSubstr("cannot compute with"));
}

// Tensors of a real file, where the list is there: name, shape.
TEST(PlannedModel, TensorsAreThoseOfARealFile) {
  std::ifstream file(JEVONS_SOURCE_DIR "/../shared/data/gguf_tensors.minimax-m2.tsv");
  if (!file) GTEST_SKIP() << "the list of a real file's tensors is not here";
  std::map<std::string, std::string> listed;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    std::string name, shape;
    if (line.starts_with('#') || !std::getline(cells, name, '\t')) continue;
    std::getline(cells, shape, '\t');
    listed[name] = shape;
  }
  const auto tensors = m2_tensor_shapes(m25_config());
  EXPECT_EQ(tensors.size(), listed.size());
  for (const M2TensorShape& tensor : tensors) {
    std::string shape;
    for (const std::int64_t n : tensor.shape)
      shape += (shape.empty() ? "" : ",") + std::to_string(n);
    EXPECT_EQ(listed[tensor.name], "[" + shape + "]") << tensor.name;
  }
}

TEST(PlannedModel, AFileSaysWhatItIs) {
  SynthOptions options;
  options.config.n_layers = 2;
  options.config.hidden_size = 256;
  options.config.n_heads = 4;
  options.config.n_kv_heads = 2;
  options.config.head_dim = 64;
  options.config.rotary_dim = 32;
  options.config.n_experts = 8;
  options.config.n_experts_used = 2;
  options.config.expert_size = 256;
  options.config.vocab_size = 512;
  options.config.name = "Small";
  options.n_threads = 1;
  const auto bytes = make_synth_model(options);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto file = ModelFile::from_bytes(std::as_bytes(std::span(*bytes)), "small.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const auto model = read_planned_model(*file);
  ASSERT_TRUE(model) << model.error().message;
  const ModelSummary summary = summarize(*file);
  EXPECT_EQ(model->name, "Small");
  EXPECT_EQ(model->mix, "Q4_K");
  EXPECT_EQ(model->problem, "");
  EXPECT_EQ(model->file_bytes, bytes->size());
  EXPECT_EQ(model->n_active_parameters(), summary.n_active_parameters);
  EXPECT_EQ(model->bytes_per_token(), summary.bytes_per_token);
  EXPECT_EQ(model->kv_bytes_per_token("q8_0"), summary.kv_bytes_per_token_q8_0);
  EXPECT_EQ(model->kv_bytes_per_token("f16"), summary.kv_bytes_per_token_f16);
  // Computed from the shape, it is as large as its tensors in the file.
  const auto q8 = compute_model("Small", options.config, *find_mix("Q8_0"));
  ASSERT_TRUE(q8);
  options.formats = {};
  const auto q8_bytes = make_synth_model(options);
  ASSERT_TRUE(q8_bytes);
  const auto q8_file = ModelFile::from_bytes(std::as_bytes(std::span(*q8_bytes)), "q8.gguf");
  ASSERT_TRUE(q8_file);
  std::uint64_t n_bytes = 0;
  for (const GgufTensor* tensor : q8_file->tensors()) n_bytes += tensor->n_bytes;
  EXPECT_EQ(q8->file_bytes, n_bytes);
}

TEST(PlannedModel, RowsMustDivideIntoBlocks) {
  ModelConfig config = m25_config();
  config.hidden_size = 3072 + 32;
  const auto model = compute_model("Odd", config, *find_mix("Q4_K_M"));
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr("3104"));
}

TEST(QuantisationMix, NamesAreFoundInAnyCase) {
  EXPECT_STREQ(find_mix("q4_k_m")->name, "Q4_K_M");
  EXPECT_EQ(find_mix("Q4"), nullptr);
  EXPECT_EQ(find_mix(""), nullptr);
}

}  // namespace
}  // namespace jevons
