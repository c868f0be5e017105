// What other programs make of the same texts: token ids by tiktoken with a vocabulary of our own
// (written by tools/tokenizer_oracle), and ids of the real M2 tokenizer where they are at hand.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace jevons {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<std::int32_t>;

const std::string kGoldenFolder = JEVONS_SOURCE_DIR "/tests/data/text/tokenizer/";

Tokenizer golden_tokenizer() {
  auto vocabulary = read_tokenizer_json(kGoldenFolder + "vocabulary.json");
  EXPECT_TRUE(vocabulary.has_value()) << vocabulary.error().message;
  auto tokenizer = Tokenizer::create(std::move(*vocabulary));
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

TEST(TokenizerGolden, IdsAreThoseOfTiktoken) {
  const Tokenizer tokenizer = golden_tokenizer();
  std::ifstream file(kGoldenFolder + "cases.jsonl");
  int n_cases = 0;
  for (std::string line; std::getline(file, line); ++n_cases) {
    const Json one = Json::parse(line);
    const auto control = one["parse"].get<bool>() ? SpecialTokens::kParse : SpecialTokens::kIgnore;
    EXPECT_EQ(tokenizer.encode(one["text"].get<std::string>(), control), one["ids"].get<Ids>())
        << one["text"];
  }
  EXPECT_GE(n_cases, 1500);
}

TEST(TokenizerGolden, SpecialTokensAreOfTheirKinds) {
  const Tokenizer tokenizer = golden_tokenizer();
  for (const char* text : {"]~b]", "[e~[", "]~!b[", "<fim_pad>"}) {
    EXPECT_EQ(tokenizer.kind(tokenizer.special_token(text).value()), TokenKind::kControl) << text;
  }
  for (const char* text : {"<think>", "</think>", "<minimax:tool_call>", "</minimax:tool_call>"}) {
    EXPECT_EQ(tokenizer.kind(tokenizer.special_token(text).value()), TokenKind::kUserDefined);
  }
  EXPECT_EQ(tokenizer.vocabulary().eos_id, tokenizer.special_token("[e~["));
  EXPECT_EQ(tokenizer.vocabulary().bos_id, tokenizer.special_token("]~!b["));
}

/// Reads the bytes of unknown tokens out of texts whose ids are known. Ids must fill each piece of
/// the text exactly: no token reaches over the border of a piece.
class TokenPuzzle {
 public:
  TokenPuzzle() {
    for (int byte = 0; byte < 256; ++byte) known_[byte] = std::string(1, static_cast<char>(byte));
    for (const char* merged : {"  ", " t", " a", "in", "er"}) {
      const auto id = static_cast<std::int32_t>(known_.size());
      known_[id] = merged;
    }
  }

  /// The number of ways to lay `ids` along `pieces`, up to two; a single way teaches its tokens.
  int solve(const std::vector<std::string>& pieces, const Ids& ids) {
    n_ways_ = 0;
    lay(pieces, ids, 0, 0, 0);
    if (n_ways_ == 1) {
      for (const auto& [id, bytes] : solution_) known_[id] = bytes;
    }
    return n_ways_;
  }

  const std::map<std::int32_t, std::string>& known() const { return known_; }

 private:
  void lay(const std::vector<std::string>& pieces, const Ids& ids, std::size_t piece,
           std::size_t at, std::size_t next) {
    if (n_ways_ > 1) return;
    if (piece == pieces.size()) {
      if (next == ids.size() && ++n_ways_ == 1) solution_ = guess_;
      return;
    }
    const std::string& text = pieces[piece];
    if (at == text.size()) return lay(pieces, ids, piece + 1, 0, next);
    if (next == ids.size()) return;
    const std::int32_t id = ids[next];
    const auto sure = known_.find(id);
    const auto guessed = guess_.find(id);
    if (sure != known_.end() || guessed != guess_.end()) {
      const std::string& bytes = sure != known_.end() ? sure->second : guessed->second;
      if (text.compare(at, bytes.size(), bytes) == 0) {
        lay(pieces, ids, piece, at + bytes.size(), next + 1);
      }
      return;
    }
    for (std::size_t n = 2; at + n <= text.size(); ++n) {
      guess_[id] = text.substr(at, n);
      lay(pieces, ids, piece, at + n, next + 1);
    }
    guess_.erase(id);
  }

  std::map<std::int32_t, std::string> known_, guess_, solution_;
  int n_ways_ = 0;
};

std::vector<std::string> pieces_of(const PreTokenizer& pre_tokenizer, const std::string& text) {
  PieceReader reader(pre_tokenizer);
  reader.start(text);
  std::vector<std::string> pieces;
  for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) {
    pieces.emplace_back(piece);
  }
  return pieces;
}

/// The real vocabulary has 200,000 tokens and is not here, but its bytes, its first merges and our
/// pieces must explain the ids.
TEST(TokenizerGolden, PiecesExplainTheIdsOfTheRealM2) {
  const std::string path = JEVONS_SOURCE_DIR "/../shared/data/tokenizer_golden.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no M2 goldens at hand";
  const Json golden = Json::parse(read_file(path).value());
  const auto pre_tokenizer = PreTokenizer::create("minimax-m2");
  ASSERT_TRUE(pre_tokenizer.has_value());
  TokenPuzzle puzzle;
  for (int pass = 0; pass < 3; ++pass) {
    for (const Json& one : golden["plain"]) {
      const auto text = one[0].get<std::string>();
      EXPECT_GE(puzzle.solve(pieces_of(*pre_tokenizer, text), one[1].get<Ids>()), 1) << text;
    }
  }
  EXPECT_GE(puzzle.known().size(), 261u + 140u);
  std::set<std::string> texts;
  for (const auto& [id, bytes] : puzzle.known()) {
    EXPECT_TRUE(texts.insert(bytes).second) << bytes << " is token " << id << " and another";
  }
}

}  // namespace
}  // namespace jevons
