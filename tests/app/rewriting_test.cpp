// jevons quantize and synth with --align, and quantize --type keep, as their user sees them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "run_program.h"
#include "tests/base/scratch_folder.h"
#include "weights/model_file.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::uint64_t alignment_of(const std::string& path) {
  const auto file = ModelFile::open(path);
  EXPECT_TRUE(file) << file.error().message;
  return file ? file->metadata().alignment() : 0;
}

TEST(Rewriting, AModelOnPagesGivesTheSameAnswer) {
  const ScratchFolder folder;
  const std::string pages = folder / "pages.gguf";
  const ProgramResult done =
      run_program({"quantize", nano_path(), pages, "--type", "keep", "--align", "4096"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr(pages), HasSubstr("tensors")));
  EXPECT_EQ(alignment_of(pages), 4096U);
  const auto ask = [](const std::string& model) {
    return run_program({"run", "-m", model, "-p", "What is 17 plus 25?", "--temp", "0"});
  };
  const ProgramResult answer = ask(pages);
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_EQ(answer.out, ask(nano_path()).out);
}

TEST(Rewriting, QuantizeAndSynthAlignToo) {
  const ScratchFolder folder;
  const std::string fixture = JEVONS_SOURCE_DIR "/tests/data/oracle/f32.gguf";
  const ProgramResult quantized =
      run_program({"quantize", fixture, folder / "a.gguf", "--type", "q8_0", "--align", "65536"});
  ASSERT_EQ(quantized.exit_code, 0) << quantized.err;
  EXPECT_EQ(alignment_of(folder / "a.gguf"), 65536U);
  const ProgramResult made =
      run_program({"synth", folder / "b.gguf", "--sparse", "--align", "1048576", "--layers", "1"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(alignment_of(folder / "b.gguf"), 1U << 20);
}

TEST(Rewriting, NonsenseIsRefusedBeforeAnythingIsWritten) {
  const ScratchFolder folder;
  const std::string output = folder / "out.gguf";
  const auto complaint = [&](const std::vector<std::string>& words) {
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_FALSE(std::filesystem::exists(output));
    return result.err;
  };
  for (const char* text : {"0", "16", "4095", "2097152"}) {
    const auto message = AllOf(HasSubstr(std::string("the alignment is ") + text + ","),
                               HasSubstr("a power of two from 32 to 1048576"));
    EXPECT_THAT(complaint({"quantize", nano_path(), output, "--align", text}), message);
    EXPECT_THAT(complaint({"quantize", nano_path(), output, "--type", "keep", "--align", text}),
                message);
    EXPECT_THAT(complaint({"synth", output, "--align", text}), message);
  }
  for (const char* text : {"-4096", "page", "1e3", ""}) {
    EXPECT_THAT(complaint({"quantize", nano_path(), output, "--align", text}),
                HasSubstr("--align"));
  }
  EXPECT_THAT(complaint({"quantize", nano_path(), output, "--type", "kept"}), HasSubstr("keep"));
}

}  // namespace
}  // namespace jevons
