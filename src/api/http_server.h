// The HTTP server: listening sockets, one I/O thread for all connections, and a few threads on
// which requests are read and understood. What requests mean is the handler's affair.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/http_handler.h"
#include "api/http_message.h"
#include "base/result.h"

namespace jevons {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // a name or an address
  int port = 8080;                 // 0: any that is free
  HttpLimits limits{};
  int max_connections = 512;
  std::uint64_t max_bodies_bytes = std::uint64_t{512} << 20;  // of all requests at once
  int n_preparation_threads = 2;             // that read requests, and as many that plan them
  std::string tls_certificate{}, tls_key{};  // PEM files; both or none

  using Milliseconds = std::chrono::milliseconds;
  Milliseconds head_timeout{10000};   // from the first byte to the end of the head
  Milliseconds body_timeout{30000};   // without a byte of the body; besides, 1 kB/s on average
  Milliseconds idle_timeout{75000};   // between requests
  Milliseconds write_timeout{30000};  // without the client taking a byte
  Milliseconds lost_timeout{60000};   // without a sign of the client's machine
  Milliseconds linger_timeout{2000};  // for the client to see the end before the socket closes
  Milliseconds ping_interval{4000};   // between signs of life; clients are promised 5 s
  Milliseconds whole_patience{5000};  // of clients that wait for a response that is not streamed
  Milliseconds head_patience{1000};   // of those of a stream, while it may still be refused
  Milliseconds tick{100};             // resolution of all of these
};

struct HttpCounts {
  int n_connections = 0;
  std::uint64_t n_accepted = 0, n_refused = 0;  // refused: too many connections
  std::uint64_t n_received_bytes = 0, n_sent_bytes = 0;
};

/// Requests that are being read and understood, or wait for that.
struct PreparationLoad {
  int n_requests = 0;
  double oldest_s = 0;  // how long the first of them has been at it
};

class HttpServer {
 public:
  /// Binds, listens and starts the threads. Errors name the address or the TLS file. The handler
  /// must outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                                 HttpHandler& handler);
  /// Closes everything at once; see stop().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string url() const;

  /// On the I/O thread.
  [[nodiscard]] const HttpCounts& counts() const;
  /// Any thread.
  [[nodiscard]] PreparationLoad preparation() const;
  void post(std::function<void()> job);

  /// Takes no new connections and no new requests, waits for responses that are on their way, at
  /// most `drain`, then abandons them. Blocks, a few seconds longer than `drain` at most, as
  /// preparation of what is abandoned ends soon; any thread but the I/O thread, once.
  void stop(std::chrono::milliseconds drain);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
