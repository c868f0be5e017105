#include "tests/meter/plug_stand_in.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace jevons {

PlugStandIn::PlugStandIn() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(listener_, 16), 0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

PlugStandIn::~PlugStandIn() {
  stops_ = true;
  thread_.join();
  ::close(listener_);
}

std::string PlugStandIn::host() const { return "127.0.0.1:" + std::to_string(port_); }

void PlugStandIn::answer(const std::string& body, const std::string& status,
                         std::chrono::milliseconds delay) {
  const std::lock_guard lock(mutex_);
  body_ = body;
  status_ = status;
  delay_ = delay;
}

std::string PlugStandIn::last_request() const {
  const std::lock_guard lock(mutex_);
  return last_request_;
}

void PlugStandIn::serve() {
  while (!stops_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::string request;
    char bytes[2048];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) break;
      request.append(bytes, static_cast<std::size_t>(n));
    }
    std::string response;
    std::chrono::milliseconds delay{};
    {
      const std::lock_guard lock(mutex_);
      last_request_ = request;
      response = "HTTP/1.1 " + status_ +
                 "\r\nConnection: close\r\nContent-Length: " + std::to_string(body_.size()) +
                 "\r\n\r\n" + body_;
      delay = delay_;
    }
    ++n_requests_;
    for (; delay.count() > 0 && !stops_; delay -= std::chrono::milliseconds(10)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    (void)::send(fd, response.data(), response.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
}

}  // namespace jevons
