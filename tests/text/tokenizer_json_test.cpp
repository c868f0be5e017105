#include "text/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/byte_spelling.h"
#include "random_text.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

Json file_of(const Vocabulary& vocabulary, bool merges_as_pairs) {
  const ByteSpelling spelling;
  const auto spelled = [&](std::int32_t id) {
    std::string text;
    spelling.encode(vocabulary.tokens[static_cast<std::size_t>(id)], text);
    return text;
  };
  Json vocab = Json::object();
  Json added = Json::array();
  for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (vocabulary.kinds[i] == TokenKind::kNormal) vocab[spelled(id)] = id;
    if (vocabulary.kinds[i] == TokenKind::kControl ||
        vocabulary.kinds[i] == TokenKind::kUserDefined) {
      added.push_back({{"id", id},
                       {"content", vocabulary.tokens[i]},
                       {"special", vocabulary.kinds[i] == TokenKind::kControl}});
    }
  }
  Json merges = Json::array();
  for (const auto& merge : vocabulary.merges) {
    if (merges_as_pairs) {
      merges.push_back({spelled(merge.left), spelled(merge.right)});
    } else {
      merges.push_back(spelled(merge.left) + " " + spelled(merge.right));
    }
  }
  Json split = {{"type", "Split"},
                {"pattern", {{"Regex", m2_split_pattern()}}},
                {"behavior", "Removed"},
                {"invert", true}};
  Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  return {{"normalizer", nullptr},
          {"added_tokens", added},
          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

std::string error_of(const Json& file) {
  const auto result = parse_tokenizer_json(file.dump(), "t.json");
  return result ? "" : result.error().message;
}

Vocabulary small_vocabulary() {
  Vocabulary vocabulary = byte_vocabulary();
  const std::int32_t ab = add_token(vocabulary, "ab", TokenKind::kNormal);
  vocabulary.merges = {{'a', 'b', ab}};
  add_token(vocabulary, "[e~[", TokenKind::kControl);
  add_token(vocabulary, "<think>", TokenKind::kUserDefined);
  return vocabulary;
}

TEST(TokenizerJson, SameAsTheVocabularyItWasWrittenFrom) {
  RandomText random(31);
  for (int round = 0; round < 20; ++round) {
    Vocabulary vocabulary = random_vocabulary_with_specials(random);
    vocabulary.tokens.pop_back();  // the unused one has no place in these files
    vocabulary.kinds.pop_back();
    auto read = parse_tokenizer_json(file_of(vocabulary, round % 2 == 0).dump(), "t.json");
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->tokens, vocabulary.tokens);
    EXPECT_EQ(read->kinds, vocabulary.kinds);
    const auto from_file = Tokenizer::create(std::move(*read));
    const auto direct = Tokenizer::create(std::move(vocabulary));
    ASSERT_TRUE(from_file.has_value() && direct.has_value());
    for (int i = 0; i < 20; ++i) {
      const std::string text = random.mixed(40);
      EXPECT_EQ(from_file->encode(text, SpecialTokens::kParse),
                direct->encode(text, SpecialTokens::kParse));
    }
  }
}

TEST(TokenizerJson, HolesAreUnusedAndMarkersAreFound) {
  Json file = file_of(small_vocabulary(), false);
  file["added_tokens"].push_back({{"id", 262}, {"content", "</think>"}, {"special", true}});
  const auto read = parse_tokenizer_json(file.dump(), "t.json");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  ASSERT_EQ(read->tokens.size(), 263u);
  EXPECT_EQ(read->kinds[259], TokenKind::kUnused);
  EXPECT_EQ(read->kinds[261], TokenKind::kUnused);
  EXPECT_EQ(read->tokens[261], "[PAD261]");
  EXPECT_EQ(read->kinds[262], TokenKind::kUserDefined);  // M2's, whatever the file says
  EXPECT_EQ(read->eos_id, 257);
  EXPECT_EQ(read->bos_id, std::nullopt);
  EXPECT_EQ(read->pre_tokenizer, "minimax-m2");
}

TEST(TokenizerJson, AddedTokensMayStandAmongTheOthers) {
  Json file = file_of(small_vocabulary(), false);
  file["model"]["vocab"]["<think>"] = 258;
  file["model"]["vocab"]["two words"] = 259;
  EXPECT_THAT(error_of(file), HasSubstr("two words"));
  file["added_tokens"].push_back({{"id", 259}, {"content", "two words"}, {"special", false}});
  const auto read = parse_tokenizer_json(file.dump(), "t.json");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->kinds[258], TokenKind::kUserDefined);
  EXPECT_EQ(read->tokens[259], "two words");
}

