#include "text/tokenizer.h"

#include <utility>

namespace jevons {

Result<Tokenizer> Tokenizer::create(Vocabulary vocabulary) {
  JEVONS_ASSIGN(PreTokenizer pre_tokenizer, PreTokenizer::create(vocabulary.pre_tokenizer));
  JEVONS_ASSIGN(BytePairs byte_pairs, BytePairs::create(vocabulary));
  return Tokenizer(std::move(vocabulary), std::move(pre_tokenizer), std::move(byte_pairs));
}

Tokenizer::Tokenizer(Vocabulary vocabulary, PreTokenizer pre_tokenizer, BytePairs byte_pairs)
    : vocabulary_(std::move(vocabulary)),
      pre_tokenizer_(std::move(pre_tokenizer)),
      byte_pairs_(std::move(byte_pairs)),
      special_tokens_(vocabulary_) {}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, SpecialTokens control_tokens,
                                            const std::stop_token& stop) const {
  const TextRange all = {0, text.size()};
  const std::size_t n_trusted = control_tokens == SpecialTokens::kParse ? 1 : 0;
  return encode_text(text, {&all, n_trusted}, stop);
}

std::vector<std::int32_t> Tokenizer::encode(std::span<const PromptPiece> pieces,
                                            const std::stop_token& stop) const {
  std::string text;
  std::vector<TextRange> trusted;
  for (const PromptPiece& piece : pieces) {
    const std::size_t begin = text.size();
    text += piece.text;
    if (!piece.trusted || piece.text.empty()) continue;
    if (!trusted.empty() && trusted.back().end == begin) {
      trusted.back().end = text.size();
    } else {
      trusted.push_back({begin, text.size()});
    }
  }
  return encode_text(text, trusted, stop);
}

std::vector<std::int32_t> Tokenizer::encode_text(std::string_view text,
                                                 std::span<const TextRange> trusted,
                                                 const std::stop_token& stop) const {
  std::vector<std::int32_t> ids;
  BytePairs::Scratch scratch;
  scratch.stop = stop;
  PieceReader reader(pre_tokenizer_);
  std::size_t at = 0;
  while (at < text.size()) {
    const auto special = special_tokens_.find(text, at, trusted);
    const std::size_t end = special ? special->place.begin : text.size();
    reader.start(text.substr(at, end - at));
    for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) {
      if (stop.stop_requested()) return ids;
      byte_pairs_.encode(piece, scratch, ids);
    }
    if (!special) break;
    ids.push_back(special->id);
    at = special->place.end;
  }
  return ids;
}

std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  if (kind(id) == TokenKind::kUnused) return {};
  return vocabulary_.tokens[static_cast<std::size_t>(id)];
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  for (const std::int32_t id : ids) text += token_bytes(id);
  return text;
}

TokenKind Tokenizer::kind(std::int32_t id) const {
  if (id < 0 || id >= n_tokens()) return TokenKind::kUnused;
  return vocabulary_.kinds[static_cast<std::size_t>(id)];
}

}  // namespace jevons
