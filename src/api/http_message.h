// HTTP/1.1 messages as bytes: a parser of requests that takes them in any pieces, and what
// responses are written with. No sockets; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jevons {

using HttpHeader = std::pair<std::string, std::string>;

struct HttpRequest {
  std::string method;
  std::string target;                 // path and query, also where the client wrote a whole URL
  std::string path, query;            // of the target, around the first '?'
  int minor_version = 1;              // HTTP/1.0 or 1.1
  std::vector<HttpHeader> headers{};  // Host is that of the URL, if the target was one
  bool keep_alive = true;
  bool expects_continue = false;
  bool has_body = false;
  std::string body{};

  /// The first header of this name, in any case of letters; null if there is none.
  [[nodiscard]] const std::string* header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<HttpHeader> headers{};
  std::string body{};
};

struct HttpLimits {
  std::uint32_t header_bytes = 32768;
  std::uint64_t body_bytes = std::uint64_t{32} << 20;
};

class HttpRequestParser {
 public:
  explicit HttpRequestParser(const HttpLimits& limits);
  ~HttpRequestParser();
  HttpRequestParser(const HttpRequestParser&) = delete;
  HttpRequestParser& operator=(const HttpRequestParser&) = delete;

  enum class State : std::uint8_t { kHead, kBody, kDone, kFailed };
  [[nodiscard]] State state() const;

  /// Takes what it can of `bytes`: at most up to the end of the head, then of the body. Returns how
  /// much that was; the caller keeps the rest and puts new bytes behind it. What follows a whole
  /// request is left alone.
  [[nodiscard]] std::size_t feed(std::string_view bytes);

  /// The request so far: its head from kBody on; empty fields before.
  [[nodiscard]] const HttpRequest& request() const;
  /// Of a whole one, body included.
  [[nodiscard]] HttpRequest take();

  struct Failure {
    int status;  // 400, 413, 417, 431 or 501
    std::string message;
  };
  [[nodiscard]] const Failure& failure() const;

 private:
  struct Machine;
  std::unique_ptr<Machine> machine_;
};

enum class HttpFraming : std::uint8_t {
  kLength,   // the body is there and is written behind the head
  kChunked,  // http_chunk() for each piece, kLastChunk at the end
  kUntilClose,
  kNone,  // 204, 304
};

/// Status line and headers. Characters that would end a header are left out of values.
[[nodiscard]] std::string http_head(const HttpResponse& response, HttpFraming framing,
                                    bool keep_alive);
[[nodiscard]] std::string http_chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
[[nodiscard]] std::string_view http_reason(int status);

/// Whether two ASCII texts differ at most in the case of their letters.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace jevons
