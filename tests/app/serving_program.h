// `jevons serve` as a child process, and the simplest of clients.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace jevons {

class ServingProgram {
 public:
  /// On a free port; `arguments` come behind. Waits for the line with the port, and with
  /// `wait_for_model` for the one after it.
  explicit ServingProgram(std::vector<std::string> arguments, bool wait_for_model = true);
  ServingProgram(const ServingProgram&) = delete;
  ServingProgram& operator=(const ServingProgram&) = delete;
  ~ServingProgram();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::string& first_line() const { return first_line_; }
  void signal(int number) const;
  /// The exit code, 128 + signal if it was killed.
  [[nodiscard]] int wait();
  /// What it wrote to standard error; after wait().
  [[nodiscard]] const std::string& log() const { return log_; }

  /// The whole response to one request, or "" if there is no connection.
  [[nodiscard]] std::string ask(const std::string& method, const std::string& target,
                                const std::string& body = "",
                                const std::string& headers = "") const;
  /// Sends a request and returns when the first bytes of its response are there; the connection
  /// stays open until the object ends.
  int begin(const std::string& target, const std::string& body);

 private:
  [[nodiscard]] std::string read_line();
  [[nodiscard]] int connect() const;

  pid_t child_ = -1;
  int out_ = -1, err_ = -1, port_ = 0;
  std::vector<int> connections_;
  std::string first_line_, pending_, log_;
};

}  // namespace jevons
