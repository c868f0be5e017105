#include "convert/synth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/atomic_file.h"
#include "convert/random_rows.h"
#include "convert/synth_vocabulary.h"
#include "kernels/dequantize.h"
#include "weights/gguf_vocabulary.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

using kernels::WeightFormat;
using ::testing::HasSubstr;

std::span<const std::byte> as_span(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

SynthOptions tiny() {
  SynthOptions options;
  options.config = {.name = "tiny",
                    .n_layers = 2,
                    .hidden_size = 256,
                    .n_heads = 4,
                    .n_kv_heads = 2,
                    .head_dim = 64,
                    .rotary_dim = 32,
                    .n_experts = 4,
                    .n_experts_used = 2,
                    .expert_size = 256,
                    .vocab_size = 400,
                    .context_length = 1024,
                    .rms_epsilon = 1e-6f,
                    .rope_theta = 5e6f};
  options.chat_template = "{{ messages }}";
  return options;
}

std::string temporary_path(const std::string& name) {
  return ::testing::TempDir() + name + std::to_string(::getpid()) + ".gguf";
}

/// Byte-pair encoding as its definition has it: the lowest rank first, leftmost first.
std::vector<std::int32_t> naive_encode(const Vocabulary& v, const std::string& text) {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> ranks;
  for (std::size_t i = 0; i < v.merges.size(); ++i) {
    ranks.emplace(std::pair(v.merges[i].left, v.merges[i].right), i);
  }
  while (true) {
    std::size_t best = v.merges.size();
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found != ranks.end() && found->second < best) {
        best = found->second;
        place = i;
      }
    }
    if (best == v.merges.size()) return ids;
    ids[place] = v.merges[best].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(SynthVocabulary, ObeysTheRulesOfM2) {
  for (const int n_tokens : {310, 315, 320, 700, 3000}) {
    const auto v = make_synth_vocabulary(n_tokens, 3, "");
    ASSERT_TRUE(v) << v.error().message;
    ASSERT_EQ(v->tokens.size(), static_cast<std::size_t>(n_tokens));
    ASSERT_EQ(v->kinds.size(), v->tokens.size());
    const int n_unused = std::min(10, n_tokens - 310);
    const int base = n_tokens - n_unused - 54;
    EXPECT_EQ(v->merges.size(), static_cast<std::size_t>(base - 256));
    for (int id = 0; id < 256; ++id) {
      EXPECT_EQ(v->tokens[static_cast<std::size_t>(id)], std::string(1, static_cast<char>(id)));
    }
    std::set<std::string> distinct(v->tokens.begin(), v->tokens.end());
    EXPECT_EQ(distinct.size(), v->tokens.size());
    for (std::size_t i = 0; i < v->merges.size(); ++i) {
      const auto& merge = v->merges[i];
      ASSERT_EQ(merge.result, static_cast<std::int32_t>(256 + i));
      ASSERT_LT(merge.left, merge.result);
      ASSERT_LT(merge.right, merge.result);
      const std::string& token = v->tokens[256 + i];
      ASSERT_EQ(token, v->tokens[static_cast<std::size_t>(merge.left)] +
                           v->tokens[static_cast<std::size_t>(merge.right)]);
      if (n_tokens <= 700 || i % 16 == 0) {
        ASSERT_EQ(naive_encode(*v, token), std::vector<std::int32_t>{merge.result}) << token;
      }
    }
    EXPECT_EQ(v->tokens[static_cast<std::size_t>(base + 19)], "]~b]");
    EXPECT_EQ(v->tokens[static_cast<std::size_t>(*v->eos_id)], "[e~[");
    EXPECT_EQ(v->tokens[static_cast<std::size_t>(*v->bos_id)], "]~!b[");
    EXPECT_EQ(v->tokens[static_cast<std::size_t>(base + 50)], "<think>");
    EXPECT_EQ(v->kinds[static_cast<std::size_t>(base + 49)], TokenKind::kControl);
    EXPECT_EQ(v->kinds[static_cast<std::size_t>(base + 50)], TokenKind::kUserDefined);
    EXPECT_EQ(v->kinds[static_cast<std::size_t>(base + 53)], TokenKind::kUserDefined);
    if (n_unused > 0) {
      EXPECT_EQ(v->tokens.back(), fmt::format("[PAD{}]", n_tokens - 1));
      EXPECT_EQ(v->kinds.back(), TokenKind::kUnused);
    }
  }
  EXPECT_EQ(make_synth_vocabulary(1'000'000, 1, "")->merges.size(), 1'000'000u - 256 - 64);
  EXPECT_THAT(make_synth_vocabulary(309, 1, "").error().message, HasSubstr("is 309, must be 310"));
}

TEST(Synth, FileBindsAndItsVocabularyComesBack) {
  const auto bytes = make_synth_model(tiny());
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto file = ModelFile::from_bytes(as_span(*bytes), "tiny");
  ASSERT_TRUE(file) << file.error().message;
  const auto weights = M2Weights::bind(*file);
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_EQ(weights->config.n_experts_used, 2);
  EXPECT_EQ(weights->layers[1].down.format, WeightFormat::kQ4_K);
  EXPECT_EQ(weights->layers[1].v.format, WeightFormat::kQ6_K);
  const auto read = read_gguf_vocabulary(file->metadata());
  ASSERT_TRUE(read) << read.error().message;
  const auto made = make_synth_vocabulary(400, 1, "{{ messages }}");
  EXPECT_EQ(read->tokens, made->tokens);
  EXPECT_EQ(read->kinds, made->kinds);
  EXPECT_EQ(read->eos_id, made->eos_id);
  EXPECT_EQ(read->bos_id, made->bos_id);
  EXPECT_EQ(read->chat_template, made->chat_template);
  EXPECT_EQ(read->sampling.top_k, 40);
  ASSERT_EQ(read->merges.size(), made->merges.size());
  for (std::size_t i = 0; i < made->merges.size(); ++i) {
    EXPECT_EQ(read->merges[i].left, made->merges[i].left);
    EXPECT_EQ(read->merges[i].right, made->merges[i].right);
    EXPECT_EQ(read->merges[i].result, made->merges[i].result);
  }
}

TEST(Synth, SameBytesForAnyThreadCountAndOnDisk) {
  const auto in_memory = make_synth_model(tiny());
  ASSERT_TRUE(in_memory);
  for (const int n_threads : {1, 3}) {
    SynthOptions options = tiny();
    options.n_threads = n_threads;
    std::uint64_t last = 0;
    std::uint64_t all = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_GT(done, last);
      last = done;
      all = total;
    };
    const std::string path = temporary_path("synth");
    const auto written = write_synth_model(path, options);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(last, all);
    const auto on_disk = read_file(path);
    std::filesystem::remove(path);
    EXPECT_TRUE(*on_disk == *in_memory) << n_threads;
  }
  SynthOptions other = tiny();
  other.seed = 2;
  EXPECT_FALSE(*make_synth_model(other) == *in_memory);
}

