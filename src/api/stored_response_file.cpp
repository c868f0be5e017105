#include "api/stored_response_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "text/json_value.h"

namespace jevons {
namespace {

constexpr std::string_view kIdPrefix = "resp_";
constexpr std::size_t kMaxIdLetters = 64;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// FNV-1a of 64 bits: it finds a torn file or a flipped bit, it does not defend against forgery.
std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

std::string first_line(std::string_view json) {
  return fmt::format("jevons response 1 {} {:016x}\n", json.size(), checksum(json));
}

}  // namespace

bool is_response_id(std::string_view id) {
  if (!id.starts_with(kIdPrefix)) return false;
  id.remove_prefix(kIdPrefix.size());
  return !id.empty() && id.size() <= kMaxIdLetters &&
         std::all_of(id.begin(), id.end(), is_letter_or_digit);
}

std::string stored_file_name(std::string_view id) { return fmt::format("{}.json", id); }

std::string stored_response_bytes(const StoredResponse& response) {
  const std::string json = fmt::format(R"({{"id":{},"key_name":{},"response":{},"input":{}}})",
                                       json_string(response.id), json_string(response.key_name),
                                       json_string(response.response), json_string(response.input));
  return first_line(json) + json;
}

Result<StoredResponse> read_stored_response(std::string_view bytes) {
  const std::size_t line_end = bytes.find('\n');
  if (line_end == std::string_view::npos) return fail("a stored response without a first line");
  const std::string_view json = bytes.substr(line_end + 1);
  if (bytes.substr(0, line_end + 1) != first_line(json)) {
    return fail("a stored response that is damaged or of another version");
  }
  JEVONS_ASSIGN(const JsonValue root, parse_json(json));
  StoredResponse response;
  const std::array<std::pair<const char*, std::string*>, 4> members{{
      {"id", &response.id},
      {"key_name", &response.key_name},
      {"response", &response.response},
      {"input", &response.input},
  }};
  for (const auto& [key, text] : members) {
    const JsonValue* const member = root.find(key);
    if (member == nullptr || !member->is_string()) return fail("a stored response without {}", key);
    *text = member->text;
  }
  return response;
}

}  // namespace jevons
