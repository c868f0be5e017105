#include "convert/copy_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "base/atomic_file.h"
#include "convert/synth.h"
#include "tests/base/scratch_folder.h"
#include "weights/expert_layout.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

using ::testing::HasSubstr;

struct NewTensor {
  std::string name;
  std::uint32_t type_id;
  std::vector<std::int64_t> shape;
};

// Random bytes: what the types mean does not matter here.
void write_file(const std::string& path, GgufWriter& writer,
                const std::vector<NewTensor>& tensors) {
  for (const NewTensor& tensor : tensors) {
    writer.add_tensor(tensor.name, tensor.type_id, tensor.shape);
  }
  ASSERT_TRUE(writer.begin(path));
  std::mt19937 random(static_cast<unsigned>(path.size()));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::vector<std::byte> bytes(writer.tensor_bytes(i));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    ASSERT_TRUE(writer.write(bytes));
  }
  ASSERT_TRUE(writer.commit());
}

QuantizeOptions aligned_to(std::uint64_t alignment) {
  QuantizeOptions options;
  options.alignment = alignment;
  return options;
}

std::string error_of(const std::string& input, const std::string& output,
                     std::uint64_t alignment = 4096) {
  const auto report = copy_model(input, output, aligned_to(alignment));
  return report ? "no error" : report.error().message;
}

std::string encoded(const GgufValue& value) {
  std::string text = value.describe();
  value.append_encoded(text);
  return text;
}

// Names, types, shapes and bytes of all tensors, in their order.
void expect_same_tensors(const ModelFile& a, const ModelFile& b, std::uint64_t alignment) {
  EXPECT_EQ(b.metadata().alignment(), alignment);
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (std::size_t i = 0; i < a.tensors().size(); ++i) {
    const GgufTensor& x = *a.tensors()[i];
    const GgufTensor& y = *b.tensors()[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.type_id, y.type_id) << x.name;
    EXPECT_EQ(x.shape, y.shape) << x.name;
    ASSERT_EQ(x.n_bytes, y.n_bytes) << x.name;
    EXPECT_EQ(std::memcmp(x.data, y.data, x.n_bytes), 0) << x.name;
    EXPECT_EQ(b.place_of(y.data).offset % alignment, 0U) << x.name;
  }
}

TEST(CopyModel, KeepsTensorsOfEveryKnownTypeAndAllMetadata) {
  const ScratchFolder folder;
  std::vector<NewTensor> tensors;
  for (std::uint32_t id = 0; id < 1000; ++id) {
    if (tensor_type_facts(id) != nullptr) {
      tensors.push_back({tensor_type_name(id) + ".weight", id, {512, 3, 2}});
    }
  }
  GgufWriter writer;
  writer.set_alignment(64);
  writer.set_string("general.architecture", "another");
  writer.set("general.file_type", std::uint32_t{1234});
  writer.set_strings("tokenizer.ggml.tokens", std::vector<std::string>{"a", "", "b"});
  writer.set("splitting.hairs", -1.5);
  write_file(folder / "in.gguf", writer, tensors);
  const auto before = ModelFile::open(folder / "in.gguf");
  ASSERT_TRUE(before) << before.error().message;

  for (const std::uint64_t alignment : {32U, 4096U, 1U << 20}) {
    const std::string output = folder / "out.gguf";
    const auto report = copy_model(folder / "in.gguf", output, aligned_to(alignment));
    ASSERT_TRUE(report) << report.error().message;
    const auto after = ModelFile::open(output);
    ASSERT_TRUE(after) << after.error().message;
    expect_same_tensors(*before, *after, alignment);
    for (const GgufEntry& entry : before->metadata().metadata()) {
      if (entry.key == "general.alignment") continue;
      const GgufValue* value = after->metadata().find(entry.key);
      ASSERT_NE(value, nullptr) << entry.key;
      EXPECT_EQ(encoded(*value), encoded(entry.value)) << entry.key;
    }
    EXPECT_EQ(after->metadata().metadata().size(), alignment == 32 ? 4U : 5U);
    EXPECT_EQ(report->n_tensors, tensors.size());
    EXPECT_EQ(report->n_parameters, tensors.size() * 512 * 3 * 2);
    EXPECT_EQ(report->file_bytes, std::filesystem::file_size(output));
  }
}

TEST(CopyModel, ThereAndBackIsTheSameFile) {
  const ScratchFolder folder;
  const std::string model = JEVONS_SOURCE_DIR "/tests/data/oracle/k_quants.gguf";
  ASSERT_EQ(error_of(model, folder / "usual.gguf", 32), "no error");
  ASSERT_EQ(error_of(folder / "usual.gguf", folder / "pages.gguf", 4096), "no error");
  ASSERT_EQ(error_of(folder / "pages.gguf", folder / "again.gguf", 32), "no error");
  EXPECT_TRUE(read_file(folder / "usual.gguf").value() == read_file(folder / "again.gguf").value());
  const auto original = ModelFile::open(model);
  const auto pages = ModelFile::open(folder / "pages.gguf");
  expect_same_tensors(*original, *pages, 4096);
  EXPECT_TRUE(M2Weights::bind(*pages));
}

