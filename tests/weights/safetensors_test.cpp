#include "weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "gguf_bytes.h"
#include "weights/checkpoint.h"

namespace jevons {
namespace {

using test::as_span;
using test::Bytes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& data) {
  return Bytes().string(header).raw(data).text();
}

std::string error_of(const std::string& header, const std::string& data = std::string(16, '\0')) {
  const std::string bytes = file_of(header, data);
  const auto file = SafetensorsFile::parse(as_span(bytes), "m.safetensors");
  return file ? "no error" : file.error().message;
}

TEST(Safetensors, ReadsTensors) {
  const std::string bytes = file_of(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("none":{"dtype":"F32","shape":[0,5],"data_offsets":[4,4]}}   )",
      "abcdefghijklmnop");
  const auto file = SafetensorsFile::parse(as_span(bytes), "m");
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 3u);
  const SafetensorsTensor* b = file->find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->type, "BF16");
  EXPECT_THAT(b->shape, ElementsAre(2, 3));
  EXPECT_EQ(b->n_bytes, 12u);
  EXPECT_EQ(b->data[0], std::byte{'e'});
  EXPECT_EQ(file->find("c"), nullptr);
}

TEST(Safetensors, RefusesWhatIsNotASafetensorsFile) {
  const auto parse = [](const std::string& bytes) {
    return SafetensorsFile::parse(as_span(bytes), "m").error().message;
  };
  EXPECT_THAT(parse("1234567"), HasSubstr("7 bytes, must be at least 8"));
  EXPECT_THAT(parse("GGUFxxxxxxxxxxxx"),
              HasSubstr("its header has 8680820739728033607 bytes, 8 follow"));
  EXPECT_THAT(parse(Bytes().number(std::uint64_t{9}).raw("{}").text()),
              HasSubstr("its header has 9 bytes, 2 follow"));
  EXPECT_THAT(error_of("[]"), HasSubstr("the header is not a JSON object"));
  EXPECT_THAT(error_of("{\"a\":"), HasSubstr("the header is not a JSON object"));
}

TEST(Safetensors, RefusesLyingTensors) {
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[1]}})"), HasSubstr("must have dtype"));
  EXPECT_THAT(error_of(R"({"a":5})"), HasSubstr("tensor 'a' must have dtype"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})"),
              HasSubstr("the unknown type 'F31'"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})"),
              HasSubstr("a dimension must be a whole number"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})"),
              HasSubstr("tensor 'a' has 4 bytes, must have 8 for F32 [2]"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}})"),
              HasSubstr("lies at 0 to 20 of 16 bytes of data"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})"),
              HasSubstr("lies at 8 to 4"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4]}})"),
              HasSubstr("its first data offset must be a whole number"));
  EXPECT_THAT(
      error_of(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]}})"),
      HasSubstr("has more than 9223372036854775807 bytes"));
  EXPECT_THAT(
      error_of(R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]}})"),
      HasSubstr("must be at most"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})"),
              HasSubstr("tensor 'a' ends at data offset 8, but tensor 'b' starts at 4"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})"),
              HasSubstr("tensor 'a' appears twice"));
}

constexpr const char* kConfig = R"({
  "model_type": "minimax_m2", "num_hidden_layers": 2, "hidden_size": 64,
  "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "rotary_dim": 16,
  "num_local_experts": 4, "num_experts_per_tok": 2, "intermediate_size": 32, "vocab_size": 400,
  "max_position_embeddings": 1000, "rms_norm_eps": 1e-06, "rope_theta": 5000000,
  "scoring_func": "sigmoid", "sliding_window": null, "attn_type_list": [1, 1]
})";

std::string with(const std::string& key, const std::string& value) {
  std::string text = kConfig;
  const std::size_t place = text.find("\"" + key + "\"");
  if (place != std::string::npos) {
    const std::size_t end = text.find_first_of(",}", text.find(':', place));
    text.erase(place, end - place + 1);
  }
  return text.insert(text.find('{') + 1, "\"" + key + "\": " + value + ",");
}

TEST(CheckpointConfig, ReadsOfficialKeys) {
  const auto config = parse_checkpoint_config(kConfig, "config.json");
  ASSERT_TRUE(config) << config.error().message;
  const ModelConfig& c = config->model;
  EXPECT_EQ(c.n_layers, 2);
  EXPECT_EQ(c.q_size(), 128);
  EXPECT_EQ(c.rotary_dim, 16);
  EXPECT_EQ(c.expert_size, 32);
  EXPECT_EQ(c.rope_theta, 5e6f);
  EXPECT_EQ(c.rms_epsilon, 1e-6f);
  EXPECT_FALSE(config->tied_head);
}

