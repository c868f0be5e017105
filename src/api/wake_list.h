// How other threads wake connections. For the sources of the HTTP server alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>
#include <vector>

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

}  // namespace jevons
