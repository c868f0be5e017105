#include "api/http_connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

namespace jevons {
namespace {

namespace asio = boost::asio;
using ErrorCode = ByteStream::ErrorCode;

constexpr std::size_t kReadBytes = 16384;
// Of requests that arrive while another is being answered; then the client is left waiting.
constexpr std::size_t kMostUnread = 65536;
constexpr std::int64_t kLeastBodyBytesPerMs = 1;

}  // namespace

HttpConnection::HttpConnection(HttpHost& host, std::unique_ptr<ByteStream> stream, std::string peer)
    : host_(host),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      inbox_gate_(host.io, Clock::time_point::max()),
      event_(host.io, Clock::time_point::max()) {}

void HttpConnection::start() {
  asio::co_spawn(host_.io, [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void HttpConnection::notify() {
  is_notified_ = true;
  event_.cancel();
}

void HttpConnection::tick(Clock::time_point now) {
  if (now >= deadline_) {
    deadline_ = Clock::time_point::max();
    has_timed_out_ = true;
    if (ends_on_timeout_) close();
    notify();
  }
  if (now >= wake_at_) {
    wake_at_ = Clock::time_point::max();
    notify();
  }
}

void HttpConnection::abandon() {
  is_abandoned_ = true;
  gone_.request_stop();
  if (response_ != nullptr) response_->abandon();
  notify();
}

void HttpConnection::close() {
  is_closed_ = true;
  at_end_ = true;
  gone_.request_stop();
  stream_->close();
  inbox_gate_.cancel();
  notify();
}

HttpConnection::Clock::time_point HttpConnection::in(HttpServerOptions::Milliseconds time) const {
  return Clock::now() + time;
}

// Waits for the next notify(), or returns at once if there was one since the last wait.
HttpConnection::Awaitable<> HttpConnection::wait() {
  if (!is_notified_) {
    ErrorCode ignored;
    co_await event_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  is_notified_ = false;
}

HttpConnection::Awaitable<> HttpConnection::run() {
  const auto self = shared_from_this();
  try {
    deadline_ = in(host_.options.head_timeout);
    ErrorCode error;
    co_await stream_->handshake(error);
    ends_on_timeout_ = false;
    if (!error && !is_closed_) {
      asio::co_spawn(host_.io, [reader = self] { return reader->read_loop(); }, asio::detached);
      co_await serve_requests();
      co_await linger();
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // Out of memory: this connection ends, the others go on.
  }
  response_ = nullptr;
  close();
  host_.connections.erase(this);
  host_.counts.n_connections = static_cast<int>(host_.connections.size());
  if (host_.connections.empty() && host_.on_last_gone) host_.on_last_gone();
}

// Always reads, so that a client that leaves is noticed whatever the connection is doing.
HttpConnection::Awaitable<> HttpConnection::read_loop() {
  const auto self = shared_from_this();
  std::array<char, kReadBytes> bytes;
  while (!is_closed_) {
    ErrorCode error;
    if (inbox_.size() >= kMostUnread) {
      co_await inbox_gate_.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    const std::size_t n = co_await stream_->read_some(bytes, error);
    if (error && error != asio::error::eof) close();
    if (error) break;
    host_.counts.n_received_bytes += n;
    inbox_.append(bytes.data(), n);
    notify();
  }
  at_end_ = true;
  // A stream that nobody reads must not sit in a write.
  if (response_ != nullptr && has_left(*response_)) close();
  notify();
}

HttpConnection::Awaitable<> HttpConnection::serve_requests() {
  for (;;) {
    const bool goes_on = co_await serve_one();
    if (!goes_on || is_closed_) break;
  }
}

void HttpConnection::consume(HttpRequestParser& parser) {
  const std::size_t n = parser.feed(inbox_);
  inbox_.erase(0, n);
  inbox_gate_.cancel();
}

HttpConnection::Awaitable<> HttpConnection::read_head(HttpRequestParser& parser,
                                                      HttpExchange& exchange) {
  bool has_begun = false;
  std::size_t n_seen = 0;
  has_timed_out_ = false;
  deadline_ = in(has_responses_begun_ ? host_.options.idle_timeout : host_.options.head_timeout);
  while (parser.state() == HttpRequestParser::State::kHead) {
    // Empty lines before a request are allowed.
    if (!has_begun) inbox_.erase(0, std::min(inbox_.find_first_not_of("\r\n"), inbox_.size()));
    if (inbox_.size() > n_seen) {
      if (!has_begun) {
        has_begun = true;
        exchange.received = Clock::now();
        deadline_ = in(host_.options.head_timeout);
      }
      consume(parser);
      n_seen = inbox_.size();
      continue;
    }
    if (at_end_ || has_timed_out_ || (host_.is_draining && !has_begun)) co_return;
    co_await wait();
  }
}

// The response to a body that cannot be taken, or nothing when it is whole.
HttpConnection::Awaitable<std::optional<HttpResponse>> HttpConnection::read_body(
    HttpRequestParser& parser, HttpExchange& exchange, std::int64_t& n_bytes) {
  const auto began = Clock::now();
  std::size_t n_seen = 0;
  while (parser.state() == HttpRequestParser::State::kBody) {
    if (inbox_.size() > n_seen) {
      const std::size_t n_before = inbox_.size();
      consume(parser);
      n_seen = inbox_.size();
      n_bytes += static_cast<std::int64_t>(n_before - n_seen);
      host_.n_bodies_bytes += n_before - n_seen;
      if (host_.n_bodies_bytes > host_.options.max_bodies_bytes) {
        co_return host_.handler.refuse(exchange, 503, "too many long requests at once");
      }
      const HttpServerOptions::Milliseconds allowed(n_bytes / kLeastBodyBytesPerMs);
      deadline_ =
          std::min(in(host_.options.body_timeout), began + host_.options.body_timeout + allowed);
      continue;
    }
    if (at_end_) co_return std::nullopt;
    if (has_timed_out_) {
      co_return host_.handler.refuse(exchange, 408, "the body of the request came too slowly");
    }
    co_await wait();
  }
  if (parser.state() == HttpRequestParser::State::kFailed) {
    const HttpRequestParser::Failure& failure = parser.failure();
    co_return host_.handler.refuse(exchange, failure.status, failure.message);
  }
  co_return std::nullopt;
}

HttpConnection::Awaitable<bool> HttpConnection::serve_one() {
  using State = HttpRequestParser::State;
  HttpRequestParser parser(host_.options.limits);
  const auto exchange = std::make_shared<HttpExchange>();
  exchange->peer = peer_;
  co_await read_head(parser, *exchange);
  const bool has_begun = exchange->received != Clock::time_point{};
  const bool is_slow = parser.state() == State::kHead && has_timed_out_ && has_begun;
  if (parser.state() == State::kHead && !is_slow) co_return false;
  has_responses_begun_ = true;
  exchange->request = parser.request();

  std::optional<HttpResponse> early;
  if (is_slow) {
    early = host_.handler.refuse(*exchange, 408, "the head of the request came too slowly");
  } else if (parser.state() == State::kFailed) {
    early = host_.handler.refuse(*exchange, parser.failure().status, parser.failure().message);
  } else {
    early = host_.handler.begin(*exchange);
  }
  std::int64_t n_body_bytes = 0;
  if (!early && parser.state() == State::kBody) {
    deadline_ = in(host_.options.body_timeout);
    if (exchange->request.expects_continue) {
      const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      if (inbox_.empty()) co_await write(go_on);
      deadline_ = in(host_.options.body_timeout);
    }
    early = co_await read_body(parser, *exchange, n_body_bytes);
  }
  deadline_ = Clock::time_point::max();
  bool goes_on = false;
  const bool is_whole = parser.state() == State::kDone;
  const bool keep_alive = is_whole && exchange->request.keep_alive && !host_.is_draining;
  if (early) {
    goes_on = co_await send_whole(*exchange, *std::move(early), keep_alive);
  } else if (is_whole) {
    exchange->request = parser.take();
    goes_on = co_await respond(exchange, keep_alive);
  }
  host_.n_bodies_bytes -= static_cast<std::uint64_t>(n_body_bytes);
  host_.handler.finish(*exchange);
  co_return goes_on&& keep_alive;
}

struct HttpConnection::Preparation {
  std::optional<HttpAnswer> answer{};  // none: the client had gone before its turn came
  bool is_done = false;
};

// Waits in any case, as the job has the exchange; once the client has gone it costs nothing.
HttpConnection::Awaitable<> HttpConnection::prepare(std::shared_ptr<HttpExchange> exchange,
                                                    std::shared_ptr<Preparation> preparation) {
  std::function<void()> wake = [weak = weak_from_this(), wakes = host_.wakes] { wakes->add(weak); };
  host_.preparation.post(
      PreparationPool::Stage::kRead,
      [self = shared_from_this(), exchange, preparation, wake = std::move(wake)]() mutable {
        HttpHost& host = self->host_;
        if (!exchange->gone.stop_requested()) {
          preparation->answer = host.handler.answer(*exchange, std::move(wake));
        }
        asio::post(host.io, [self = std::move(self), preparation = std::move(preparation)] {
          preparation->is_done = true;
          self->notify();
        });
      });
  while (!preparation->is_done) co_await wait();
}

HttpConnection::Awaitable<bool> HttpConnection::respond(std::shared_ptr<HttpExchange> exchange,
                                                        bool keep_alive) {
  const auto began = Clock::now();
  gone_ = exchange->gone;
  if (is_abandoned_) gone_.request_stop();
  if (is_closed_) co_return false;
  const auto preparation = std::make_shared<Preparation>();
  co_await prepare(exchange, preparation);
  if (is_closed_) co_return false;
  if (!preparation->answer) {
    // Only the end of the server leaves somebody to tell.
    HttpResponse stopping = host_.handler.refuse(*exchange, 503, "the server is stopping");
    co_return co_await send_whole(*exchange, std::move(stopping), keep_alive);
  }
  if (auto* response = std::get_if<HttpResponse>(&*preparation->answer)) {
    HttpResponse whole = std::move(*response);
    co_return co_await send_whole(*exchange, std::move(whole), keep_alive);
  }
  const auto stream =
      std::get<std::unique_ptr<ResponseStream>>(*std::exchange(preparation->answer, std::nullopt));
  response_ = stream.get();
  if (is_abandoned_) stream->abandon();
  const bool goes_on = co_await send_stream(*exchange, *stream, began, keep_alive);
  response_ = nullptr;
  co_return goes_on;
}

HttpConnection::Awaitable<bool> HttpConnection::send_whole(HttpExchange& exchange,
                                                           HttpResponse response, bool keep_alive) {
  host_.handler.complete_head(exchange, response);
  const bool is_empty = response.status == 204 || response.status == 304;
  std::string bytes =
      http_head(response, is_empty ? HttpFraming::kNone : HttpFraming::kLength, keep_alive);
  if (!is_empty && exchange.request.method != "HEAD") {
    bytes += response.body;
    exchange.n_sent_bytes += response.body.size();
  }
  exchange.status = response.status;
  const bool was_sent = co_await write(bytes);
  co_return was_sent;
}

// Sends what the stream gives, as soon as there is something, and signs of life in between.
HttpConnection::Awaitable<bool> HttpConnection::send_stream(HttpExchange& exchange,
                                                            ResponseStream& stream,
                                                            Clock::time_point began,
                                                            bool keep_alive) {
  const HttpServerOptions& options = host_.options;
  const bool is_chunked = exchange.request.minor_version == 1;
  const HttpFraming framing = is_chunked ? HttpFraming::kChunked : HttpFraming::kUntilClose;
  bool head_is_out = false;
  auto next_ping = began + (stream.is_streamed() ? options.head_patience : options.whole_patience);
  if (has_left(stream)) co_return false;
  if (auto job = stream.preparation()) {
    host_.preparation.post(PreparationPool::Stage::kPlan, std::move(job));
  }
  while (!has_left(stream)) {
    std::string body = stream.take();
    const bool is_over = stream.is_over();
    if (is_over && !stream.is_streamed() && !head_is_out) {
      const bool was_sent = co_await send_last(exchange, stream, std::move(body), keep_alive);
      co_return was_sent;
    }
    const bool head_may_go = !head_is_out && stream.is_streamed() && stream.is_prepared();
    const bool is_due = head_may_go || Clock::now() >= next_ping;
    if (body.empty() && !is_over && is_due) body = stream.ping();
    if (!body.empty() || is_over || head_may_go) {
      std::string bytes;
      if (!head_is_out) {
        HttpResponse head = stream.head();
        host_.handler.complete_head(exchange, head);
        exchange.status = head.status;
        bytes = http_head(head, framing, keep_alive);
        head_is_out = true;
      }
      exchange.n_sent_bytes += body.size();
      bytes += is_chunked ? http_chunk(body) : body;
      if (is_over && is_chunked) bytes += kLastChunk;
      const bool was_sent = co_await write(bytes);
      if (!was_sent || is_over) co_return was_sent&& is_chunked;
      next_ping = in(options.ping_interval);
      continue;
    }
    wake_at_ = next_ping;
    co_await wait();
  }
  co_return false;
}

HttpConnection::Awaitable<bool> HttpConnection::send_last(HttpExchange& exchange,
                                                          ResponseStream& stream, std::string body,
                                                          bool keep_alive) {
  HttpResponse response = stream.whole(std::move(body));
  const bool was_sent = co_await send_whole(exchange, std::move(response), keep_alive);
  co_return was_sent;
}

// False: the client has gone, or takes nothing any more.
HttpConnection::Awaitable<bool> HttpConnection::write(std::string_view bytes) {
  ends_on_timeout_ = true;
  while (!bytes.empty() && !is_closed_) {
    deadline_ = in(host_.options.write_timeout);
    ErrorCode error;
    const std::size_t n = co_await stream_->write_some(bytes, error);
    if (error) {
      close();
      break;
    }
    host_.counts.n_sent_bytes += n;
    bytes.remove_prefix(n);
  }
  ends_on_timeout_ = false;
  deadline_ = Clock::time_point::max();
  const bool is_out = bytes.empty();
  co_return is_out;
}

// Waits until the client has seen the end: closing a socket with unread bytes would reset it, and
// the response could be lost.
HttpConnection::Awaitable<> HttpConnection::linger() {
  if (is_closed_) co_return;
  stream_->finish_writing();
  has_timed_out_ = false;
  deadline_ = in(host_.options.linger_timeout);
  while (!at_end_ && !has_timed_out_) {
    inbox_.clear();
    inbox_gate_.cancel();
    co_await wait();
  }
}

}  // namespace jevons
