// Names of pages: a chain of SHA-256 over everything that a page's keys and values depend on. Any
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace jevons {

/// SHA-256, of which 20 bytes count.
using PageHash = std::array<std::byte, 20>;
using Sha256 = std::array<std::byte, 32>;

/// Of the parts one after another.
[[nodiscard]] Sha256 sha256(std::initializer_list<std::span<const std::byte>> parts);

/// What the first page of a prefix follows that every scope may find.
[[nodiscard]] PageHash shared_root_hash(std::string_view fingerprint);
/// What a page of `scope` follows whose predecessor `before` belongs to all scopes.
[[nodiscard]] PageHash enter_scope_hash(const PageHash& before, std::string_view scope);
/// Of the page that follows `before` and holds `tokens`.
[[nodiscard]] PageHash next_page_hash(const PageHash& before, std::span<const std::int32_t> tokens);

[[nodiscard]] std::string hex(std::span<const std::byte> bytes);

/// The hash is uniform already: its first bytes will do.
struct PageHashIndex {
  std::size_t operator()(const PageHash& hash) const {
    std::size_t index = 0;
    for (std::size_t i = 0; i < sizeof index; ++i) {
      index = index << 8 | std::to_integer<std::size_t>(hash[i]);
    }
    return index;
  }
};

}  // namespace jevons
