#include "convert/gguf_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "weights/gguf_file.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

std::span<const std::byte> as_span(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string temporary_path(const std::string& name) {
  return ::testing::TempDir() + name + std::to_string(::getpid()) + ".gguf";
}

template <typename T>
class GgufWriterTypes : public ::testing::Test {};
using Scalars = ::testing::Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t,
                                 std::uint32_t, std::int32_t, std::uint64_t, std::int64_t>;
TYPED_TEST_SUITE(GgufWriterTypes, Scalars);

TYPED_TEST(GgufWriterTypes, IntegersComeBack) {
  using Limits = std::numeric_limits<TypeParam>;
  const std::vector<TypeParam> values = {Limits::min(), TypeParam{0}, TypeParam{7}, Limits::max()};
  GgufWriter writer;
  for (std::size_t i = 0; i < values.size(); ++i) writer.set(fmt::format("v{}", i), values[i]);
  writer.set_array<TypeParam>("all", values);
  const std::string bytes = writer.header();
  const auto file = GgufFile::parse(as_span(bytes), "f");
  ASSERT_TRUE(file) << file.error().message;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const GgufValue* value = file->find(fmt::format("v{}", i));
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(value->type(), GgufTypeOf<TypeParam>::value);
    if constexpr (std::is_signed_v<TypeParam>) {
      EXPECT_EQ(value->as_signed(), std::int64_t{values[i]});
    } else {
      EXPECT_EQ(value->as_unsigned(), std::uint64_t{values[i]});
    }
  }
  const GgufValue* all = file->find("all");
  EXPECT_EQ(all->n_elements(), values.size());
  EXPECT_EQ(all->element_type(), GgufTypeOf<TypeParam>::value);
  if constexpr (!std::is_same_v<TypeParam, std::uint64_t>) {
    EXPECT_THAT(all->as_integers().value(), ElementsAreArray(values));
  } else {
    EXPECT_FALSE(all->as_integers());  // the largest does not fit
    EXPECT_EQ(all->elements()[3].as_unsigned(), UINT64_MAX);
  }
}

TEST(GgufWriter, OtherTypesComeBack) {
  GgufWriter writer;
  writer.set("f32", 1.25f);
  writer.set("f64", -1e300);
  writer.set("yes", true);
  writer.set("no", false);
  writer.set_string("text", "one\ntwo");
  writer.set_string("empty", "");
  const std::vector<std::string> texts = {"", "a", std::string(1000, 'x')};
  writer.set_strings("texts", texts);
  const float floats[] = {1.0f, 2.0f};
  writer.set_array<float>("floats", floats);
  const bool bools[] = {true, false, true};
  writer.set_array<bool>("bools", bools);
  const std::string bytes = writer.header();
  const auto file = GgufFile::parse(as_span(bytes), "f");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->find("f32")->as_float(), 1.25);
  EXPECT_EQ(file->find("f64")->as_float(), -1e300);
  EXPECT_EQ(file->find("yes")->as_bool(), true);
  EXPECT_EQ(file->find("no")->as_bool(), false);
  EXPECT_EQ(file->get_string("text").value(), "one\ntwo");
  EXPECT_EQ(file->get_string("empty").value(), "");
  EXPECT_THAT(file->find("texts")->as_strings().value(), ElementsAreArray(texts));
  EXPECT_EQ(file->find("floats")->elements()[1].as_float(), 2.0);
  EXPECT_EQ(file->find("bools")->elements()[1].as_bool(), false);
  EXPECT_EQ(file->metadata().size(), 9u);
}

TEST(GgufWriter, CopiesValuesOfEveryTypeByteForByte) {
  GgufWriter first;
  first.set("number", std::int16_t{-5});
  first.set_string("text", "hello");
  first.set_strings("texts", std::vector<std::string>{"a", "bc"});
  first.set_array<std::int32_t>("numbers", std::vector<std::int32_t>{1, 2, 3});
  const std::string bytes = first.header();
  const auto file = GgufFile::parse(as_span(bytes), "f");
  ASSERT_TRUE(file);
  GgufWriter second;
  for (const GgufEntry& entry : file->metadata()) second.set_copy(entry.key, entry.value);
  EXPECT_EQ(second.header(), bytes);
}

