#include "raw_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace jevons {
namespace {

constexpr int kPatienceMs = 30000;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// Status and headers of the text before the empty line.
RawReply parse_head(const std::string& head) {
  RawReply reply;
  std::istringstream lines(head);
  std::string line;
  std::getline(lines, line);
  EXPECT_TRUE(line.starts_with("HTTP/1.1 ") && line.ends_with('\r')) << line;
  reply.status = std::atoi(line.substr(9, 3).c_str());
  while (std::getline(lines, line)) {
    line.pop_back();
    const std::size_t colon = line.find(": ");
    EXPECT_NE(colon, std::string::npos) << line;
    if (colon == std::string::npos) continue;
    const bool is_new =
        reply.headers.emplace(lower(line.substr(0, colon)), line.substr(colon + 2)).second;
    EXPECT_TRUE(is_new) << line;
  }
  return reply;
}

}  // namespace

RawClient::RawClient(int port, int receive_buffer_bytes)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

RawClient::~RawClient() {
  if (fd_ >= 0) ::close(fd_);
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // what the server has closed shows when reading
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// False at the end of the connection.
bool RawClient::fill() {
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) <= 0) {
    ADD_FAILURE() << "nothing came for " << kPatienceMs << " ms; so far: " << inbox_;
    return false;
  }
  std::array<char, 65536> bytes;
  const ssize_t n = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (n <= 0) return false;
  inbox_.append(bytes.data(), static_cast<std::size_t>(n));
  return true;
}

std::string RawClient::read_until(std::string_view text) {
  std::size_t end = 0;
  while ((end = inbox_.find(text)) == std::string::npos) {
    if (!fill()) {
      std::string all;
      all.swap(inbox_);
      return all;
    }
  }
  std::string found = inbox_.substr(0, end + text.size());
  inbox_.erase(0, end + text.size());
  return found;
}

RawReply RawClient::read_reply(bool to_head) {
  std::string head = read_until("\r\n\r\n");
  if (!head.ends_with("\r\n\r\n")) return {};
  head.resize(head.size() - 2);
  RawReply reply = parse_head(head);
  if (to_head || reply.status == 204 || reply.status == 304 || reply.status == 100) {
    reply.is_whole = true;
  } else if (reply.header("transfer-encoding") == "chunked") {
    for (;;) {
      const std::string line = read_until("\r\n");
      if (!line.ends_with("\r\n")) return reply;
      const std::size_t n = std::stoul(line, nullptr, 16);
      while (inbox_.size() < n + 2 && fill()) {
      }
      if (inbox_.size() < n + 2) return reply;
      EXPECT_EQ(inbox_.substr(n, 2), "\r\n");
      if (n > 0) reply.chunks.push_back(inbox_.substr(0, n));
      reply.body += inbox_.substr(0, n);
      inbox_.erase(0, n + 2);
      if (n == 0) break;
    }
    reply.is_whole = true;
  } else if (const std::string length = reply.header("content-length"); !length.empty()) {
    const std::size_t n = std::stoul(length);
    while (inbox_.size() < n && fill()) {
    }
    reply.body = inbox_.substr(0, n);
    inbox_.erase(0, n);
    reply.is_whole = reply.body.size() == n;
  } else {
    while (fill()) {
    }
    reply.body.swap(inbox_);
    reply.is_whole = true;
  }
  return reply;
}

bool RawClient::sees_end() { return inbox_.empty() && !fill(); }

void RawClient::half_close() { ::shutdown(fd_, SHUT_WR); }

void RawClient::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd_);
  fd_ = -1;
}

std::string http_request(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view headers) {
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  if (headers.find("Host:") == std::string_view::npos) request += "Host: localhost\r\n";
  request += headers;
  if (method == "POST" || !body.empty()) {
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return request + "\r\n" + std::string(body);
}

RawReply ask(int port, std::string_view method, std::string_view target, std::string_view body,
             std::string_view headers) {
  RawClient client(port);
  client.send(http_request(method, target, body, headers));
  return client.read_reply(method == "HEAD");
}

}  // namespace jevons
