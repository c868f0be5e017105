#include "api/thinking_signature.h"

#include <openssl/evp.h>

#include <utility>

#include "base/check.h"
#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::string_view kSigned = "jevons/1 ";
constexpr std::string_view kCarries = "jevons/2 ";

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP writes an end of string
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  // EVP counts the padding as bytes.
  const std::size_t n_padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(size) - n_padding);
  return bytes;
}

}  // namespace

std::string thinking_signature(std::string_view id) {
  return base64(std::string(kSigned) + std::string(id));
}

std::string signature_with_thinking(std::string_view thinking) {
  JEVONS_CHECK(thinking.size() < std::size_t{1} << 30);
  return base64(std::string(kCarries) + std::string(thinking));
}

std::optional<std::string> thinking_of_signature(std::string_view signature) {
  auto bytes = from_base64(signature);
  if (!bytes || !bytes->starts_with(kCarries)) return std::nullopt;
  std::string thinking = bytes->substr(kCarries.size());
  if (!utf8_is_valid(thinking)) return std::nullopt;
  return thinking;
}

}  // namespace jevons