TEST(Synth, RowsOfEveryFormatHaveTheRightSpread) {
  constexpr int kColumns = 4096;
  constexpr float kDeviation = 0.02f;
  for (const WeightFormat format : kernels::kAllWeightFormats) {
    std::vector<std::byte> row(kernels::row_bytes(format, kColumns));
    std::vector<float> values(kColumns);
    double sum = 0;
    double square = 0;
    double largest = 0;
    constexpr int kRows = 20;
    for (int r = 0; r < kRows; ++r) {
      RandomNumbers random(5, kernels::facts(format).name, static_cast<std::uint64_t>(r));
      fill_random_row(format, kDeviation, random, kColumns, row.data());
      kernels::dequantize_row(format, row.data(), values.data(), kColumns);
      for (const float value : values) {
        sum += value;
        square += double{value} * value;
        largest = std::max(largest, std::abs(double{value}));
      }
    }
    constexpr double kCount = double{kRows} * kColumns;
    const char* name = kernels::facts(format).name;
    EXPECT_NEAR(sum / kCount / kDeviation, 0.0, 0.05) << name;
    EXPECT_NEAR(std::sqrt(square / kCount) / kDeviation, 1.0, 0.08) << name;
    EXPECT_LT(largest / kDeviation, 8.0) << name;
    EXPECT_GT(largest / kDeviation, 1.5) << name;
  }
}

TEST(Synth, EveryFormatAndFusedExpertsBind) {
  for (const WeightFormat format : kernels::kAllWeightFormats) {
    SynthOptions options = tiny();
    options.formats = {format, format, format, format, format, {}};
    options.fused_gate_up = format == WeightFormat::kQ5_K;
    options.formats.overrides = {{"blk.1.ffn_down", WeightFormat::kBF16}};
    const auto bytes = make_synth_model(options);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto file = ModelFile::from_bytes(as_span(*bytes), "tiny");
    const auto weights = M2Weights::bind(*file);
    ASSERT_TRUE(weights) << weights.error().message;
    EXPECT_EQ(weights->layers[0].down.format, format);
    EXPECT_EQ(weights->layers[1].down.format, WeightFormat::kBF16);
    EXPECT_EQ(weights->output.format, format);
    if (options.fused_gate_up) {
      EXPECT_EQ(weights->layers[0].up.data - weights->layers[0].gate.data,
                static_cast<std::ptrdiff_t>(256 * weights->layers[0].gate.row_bytes));
    }
  }
}