TEST(CopyModel, JoinsShards) {
  const ScratchFolder folder;
  std::vector<std::string> shards;
  for (std::uint16_t number = 0; number < 3; ++number) {
    GgufWriter writer;
    if (number == 0) writer.set_string("general.architecture", "another");
    writer.set("split.no", number);
    writer.set("split.count", std::uint16_t{3});
    writer.set("split.tensors.count", std::int32_t{6});
    if (number == 1) writer.set_alignment(1024);
    shards.push_back(folder / fmt::format("m-{:05d}-of-00003.gguf", number + 1));
    write_file(shards.back(), writer,
               {{fmt::format("a{}", number), 0, {7, 3}}, {fmt::format("b{}", number), 12, {256}}});
  }
  const std::string output = folder / "whole.gguf";
  ASSERT_EQ(error_of(shards[1], output), "no error");
  const auto before = ModelFile::open(shards[0]);
  const auto after = ModelFile::open(output);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->shards().size(), 1U);
  expect_same_tensors(*before, *after, 4096);
  EXPECT_EQ(after->metadata().metadata().size(), 2U);
  EXPECT_EQ(after->metadata().get_string("general.architecture").value(), "another");
  for (const std::string& shard : shards) {
    EXPECT_THAT(error_of(shards[0], shard), HasSubstr("the same file"));
  }
}

// Experts whose size is a whole number of pages are read without anything around them.
TEST(CopyModel, PagesLeaveNothingAroundExperts) {
  SynthOptions synth;
  synth.config.n_layers = 1;
  synth.config.hidden_size = synth.config.expert_size = 256;
  synth.config.n_heads = synth.config.n_kv_heads = 1;
  synth.config.n_experts = 3;
  synth.config.n_experts_used = 1;
  synth.config.vocab_size = 400;
  const kernels::WeightFormat q8 = kernels::WeightFormat::kQ8_0;
  synth.formats = {q8, q8, q8, q8, q8, {}};
  synth.alignment = 64;
  const ScratchFolder folder;
  ASSERT_TRUE(write_synth_model(folder / "in.gguf", synth));
  ASSERT_EQ(error_of(folder / "in.gguf", folder / "out.gguf"), "no error");
  const auto slack = [](const std::string& path) {
    const ModelFile file = ModelFile::open(path).value();
    const M2Weights weights = M2Weights::bind(file).value();
    const ExpertLayout layout(weights);
    return layout.frame_bytes(0) - layout.expert_bytes(0);
  };
  EXPECT_GT(slack(folder / "in.gguf"), 0U);
  EXPECT_EQ(slack(folder / "out.gguf"), 0U);
}

TEST(CopyModel, SaysHowFarItIs) {
  const ScratchFolder folder;
  QuantizeOptions options = aligned_to(4096);
  QuantizeProgress last{};
  options.progress = [&](const QuantizeProgress& p) {
    EXPECT_GT(p.bytes_done, last.bytes_done);
    EXPECT_GE(p.n_tensors_done, last.n_tensors_done);
    last = p;
  };
  const std::string model = JEVONS_SOURCE_DIR "/tests/data/oracle/f32.gguf";
  ASSERT_TRUE(copy_model(model, folder / "out.gguf", options));
  EXPECT_EQ(last.bytes_done, last.bytes_total);
  EXPECT_EQ(last.n_tensors_done + 1, last.n_tensors);
}

TEST(CopyModel, ErrorsLeaveNothingBehind) {
  const ScratchFolder folder;
  const std::string model = JEVONS_SOURCE_DIR "/tests/data/oracle/f32.gguf";
  const std::string output = folder / "out.gguf";
  EXPECT_THAT(error_of(model, output, 4095), HasSubstr("the alignment is 4095"));
  EXPECT_THAT(error_of(folder.path().string(), output), HasSubstr("is a folder"));
  EXPECT_THAT(error_of(model, folder.path().string()), HasSubstr("must be a file"));
  EXPECT_THAT(error_of(folder / "none.gguf", output), HasSubstr("none.gguf"));
  EXPECT_THAT(error_of(JEVONS_SOURCE_DIR "/LICENSE", output), HasSubstr("not a GGUF file"));
  ASSERT_TRUE(write_file_atomically(folder / "self.gguf", read_file(model).value()));
  EXPECT_THAT(error_of(folder / "self.gguf", folder / "self.gguf"), HasSubstr("the same file"));
  std::size_t n_files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder.path())) {
    ++n_files;
  }
  EXPECT_EQ(n_files, 1U);
}

}  // namespace
}  // namespace jevons
