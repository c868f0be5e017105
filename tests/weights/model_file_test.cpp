#include "weights/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "gguf_bytes.h"

namespace jevons {
namespace {

using test::RawFile;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ModelFileTest : public ::testing::Test {
 protected:
  ModelFileTest() {
    folder_ =
        std::filesystem::path(::testing::TempDir()) / ("model_file_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~ModelFileTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const RawFile& file) {
    const std::string path = (folder_ / name).string();
    EXPECT_TRUE(write_file_atomically(path, file.build()));
    return path;
  }

  static RawFile shard(std::uint16_t number, std::uint16_t count, std::int32_t n_tensors) {
    RawFile file;
    file.u16("split.no", number).u16("split.count", count);
    file.i32("split.tensors.count", n_tensors);
    if (number == 0) file.string("general.architecture", "minimax-m2");
    file.zeros("tensor" + std::to_string(number), {8});
    return file;
  }

  static std::string error_of(const std::string& path) {
    const auto file = ModelFile::open(path);
    return file ? "no error" : file.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(ModelFileTest, OneFile) {
  RawFile raw;
  raw.string("k", "v").zeros("a", {4});
  const auto file = ModelFile::open(write("one.gguf", raw));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->shards().size(), 1u);
  EXPECT_EQ(file->metadata().get_string("k").value(), "v");
  EXPECT_NE(file->find_tensor("a"), nullptr);
  EXPECT_EQ(file->n_bytes(), raw.build().size());
}

TEST_F(ModelFileTest, AnyShardFindsTheOthers) {
  std::string paths[3];
  for (std::uint16_t i = 0; i < 3; ++i) {
    paths[i] = write(fmt::format("m-{:05}-of-00003.gguf", i + 1), shard(i, 3, 3));
  }
  for (const std::string& path : paths) {
    auto opened = ModelFile::open(path);
    ASSERT_TRUE(opened) << opened.error().message;
    const ModelFile file = std::move(*opened);
    EXPECT_EQ(file.metadata().get_string("general.architecture").value(), "minimax-m2");
    EXPECT_EQ(file.tensors().size(), 3u);
    for (int i = 0; i < 3; ++i) {
      const GgufTensor* tensor = file.find_tensor("tensor" + std::to_string(i));
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->data[tensor->n_bytes - 1], std::byte{0});
    }
  }
}

TEST_F(ModelFileTest, MissingShardsAreNamed) {
  const std::string path = write("m-00002-of-00003.gguf", shard(1, 3, 3));
  EXPECT_THAT(error_of(path),
              AllOf(HasSubstr("2 of 3 shards missing"), HasSubstr("m-00001-of-00003.gguf"),
                    HasSubstr("m-00003-of-00003.gguf"), Not(HasSubstr("m-00002-of-00003.gguf,"))));
}

TEST_F(ModelFileTest, ShardsMustAgree) {
  const std::string path = write("m-00001-of-00002.gguf", shard(0, 2, 2));
  write("m-00002-of-00002.gguf", shard(0, 2, 2));
  EXPECT_THAT(error_of(path), HasSubstr("split.no is 0, must be 1"));
  write("m-00002-of-00002.gguf", shard(1, 4, 2));
  EXPECT_THAT(error_of(path), HasSubstr("split.count is 4, must be 2"));
  RawFile twice = shard(1, 2, 2);
  twice.tensors[0].name = "tensor0";
  write("m-00002-of-00002.gguf", twice);
  EXPECT_THAT(error_of(path), HasSubstr("tensor 'tensor0' is in another shard already"));
  write("m-00002-of-00002.gguf", shard(1, 2, 2));
  EXPECT_EQ(error_of(path), "no error");
  write("m-00001-of-00002.gguf", shard(0, 2, 3));
  EXPECT_THAT(error_of(path), HasSubstr("split.tensors.count is 3, but the 2 shards hold 2"));
  const std::string odd = write("renamed.gguf", shard(0, 2, 2));
  EXPECT_THAT(error_of(odd), HasSubstr("must end in -NNNNN-of-00002.gguf"));
}

TEST_F(ModelFileTest, WrongPaths) {
  EXPECT_THAT(error_of((folder_ / "none.gguf").string()), HasSubstr("none.gguf"));
  EXPECT_THAT(error_of(folder_.string()), HasSubstr("not a regular file"));
  const std::string path = (folder_ / "empty.gguf").string();
  ASSERT_TRUE(write_file_atomically(path, ""));
  EXPECT_THAT(error_of(path), HasSubstr("the file is empty"));
}

TEST(ShardPath, FollowsTheNamingOfSplitFiles) {
  EXPECT_EQ(shard_path("d/m-00002-of-00010.gguf", 7, 10), "d/m-00007-of-00010.gguf");
  EXPECT_EQ(shard_path("d/m-00002-of-00010.gguf", 7, 11), "");
  EXPECT_EQ(shard_path("m.gguf", 1, 2), "");
  EXPECT_EQ(shard_path("-of-00002.gguf", 1, 2), "");
  EXPECT_EQ(shard_path("m-2-of-00002.gguf", 1, 2), "");
}

}  // namespace
}  // namespace jevons
