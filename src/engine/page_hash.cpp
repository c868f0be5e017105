#include "engine/page_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace jevons {
namespace {

// Each kind of hash begins with a word of its own, so that none can stand for another.
constexpr std::string_view kRootWord = "jevons kv root 1";
constexpr std::string_view kScopeWord = "jevons kv scope 1";
constexpr std::string_view kPageWord = "jevons kv page 1";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

PageHash shortened(const Sha256& digest) {
  PageHash hash;
  std::copy_n(digest.begin(), hash.size(), hash.begin());
  return hash;
}

}  // namespace

Sha256 sha256(std::initializer_list<std::span<const std::byte>> parts) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  JEVONS_CHECK(algorithm != nullptr && context != nullptr);
  JEVONS_CHECK(EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1);
  for (const std::span<const std::byte> part : parts) {
    JEVONS_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Sha256 digest;
  unsigned n_bytes = 0;
  JEVONS_CHECK(EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                  &n_bytes) == 1);
  JEVONS_CHECK(n_bytes == digest.size());
  return digest;
}

PageHash shared_root_hash(std::string_view fingerprint) {
  return shortened(sha256({bytes_of(kRootWord), bytes_of(fingerprint)}));
}

PageHash enter_scope_hash(const PageHash& before, std::string_view scope) {
  return shortened(sha256({bytes_of(kScopeWord), before, bytes_of(scope)}));
}

PageHash next_page_hash(const PageHash& before, std::span<const std::int32_t> tokens) {
  return shortened(sha256({bytes_of(kPageWord), before, std::as_bytes(tokens)}));
}

std::string hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text.push_back(kDigits[std::to_integer<unsigned>(byte) >> 4]);
    text.push_back(kDigits[std::to_integer<unsigned>(byte) & 15]);
  }
  return text;
}

}  // namespace jevons