TEST(Synth, ImpossibleShapesAreNamed) {
  SynthOptions options = tiny();
  options.config.expert_size = 128;
  EXPECT_THAT(make_synth_model(options).error().message,
              HasSubstr("'blk.0.ffn_down_exps.weight' has rows of 128 elements, must be a multiple "
                        "of 256 for Q4_K"));
  options.config.n_kv_heads = 3;
  EXPECT_THAT(make_synth_model(options).error().message, HasSubstr("4 heads cannot share 3"));
}

/// name -> shape as the published file lists it
std::map<std::string, std::string> published_tensors() {
  std::map<std::string, std::string> tensors;
  std::ifstream file(JEVONS_SOURCE_DIR "/../shared/data/gguf_tensors.minimax-m2.tsv");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    std::string name;
    std::string shape;
    std::getline(fields, name, '\t');
    std::getline(fields, shape, '\t');
    tensors[name] = shape;
  }
  return tensors;
}

class SparseModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    path_ = temporary_path("sparse");
    SynthOptions options;
    options.sparse = true;
    const auto written = write_synth_model(path_, options);
    ASSERT_TRUE(written) << written.error().message;
  }
  static void TearDownTestSuite() { std::filesystem::remove(path_); }
  static std::string path_;
};
std::string SparseModel::path_;

TEST_F(SparseModel, HasTheTensorsOfTheRealModel) {
  const auto published = published_tensors();
  if (published.empty()) GTEST_SKIP() << "the published tensor list is not here";
  ASSERT_EQ(published.size(), 809u);
  const auto file = ModelFile::open(path_);
  ASSERT_TRUE(file) << file.error().message;
  std::map<std::string, std::string> made;
  for (const GgufTensor* tensor : file->tensors()) {
    std::string shape = tensor->shape_text();
    std::erase(shape, ' ');
    made[tensor->name] = shape;
  }
  EXPECT_EQ(made, published);
}

TEST_F(SparseModel, IsFullSizeOnPaperOnly) {
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_GT(status.st_size, 120'000'000'000);
  EXPECT_LT(status.st_blocks * 512, 40'000'000);
  const auto file = ModelFile::open(path_);
  ASSERT_TRUE(file) << file.error().message;
  const auto weights = M2Weights::bind(*file);
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_EQ(weights->layers.size(), 62u);
  const auto vocabulary = read_gguf_vocabulary(file->metadata());
  ASSERT_TRUE(vocabulary) << vocabulary.error().message;
  EXPECT_EQ(vocabulary->tokens.size(), 200064u);
  EXPECT_EQ(vocabulary->merges.size(), 199744u);
  EXPECT_EQ(vocabulary->eos_id, 200020);
  EXPECT_EQ(vocabulary->bos_id, 200034);
  EXPECT_EQ(vocabulary->tokens[200063], "[PAD200063]");
}

TEST(Synth, AnAlignmentMovesTensorsAndChangesNothingInThem) {
  SynthOptions options = tiny();
  const std::string usual = make_synth_model(options).value();
  options.alignment = 4096;
  const std::string aligned = make_synth_model(options).value();
  const std::string path = temporary_path("aligned");
  ASSERT_TRUE(write_synth_model(path, options));
  EXPECT_TRUE(read_file(path).value() == aligned);
  std::filesystem::remove(path);
  const auto a = ModelFile::from_bytes(as_span(usual), "usual");
  const auto b = ModelFile::from_bytes(as_span(aligned), "aligned");
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(b->metadata().alignment(), 4096U);
  for (const GgufTensor* tensor : a->tensors()) {
    const GgufTensor* other = b->find_tensor(tensor->name);
    EXPECT_EQ(b->place_of(other->data).offset % 4096, 0U) << tensor->name;
    EXPECT_EQ(std::memcmp(tensor->data, other->data, tensor->n_bytes), 0) << tensor->name;
  }
  options.alignment = 100;
  EXPECT_THAT(make_synth_model(options).error().message, HasSubstr("the alignment is 100"));
}

}  // namespace
}  // namespace jevons
