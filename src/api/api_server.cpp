#include "api/api_server.h"

#include <arpa/inet.h>

#include <array>
#include <utility>

#include "api/api_handler.h"

namespace jevons {
namespace {

// Whether others than this machine can reach the address.
bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "::1") return true;
  std::array<unsigned char, 4> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 && address[0] == 127;
}

// A budget that nothing counts would be no limit at all.
Result<void> check_budgets(const ApiKeys& keys, const Bookkeeper* books) {
  for (const auto& key : keys.all()) {
    if (!key->budget.is_limited()) continue;
    const std::string problem =
        books != nullptr ? books->problem_with(key->budget) : "this server keeps no ledger";
    if (!problem.empty()) return fail("the key '{}': {}", key->name, problem);
  }
  return {};
}

}  // namespace

struct ApiServer::State {
  State(ApiServerOptions given, std::shared_ptr<StoredResponses> stored)
      : options(std::move(given)), handler(options, std::move(stored)) {}

  ApiServerOptions options;
  ApiHandler handler;
  std::unique_ptr<HttpServer> http;
};

ApiServer::ApiServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

ApiServer::~ApiServer() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<ApiServer>> ApiServer::start(ApiServerOptions options) {
  if (!is_loopback(options.http.host) && options.keys.empty()) {
    return fail(
        "--host {} can be reached by others, so that the server needs an API key: give --api-key "
        "KEY or --api-keys FILE, or stay at 127.0.0.1",
        options.http.host);
  }
  JEVONS_TRY(check_budgets(options.keys, options.books.get()));
  options.allowed_hosts.push_back(options.http.host);
  StoredResponses::Options store;
  store.folder = options.stored_responses;
  JEVONS_ASSIGN(std::shared_ptr<StoredResponses> stored, StoredResponses::open(std::move(store)));
  auto state = std::make_unique<State>(std::move(options), std::move(stored));
  JEVONS_ASSIGN(state->http, HttpServer::start(state->options.http, state->handler));
  state->handler.show_counts_of(*state->http);
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(state)));
}

std::string ApiServer::url() const { return state_->http->url(); }
int ApiServer::port() const { return state_->http->port(); }
void ApiServer::attach(std::shared_ptr<Engine> engine) {
  state_->handler.attach(std::move(engine));
}
bool ApiServer::is_stalled() const { return state_->handler.is_stalled(); }
Result<void> ApiServer::set_keys(ApiKeys keys) {
  JEVONS_TRY(check_budgets(keys, state_->options.books.get()));
  state_->handler.set_keys(std::move(keys));
  return {};
}

void ApiServer::stop(std::chrono::milliseconds drain) {
  if (!state_ || !state_->http) return;
  state_->handler.stop_accepting();
  state_->http->stop(drain);
  state_->handler.detach();
}

}  // namespace jevons
