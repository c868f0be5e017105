#include "api/byte_stream.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace jevons {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(tcp::socket socket) : socket_(std::move(socket)) {}

  asio::awaitable<void> handshake(ErrorCode& error) override {
    error = {};
    co_return;
  }
  asio::awaitable<std::size_t> read_some(std::span<char> bytes, ErrorCode& error) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    co_return co_await socket_.async_read_some(buffer,
                                               asio::redirect_error(asio::use_awaitable, error));
  }
  asio::awaitable<std::size_t> write_some(std::string_view bytes, ErrorCode& error) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    co_return co_await socket_.async_write_some(buffer,
                                                asio::redirect_error(asio::use_awaitable, error));
  }
  void finish_writing() override {
    ErrorCode ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  tcp::socket socket_;
};

class TlsStream final : public ByteStream {
 public:
  TlsStream(tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  asio::awaitable<void> handshake(ErrorCode& error) override {
    co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                     asio::redirect_error(asio::use_awaitable, error));
  }
  asio::awaitable<std::size_t> read_some(std::span<char> bytes, ErrorCode& error) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    const std::size_t n =
        co_await stream_.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
    // An end without TLS's own goodbye is an end, too.
    if (error == asio::ssl::error::stream_truncated) error = asio::error::eof;
    co_return n;
  }
  asio::awaitable<std::size_t> write_some(std::string_view bytes, ErrorCode& error) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    co_return co_await stream_.async_write_some(buffer,
                                                asio::redirect_error(asio::use_awaitable, error));
  }
  // Without TLS's own goodbye: every response says by itself where it ends.
  void finish_writing() override {
    ErrorCode ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    ErrorCode ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<ByteStream> make_byte_stream(asio::io_context& io, int fd, bool is_v6,
                                             asio::ssl::context* tls) {
  tcp::socket socket(io, is_v6 ? tcp::v6() : tcp::v4(), fd);
  ByteStream::ErrorCode ignored;
  // A token is one small segment, and must not wait for the next.
  socket.set_option(tcp::no_delay(true), ignored);
  if (tls != nullptr) return std::make_unique<TlsStream>(std::move(socket), *tls);
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace jevons
