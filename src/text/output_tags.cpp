#include "text/output_tags.h"

#include <algorithm>

#include "text/m2_markers.h"

namespace jevons {
namespace {

constexpr std::size_t kMaxTagSpaceBytes = 16;  // between two parts of one tag

TagMatch undecided(bool at_end) { return {at_end ? Match::kNo : Match::kNeedMore, 0, {}}; }

/// Reads a tag part by part. Each step either moves on or settles the result.
class TagReader {
 public:
  TagReader(std::string_view text, bool at_end) : text_(text), at_end_(at_end) {}

  bool literal(std::string_view expected) {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(expected)) {
      at_ += expected.size();
      return true;
    }
    return settle(expected.starts_with(rest));
  }

  bool space(std::size_t at_least) {
    const std::size_t n = leading_space(text_.substr(at_));
    if (n > kMaxTagSpaceBytes) return settle(false);
    at_ += n;
    if (at_ == text_.size()) return settle(true);
    return n >= at_least || settle(false);
  }

  bool quoted_name(char quote) {
    const std::size_t begin = ++at_;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n' || at_ - begin > kMaxNameBytes) return settle(false);
      if (text_[at_] != quote) continue;
      const std::string_view rest = text_.substr(at_ + 1);
      const std::size_t n_spaces = leading_space(rest);
      if (n_spaces > kMaxTagSpaceBytes) continue;
      if (n_spaces == rest.size()) return settle(true);
      if (rest[n_spaces] != '>') continue;
      name_ = text_.substr(begin, at_ - begin);
      at_ += 1 + n_spaces + 1;
      return !name_.empty() || settle(false);
    }
    return settle(true);
  }

  bool bare_name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '>' && !is_space(text_[at_])) {
      if (text_[at_] == '<' || text_[at_] == '"' || text_[at_] == '\'') return settle(false);
      if (++at_ - begin > kMaxNameBytes) return settle(false);
    }
    name_ = text_.substr(begin, at_ - begin);
    return space(0) && literal(">") && (!name_.empty() || settle(false));
  }

  /// The next byte; only after space() found one.
  char peek() const { return text_[at_]; }

  TagMatch yes() const { return {Match::kYes, at_, name_}; }
  TagMatch failure() const { return failure_; }

 private:
  bool settle(bool needs_more) {
    failure_ = needs_more ? undecided(at_end_) : TagMatch{};
    return false;
  }

  std::string_view text_;
  bool at_end_;
  std::size_t at_ = 0;
  std::string_view name_;
  TagMatch failure_;
};

}  // namespace

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::size_t leading_space(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_space);
  return static_cast<std::size_t>(end - text.begin());
}

TagMatch match_literal(std::string_view text, std::string_view literal, bool at_end) {
  if (text.starts_with(literal)) return {Match::kYes, literal.size(), {}};
  return literal.starts_with(text) ? undecided(at_end) : TagMatch{};
}

TagMatch match_named_tag(std::string_view text, std::string_view opening, bool at_end) {
  TagReader tag(text, at_end);
  if (!tag.literal(opening) || !tag.space(1) || !tag.literal("name") || !tag.space(0) ||
      !tag.literal("=") || !tag.space(0)) {
    return tag.failure();
  }
  const char quote = tag.peek();
  const bool read = quote == '"' || quote == '\'' ? tag.quoted_name(quote) : tag.bare_name();
  return read ? tag.yes() : tag.failure();
}

TagMatch match_block_begin(std::string_view text, bool at_end) {
  const TagMatch marker = match_literal(text, kToolCallBlockBegin, at_end);
  if (marker.match != Match::kYes) return marker;
  const std::string_view rest = text.substr(marker.length);
  const std::size_t gap = leading_space(rest);
  if (gap > kMaxGapBytes) return {};
  const TagMatch invoke = match_named_tag(rest.substr(gap), kInvokeBegin, at_end);
  return invoke.match == Match::kYes ? marker : invoke;
}

}  // namespace jevons
