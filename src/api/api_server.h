// The whole server: HTTP, keys, routes, dialects, and an engine that comes when its model is open.
//
// Any thread may call the public members. Requests run on the I/O thread of HttpServer and its
// preparation threads; the engine has its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/api_keys.h"
#include "api/generation_plan.h"
#include "api/http_server.h"
#include "api/scripted_answers.h"
#include "base/result.h"
#include "engine/engine.h"
#include "meter/bookkeeper.h"

namespace jevons {

struct ApiServerOptions {
  HttpServerOptions http{};
  ApiKeys keys{};
  std::vector<std::string> cors_origins{};   // "*": any
  std::vector<std::string> allowed_hosts{};  // besides addresses, localhost and the machine's name
  GenerationOptions generation{};            // its script is set from the next line
  std::shared_ptr<const ScriptedAnswers> script{};
  std::string model_name{};             // for the pages, before the model is there
  std::string stored_responses{};       // a folder; empty: in memory alone
  std::shared_ptr<Bookkeeper> books{};  // energy, ledger, budgets; null: none of them
  double stall_seconds = 300;           // work without progress for longer is a stuck server
  bool log_json = false, log_content = false;
};

class ApiServer {
 public:
  /// Listens from now on; until attach() only pages about the server itself are answered, and
  /// everything else says that the model is loading. Errors: the address, the TLS files; an
  /// address that others can reach without a key; a budget of a key that cannot be held here.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start(ApiServerOptions options);
  /// As stop(0).
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] int port() const;

  /// The model is open: from now on requests are answered. It has to log its work if there are
  /// books with energy.
  void attach(std::shared_ptr<Engine> engine);

  /// Keys that hold from the next request on. Errors, after which the old ones hold: a budget that
  /// cannot be held here.
  [[nodiscard]] Result<void> set_keys(ApiKeys keys);

  /// Whether there is work without progress for longer than stall_seconds.
  [[nodiscard]] bool is_stalled() const;

  /// No new requests; waits for those that run, `drain` at most, then ends them. Once.
  void stop(std::chrono::milliseconds drain);

 private:
  struct State;
  explicit ApiServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace jevons
