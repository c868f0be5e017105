#include "api/openai_responses_reasoning.h"

#include <openssl/evp.h>

#include <cstddef>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::string_view kTag = "jevons1.";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string encode_reasoning(std::string_view reasoning) {
  std::string encoded(kTag);
  // EVP_EncodeBlock writes a zero behind the text: a string has room for it.
  encoded.resize(kTag.size() + (reasoning.size() + 2) / 3 * 4);
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data() + kTag.size()),
                  bytes_of(reasoning), static_cast<int>(reasoning.size()));
  return encoded;
}

std::optional<std::string> decode_reasoning(std::string_view encoded) {
  if (!encoded.starts_with(kTag)) return std::nullopt;
  encoded.remove_prefix(kTag.size());
  if (encoded.size() % 4 != 0) return std::nullopt;
  std::size_t n_padding = 0;
  while (n_padding < 2 && encoded.size() > n_padding &&
         encoded[encoded.size() - 1 - n_padding] == '=') {
    ++n_padding;
  }
  std::string text(encoded.size() / 4 * 3, '\0');
  const int n_bytes = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                      bytes_of(encoded), static_cast<int>(encoded.size()));
  if (n_bytes < 0 || static_cast<std::size_t>(n_bytes) != text.size()) return std::nullopt;
  text.resize(text.size() - n_padding);
  if (!utf8_is_valid(text)) return std::nullopt;
  return text;
}

}  // namespace jevons
