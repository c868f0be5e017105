// What the routes of stored responses answer.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "api/openai_responses_items.h"
#include "api/request_fields.h"
#include "api/stored_responses.h"
#include "base/check.h"
#include "text/json_value.h"

namespace jevons {
namespace {

constexpr int kDefaultLimit = 20, kMaxLimit = 100;

/// The value of `key` in "a=1&b=2"; nothing if it is not there.
std::optional<std::string_view> query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.starts_with(key) && pair.size() > key.size() && pair[key.size()] == '=') {
      return pair.substr(key.size() + 1);
    }
  }
  return std::nullopt;
}

std::unexpected<ApiError> not_found(std::string_view id) {
  ApiError error;
  error.kind = ApiErrorKind::kNotFound;
  error.message = fmt::format("Response with id '{}' not found.", id);
  error.param = "response_id";
  return std::unexpected(std::move(error));
}

std::string_view item_id(const JsonValue& item) {
  const JsonValue* const id = item.find("id");
  return id != nullptr && id->is_string() ? std::string_view(id->text) : std::string_view();
}

Parsed<int> read_limit(std::string_view query) {
  const auto given = query_value(query, "limit");
  if (!given) return kDefaultLimit;
  int limit = 0;
  const auto read = std::from_chars(given->data(), given->data() + given->size(), limit);
  if (read.ec != std::errc() || read.ptr != given->data() + given->size() || limit < 1 ||
      limit > kMaxLimit) {
    return invalid_field("limit",
                         fmt::format("is {}, expected a number from 1 to {}", *given, kMaxLimit));
  }
  return limit;
}

std::string page_json(std::span<const JsonValue> items, bool has_more) {
  std::string data;
  for (const JsonValue& item : items) add_to_list(data, python_json(item));
  const auto id_json = [](const JsonValue& item) { return json_string(item_id(item)); };
  return fmt::format(R"({{"object": "list", "data": [{}], "first_id": {}, "last_id": {}, )"
                     R"("has_more": {}}})",
                     data, items.empty() ? "null" : id_json(items.front()),
                     items.empty() ? "null" : id_json(items.back()), has_more);
}

}  // namespace

std::expected<std::string, ApiError> stored_response_body(StoredResponses& stored,
                                                          std::string_view key_name,
                                                          std::string_view id,
                                                          std::string_view query) {
  if (query_value(query, "stream") == "true") {
    return unsupported_field("stream", "a stored response is not streamed again; ask without it");
  }
  const auto found = stored.find(key_name, id);
  if (found == nullptr) return not_found(id);
  return found->response;
}

std::expected<std::string, ApiError> delete_stored_response(StoredResponses& stored,
                                                            std::string_view key_name,
                                                            std::string_view id) {
  if (!stored.erase(key_name, id)) return not_found(id);
  return fmt::format(R"({{"id": {}, "object": "response", "deleted": true}})", json_string(id));
}

std::expected<std::string, ApiError> stored_input_items(StoredResponses& stored,
                                                        std::string_view key_name,
                                                        std::string_view id,
                                                        std::string_view query) {
  const auto found = stored.find(key_name, id);
  if (found == nullptr) return not_found(id);
  JEVONS_ASSIGN(const int limit, read_limit(query));
  const std::string_view order = query_value(query, "order").value_or("desc");
  if (order != "asc" && order != "desc") {
    return invalid_field("order", fmt::format("is \"{}\", expected asc or desc", order));
  }
  auto list = parse_json(found->input);
  JEVONS_CHECK(list && list->is_array());
  std::vector<JsonValue>& items = list->items;
  if (order == "desc") std::reverse(items.begin(), items.end());

  std::size_t first = 0;
  if (const auto after = query_value(query, "after")) {
    const auto place = std::find_if(items.begin(), items.end(), [&after](const JsonValue& item) {
      return item_id(item) == *after;
    });
    if (place == items.end()) {
      return invalid_field("after", fmt::format("no item '{}' is in this response", *after));
    }
    first = static_cast<std::size_t>(place - items.begin()) + 1;
  }
  const std::size_t n_items = std::min<std::size_t>(items.size() - first, limit);
  return page_json(std::span(items).subspan(first, n_items), first + n_items < items.size());
}

}  // namespace jevons
