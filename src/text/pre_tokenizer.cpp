#include "text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::string_view kM2Pattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct KnownPattern {
  std::string_view name;
  std::string_view pattern;
};

// GPT-4o's vocabulary is cut by the very same pattern.
constexpr KnownPattern kKnownPatterns[] = {{"minimax-m2", kM2Pattern}, {"gpt-4o", kM2Pattern}};

/// \s means the property White_Space in the tokenizers that use these patterns. PCRE2's own \s
/// also has U+180E, which is no white space since Unicode 6.3.
std::string in_pcre2_terms(std::string_view pattern) {
  std::string result;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool escape = pattern[i] == '\\' && i + 1 < pattern.size();
    const char next = escape ? pattern[i + 1] : '\0';
    if (next == 's' || next == 'S') {
      result += next == 's' ? "\\p{White_Space}" : "\\P{White_Space}";
      ++i;
    } else {
      result += pattern[i];
    }
  }
  return result;
}

/// Length of the longest prefix of whole, valid characters.
std::size_t valid_prefix(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size()) {
    std::uint64_t word = 0;
    while (n + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + n, sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
      n += sizeof word;
    }
    if (n == text.size()) break;
    const std::size_t length = utf8_sequence_length(text.substr(n));
    if (length == 0) break;
    n += length;
  }
  return n;
}

}  // namespace

struct PreTokenizer::Pattern {
  pcre2_code* code = nullptr;
  bool has_jit = false;
};

void PreTokenizer::FreePattern::operator()(Pattern* pattern) const {
  if (pattern == nullptr) return;
  pcre2_code_free(pattern->code);
  delete pattern;
}

Result<PreTokenizer> PreTokenizer::create(std::string_view name, bool allow_jit) {
  const KnownPattern* known = nullptr;
  std::string names;
  for (const KnownPattern& entry : kKnownPatterns) {
    if (entry.name == name) known = &entry;
    names += fmt::format("{}'{}'", names.empty() ? "" : " or ", entry.name);
  }
  if (known == nullptr) return fail("the pre-tokenizer is '{}', must be {}", name, names);

  const std::string pattern = in_pcre2_terms(known->pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Every character begins a match, so a search always finds one where it starts.
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code == nullptr) {
    return fail("PCRE2 refuses the pattern of pre-tokenizer '{}' at {} with error {}", name, offset,
                error);
  }
  const bool has_jit = allow_jit && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
  PreTokenizer result;
  result.pattern_.reset(new Pattern{code, has_jit});
  return result;
}

std::string_view m2_split_pattern() { return kM2Pattern; }

struct PieceReader::Scratch {
  Scratch()
      : match_data(pcre2_match_data_create(1, nullptr)),
        limits(pcre2_match_context_create(nullptr)) {
    JEVONS_CHECK(match_data != nullptr && limits != nullptr);
    // A run of megabytes is one match; the limits are meant for patterns that explode.
    pcre2_set_match_limit(limits, UINT32_MAX);
  }
  ~Scratch() {
    pcre2_match_data_free(match_data);
    pcre2_match_context_free(limits);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  pcre2_match_data* match_data;
  pcre2_match_context* limits;
};

PieceReader::PieceReader(const PreTokenizer& pre_tokenizer)
    : pattern_(*pre_tokenizer.pattern_), scratch_(std::make_unique<Scratch>()) {}

PieceReader::~PieceReader() = default;

void PieceReader::start(std::string_view text) {
  text_ = text;
  position_ = run_begin_ = run_end_ = 0;
}

std::string_view PieceReader::next() {
  if (position_ == text_.size()) return {};
  if (position_ == run_end_) {
    run_begin_ = position_;
    run_end_ = position_ + valid_prefix(text_.substr(position_));
  }
  const std::size_t begin = position_;
  position_ = begin == run_end_ ? ++run_end_ : match();
  return text_.substr(begin, position_ - begin);
}

/// Where the match that begins at position_ ends.
std::size_t PieceReader::match() {
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text_.data() + run_begin_);
  const std::size_t n_bytes = run_end_ - run_begin_;
  const std::size_t offset = position_ - run_begin_;
  // Without NO_UTF_CHECK each of the matches would look at the whole rest of the text.
  int found = PCRE2_ERROR_JIT_STACKLIMIT;
  if (pattern_.has_jit) {
    found = pcre2_jit_match(pattern_.code, subject, n_bytes, offset, PCRE2_NO_UTF_CHECK,
                            scratch_->match_data, scratch_->limits);
  }
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = pcre2_match(pattern_.code, subject, n_bytes, offset, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                        scratch_->match_data, scratch_->limits);
  }
  JEVONS_CHECK(found > 0);
  const std::size_t end = pcre2_get_ovector_pointer(scratch_->match_data)[1];
  JEVONS_CHECK(end > offset);
  return run_begin_ + end;
}

}  // namespace jevons
