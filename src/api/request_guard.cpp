#include "api/request_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::size_t kLongestShown = 200;

bool is_ip_address(std::string_view name) {
  const std::string text(name);
  std::array<unsigned char, 16> address{};
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

std::string shown(std::string_view text) { return utf8_sanitize(text.substr(0, kLongestShown)); }

}  // namespace

std::string_view host_name(std::string_view host_header) {
  const bool is_bracketed = host_header.starts_with('[');
  const std::size_t end = std::min(host_header.find(is_bracketed ? ']' : ':'), host_header.size());
  std::string_view name = host_header.substr(0, end);
  std::string_view port = host_header.substr(end);
  if (is_bracketed) {
    if (port.empty()) return {};
    name.remove_prefix(1);
    port.remove_prefix(1);
  } else if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  const bool is_port =
      port.empty() || (port.front() == ':' && port.find_first_not_of("0123456789", 1) == port.npos);
  return is_port ? name : std::string_view();
}

RequestGuard::RequestGuard(std::vector<std::string> origins, std::vector<std::string> hosts)
    : origins_(std::move(origins)), hosts_(std::move(hosts)) {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0') {
    hosts_.emplace_back(name.data());
    hosts_.push_back(std::string(name.data()) + ".local");
  }
}

bool RequestGuard::knows_host(std::string_view host) const {
  const std::string_view name = host_name(host);
  if (is_ip_address(name)) return true;
  if (equals_ignoring_case(name, "localhost") || ends_with_ignoring_case(name, ".localhost")) {
    return true;
  }
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const std::string& allowed) {
    return allowed == "*" || equals_ignoring_case(allowed, name);
  });
}

bool RequestGuard::allows_origin(std::string_view origin) const {
  return std::any_of(origins_.begin(), origins_.end(), [&](const std::string& allowed) {
    return allowed == "*" || equals_ignoring_case(allowed, origin);
  });
}

std::optional<std::string> RequestGuard::problem(const HttpRequest& request) const {
  const std::string* host = request.header("host");
  if (host != nullptr && host_name(*host).empty()) {
    return fmt::format("the Host header is '{}', expected a name or an address, and a port or none",
                       shown(*host));
  }
  if (host != nullptr && !knows_host(*host)) {
    return fmt::format(
        "the Host header names '{}', which this server does not go by; if it should, start it "
        "with --allowed-host {}",
        shown(*host), shown(host_name(*host)));
  }
  const std::string* origin = request.header("origin");
  if (origin == nullptr || allows_origin(*origin)) return std::nullopt;
  // A page of our own.
  if (host != nullptr && (equals_ignoring_case(*origin, "http://" + *host) ||
                          equals_ignoring_case(*origin, "https://" + *host))) {
    return std::nullopt;
  }
  return fmt::format(
      "pages of {} may not use this server; if they should, start it with --cors-origin {}",
      shown(*origin), shown(*origin));
}

std::vector<HttpHeader> RequestGuard::cors_headers(const HttpRequest& request) const {
  const std::string* origin = request.header("origin");
  if (origin == nullptr || !allows_origin(*origin)) return {};
  return {{"access-control-allow-origin", *origin},
          {"vary", "origin"},
          {"access-control-expose-headers",
           "x-request-id, request-id, retry-after, x-jevons-thinking"}};
}

HttpResponse RequestGuard::preflight(const HttpRequest& request, const std::string& methods) const {
  HttpResponse response{.status = 204};
  response.headers.emplace_back("allow", methods);
  if (request.header("access-control-request-method") == nullptr) return response;
  const std::string* origin = request.header("origin");
  if (origin == nullptr || !allows_origin(*origin)) return response;
  response.headers.emplace_back("access-control-allow-methods", methods);
  if (const std::string* wanted = request.header("access-control-request-headers")) {
    response.headers.emplace_back("access-control-allow-headers", *wanted);
  }
  if (request.header("access-control-request-private-network") != nullptr) {
    response.headers.emplace_back("access-control-allow-private-network", "true");
  }
  response.headers.emplace_back("access-control-max-age", "600");
  return response;
}

}  // namespace jevons