TEST(TokenizerJson, IsolatedMatchesAreTheSameSplit) {
  Json file = file_of(small_vocabulary(), false);
  Json& split = file["pre_tokenizer"]["pretokenizers"][0];
  split["behavior"] = "Isolated";
  split["invert"] = false;
  EXPECT_EQ(error_of(file), "");
  split["behavior"] = "Removed";
  EXPECT_THAT(error_of(file), HasSubstr("behavior"));
}

struct Refusal {
  const char* path;  // JSON pointer
  Json value;
  const char* message;
};

TEST(TokenizerJson, WhatWouldChangeTokensIsRefusedByName) {
  const Refusal refusals[] = {
      {"/normalizer", {{"type", "NFC"}}, "'normalizer'"},
      {"/model", 1, "'model'"},
      {"/model/type", "Unigram", "'model.type'"},
      {"/model/dropout", 0.1, "'model.dropout'"},
      {"/model/continuing_subword_prefix", "##", "'model.continuing_subword_prefix'"},
      {"/model/byte_fallback", true, "'model.byte_fallback'"},
      {"/model/vocab", Json::array(), "'model.vocab'"},
      {"/model/vocab/ab", 5, "id 5"},
      {"/model/vocab/ab", -1, "id -1"},
      {"/model/vocab/ab", "x", "must be an integer"},
      {"/model/vocab/ab", 1.5, "must be an integer"},
      {"/model/vocab/ab", 1'000'000, "must be an integer under"},
      {"/model/vocab/a b", 259, "byte-level spelling"},
      {"/model/merges", nullptr, "'model.merges'"},
      {"/model/merges/0", "ab", "merge 0"},
      {"/model/merges/0", " ab", "merge 0"},
      {"/model/merges/0", {"a", 1}, "merge 0"},
      {"/model/merges/0", {"a", "b", "c"}, "merge 0"},
      {"/model/merges/0", "a c", "\"ac\""},
      {"/pre_tokenizer", nullptr, "'pre_tokenizer'"},
      {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\\s+", "Split by M2's pattern"},
      {"/pre_tokenizer/pretokenizers/1/add_prefix_space", true, "add_prefix_space"},
      {"/pre_tokenizer/pretokenizers/1/use_regex", true, "use_regex"},
      {"/added_tokens", 3, "'added_tokens'"},
      {"/added_tokens/0", "x", "no text in 'content'"},
      {"/added_tokens/0/id", 97, "id 97"},
      {"/added_tokens/0/lstrip", true, "lstrip"},
  };
  const Json good = file_of(small_vocabulary(), false);
  EXPECT_EQ(error_of(good), "");
  for (const Refusal& refusal : refusals) {
    Json file = good;
    file[Json::json_pointer(refusal.path)] = refusal.value;
    EXPECT_THAT(error_of(file), testing::AllOf(HasSubstr(refusal.message), HasSubstr("t.json")))
        << refusal.path;
  }
}

TEST(TokenizerJson, IgnoreMergesOnlyWhereItChangesNothing) {
  Vocabulary vocabulary = small_vocabulary();
  Json file = file_of(vocabulary, false);
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(error_of(file), "");
  add_token(vocabulary, "xyz", TokenKind::kNormal);
  file = file_of(vocabulary, false);
  EXPECT_EQ(error_of(file), "");
  file["model"]["ignore_merges"] = true;
  EXPECT_THAT(error_of(file), HasSubstr("ignore_merges"));
}

TEST(TokenizerJson, BrokenFilesAreErrors) {
  for (const std::string text :
       {"", "{", "[]", "null", "{\"model\":{}}", "\xff", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(parse_tokenizer_json(text, "t.json").has_value()) << text;
  }
  EXPECT_FALSE(parse_tokenizer_json(std::string(1'000'000, '['), "t.json").has_value());
  const std::string whole = file_of(small_vocabulary(), false).dump();
  for (std::size_t n = 0; n < whole.size(); n += 7) {
    EXPECT_FALSE(parse_tokenizer_json(whole.substr(0, n), "t.json").has_value());
  }
  const auto missing = read_tokenizer_json(JEVONS_BINARY_DIR "/no/such/file.json");
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such/file.json"));
}

}  // namespace
}  // namespace jevons
