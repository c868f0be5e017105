// One line for each request, and the log that everything else goes to. Any thread.
#pragma once

#include <string>

#include "api/http_handler.h"
#include "api/request_record.h"

namespace jevons {

/// Sets up the program's log on standard error: lines of text, or of JSON.
void set_up_log(bool as_json);

/// The line without its time. Of content only what the record holds (--log-content).
[[nodiscard]] std::string access_line(const HttpExchange& exchange, const RequestRecord& record,
                                      double seconds);
/// The same as the inside of a JSON object, without braces.
[[nodiscard]] std::string access_json(const HttpExchange& exchange, const RequestRecord& record,
                                      double seconds);

void log_access(const HttpExchange& exchange, const RequestRecord& record, double seconds,
                bool as_json);

}  // namespace jevons