TEST(CheckpointConfig, ReadsThePublishedFile) {
  const std::string path = JEVONS_SOURCE_DIR "/../shared/data/config.MiniMax-M2.json";
  const auto text = read_file(path);
  if (!text) GTEST_SKIP() << "the published config is not here";
  const auto config = parse_checkpoint_config(*text, path);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->model.n_layers, 62);
  EXPECT_EQ(config->model.hidden_size, 3072);
  EXPECT_EQ(config->model.rotary_dim, 64);
  EXPECT_EQ(config->model.expert_size, 1536);
  EXPECT_EQ(config->model.vocab_size, 200064);
}

TEST(CheckpointConfig, NewerRotaryKeys) {
  std::string text = with("rotary_dim", "null");
  EXPECT_THAT(parse_checkpoint_config(text, "c").error().message,
              HasSubstr("'rotary_dim' is missing"));
  text.insert(1, R"("rope_parameters": {"partial_rotary_factor": 0.5, "rope_type": "default"},)");
  const auto config = parse_checkpoint_config(text, "c");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->model.rotary_dim, 16);
}

TEST(CheckpointConfig, RefusesOtherModels) {
  const auto error = [](const std::string& key, const std::string& value) {
    const auto config = parse_checkpoint_config(with(key, value), "config.json");
    return config ? "no error" : config.error().message;
  };
  EXPECT_THAT(error("model_type", "\"llama\""),
              HasSubstr("'model_type' is \"llama\", must be \"minimax_m2\""));
  EXPECT_THAT(error("scoring_func", "\"softmax\""), HasSubstr("must be \"sigmoid\""));
  EXPECT_THAT(error("sliding_window", "4096"), HasSubstr("'sliding_window' is 4096, must be null"));
  EXPECT_THAT(error("shared_intermediate_size", "8"), HasSubstr("is 8, must be 0"));
  EXPECT_THAT(error("rope_scaling", "{\"type\":\"yarn\"}"), HasSubstr("must be null"));
  EXPECT_THAT(error("num_hidden_layers", "\"2\""), HasSubstr("must be a whole number"));
  EXPECT_THAT(error("num_hidden_layers", "-2"), HasSubstr("is -2, must be 0 to"));
  EXPECT_THAT(error("num_hidden_layers", "null"), HasSubstr("'num_hidden_layers' is missing"));
  EXPECT_THAT(error("hidden_size", "50"), HasSubstr("the hidden size is 50"));
  EXPECT_THAT(parse_checkpoint_config("[1]", "c").error().message, HasSubstr("not a JSON object"));
}

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("checkpoint_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    write("config.json", kConfig);
  }
  ~CheckpointTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file_atomically((folder_ / name).string(), text));
  }
  std::string error() const {
    const auto checkpoint = Checkpoint::open(folder_.string());
    return checkpoint ? "no error" : checkpoint.error().message;
  }

  static std::string one_tensor(const std::string& name) {
    return file_of("{\"" + name + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "abcd");
  }

  std::filesystem::path folder_;
};

TEST_F(CheckpointTest, OneFileOrShards) {
  EXPECT_THAT(error(), HasSubstr("model.safetensors"));
  write("model.safetensors", one_tensor("a"));
  EXPECT_EQ(error(), "no error");
  write("s1.safetensors", one_tensor("x"));
  write("s2.safetensors", one_tensor("y"));
  write("model.safetensors.index.json",
        R"({"metadata":{},"weight_map":{"x":"s1.safetensors","y":"s2.safetensors"}})");
  const auto checkpoint = Checkpoint::open(folder_.string());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_NE(checkpoint->find("x"), nullptr);
  EXPECT_NE(checkpoint->find("y"), nullptr);
  EXPECT_EQ(checkpoint->find("a"), nullptr);
  EXPECT_EQ(checkpoint->config().n_layers, 2);
}

TEST_F(CheckpointTest, RefusesLyingIndexes) {
  write("s1.safetensors", one_tensor("x"));
  const std::string index = "model.safetensors.index.json";
  write(index, R"({"weight_map":{"x":"s1.safetensors","y":"s1.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("tensor 'y' is not in s1.safetensors"));
  write(index, R"({"weight_map":{"x":"../s1.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("'../s1.safetensors' is not a plain file name"));
  write(index, R"({"weight_map":{"x":"s9.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("s9.safetensors"));
  write(index, R"({"weight_map":{"x":9}})");
  EXPECT_THAT(error(), HasSubstr("the file of 'x' must be a string"));
  write(index, R"({"weight_map":[]})");
  EXPECT_THAT(error(), HasSubstr("'weight_map' must be an object"));
  write("s2.safetensors", one_tensor("x"));
  write(index, R"({"weight_map":{"x":"s1.safetensors","z":"s2.safetensors"}})");
  EXPECT_THAT(error(), AllOf(HasSubstr("tensor 'x' is in"), HasSubstr("already")));
}

}  // namespace
}  // namespace jevons
