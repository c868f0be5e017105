// What a model file says about its tokens, as plain data. weights/ fills it from GGUF metadata,
// text/ from tokenizer.json; text/ makes a Tokenizer of it, convert/ writes it to GGUF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jevons {

/// The values are those of GGUF's tokenizer.ggml.token_type.
enum class TokenKind : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // never shown to the user, parsed only from our own prompt text
  kUserDefined = 4,  // shown, always parsed: <think>, <minimax:tool_call> and their ends
  kUnused = 5,       // padding of the table; never encoded, decodes to nothing
  kByte = 6,
};

struct Vocabulary {
  /// Token id -> its bytes. Not the byte-to-unicode spelling of the files: real bytes.
  std::vector<std::string> tokens;
  std::vector<TokenKind> kinds;  // same length as tokens
  struct Merge {
    std::int32_t left, right, result;  // token ids
  };
  /// In order of rank: merge 0 is applied first.
  std::vector<Merge> merges;
  std::string pre_tokenizer;  // "minimax-m2"
  std::optional<std::int32_t> bos_id, eos_id, unknown_id, padding_id;
  bool add_bos = false;
  std::string chat_template;  // jinja source as in the file; empty if absent

  struct SamplingDefaults {
    std::optional<float> temperature, top_p;
    std::optional<std::int32_t> top_k;
  } sampling;
};

}  // namespace jevons
