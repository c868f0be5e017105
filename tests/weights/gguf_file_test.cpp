// Each documented error of the parser has a file that lies in exactly that way.
#include "weights/gguf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf_bytes.h"

namespace jevons {
namespace {

using test::as_span;
using test::Bytes;
using test::RawFile;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::string& bytes) {
  const auto file = GgufFile::parse(as_span(bytes), "lie.gguf");
  return file ? "no error" : file.error().message;
}

std::string error_of(const RawFile& file) { return error_of(file.build()); }

RawFile one_tensor() {
  RawFile file;
  file.zeros("a", {4, 2});
  return file;
}

TEST(GgufFile, ReadsMetadataAndTensorsOfBothVersions) {
  for (const std::uint32_t version : {2u, 3u}) {
    RawFile raw = one_tensor();
    raw.version = version;
    raw.u32("number", 7).string("text", "hello").zeros("b", {8});
    raw.data[0] = 1;
    raw.data[32] = 2;
    const std::string bytes = raw.build();
    const auto file = GgufFile::parse(as_span(bytes), "f");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->version(), version);
    EXPECT_EQ(file->get_u32("number").value(), 7u);
    EXPECT_EQ(file->get_string("text").value(), "hello");
    ASSERT_EQ(file->tensors().size(), 2u);
    EXPECT_THAT(file->tensors()[0].shape, ElementsAre(4, 2));
    EXPECT_EQ(file->tensors()[0].n_bytes, 32u);
    EXPECT_EQ(file->tensors()[0].n_elements(), 8);
    EXPECT_EQ(file->find_tensor("b")->data[0], std::byte{2});
    EXPECT_EQ(file->find_tensor("c"), nullptr);
    EXPECT_EQ(file->data_offset() % 32, 0u);
  }
}

TEST(GgufFile, IntegersOfAnyTypeThatFit) {
  RawFile raw;
  raw.u16("small", 3).i32("signed", 9).i32("negative", -1).f32("real", 1.5f).boolean("truth", 1);
  raw.entries.push_back(
      Bytes().string("huge").number<std::uint32_t>(10).number(std::uint64_t{1} << 40).text());
  const std::string bytes = raw.build();
  const auto file = GgufFile::parse(as_span(bytes), "f");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->get_u32("small").value(), 3u);
  EXPECT_EQ(file->get_u32("signed").value(), 9u);
  EXPECT_EQ(file->get_u64("huge").value(), std::uint64_t{1} << 40);
  EXPECT_THAT(file->get_u32("huge").error().message, HasSubstr("1099511627776, must be at most"));
  EXPECT_THAT(file->get_u32("negative").error().message, HasSubstr("-1, must not be negative"));
  EXPECT_THAT(file->get_u32("real").error().message, HasSubstr("float32, must be an integer"));
  EXPECT_THAT(file->get_u32("none").error().message, HasSubstr("'none' is missing"));
  EXPECT_EQ(file->get_u32("none", 5).value(), 5u);
  EXPECT_FALSE(file->get_u32("real", 5));
  EXPECT_EQ(file->get_f32("real").value(), 1.5f);
  EXPECT_THAT(file->get_f32("small").error().message, HasSubstr("uint16, must be a float"));
  EXPECT_TRUE(file->get_bool("truth", false).value());
  EXPECT_THAT(file->get_bool("small", false).error().message, HasSubstr("must be a bool"));
  EXPECT_THAT(file->get_string("small").error().message, HasSubstr("must be a string"));
}

TEST(GgufFile, RefusesWhatIsNotGguf) {
  EXPECT_THAT(error_of(std::string()), HasSubstr("the magic number at byte 0 needs 4 bytes"));
  EXPECT_THAT(error_of(std::string("PK\3\4rest")),
              AllOf(HasSubstr("not a GGUF file"), HasSubstr("0x504b0304")));
  RawFile version;
  version.version = 1;
  EXPECT_THAT(error_of(version), HasSubstr("GGUF version 1 at byte 4; must be 2 or 3"));
  version.version = 0x03000000;
  EXPECT_THAT(error_of(version), HasSubstr("a big-endian GGUF file (version 3)"));
}

