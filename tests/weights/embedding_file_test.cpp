#include "weights/embedding_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "base/atomic_file.h"
#include "gguf_bytes.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

using test::RawFile;
using ::testing::HasSubstr;

constexpr std::int64_t kColumns = 6;
constexpr std::int64_t kRows = 50;
constexpr std::size_t kRowBytes = kColumns * sizeof(float);

class EmbeddingFileTest : public ::testing::Test {
 protected:
  EmbeddingFileTest() {
    path_ = ::testing::TempDir() + "embedding_" + std::to_string(::getpid()) + ".gguf";
    RawFile raw;
    std::string bytes;
    for (std::int64_t i = 0; i < kRows * kColumns; ++i) {
      const auto value = static_cast<float>(i);
      bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    raw.zeros("before", {7});
    const std::size_t begin = raw.data.size();
    raw.zeros("token_embd.weight", {kColumns, kRows}).zeros("after", {300});
    raw.data.replace(begin, bytes.size(), bytes);
    EXPECT_TRUE(write_file_atomically(path_, raw.build()));
    auto opened = ModelFile::open(path_);
    if (!opened) throw std::runtime_error(opened.error().message);
    model_ = std::make_unique<ModelFile>(*std::move(opened));
    const GgufTensor* tensor = model_->find_tensor("token_embd.weight");
    table_ = {kernels::WeightFormat::kF32, kRows, kColumns, kRowBytes, tensor->data};
  }
  ~EmbeddingFileTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] EmbeddingFile open() const {
    auto opened = EmbeddingFile::open(*model_, table_);
    if (!opened) throw std::runtime_error(opened.error().message);
    return *std::move(opened);
  }

  std::string path_;
  std::unique_ptr<ModelFile> model_;
  Matrix table_{};
  std::array<float, kColumns> row_{};
  std::byte* into_ = reinterpret_cast<std::byte*>(row_.data());
};

TEST_F(EmbeddingFileTest, ReadsEachRow) {
  const EmbeddingFile file = open();
  for (const std::int32_t row : {0, 1, 49, 20, 49}) {
    ASSERT_TRUE(file.read_rows({{row}}, into_));
    for (std::int64_t column = 0; column < kColumns; ++column) {
      EXPECT_EQ(row_[static_cast<std::size_t>(column)],
                static_cast<float>(row * kColumns + column));
    }
  }
}

TEST_F(EmbeddingFileTest, AFileThatWasCutIsAnError) {
  const EmbeddingFile file = open();
  const auto begin = static_cast<std::uint64_t>(model_->place_of(table_.data).offset);
  std::filesystem::resize_file(path_, begin + 10 * kRowBytes + 4);
  const auto missing = file.read_rows({{10}}, into_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("in the middle of row 10"));
  const auto there = file.read_rows({{0}}, into_);
  ASSERT_FALSE(there);
  EXPECT_THAT(there.error().message, HasSubstr("was changed while it was in use"));
}

TEST_F(EmbeddingFileTest, AFileThatWasWrittenToIsAnError) {
  const EmbeddingFile file = open();
  std::filesystem::last_write_time(
      path_, std::filesystem::last_write_time(path_) + std::chrono::seconds(1));
  const auto changed = file.read_rows({{3}}, into_);
  ASSERT_FALSE(changed);
  EXPECT_THAT(changed.error().message, HasSubstr("was last written to at"));
}

}  // namespace
}  // namespace jevons
