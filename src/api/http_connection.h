// One connection: requests in, responses out, one after the other. For the sources of the HTTP
// server alone: this header brings Asio with it. I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/byte_stream.h"
#include "api/http_handler.h"
#include "api/http_message.h"
#include "api/http_server.h"
#include "api/preparation_pool.h"
#include "api/wake_list.h"

namespace jevons {

class HttpConnection;

/// What the connections of a server share.
struct HttpHost {
  boost::asio::io_context& io;
  PreparationPool& preparation;
  HttpHandler& handler;
  const HttpServerOptions& options;
  std::shared_ptr<WakeList> wakes;
  HttpCounts counts{};
  std::uint64_t n_bodies_bytes = 0;  // of requests that are being read or answered
  bool is_draining = false;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections{};
  std::function<void()> on_last_gone{};
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Clock = std::chrono::steady_clock;

  HttpConnection(HttpHost& host, std::unique_ptr<ByteStream> stream, std::string peer);
  void start();
  /// Something may have changed: bytes, the response, the server's state.
  void notify();
  /// Enforces the time limits; called every few milliseconds.
  void tick(Clock::time_point now);
  /// The response that is on its way ends with an error.
  void abandon();
  void close();

 private:
  template <typename T = void>
  using Awaitable = boost::asio::awaitable<T>;
  struct Preparation;

  Awaitable<> run();
  Awaitable<> read_loop();
  Awaitable<> serve_requests();
  /// False: the connection is over.
  Awaitable<bool> serve_one();
  Awaitable<> read_head(HttpRequestParser& parser, HttpExchange& exchange);
  Awaitable<std::optional<HttpResponse>> read_body(HttpRequestParser& parser,
                                                   HttpExchange& exchange, std::int64_t& n_bytes);
  Awaitable<bool> respond(std::shared_ptr<HttpExchange> exchange, bool keep_alive);
  Awaitable<bool> send_whole(HttpExchange& exchange, HttpResponse response, bool keep_alive);
  Awaitable<> prepare(std::shared_ptr<HttpExchange> exchange,
                      std::shared_ptr<Preparation> preparation);
  Awaitable<bool> send_stream(HttpExchange& exchange, ResponseStream& stream,
                              Clock::time_point began, bool keep_alive);
  /// A client that has ended its side may have gone altogether, which shows in the same way: what
  /// is at hand is still written, but the model does not work for it.
  [[nodiscard]] bool has_left(const ResponseStream& stream) const {
    return is_closed_ || (at_end_ && stream.needs_client());
  }
  Awaitable<bool> send_last(HttpExchange& exchange, ResponseStream& stream, std::string body,
                            bool keep_alive);
  Awaitable<bool> write(std::string_view bytes);
  Awaitable<> wait();
  Awaitable<> linger();
  void consume(HttpRequestParser& parser);
  [[nodiscard]] Clock::time_point in(HttpServerOptions::Milliseconds time) const;

  HttpHost& host_;
  std::unique_ptr<ByteStream> stream_;
  std::string peer_;

  std::string inbox_;    // read, and not yet taken by a parser
  bool at_end_ = false;  // nothing more will come; the client may still read, or not be there
  boost::asio::steady_timer inbox_gate_;  // holds the reader back while the inbox is full

  boost::asio::steady_timer event_;
  bool is_notified_ = false;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point wake_at_ = Clock::time_point::max();
  bool has_timed_out_ = false;
  bool is_closed_ = false;
  bool ends_on_timeout_ = true;  // nothing can be answered: while writing or shaking hands
  bool has_responses_begun_ = false;
  std::stop_source gone_{std::nostopstate};  // of the request that is being answered
  ResponseStream* response_ = nullptr;
  bool is_abandoned_ = false;
};

}  // namespace jevons
