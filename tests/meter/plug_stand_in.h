// An HTTP server that answers as a plug would, or as one that is broken.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>

namespace jevons {

class PlugStandIn {
 public:
  PlugStandIn();
  PlugStandIn(const PlugStandIn&) = delete;
  PlugStandIn& operator=(const PlugStandIn&) = delete;
  ~PlugStandIn();

  [[nodiscard]] std::string host() const;  // with its port
  [[nodiscard]] std::string url() const { return "http://" + host() + "/power"; }
  /// What every request is answered with from now on.
  void answer(const std::string& body, const std::string& status = "200 OK",
              std::chrono::milliseconds delay = {});
  /// The head of the last request.
  [[nodiscard]] std::string last_request() const;
  [[nodiscard]] int n_requests() const { return n_requests_; }

 private:
  void serve();

  int listener_ = -1, port_ = 0;
  mutable std::mutex mutex_;
  std::string body_, status_ = "200 OK", last_request_;
  std::chrono::milliseconds delay_{};
  std::atomic<int> n_requests_{0};
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

}  // namespace jevons
