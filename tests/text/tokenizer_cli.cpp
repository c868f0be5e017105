// Encodes texts for tools/tokenizer_oracle: `tokenizer_cli TOKENIZER.JSON` reads records from
// standard input and writes one answer for each. A record is a byte, 1 to parse control tokens,
// the length of the text as four bytes (little-endian) and the text; an answer is a list of
// four-byte words, the number of ids first.
#include <cstdint>
#include <cstdio>
#include <string>

#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

namespace {

bool read_bytes(void* bytes, std::size_t n) { return std::fread(bytes, 1, n, stdin) == n; }

void write_word(std::uint32_t word) { std::fwrite(&word, sizeof word, 1, stdout); }

}  // namespace

int main(int argc, char** argv) {
  using namespace jevons;
  if (argc != 2) {
    std::fprintf(stderr, "usage: tokenizer_cli TOKENIZER.JSON\n");
    return 2;
  }
  auto vocabulary = read_tokenizer_json(argv[1]);
  auto tokenizer = vocabulary ? Tokenizer::create(std::move(*vocabulary))
                              : Result<Tokenizer>(std::unexpected(vocabulary.error()));
  if (!tokenizer) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return 1;
  }
  std::uint8_t parse = 0;
  std::uint32_t n_bytes = 0;
  std::string text;
  while (read_bytes(&parse, 1) && read_bytes(&n_bytes, sizeof n_bytes)) {
    text.resize(n_bytes);
    if (!read_bytes(text.data(), n_bytes)) return 1;
    const auto ids =
        tokenizer->encode(text, parse != 0 ? SpecialTokens::kParse : SpecialTokens::kIgnore);
    if (tokenizer->decode(ids) != text) {
      std::fprintf(stderr, "decoding does not give the text back\n");
      return 1;
    }
    write_word(static_cast<std::uint32_t>(ids.size()));
    for (const std::int32_t id : ids) write_word(static_cast<std::uint32_t>(id));
  }
  return 0;
}