TEST(GgufFile, RefusesCountsThatTheFileCannotHold) {
  RawFile raw = one_tensor();
  raw.n_tensors_lie = std::uint64_t{1} << 60;
  EXPECT_THAT(error_of(raw), HasSubstr("the number of tensors is 1152921504606846976"));
  raw = one_tensor();
  raw.n_entries_lie = UINT64_MAX - 1;
  EXPECT_THAT(error_of(raw), HasSubstr("the number of metadata entries is 18446744073709551614"));
  raw = RawFile();
  raw.entries.push_back(Bytes()
                            .string("array")
                            .number<std::uint32_t>(9)
                            .number<std::uint32_t>(4)
                            .number(std::uint64_t{1} << 62)
                            .text());
  EXPECT_THAT(error_of(raw), AllOf(HasSubstr("an array's length is 4611686018427387904"),
                                   HasSubstr("metadata 'array'")));
  raw.entries[0] = Bytes()
                       .string("strings")
                       .number<std::uint32_t>(9)
                       .number<std::uint32_t>(8)
                       .number(std::uint64_t{3})
                       .text();
  EXPECT_THAT(error_of(raw), HasSubstr("an array's length is 3"));
}

TEST(GgufFile, RefusesStringsPastTheEnd) {
  RawFile raw;
  raw.entries.push_back(
      Bytes().string("k").number<std::uint32_t>(8).number(UINT64_MAX).raw("abc").text());
  EXPECT_THAT(error_of(raw), HasSubstr("a string at byte 45 needs 18446744073709551615 bytes, but "
                                       "the file ends at byte 48 (in metadata 'k')"));
  RawFile key;
  key.entries.push_back(Bytes().number(std::uint64_t{1} << 63).raw("abcdefgh").text());
  EXPECT_THAT(error_of(key), HasSubstr("a metadata key at byte 32 needs 9223372036854775808"));
  RawFile empty;
  empty.u32("", 1);
  EXPECT_THAT(error_of(empty), HasSubstr("has 0 bytes, must have 1 to 65535"));
}

TEST(GgufFile, RefusesDuplicates) {
  RawFile raw;
  raw.u32("twice", 1).u32("once", 2).u32("twice", 1);
  EXPECT_THAT(error_of(raw), HasSubstr("'twice' appears twice: entries 0 and 2"));
  RawFile tensors = one_tensor();
  tensors.zeros("a", {4});
  EXPECT_THAT(error_of(tensors), HasSubstr("tensor 'a' appears twice: numbers 0 and 1"));
}

TEST(GgufFile, RefusesUnknownTypesBoolsAndDeepNesting) {
  RawFile raw;
  raw.entries.push_back(Bytes().string("k").number<std::uint32_t>(13).number(1).text());
  EXPECT_THAT(error_of(raw), HasSubstr("value type 13 at byte 33"));
  raw.entries[0] = Bytes()
                       .string("k")
                       .number<std::uint32_t>(9)
                       .number<std::uint32_t>(77)
                       .number(std::uint64_t{0})
                       .text();
  EXPECT_THAT(error_of(raw), HasSubstr("element type 77"));
  RawFile truth;
  truth.boolean("k", 2);
  EXPECT_THAT(error_of(truth), HasSubstr("a bool at byte 37 is 2, must be 0 or 1"));
  Bytes nested;
  nested.string("deep").number<std::uint32_t>(9);
  for (int i = 0; i < 5; ++i) nested.number<std::uint32_t>(9).number(std::uint64_t{1});
  nested.number<std::uint32_t>(0).number(std::uint64_t{1}).number(std::uint8_t{1});
  raw.entries[0] = nested.text();
  EXPECT_THAT(error_of(raw), HasSubstr("arrays nested more than 4 deep"));
}

TEST(GgufFile, ReadsNestedArrays) {
  RawFile raw;
  raw.entries.push_back(Bytes()
                            .string("nested")
                            .number<std::uint32_t>(9)
                            .number<std::uint32_t>(9)
                            .number(std::uint64_t{2})
                            .number<std::uint32_t>(1)
                            .number(std::uint64_t{3})
                            .raw("\x01\xff\x03")
                            .number<std::uint32_t>(8)
                            .number(std::uint64_t{1})
                            .string("text")
                            .text());
  const std::string bytes = raw.build();
  const auto file = GgufFile::parse(as_span(bytes), "f");
  ASSERT_TRUE(file) << file.error().message;
  const auto elements = file->find("nested")->elements();
  ASSERT_EQ(elements.size(), 2u);
  EXPECT_THAT(elements[0].as_integers().value(), ElementsAre(1, -1, 3));
  EXPECT_THAT(elements[1].as_strings().value(), ElementsAre("text"));
  EXPECT_FALSE(elements[1].as_integers());
  EXPECT_EQ(file->find("nested")->describe(), "array of 2 array");
}

