// The file of one stored response: a line with a version, a length and a checksum, then JSON.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/stored_responses.h"
#include "base/result.h"

namespace jevons {

/// "resp_" and 1 to 64 letters and digits: nothing else becomes a file name.
[[nodiscard]] bool is_response_id(std::string_view id);
[[nodiscard]] std::string stored_file_name(std::string_view id);

[[nodiscard]] std::string stored_response_bytes(const StoredResponse& response);
/// Fails for any byte that is not as stored_response_bytes() wrote it.
[[nodiscard]] Result<StoredResponse> read_stored_response(std::string_view bytes);

}  // namespace jevons
