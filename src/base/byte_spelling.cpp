#include "base/byte_spelling.h"

#include "base/utf8.h"

namespace jevons {

ByteSpelling::ByteSpelling() {
  bytes_.fill(-1);
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool stands_for_itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
    const char32_t code_point = stands_for_itself ? static_cast<char32_t>(byte) : next++;
    bytes_[code_point] = byte;
    code_points_[static_cast<std::size_t>(byte)] = code_point;
  }
}

bool ByteSpelling::decode(std::string_view text, std::string& out) const {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    unsigned code_point = first;
    if (first >= 0x80) {
      // Every character in use has at most two bytes of UTF-8.
      if (first < 0xc2 || first > 0xdf || i + 1 >= text.size()) return false;
      const auto second = static_cast<unsigned char>(text[++i]);
      if ((second & 0xc0) != 0x80) return false;
      code_point = (first & 0x1fu) << 6 | (second & 0x3fu);
    }
    if (code_point >= bytes_.size() || bytes_[code_point] < 0) return false;
    out.push_back(static_cast<char>(bytes_[code_point]));
  }
  return true;
}

void ByteSpelling::encode(std::string_view bytes, std::string& out) const {
  for (const char c : bytes) utf8_append(out, code_points_[static_cast<unsigned char>(c)]);
}

}  // namespace jevons
