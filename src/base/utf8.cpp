#include "base/utf8.h"

namespace jevons {
namespace {

struct Scan {
  std::size_t n_bytes;  // taken by the character, or by the maximal invalid part
  bool valid;
  bool cut;  // the text ends inside a character that is right so far
};

// One step over `text`, which is not empty.
Scan scan(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true, false};
  if (lead < 0xC2 || lead > 0xF4) return {1, false, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false, true};
    if (byte(i) < low || byte(i) > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, false};
}

}  // namespace

std::size_t utf8_complete_prefix(std::string_view text) {
  const std::size_t start = text.size() > 3 ? text.size() - 3 : 0;
  for (std::size_t i = text.size(); i > start; --i) {
    const auto byte = static_cast<unsigned char>(text[i - 1]);
    if (byte < 0x80) break;
    if (byte >= 0xC0) return scan(text.substr(i - 1)).cut ? i - 1 : text.size();
  }
  return text.size();
}

std::size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const Scan step = scan(text);
  return step.valid ? step.n_bytes : 0;
}

bool utf8_is_valid(std::string_view text) {
  while (!text.empty()) {
    const Scan step = scan(text);
    if (!step.valid) return false;
    text.remove_prefix(step.n_bytes);
  }
  return true;
}

std::string utf8_sanitize(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const Scan step = scan(text);
    clean += step.valid ? text.substr(0, step.n_bytes) : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(step.n_bytes);
  }
  return clean;
}

void utf8_append(std::string& text, char32_t code_point) {
  const auto put = [&](unsigned value) { text.push_back(static_cast<char>(value)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace jevons
