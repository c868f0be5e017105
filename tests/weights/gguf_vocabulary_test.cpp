#include "weights/gguf_vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_spelling.h"
#include "gguf_bytes.h"

namespace jevons {
namespace {

using test::as_span;
using test::RawFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RawFile small_vocabulary() {
  RawFile f;
  f.string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "minimax-m2");
  // U+0120 spells a space, U+010A a newline, "ÃĬ" the bytes c3 8a.
  f.strings("tokenizer.ggml.tokens", {"a", "\u0120", "\u0120a", "\u010a", "\u00c3\u012c", "<think>",
                                      "[PAD6]", "\u00c3", "\u012c"});
  f.i32s("tokenizer.ggml.token_type", {1, 1, 1, 1, 1, 4, 5, 1, 1});
  f.strings("tokenizer.ggml.merges", {"\u0120 a", "\u00c3 \u012c"});
  f.u32("tokenizer.ggml.eos_token_id", 5);
  f.boolean("tokenizer.ggml.add_bos_token", 0);
  f.string("tokenizer.chat_template", "{{ x }}");
  f.f32("general.sampling.temp", 1.0f).i32("general.sampling.top_k", 40);
  return f;
}

Result<Vocabulary> read(const RawFile& raw) {
  const std::string bytes = raw.build();
  JEVONS_ASSIGN(const GgufFile file, GgufFile::parse(as_span(bytes), "v.gguf"));
  return read_gguf_vocabulary(file);
}

std::string error_of(const RawFile& raw) {
  const auto vocabulary = read(raw);
  return vocabulary ? "no error" : vocabulary.error().message;
}

TEST(GgufVocabulary, TurnsSpellingsIntoBytes) {
  const auto v = read(small_vocabulary());
  ASSERT_TRUE(v) << v.error().message;
  EXPECT_THAT(v->tokens,
              ElementsAre("a", " ", " a", "\n", "\xc3\x8a", "<think>", "[PAD6]", "\xc3", "\x8a"));
  EXPECT_EQ(v->kinds[5], TokenKind::kUserDefined);
  EXPECT_EQ(v->kinds[6], TokenKind::kUnused);
  ASSERT_EQ(v->merges.size(), 2u);
  EXPECT_EQ(v->merges[0].left, 1);
  EXPECT_EQ(v->merges[0].right, 0);
  EXPECT_EQ(v->merges[0].result, 2);
  EXPECT_EQ(v->merges[1].result, 4);
  EXPECT_EQ(v->pre_tokenizer, "minimax-m2");
  EXPECT_EQ(v->eos_id, 5);
  EXPECT_EQ(v->bos_id, std::nullopt);
  EXPECT_FALSE(v->add_bos);
  EXPECT_EQ(v->chat_template, "{{ x }}");
  EXPECT_EQ(v->sampling.temperature, 1.0f);
  EXPECT_EQ(v->sampling.top_p, std::nullopt);
  EXPECT_EQ(v->sampling.top_k, 40);
}

TEST(GgufVocabulary, EveryByteHasASpelling) {
  const ByteSpelling spelling;
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  std::string text;
  spelling.encode(bytes, text);
  EXPECT_EQ(text.find(' '), std::string::npos);
  EXPECT_TRUE(text.starts_with("\u0100\u0101\u0102"));  // as GGUF files of M2 begin
  std::string back;
  ASSERT_TRUE(spelling.decode(text, back));
  EXPECT_EQ(back, bytes);
  for (const char* bad : {" ", "\n", "\u00ad", "\u0144", "\u20ac", "\xc3", "\xff", "\xc3("}) {
    EXPECT_FALSE(spelling.decode(bad, back)) << bad;
  }
}

TEST(GgufVocabulary, RefusesWrongMerges) {
  RawFile raw = small_vocabulary();
  raw.entries[4] = RawFile().strings("tokenizer.ggml.merges", {"\u0120 a", "a b"}).entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("merge 1 is 'a b', but 'b' is not a token"));
  raw.entries[4] = RawFile().strings("tokenizer.ggml.merges", {"a a"}).entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("merge 0 is 'a a', but 'aa' is not a token"));
  for (const char* bad : {"a", "a ", " a", "a a a", ""}) {
    raw.entries[4] = RawFile().strings("tokenizer.ggml.merges", {bad}).entries[0];
    EXPECT_THAT(error_of(raw), HasSubstr("must be two tokens with one space between")) << bad;
  }
  raw.entries.erase(raw.entries.begin() + 4);
  EXPECT_THAT(error_of(raw), HasSubstr("'tokenizer.ggml.merges' is missing"));
}

TEST(GgufVocabulary, RefusesWrongTokens) {
  RawFile raw = small_vocabulary();
  raw.entries[0] = RawFile().string("tokenizer.ggml.model", "llama").entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("tokenizer.ggml.model is 'llama', must be 'gpt2'"));
  raw = small_vocabulary();
  raw.entries[2] = RawFile().strings("tokenizer.ggml.tokens", {"a", "b c"}).entries[0];
  raw.entries[3] = RawFile().i32s("tokenizer.ggml.token_type", {1, 1}).entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("token 1 is 'b c', which is no byte-level spelling"));
  raw.entries[3] = RawFile().i32s("tokenizer.ggml.token_type", {1}).entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("must be an array of 2 integers"));
  raw.entries[3] = RawFile().i32s("tokenizer.ggml.token_type", {1, 7}).entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("token 1 has type 7, must be 1 to 6"));
  raw = small_vocabulary();
  raw.u32("tokenizer.ggml.bos_token_id", 9);
  EXPECT_THAT(error_of(raw), HasSubstr("'tokenizer.ggml.bos_token_id' is 9, but there are 9"));
  raw = small_vocabulary();
  raw.entries[2] = RawFile().u32("tokenizer.ggml.tokens", 1).entries[0];
  EXPECT_THAT(error_of(raw), HasSubstr("must be an array of strings"));
}

}  // namespace
}  // namespace jevons
