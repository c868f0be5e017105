// What the server counts, for /metrics. I/O thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "api/http_server.h"
#include "api/prometheus_text.h"
#include "api/request_record.h"
#include "engine/engine.h"
#include "meter/bookkeeper.h"

namespace jevons {

class ServerMetrics {
 public:
  ServerMetrics();

  /// A request that is over. `route`: its path in the table, "other" if none. status 0: the client
  /// left before an answer.
  void count(const std::string& route, int status, double seconds, const RequestRecord& record);

  /// `engine` may be null: the model is still loading. `books` may be: nothing is measured.
  [[nodiscard]] std::string text(const HttpCounts& http, const EngineStatus* engine, int n_running,
                                 const BookkeeperStatus* books = nullptr) const;

 private:
  std::map<std::pair<std::string, int>, std::uint64_t> n_requests_;
  std::uint64_t n_failed_late_ = 0;  // after a head that said 200
  Histogram first_token_s_, token_gap_s_, queue_s_, request_s_;
};

}  // namespace jevons
