#include "engine/page_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

static_assert(std::endian::native == std::endian::little, "page files are little-endian");

constexpr std::string_view kMagic = "JEVONSKV";
constexpr std::string_view kExtension = ".kv";

// Where each field lies.
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kTokenCountAt = 12;
constexpr std::size_t kPageBytesAt = 16;
constexpr std::size_t kFingerprintAt = 24;
constexpr std::size_t kHashAt = 56;
constexpr std::size_t kParentAt = 76;
constexpr std::size_t kTokensAt = 96;
constexpr std::size_t kChecksumAt = 352;
static_assert(kTokensAt + sizeof(PageHeader::tokens) == kChecksumAt);
static_assert(kChecksumAt + sizeof(Sha256) == kPageHeaderBytes);

template <typename T>
void put(PageHeaderBytes& bytes, std::size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <typename T>
void get(std::span<const std::byte> bytes, std::size_t at, T& value) {
  std::memcpy(&value, bytes.data() + at, sizeof value);
}

Sha256 checksum(const PageHeaderBytes& header, std::span<const std::byte> payload) {
  return sha256({std::span(header).first(kChecksumAt), payload});
}

bool parse_hex(std::string_view text, PageHash& hash) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    hash[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

}  // namespace

PageHeaderBytes encode_page_header(const PageHeader& header, std::span<const std::byte> payload) {
  JEVONS_CHECK(header.page_bytes == payload.size());
  PageHeaderBytes bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  put(bytes, kVersionAt, kPageFileVersion);
  put(bytes, kTokenCountAt, static_cast<std::uint32_t>(header.tokens.size()));
  put(bytes, kPageBytesAt, header.page_bytes);
  put(bytes, kFingerprintAt, header.fingerprint);
  put(bytes, kHashAt, header.hash);
  put(bytes, kParentAt, header.parent);
  put(bytes, kTokensAt, header.tokens);
  put(bytes, kChecksumAt, checksum(bytes, payload));
  return bytes;
}

Result<PageHeader> parse_page_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kPageHeaderBytes) {
    return fail("{} bytes are no header, which has {}", bytes.size(), kPageHeaderBytes);
  }
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return fail("it does not begin with {}", kMagic);
  }
  std::uint32_t version = 0;
  get(bytes, kVersionAt, version);
  if (version != kPageFileVersion) {
    return fail("its format has version {}, expected {}", version, kPageFileVersion);
  }
  std::uint32_t n_tokens = 0;
  get(bytes, kTokenCountAt, n_tokens);
  PageHeader header;
  if (n_tokens != header.tokens.size()) {
    return fail("it holds {} tokens, expected {}", n_tokens, header.tokens.size());
  }
  get(bytes, kPageBytesAt, header.page_bytes);
  get(bytes, kFingerprintAt, header.fingerprint);
  get(bytes, kHashAt, header.hash);
  get(bytes, kParentAt, header.parent);
  get(bytes, kTokensAt, header.tokens);
  return header;
}

bool page_checksum_matches(const PageHeaderBytes& header, std::span<const std::byte> payload) {
  Sha256 written;
  get(header, kChecksumAt, written);
  return written == checksum(header, payload);
}

Result<PageFile> parse_page_file(std::span<const std::byte> file) {
  JEVONS_ASSIGN(const PageHeader header, parse_page_header(file));
  const std::span<const std::byte> payload = file.subspan(kPageHeaderBytes);
  if (header.page_bytes != payload.size()) {
    return fail("{} bytes follow its header, which promises {}", payload.size(), header.page_bytes);
  }
  PageHeaderBytes bytes;
  std::copy_n(file.begin(), bytes.size(), bytes.begin());
  if (!page_checksum_matches(bytes, payload)) return fail("its checksum is wrong");
  return PageFile{header, payload};
}

std::string page_file_name(const PageHash& hash, const PageHash& parent) {
  const std::string name = hex(hash);
  return fmt::format("{}/{}-{}{}", name.substr(0, 2), name, hex(parent), kExtension);
}

Result<std::pair<PageHash, PageHash>> parse_page_file_name(std::string_view name) {
  constexpr std::size_t kHexDigits = 2 * sizeof(PageHash);
  std::pair<PageHash, PageHash> names;
  const bool right = name.size() == 2 * kHexDigits + 1 + kExtension.size() &&
                     name[kHexDigits] == '-' && name.ends_with(kExtension) &&
                     parse_hex(name.substr(0, kHexDigits), names.first) &&
                     parse_hex(name.substr(kHexDigits + 1, kHexDigits), names.second);
  if (!right) return fail("{} is not the name of a page", name);
  return names;
}

}  // namespace jevons