TEST(GgufFile, ChecksAlignment) {
  for (const std::uint32_t bad : {0u, 4u, 24u, 1u << 21}) {
    RawFile raw;
    raw.u32("general.alignment", bad);
    EXPECT_THAT(error_of(raw), HasSubstr("must be a power of two from 8 to 1048576")) << bad;
  }
  RawFile raw;
  raw.alignment = 64;
  raw.u32("general.alignment", 64).zeros("a", {1}).zeros("b", {1});
  const std::string bytes = raw.build();
  const auto file = GgufFile::parse(as_span(bytes), "f");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->data_offset() % 64, 0u);
  raw.tensors[1].offset = 32;
  EXPECT_THAT(error_of(raw), HasSubstr("starts at data offset 32, must be a multiple of 64"));
}

TEST(GgufFile, RefusesImpossibleTensors) {
  RawFile raw = one_tensor();
  raw.tensors[0].shape = {};
  EXPECT_THAT(error_of(raw), HasSubstr("tensor 'a' has 0 dimensions"));
  raw.tensors[0].shape = {1, 1, 1, 1, 1};
  EXPECT_THAT(error_of(raw), HasSubstr("tensor 'a' has 5 dimensions"));
  raw.tensors[0].shape = {4, 0};
  EXPECT_THAT(error_of(raw), HasSubstr("dimension 1 = 0"));
  raw.tensors[0].shape = {std::uint64_t{1} << 63};
  EXPECT_THAT(error_of(raw), HasSubstr("dimension 0 = 9223372036854775808"));
  raw.tensors[0].shape = {std::uint64_t{1} << 32, std::uint64_t{1} << 32};
  EXPECT_THAT(error_of(raw), HasSubstr("has more than 9223372036854775807 elements or bytes"));
  raw.tensors[0].shape = {std::uint64_t{1} << 62};
  EXPECT_THAT(error_of(raw), HasSubstr("elements or bytes"));
  raw.tensors[0].shape = {4, 2};
  raw.tensors[0].type_id = 5;
  EXPECT_THAT(error_of(raw), HasSubstr("has type id 5"));
  raw.tensors[0].type_id = 12;
  EXPECT_THAT(error_of(raw),
              HasSubstr("of type Q4_K has rows of 4 elements, must be a multiple of 256"));
}

TEST(GgufFile, RefusesDataOutsideTheFile) {
  RawFile raw = one_tensor();
  raw.data.resize(31);
  EXPECT_THAT(error_of(raw), AllOf(HasSubstr("tensor 'a' has 32 bytes at data offset 0"),
                                   HasSubstr("only 31 bytes long"), HasSubstr("cut short")));
  raw = one_tensor();
  raw.tensors[0].offset = UINT64_MAX - 31;
  EXPECT_THAT(error_of(raw), HasSubstr("has 32 bytes at data offset 18446744073709551584"));
  raw.tensors[0].offset = 16;
  EXPECT_THAT(error_of(raw), HasSubstr("data offset 16, must be a multiple of 32"));
}

TEST(GgufFile, RefusesOverlaps) {
  RawFile raw;
  raw.zeros("a", {16}).zeros("b", {16});
  raw.tensors[1].offset = 32;
  EXPECT_THAT(error_of(raw),
              HasSubstr("tensor 'a' ends at data offset 64, but tensor 'b' starts at 32"));
  raw.tensors[1].offset = 64;
  EXPECT_EQ(error_of(raw), "no error");
}

TEST(GgufFile, EveryTruncationIsAnError) {
  RawFile raw = one_tensor();
  raw.u32("n", 1).strings("s", {"one", "two"}).i32s("i", {1, 2, 3}).zeros("b", {32});
  const std::string whole = raw.build();
  ASSERT_TRUE(GgufFile::parse(as_span(whole), "f"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    // A copy of its own, so that a sanitizer sees any byte read past the end.
    const std::string cut = whole.substr(0, n);
    const std::vector<char> exact(cut.begin(), cut.end());
    EXPECT_FALSE(GgufFile::parse(std::as_bytes(std::span(exact)), "f")) << n;
  }
}

TEST(GgufFile, MessagesShowHostileNamesSafely) {
  RawFile raw;
  raw.u32("\x1b[31m\xff\n", 1).u32("\x1b[31m\xff\n", 1);
  EXPECT_THAT(error_of(raw), HasSubstr("'?[31m\xEF\xBF\xBD?' appears twice"));
}

}  // namespace
}  // namespace jevons
