// GPT-2's spelling of bytes as printable characters, in which GGUF and tokenizer files write the
// tokens of a byte-level BPE: the printable bytes of Latin-1 stand for themselves, the other 68
// are U+0100 and up, in order. Immutable; any thread may use it.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace jevons {

class ByteSpelling {
 public:
  ByteSpelling();

  /// Appends the bytes that `text` spells; false if a character of it spells none.
  [[nodiscard]] bool decode(std::string_view text, std::string& out) const;
  /// Appends the spelling of `bytes`.
  void encode(std::string_view bytes, std::string& out) const;

 private:
  static constexpr std::size_t kMoved = 68;
  std::array<int, 256 + kMoved> bytes_;  // code point -> byte, -1 for none
  std::array<char32_t, 256> code_points_;
};

}  // namespace jevons
