// Text to token ids and back, byte for byte: special tokens first, then the pieces of the
// pre-tokenizer, then byte-pair merges inside each piece. Any bytes can be encoded, and decoding
// gives them back.
//
// Special tokens are matched as literal text, the leftmost first and the longest of those that
// begin there. User-defined tokens (<think>, <minimax:tool_call> and their ends) are recognised
// wherever they stand; control tokens (]~b], [e~[) only where the caller trusts the text; unused
// ones never. Nothing is added to the text: the prompt writes its own begin-of-text token.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/vocabulary.h"
#include "text/byte_pairs.h"
#include "text/pre_tokenizer.h"
#include "text/prompt_piece.h"
#include "text/special_tokens.h"

namespace jevons {

/// What control tokens in a text become: tokens, or ordinary text like any other.
enum class SpecialTokens { kParse, kIgnore };

/// Immutable; any thread may call its const members.
class Tokenizer {
 public:
  /// Errors: a pre-tokenizer that is not known, or what BytePairs::create refuses.
  [[nodiscard]] static Result<Tokenizer> create(Vocabulary vocabulary);

  /// Once `stop` is requested it ends soon, with what it has: to be thrown away, here and below.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                 SpecialTokens control_tokens,
                                                 const std::stop_token& stop = {}) const;

  /// The pieces are encoded as the one text they join to, so the borders between them never change
  /// a token. Control tokens are recognised where all their bytes are trusted.
  [[nodiscard]] std::vector<std::int32_t> encode(std::span<const PromptPiece> pieces,
                                                 const std::stop_token& stop = {}) const;

  /// The bytes of one token; special tokens give their literal text. Empty for unused tokens and
  /// for ids that do not exist.
  [[nodiscard]] std::string_view token_bytes(std::int32_t id) const;

  /// The bytes of all tokens, in order. For text to show, see Detokenizer.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  /// The control or user-defined token with this literal text.
  [[nodiscard]] std::optional<std::int32_t> special_token(std::string_view text) const {
    return special_tokens_.find_exact(text);
  }

  /// kUnused for ids that do not exist.
  [[nodiscard]] TokenKind kind(std::int32_t id) const;

  [[nodiscard]] std::int32_t n_tokens() const {
    return static_cast<std::int32_t>(vocabulary_.tokens.size());
  }

  /// Whether the model's file asks for a begin-of-text token before every text. encode() never adds
  /// one; M2 files say false.
  [[nodiscard]] bool add_bos() const { return vocabulary_.add_bos; }

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Tokenizer(Vocabulary vocabulary, PreTokenizer pre_tokenizer, BytePairs byte_pairs);
  [[nodiscard]] std::vector<std::int32_t> encode_text(std::string_view text,
                                                      std::span<const TextRange> trusted,
                                                      const std::stop_token& stop) const;

  Vocabulary vocabulary_;
  PreTokenizer pre_tokenizer_;
  BytePairs byte_pairs_;
  SpecialTokenFinder special_tokens_;
};

}  // namespace jevons
