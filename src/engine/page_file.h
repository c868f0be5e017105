// The format of a page of keys and values on disk (docs/FORMATS.md, Page files). Pure functions on
// bytes; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "engine/page_hash.h"
#include "model/kv_cache.h"

namespace jevons {

inline constexpr std::uint32_t kPageFileVersion = 1;
inline constexpr std::size_t kPageHeaderBytes = 384;

/// What a page file says about its payload.
struct PageHeader {
  std::uint64_t page_bytes = 0;
  Sha256 fingerprint{};  // of the model and the KV type
  PageHash hash{};
  PageHash parent{};  // hash of the page before it, or a root
  std::array<std::int32_t, kernels::kKeysPerPage> tokens{};
  bool operator==(const PageHeader&) const = default;
};

using PageHeaderBytes = std::array<std::byte, kPageHeaderBytes>;

/// The first bytes of the file; the payload follows. page_bytes must be payload.size().
[[nodiscard]] PageHeaderBytes encode_page_header(const PageHeader& header,
                                                 std::span<const std::byte> payload);

/// Errors say which field is not as this version writes it. The checksum is not looked at.
[[nodiscard]] Result<PageHeader> parse_page_header(std::span<const std::byte> bytes);

/// Whether header and payload are, bit for bit, what was written.
[[nodiscard]] bool page_checksum_matches(const PageHeaderBytes& header,
                                         std::span<const std::byte> payload);

/// A whole file, checksum included: its header, and its payload as a view into `file`.
struct PageFile {
  PageHeader header;
  std::span<const std::byte> payload;
};
[[nodiscard]] Result<PageFile> parse_page_file(std::span<const std::byte> file);

/// <two hex digits>/<hash>-<parent>.kv, and what such a name (without its folder) says.
[[nodiscard]] std::string page_file_name(const PageHash& hash, const PageHash& parent);
[[nodiscard]] Result<std::pair<PageHash, PageHash>> parse_page_file_name(std::string_view name);

}  // namespace jevons
