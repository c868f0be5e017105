// A connected socket, plain or with TLS. For the sources of the HTTP server alone: this header
// brings Asio with it. I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace boost::asio::ssl {
class context;
}

namespace jevons {

class ByteStream {
 public:
  using ErrorCode = boost::system::error_code;
  virtual ~ByteStream() = default;
  [[nodiscard]] virtual boost::asio::awaitable<void> handshake(ErrorCode& error) = 0;
  /// At least one byte, or an error (end of file among them). One read and one write at a time.
  [[nodiscard]] virtual boost::asio::awaitable<std::size_t> read_some(std::span<char> bytes,
                                                                      ErrorCode& error) = 0;
  [[nodiscard]] virtual boost::asio::awaitable<std::size_t> write_some(std::string_view bytes,
                                                                       ErrorCode& error) = 0;
  /// No more will be written; the other side sees the end.
  virtual void finish_writing() = 0;
  /// Ends reads and writes that are under way with an error.
  virtual void close() = 0;
};

/// Takes over the connected socket `fd`. `tls` may be null: plain.
[[nodiscard]] std::unique_ptr<ByteStream> make_byte_stream(boost::asio::io_context& io, int fd,
                                                           bool is_v6,
                                                           boost::asio::ssl::context* tls);

}  // namespace jevons
