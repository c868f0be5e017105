// Any bytes as a page file, and as the name of one. What is accepted must be, byte for byte, what
// would be written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/check.h"
#include "engine/page_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto page = jevons::parse_page_file(bytes)) {
    const auto header = jevons::encode_page_header(page->header, page->payload);
    JEVONS_CHECK(std::equal(header.begin(), header.end(), bytes.begin()));
    JEVONS_CHECK(page->payload.size() == size - header.size());
  }
  // The checksum stops most inputs: the header alone is looked at too.
  volatile std::uint64_t sink = 0;
  if (const auto header = jevons::parse_page_header(bytes)) sink = sink + header->page_bytes;
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  if (const auto names = jevons::parse_page_file_name(name)) {
    JEVONS_CHECK(jevons::page_file_name(names->first, names->second).substr(3) == name);
  }
  return 0;
}
