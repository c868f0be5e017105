#include "app/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

namespace jevons {
namespace {

TEST(ServiceManager, HearsWhatItIsTold) {
  // A name outside the file system, as systemd itself may use.
  const std::string name = "jevons_notify_" + std::to_string(::getpid());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  notify_service_manager("READY=1\nSTATUS=loading");
  std::array<char, 100> bytes{};
  const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(bytes.data(), static_cast<std::size_t>(n)), "READY=1\nSTATUS=loading");
  ::close(fd);
  notify_service_manager("STOPPING=1");  // nobody there: nothing happens
  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("STOPPING=1");
}

TEST(ServiceManager, SaysHowOftenItWantsToHear) {
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_FALSE(watchdog_interval());
  ::setenv("WATCHDOG_USEC", "60000000", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(60000));
  for (const char* bad : {"", "soon", "0", "-5", "1s"}) {
    ::setenv("WATCHDOG_USEC", bad, 1);
    EXPECT_FALSE(watchdog_interval()) << bad;
  }
  ::unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace jevons
