// Which requests are looked at at all: those that a browser was not tricked into sending. Pure
// functions of a request's head; any thread.
//
// A web page can make a browser send requests to this machine. It can neither choose the Host nor
// the Origin header: so a Host that is a foreign name (DNS rebinding) and an Origin that was not
// allowed are refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"

namespace jevons {

class RequestGuard {
 public:
  /// `origins`: those that may read responses; "*": any. `hosts`: names besides IP addresses,
  /// localhost and this machine's own.
  RequestGuard(std::vector<std::string> origins, std::vector<std::string> hosts);

  /// Why the request is refused, in a sentence; nothing if it is fine.
  [[nodiscard]] std::optional<std::string> problem(const HttpRequest& request) const;

  /// The headers that let a page of an allowed origin read the response.
  [[nodiscard]] std::vector<HttpHeader> cors_headers(const HttpRequest& request) const;

  /// The answer to OPTIONS: what the browser's own question wants to know.
  [[nodiscard]] HttpResponse preflight(const HttpRequest& request,
                                       const std::string& methods) const;

 private:
  [[nodiscard]] bool knows_host(std::string_view host) const;
  [[nodiscard]] bool allows_origin(std::string_view origin) const;

  std::vector<std::string> origins_, hosts_;
};

/// "example.org" of "example.org:8080", "::1" of "[::1]:8080"; empty if it is not of this form.
[[nodiscard]] std::string_view host_name(std::string_view host_header);

}  // namespace jevons
