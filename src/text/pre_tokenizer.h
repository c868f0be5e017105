// Cuts text into the pieces inside which byte pairs are merged: words with their leading space or
// sign, groups of up to three digits, runs of signs, runs of white space. The pattern is the one of
// the model's tokenizer.json, run by PCRE2 with its Unicode tables.
//
// Text is bytes here and need not be UTF-8. Each byte that is no part of a valid character is a
// piece of its own, and the text around it is cut as if it ended and began there, so the pieces
// always join to the text.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"

namespace jevons {

/// Immutable and cheap to move; any thread may use it.
class PreTokenizer {
 public:
  /// `name` as in tokenizer.ggml.pre. An error names it and the known ones. Without `allow_jit` it
  /// runs as on systems where no program may write code; the pieces are the same.
  [[nodiscard]] static Result<PreTokenizer> create(std::string_view name, bool allow_jit = true);

  struct Pattern;

 private:
  friend class PieceReader;
  struct FreePattern {
    void operator()(Pattern* pattern) const;
  };
  std::unique_ptr<Pattern, FreePattern> pattern_;
};

/// The Split pattern of tokenizer.json that "minimax-m2" stands for, as that file writes it.
[[nodiscard]] std::string_view m2_split_pattern();

/// Reads the pieces of one text after the other. For one thread; the pre-tokenizer and the text
/// must outlive it.
class PieceReader {
 public:
  explicit PieceReader(const PreTokenizer& pre_tokenizer);
  ~PieceReader();
  PieceReader(const PieceReader&) = delete;
  PieceReader& operator=(const PieceReader&) = delete;

  void start(std::string_view text);
  /// The next piece, a part of the text; empty at its end.
  [[nodiscard]] std::string_view next();

 private:
  struct Scratch;
  [[nodiscard]] std::size_t match();

  const PreTokenizer::Pattern& pattern_;
  std::unique_ptr<Scratch> scratch_;
  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t run_begin_ = 0, run_end_ = 0;  // the stretch of valid UTF-8 around position_
};

}  // namespace jevons
