#include "serving_program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "run_program.h"

namespace jevons {
namespace {

constexpr int kPatienceMs = 60000;

// False at the end.
bool read_more(int fd, std::string& text) {
  pollfd waiting{fd, POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) <= 0) {
    ADD_FAILURE() << "nothing came; so far: " << text;
    return false;
  }
  std::array<char, 4096> bytes;
  const ssize_t n = ::read(fd, bytes.data(), bytes.size());
  if (n <= 0) return false;
  text.append(bytes.data(), static_cast<std::size_t>(n));
  return true;
}

}  // namespace

ServingProgram::ServingProgram(std::vector<std::string> arguments, bool wait_for_model) {
  std::vector<std::string> words = {JEVONS_PROGRAM, "serve",     "--port", "0",
                                    "-m",           nano_path(), "-c",     "1024"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int out[2], err[2];
  EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(err, O_CLOEXEC), 0);
  child_ = ::fork();
  if (child_ == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    ::setenv("JEVONS_CONFIG", "/nonexistent/config.toml", 1);
    ::setenv("JEVONS_LEDGER", "off", 1);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  first_line_ = read_line();
  const std::size_t colon = first_line_.find(':', first_line_.find("://") + 3);
  if (colon != std::string::npos) port_ = std::atoi(first_line_.c_str() + colon + 1);
  if (wait_for_model) {
    EXPECT_NE(read_line().find("ready"), std::string::npos);
  }
}

ServingProgram::~ServingProgram() {
  for (const int fd : connections_) ::close(fd);
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  ::close(out_);
  ::close(err_);
}

std::string ServingProgram::read_line() {
  while (pending_.find('\n') == std::string::npos && read_more(out_, pending_)) {
  }
  const std::size_t end = std::min(pending_.find('\n'), pending_.size());
  const std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  return line;
}

void ServingProgram::signal(int number) const { ::kill(child_, number); }

int ServingProgram::wait() {
  while (read_more(err_, log_)) {
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child_, &status, 0), child_);
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ServingProgram::connect() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

namespace {

std::string request_text(const std::string& method, const std::string& target,
                         const std::string& body, const std::string& headers) {
  return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

std::string ServingProgram::ask(const std::string& method, const std::string& target,
                                const std::string& body, const std::string& headers) const {
  const int fd = connect();
  if (fd < 0) return "";
  const std::string request = request_text(method, target, body, headers);
  EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string response;
  while (read_more(fd, response)) {
  }
  ::close(fd);
  return response;
}

int ServingProgram::begin(const std::string& target, const std::string& body) {
  const int fd = connect();
  const std::string request = request_text("POST", target, body, "");
  EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string response;
  EXPECT_TRUE(read_more(fd, response));
  connections_.push_back(fd);
  return fd;
}

}  // namespace jevons
