// One connection: requests in, responses out, one after the other. For the sources of the HTTP
// server alone: this header brings Asio with it. I/O thread, but for WakeList.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/byte_stream.h"
#include "api/http_handler.h"
#include "api/http_message.h"
#include "api/http_server.h"

namespace jevons {

class HttpConnection;

/// Wakes connections from other threads: however many in one go, the I/O thread is woken once.
class WakeList : public std::enable_shared_from_this<WakeList> {
 public:
  explicit WakeList(boost::asio::io_context& io) : io_(&io) {}
  void add(const std::weak_ptr<HttpConnection>& connection);
  /// Nothing is woken any more; the I/O thread may go.
  void close();

 private:
  void run();

  std::mutex mutex_;
  boost::asio::io_context* io_;
  std::vector<std::weak_ptr<HttpConnection>> pending_;
};

/// What the connections of a server share.
struct HttpHost {
  boost::asio::io_context& io;
  boost::asio::thread_pool& preparation;
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
  Awaitable<bool> send_stream(HttpExchange& exchange, ResponseStream& stream, bool keep_alive);
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

  std::string inbox_;  // read, and not yet taken by a parser
  bool at_end_ = false;
  boost::asio::steady_timer inbox_gate_;  // holds the reader back while the inbox is full

  boost::asio::steady_timer event_;
  bool is_notified_ = false;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point wake_at_ = Clock::time_point::max();
  bool has_timed_out_ = false;
  bool is_closed_ = false;
  bool ends_on_timeout_ = true;  // nothing can be answered: while writing or shaking hands
  bool has_responses_begun_ = false;
  ResponseStream* response_ = nullptr;
  bool is_abandoned_ = false;
};

}  // namespace jevons
