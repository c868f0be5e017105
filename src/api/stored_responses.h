// Responses that a later request may go on from (`previous_response_id`) or ask for again.
//
// In memory up to a limit; the ones not asked for longest go first. With a folder also on disk: one
// file for each, written behind by a thread of its own, whole or not at all, and checked when it is
// read. A file that is damaged counts as absent. Each holds the whole conversation it belongs to,
// so none depends on another. A response is found only with the key that it was answered to.
//
// Any thread may call any member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "api/dialect.h"
#include "api/generation.h"
#include "base/result.h"

namespace jevons {

struct StoredResponse {
  std::string id;        // "resp_" and letters and digits
  std::string key_name;  // of the API key; "" without keys
  std::string response;  // the response object, JSON
  std::string input;     // the items of the conversation before it, a JSON list
};

class StoredResponses {
 public:
  struct Options {
    std::string folder{};  // empty: in memory alone
    std::size_t max_memory_bytes = std::size_t{64} << 20;
    std::uint64_t max_disk_bytes = std::uint64_t{256} << 20;
    std::int64_t max_age_s = 30LL * 24 * 3600;  // older files are removed when the folder is opened
  };

  /// Creates the folder if need be. Errors name it.
  [[nodiscard]] static Result<std::shared_ptr<StoredResponses>> open(Options options);
  /// Writes what is still to be written.
  ~StoredResponses();
  StoredResponses(const StoredResponses&) = delete;
  StoredResponses& operator=(const StoredResponses&) = delete;

  void put(StoredResponse response);
  /// Null if there is none, or it is another key's.
  [[nodiscard]] std::shared_ptr<const StoredResponse> find(std::string_view key_name,
                                                           std::string_view id);
  /// False if find() would give null.
  bool erase(std::string_view key_name, std::string_view id);

  /// Waits until all that was put is on disk or could not be written.
  void flush();
  [[nodiscard]] std::size_t n_memory_bytes() const;
  [[nodiscard]] std::uint64_t n_disk_bytes() const;

 private:
  struct State;
  explicit StoredResponses(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The dialect on responses that others may see, too.
[[nodiscard]] std::unique_ptr<Dialect> make_openai_responses(
    std::shared_ptr<StoredResponses> stored);

// Bodies for GET /v1/responses/ID, DELETE /v1/responses/ID and
// GET /v1/responses/ID/input_items?limit=20&order=desc&after=ITEM. Errors: kNotFound;
// kInvalidRequest for a query that makes no sense; kUnsupported for stream=true.
[[nodiscard]] std::expected<std::string, ApiError> stored_response_body(StoredResponses& stored,
                                                                        std::string_view key_name,
                                                                        std::string_view id,
                                                                        std::string_view query);
[[nodiscard]] std::expected<std::string, ApiError> delete_stored_response(StoredResponses& stored,
                                                                          std::string_view key_name,
                                                                          std::string_view id);
[[nodiscard]] std::expected<std::string, ApiError> stored_input_items(StoredResponses& stored,
                                                                      std::string_view key_name,
                                                                      std::string_view id,
                                                                      std::string_view query);

}  // namespace jevons
