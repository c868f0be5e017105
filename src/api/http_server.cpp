#include "api/http_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "api/byte_stream.h"
#include "api/http_connection.h"
#include "api/preparation_pool.h"

namespace jevons {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = ByteStream::ErrorCode;

constexpr int kBacklog = 512;
// After responses were abandoned, for their last words.
constexpr std::chrono::milliseconds kLastWords{2000};

std::string address_text(const tcp::endpoint& endpoint) {
  const asio::ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

// A machine that has gone without a word (no network, no power) is noticed although what it is sent
// fits into the socket's buffer for hours.
void notice_lost_machines(int fd, std::chrono::milliseconds after) {
  const int on = 1;
  const int n_probes = 3;
  const int seconds = std::max(1, static_cast<int>(after.count() / 1000 / (n_probes + 1)));
  const auto unanswered_ms = static_cast<unsigned>(after.count());
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &n_probes, sizeof n_probes);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
}

Result<std::optional<asio::ssl::context>> tls_context(const HttpServerOptions& options) {
  if (options.tls_certificate.empty() && options.tls_key.empty()) return std::nullopt;
  if (options.tls_certificate.empty() || options.tls_key.empty()) {
    return fail("TLS needs both a certificate and its key (--tls-cert, --tls-key)");
  }
  std::optional<asio::ssl::context> context(asio::ssl::context::tls_server);
  ErrorCode error;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1,
                       error);
  context->use_certificate_chain_file(options.tls_certificate, error);
  if (error) {
    return fail("{}: cannot be read as a PEM certificate chain: {}", options.tls_certificate,
                error.message());
  }
  context->use_private_key_file(options.tls_key, asio::ssl::context::pem, error);
  if (error) {
    return fail("{}: cannot be read as the PEM key of {}: {}", options.tls_key,
                options.tls_certificate, error.message());
  }
  return context;
}

}  // namespace

struct HttpServer::State {
  State(const HttpServerOptions& given, HttpHandler& handler)
      : options(given),
        preparation(given.n_preparation_threads),
        host{io, preparation, handler, options, std::make_shared<WakeList>(io)},
        clock(io) {}

  Result<void> listen();
  Result<void> listen_at(const tcp::endpoint& endpoint);
  asio::awaitable<void> accept_from(tcp::acceptor& acceptor);
  asio::awaitable<void> keep_time();
  void take(tcp::socket socket);
  void refuse(tcp::socket socket);
  bool wait_until_empty(std::chrono::milliseconds time);

  HttpServerOptions options;
  asio::io_context io{1};
  PreparationPool preparation;
  HttpHost host;
  std::optional<asio::ssl::context> tls;
  std::vector<tcp::acceptor> acceptors;
  asio::steady_timer clock;
  int port = 0;
  std::thread thread;

  // Refused sockets, closed a moment later so that the client can read why.
  std::vector<tcp::socket> refused;

  std::mutex mutex;
  std::condition_variable changed;
  bool is_empty = true;
  bool has_stopped = false;
};

Result<void> HttpServer::State::listen_at(const tcp::endpoint& endpoint) {
  ErrorCode error;
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) {
    // [::] takes IPv4 too; one address takes that address.
    acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  if (error) {
    return fail("cannot listen at {} port {}: {}", address_text(endpoint), endpoint.port(),
                error.message());
  }
  port = acceptor.local_endpoint(error).port();
  acceptors.push_back(std::move(acceptor));
  return {};
}

Result<void> HttpServer::State::listen() {
  tcp::resolver resolver(io);
  ErrorCode error;
  const auto found = resolver.resolve(options.host, std::to_string(options.port), error);
  if (error || found.empty()) {
    return fail("--host {} is neither an address nor a name that can be found: {}", options.host,
                error.message());
  }
  Result<void> problem{};
  for (const auto& entry : found) {
    // A name with several addresses has one port.
    const auto at = tcp::endpoint(entry.endpoint().address(),
                                  static_cast<std::uint16_t>(port != 0 ? port : options.port));
    if (auto result = listen_at(at); !result) problem = result;
  }
  // localhost may have an address that this machine does not use.
  if (acceptors.empty()) return problem;
  return {};
}

