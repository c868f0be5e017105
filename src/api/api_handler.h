// What every request goes through, in order: its head is checked, its route and its key are found,
// a page is written or a generation started, and at the end it is counted and logged.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/api_keys.h"
#include "api/api_server.h"
#include "api/caller.h"
#include "api/http_handler.h"
#include "api/key_limits.h"
#include "api/request_guard.h"
#include "api/routes.h"
#include "api/server_metrics.h"
#include "api/server_pages.h"
#include "api/stored_responses.h"

namespace jevons {

/// Threads as in HttpHandler; the rest says so.
class ApiHandler final : public HttpHandler {
 public:
  ApiHandler(const ApiServerOptions& options, std::shared_ptr<StoredResponses> stored);

  [[nodiscard]] std::optional<HttpResponse> begin(HttpExchange& exchange) override;
  [[nodiscard]] HttpAnswer answer(const HttpExchange& exchange,
                                  std::function<void()> wake) override;
  [[nodiscard]] HttpResponse refuse(HttpExchange& exchange, int status,
                                    const std::string& message) override;
  void complete_head(const HttpExchange& exchange, HttpResponse& head) override;
  void finish(HttpExchange& exchange) override;

  // Any thread.
  void attach(std::shared_ptr<Engine> engine);
  void set_keys(ApiKeys keys);
  void stop_accepting() { is_stopping_ = true; }
  /// Whether the engine, or what prepares its work, makes no progress.
  [[nodiscard]] bool is_stalled() const { return health().is_stalled(); }
  /// Lets go of the engine; no request may be running any more.
  void detach();
  /// Whose counts the pages show; until then none.
  void show_counts_of(const HttpServer& http) { http_ = &http; }

 private:
  using Clock = std::chrono::steady_clock;

  void open_record(HttpExchange& exchange);
  [[nodiscard]] std::optional<HttpResponse> authenticate(HttpExchange& exchange);
  [[nodiscard]] std::optional<HttpResponse> admit(HttpExchange& exchange);
  void account(const RequestRecord& record) const;
  [[nodiscard]] std::optional<HttpResponse> page(HttpExchange& exchange);
  [[nodiscard]] HttpResponse metrics_page() const;
  /// What the key that asks has used today.
  [[nodiscard]] std::optional<KeyUse> key_use(const HttpExchange& exchange) const;
  [[nodiscard]] HttpAnswer generate(const HttpExchange& exchange, Dialect& dialect,
                                    std::shared_ptr<Engine> engine, std::function<void()> wake);
  [[nodiscard]] HttpResponse stored_response(const HttpExchange& exchange);
  [[nodiscard]] HttpAnswer count_tokens(const HttpExchange& exchange, Dialect& dialect,
                                        std::shared_ptr<Engine> engine, std::function<void()> wake);
  [[nodiscard]] HttpResponse error(const HttpExchange& exchange, ApiError error) const;
  [[nodiscard]] ServerHealth health() const;
  [[nodiscard]] HttpCounts counts() const;
  [[nodiscard]] std::shared_ptr<Engine> engine() const;
  [[nodiscard]] ApiError not_ready() const;

  const ApiServerOptions& options_;
  std::shared_ptr<StoredResponses> stored_;
  Dialects dialects_;
  RequestGuard guard_;
  KeyLimits limits_;       // I/O thread
  ServerMetrics metrics_;  // I/O thread
  int n_running_ = 0;      // I/O thread
  std::atomic<const HttpServer*> http_{nullptr};
  std::atomic<bool> is_stopping_{false};
  const Clock::time_point started_ = Clock::now();

  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<Engine> engine_;
  std::string model_id_;
  std::int64_t model_created_ = 0;
  double loading_seconds_ = 0;
  ApiKeys keys_;
};

}  // namespace jevons
