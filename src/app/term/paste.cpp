#include "app/term/paste.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";
// Longer pastes would be slow to edit and hide the prompt.
constexpr std::size_t kLongestInLine = 400;

// Terminals send line breaks of a paste as carriage returns.
std::string with_line_feeds(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

}  // namespace

void KeyStream::push(std::string_view bytes) { bytes_ += bytes; }

bool KeyStream::has_partial() const {
  if (bytes_.empty() || bytes_.starts_with(kPasteBegin)) return false;
  if (kPasteBegin.starts_with(bytes_)) return true;
  return utf8_complete_prefix(std::string_view(bytes_).substr(0, 4)) == 0;
}

std::string KeyStream::next(bool final) {
  if (bytes_.starts_with(kPasteBegin)) {
    const std::size_t end = bytes_.find(kPasteEnd);
    if (end == std::string::npos) return "";  // however long it takes
    take_paste(end);
  }
  if (bytes_.empty() || (has_partial() && !final)) return "";
  const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(bytes_));
  std::string character = bytes_.substr(0, length);
  bytes_.erase(0, length);
  return character;
}

// The paste that stands at the front becomes text to type, or a mark for a text kept aside.
void KeyStream::take_paste(std::size_t length) {
  std::string text = with_line_feeds(
      std::string_view(bytes_).substr(kPasteBegin.size(), length - kPasteBegin.size()));
  bytes_.erase(0, length + kPasteEnd.size());
  text = utf8_sanitize(text);
  const auto n_breaks = std::count(text.begin(), text.end(), '\n');
  const bool has_controls =
      std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && (c < ' ' || c == 127); });
  if (!has_controls && text.size() <= kLongestInLine) {
    bytes_.insert(0, text);
    return;
  }
  ++n_pastes_;
  std::string mark = n_breaks > 0 ? fmt::format("[paste {}: {} lines]", n_pastes_, n_breaks + 1)
                                  : fmt::format("[paste {}: {} bytes]", n_pastes_, text.size());
  bytes_.insert(0, mark);
  pastes_.push_back({std::move(mark), std::move(text)});
}

std::string KeyStream::expand(std::string_view line) const {
  std::string text(line);
  std::size_t from = 0;
  for (const Paste& paste : pastes_) {
    // In the order of pasting; a mark that was edited stays what it is now.
    std::size_t at = text.find(paste.mark, from);
    if (at == std::string::npos) at = text.find(paste.mark);
    if (at == std::string::npos) continue;
    text.replace(at, paste.mark.size(), paste.text);
    from = at + paste.text.size();
  }
  return text;
}

}  // namespace jevons
