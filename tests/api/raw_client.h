// A client of the tests: a socket that sends any bytes, and a strict reader of responses. Every
// wait ends after half a minute with a failed test.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace jevons {

struct RawReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in small letters
  std::string body;
  std::vector<std::string> chunks;  // of a chunked body
  bool is_whole = false;            // false: the connection ended before

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

class RawClient {
 public:
  /// `receive_buffer_bytes`: 0: the system's own size.
  explicit RawClient(int port, int receive_buffer_bytes = 0);
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient();

  void send(std::string_view bytes);
  /// One response; what follows it stays for the next call. `to_head`: that of a HEAD request.
  [[nodiscard]] RawReply read_reply(bool to_head = false);
  /// Bytes until `text` has come, or the end.
  [[nodiscard]] std::string read_until(std::string_view text);
  /// Whether the server has closed the connection, with nothing more in it.
  [[nodiscard]] bool sees_end();
  void half_close();
  /// As when a process is killed: the other side is reset.
  void reset();

 private:
  bool fill();

  int fd_;
  std::string inbox_;
};

/// A whole request with its length. `headers`: lines with their ends.
[[nodiscard]] std::string http_request(std::string_view method, std::string_view target,
                                       std::string_view body = {}, std::string_view headers = {});

/// Sends one request on a connection of its own.
[[nodiscard]] RawReply ask(int port, std::string_view method, std::string_view target,
                           std::string_view body = {}, std::string_view headers = {});

}  // namespace jevons
