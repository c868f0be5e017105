// Any bytes as tokenizer.json: an error or a vocabulary. A vocabulary that makes a tokenizer must
// give back the bytes of any text, and stream them as valid UTF-8. What follows the first NUL byte
// is the text; without one, the file itself is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void round_trip(const jevons::Tokenizer& tokenizer, std::string_view text) {
  using namespace jevons;
  for (const auto control : {SpecialTokens::kParse, SpecialTokens::kIgnore}) {
    const auto ids = tokenizer.encode(text, control);
    require(tokenizer.decode(ids) == text);
    Detokenizer detokenizer(tokenizer, ControlTokens::kShow);
    std::string shown;
    for (const std::int32_t id : ids) shown += detokenizer.push(id);
    require(utf8_is_valid(shown));
    require(shown + detokenizer.finish() == utf8_sanitize(text));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jevons;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\0');
  const std::string_view file = input.substr(0, end);
  const std::string_view text = end == std::string_view::npos ? file : input.substr(end + 1);
  auto vocabulary = parse_tokenizer_json(file, "input");
  if (vocabulary) {
    const auto tokenizer = Tokenizer::create(std::move(*vocabulary));
    if (tokenizer) round_trip(*tokenizer, text);
  }
  // Files that are sound are rare; a tokenizer of bytes and a few merges sees every input.
  static const Tokenizer fixed = [] {
    Vocabulary bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.tokens.emplace_back(1, static_cast<char>(byte));
    bytes.tokens.insert(bytes.tokens.end(), {"ab", "abab", "  ", "]~b]", "<think>"});
    bytes.kinds.assign(bytes.tokens.size(), TokenKind::kNormal);
    bytes.kinds[259] = TokenKind::kControl;
    bytes.kinds[260] = TokenKind::kUserDefined;
    bytes.merges = {{'a', 'b', 256}, {256, 256, 257}, {' ', ' ', 258}};
    bytes.pre_tokenizer = "minimax-m2";
    auto tokenizer = Tokenizer::create(std::move(bytes));
    require(tokenizer.has_value());
    return std::move(*tokenizer);
  }();
  round_trip(fixed, text);
  return 0;
}