void HttpServer::State::refuse(tcp::socket socket) {
  ++host.counts.n_refused;
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nretry-after: 1\r\n"
      "content-length: 26\r\nconnection: close\r\n\r\ntoo many connections here\n";
  if (!tls) ::send(socket.native_handle(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ErrorCode ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  refused.push_back(std::move(socket));
}

void HttpServer::State::take(tcp::socket socket) {
  ErrorCode error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error) return;
  ++host.counts.n_accepted;
  if (static_cast<int>(host.connections.size()) >= options.max_connections) {
    return refuse(std::move(socket));
  }
  const bool is_v6 = remote.address().is_v6();
  const int fd = socket.release(error);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  notice_lost_machines(fd, options.lost_timeout);
  auto connection = std::make_shared<HttpConnection>(
      host, make_byte_stream(io, fd, is_v6, tls ? &*tls : nullptr), address_text(remote));
  host.connections.emplace(connection.get(), connection);
  host.counts.n_connections = static_cast<int>(host.connections.size());
  {
    const std::lock_guard lock(mutex);
    is_empty = false;
  }
  connection->start();
}

asio::awaitable<void> HttpServer::State::accept_from(tcp::acceptor& acceptor) {
  asio::steady_timer pause(io);
  while (acceptor.is_open()) {
    ErrorCode error;
    tcp::socket socket(io);
    co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor.is_open()) break;
    if (!error) {
      take(std::move(socket));
      continue;
    }
    // Out of file descriptors, most likely: those that wait in the backlog come later.
    pause.expires_after(options.tick);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

asio::awaitable<void> HttpServer::State::keep_time() {
  for (;;) {
    ErrorCode error;
    clock.expires_after(options.tick);
    co_await clock.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    const auto now = HttpConnection::Clock::now();
    for (const auto& [key, connection] : host.connections) connection->tick(now);
    refused.clear();
  }
}

bool HttpServer::State::wait_until_empty(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, time, [this] { return is_empty; });
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  if (state_->thread.joinable()) stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      HttpHandler& handler) {
  auto state = std::make_unique<State>(options, handler);
  JEVONS_ASSIGN(state->tls, tls_context(options));
  JEVONS_TRY(state->listen());
  State& s = *state;
  s.host.on_last_gone = [&s] {
    const std::lock_guard lock(s.mutex);
    s.is_empty = s.host.connections.empty();
    s.changed.notify_all();
  };
  for (tcp::acceptor& acceptor : s.acceptors) {
    asio::co_spawn(s.io, [&s, &acceptor] { return s.accept_from(acceptor); }, asio::detached);
  }
  asio::co_spawn(s.io, [&s] { return s.keep_time(); }, asio::detached);
  s.thread = std::thread([&s] {
    ::pthread_setname_np(::pthread_self(), "http");
    s.io.run();
  });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

int HttpServer::port() const { return state_->port; }

std::string HttpServer::url() const {
  const std::string& host = state_->options.host;
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", state_->tls ? "https" : "http", is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", state_->port);
}

const HttpCounts& HttpServer::counts() const { return state_->host.counts; }

PreparationLoad HttpServer::preparation() const { return state_->preparation.load(); }

void HttpServer::post(std::function<void()> job) { asio::post(state_->io, std::move(job)); }

void HttpServer::stop(std::chrono::milliseconds drain) {
  State& s = *state_;
  if (s.has_stopped) return;
  s.has_stopped = true;
  const auto for_all = [&s](auto&& action) {
    asio::post(s.io, [&s, action] {
      for (const auto& [key, connection] : s.host.connections) action(*connection);
    });
  };
  asio::post(s.io, [&s] {
    ErrorCode ignored;
    for (tcp::acceptor& acceptor : s.acceptors) acceptor.close(ignored);
    s.host.is_draining = true;
  });
  for_all([](HttpConnection& connection) { connection.notify(); });
  if (drain.count() == 0 || !s.wait_until_empty(drain)) {
    for_all([](HttpConnection& connection) { connection.abandon(); });
    if (!s.wait_until_empty(std::min(kLastWords, s.options.linger_timeout + s.options.tick * 2))) {
      for_all([](HttpConnection& connection) { connection.close(); });
      s.wait_until_empty(kLastWords);
    }
  }
  s.host.wakes->close();
  asio::post(s.io, [&s] { s.clock.cancel(); });
  s.preparation.join();
  s.io.stop();
  s.thread.join();
}

}  // namespace jevons