TEST(GgufWriter, TensorsComeBackFromPiecesAndHoles) {
  const std::string path = temporary_path("writer");
  GgufWriter writer;
  writer.set("k", std::uint32_t{1});
  writer.add_tensor("a", 0, {3, 2});  // 24 bytes, then padding
  writer.add_tensor("hole", 12, {256, 5});
  writer.add_tensor("b", 24, {5});
  EXPECT_EQ(writer.tensor_bytes(1), 144u * 5);
  ASSERT_TRUE(writer.begin(path));
  const std::string a = "abcdefghijklmnopqrstuvwx";
  ASSERT_TRUE(writer.write(as_span(a).first(5)));
  ASSERT_TRUE(writer.write(as_span(a).subspan(5)));
  ASSERT_TRUE(writer.skip(720));
  ASSERT_TRUE(writer.write(as_span(a).first(5)));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(writer.commit());
  const auto file = ModelFile::open(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(file) << file.error().message;
  const GgufTensor* tensor = file->find_tensor("a");
  EXPECT_THAT(tensor->shape, ElementsAre(3, 2));
  EXPECT_EQ(std::memcmp(tensor->data, a.data(), 24), 0);
  tensor = file->find_tensor("hole");
  for (std::size_t i = 0; i < tensor->n_bytes; ++i) ASSERT_EQ(tensor->data[i], std::byte{0});
  EXPECT_EQ(std::memcmp(file->find_tensor("b")->data, a.data(), 5), 0);
}

TEST(GgufWriter, EveryTensorBeginsAtAMultipleOfTheAlignment) {
  for (const std::uint64_t alignment : {64U, 4096U, 1U << 20}) {
    const std::string path = temporary_path("aligned");
    GgufWriter writer;
    writer.set_alignment(alignment);
    writer.add_tensor("a", 24, {5});
    writer.add_tensor("b", 24, {static_cast<std::int64_t>(alignment)});
    writer.add_tensor("c", 24, {1});
    ASSERT_TRUE(writer.begin(path));
    const std::string ones(alignment, '\1');
    for (const std::size_t n : {std::size_t{5}, ones.size(), std::size_t{1}}) {
      ASSERT_TRUE(writer.write(as_span(ones).first(n)));
    }
    ASSERT_TRUE(writer.commit());
    const auto model = ModelFile::open(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(model) << model.error().message;
    const GgufFile& file = model->metadata();
    EXPECT_EQ(file.find("general.alignment")->type(), GgufType::kUint32);
    EXPECT_EQ(file.alignment(), alignment);
    EXPECT_EQ(file.data_offset() % alignment, 0U);
    EXPECT_EQ(file.n_bytes(), file.data_offset() + 3 * alignment);
    std::size_t n_ones = 0;
    for (const GgufTensor& tensor : file.tensors()) {
      EXPECT_EQ((tensor.data - file.bytes().data()) % static_cast<std::ptrdiff_t>(alignment), 0);
      for (std::size_t i = 0; i < tensor.n_bytes; ++i) ASSERT_EQ(tensor.data[i], std::byte{1});
      n_ones += tensor.n_bytes;
    }
    const auto data = file.bytes().subspan(file.data_offset());
    EXPECT_EQ(std::count(data.begin(), data.end(), std::byte{0}),
              static_cast<std::ptrdiff_t>(data.size() - n_ones));
  }
}

TEST(GgufWriter, TheUsualAlignmentIsNotWritten) {
  GgufWriter usual, plain;
  usual.set_alignment(32);
  usual.add_tensor("a", 24, {5});
  plain.add_tensor("a", 24, {5});
  EXPECT_EQ(usual.header(), plain.header());
}

TEST(GgufWriter, RefusesAlignmentsThatNoFileMayHave) {
  for (const std::uint64_t good : {32U, 64U, 4096U, 1U << 20}) {
    EXPECT_TRUE(check_alignment(good)) << good;
  }
  for (const std::uint64_t bad : {0UL, 1UL, 8UL, 16UL, 33UL, 4095UL, 2UL << 20, UINT64_MAX}) {
    const auto refused = check_alignment(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().message,
                ::testing::HasSubstr(fmt::format("is {}, and must be a power of two from 32 to "
                                                 "1048576",
                                                 bad)));
  }
}

}  // namespace
}  // namespace jevons
