#include "api/api_handler.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "api/access_log.h"
#include "api/engine_work.h"
#include "api/error_response.h"
#include "api/generation_service.h"
#include "api/request_account.h"
#include "api/request_headers.h"
#include "api/request_record.h"
#include "api/token_count.h"
#include "base/wall_clock.h"

namespace jevons {
namespace {

constexpr double kLoadingRetryS = 5;
// Requests that the end of the server cut off: their last step may still run.
constexpr std::chrono::milliseconds kSettlePatience{2000};

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t n =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), n};
}

DialectName dialect_of(const HttpExchange& exchange) {
  const bool is_shared = exchange.request.path.starts_with("/v1/models");
  if (is_shared && exchange.request.header("anthropic-version") != nullptr) {
    return DialectName::kAnthropic;
  }
  if (exchange.route != nullptr) return exchange.route->dialect;
  return dialect_of_path(exchange.request.path);
}

ApiErrorKind kind_of_status(int status) {
  if (status == 413) return ApiErrorKind::kTooLarge;
  return status == 503 ? ApiErrorKind::kOverloaded : ApiErrorKind::kInvalidRequest;
}

}  // namespace

ApiHandler::ApiHandler(const ApiServerOptions& options, std::shared_ptr<StoredResponses> stored)
    : options_(options),
      stored_(std::move(stored)),
      dialects_(stored_),
      guard_(options.cors_origins, options.allowed_hosts),
      keys_(options.keys) {}

void ApiHandler::attach(std::shared_ptr<Engine> engine) {
  const std::lock_guard lock(mutex_);
  model_id_ = model_id_of(engine->facts().name);
  model_created_ = unix_seconds();
  loading_seconds_ = std::chrono::duration<double>(Clock::now() - started_).count();
  if (options_.books) options_.books->attach(work_feed(*engine));
  engine_ = std::move(engine);
}

void ApiHandler::detach() {
  if (options_.books) {
    options_.books->wait_settled(kSettlePatience);
    options_.books->attach({});
  }
  std::shared_ptr<Engine> last;  // ends outside the lock
  const std::lock_guard lock(mutex_);
  last.swap(engine_);
}

void ApiHandler::set_keys(ApiKeys keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

std::shared_ptr<Engine> ApiHandler::engine() const {
  const std::lock_guard lock(mutex_);
  return engine_;
}

ServerHealth ApiHandler::health() const {
  ServerHealth health;
  health.model_name = options_.model_name;
  health.is_stopping = is_stopping_;
  health.stall_seconds = options_.stall_seconds;
  if (const HttpServer* http = http_) health.preparation = http->preparation();
  if (options_.books) health.books = options_.books->status();
  if (const auto engine = this->engine()) {
    health.engine = engine->status();
    const std::lock_guard lock(mutex_);
    health.loading_seconds = loading_seconds_;
  } else {
    health.loading_seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  }
  return health;
}

HttpCounts ApiHandler::counts() const {
  const HttpServer* http = http_;
  return http != nullptr ? http->counts() : HttpCounts{};
}

ApiError ApiHandler::not_ready() const {
  if (is_stopping_) return stopping_error();
  return {.kind = ApiErrorKind::kOverloaded,
          .message = "the model is still loading; please ask again in a moment",
          .retry_after_s = kLoadingRetryS};
}

HttpResponse ApiHandler::error(const HttpExchange& exchange, ApiError error) const {
  error.request_id = exchange.request_id;
  exchange.record->error = error.message;
  return error_response(dialects_.of(dialect_of(exchange)), error);
}

void ApiHandler::open_record(HttpExchange& exchange) {
  if (exchange.record) return;
  exchange.request_id = request_id_of(exchange.request);
  exchange.record = std::make_shared<RequestRecord>();
  exchange.record->received = exchange.received;
  exchange.record->request_id = exchange.request_id;
  exchange.record->received_unix_ms = unix_milliseconds();
  ++n_running_;
}

HttpResponse ApiHandler::refuse(HttpExchange& exchange, int status, const std::string& message) {
  open_record(exchange);
  HttpResponse response = error(exchange, {.kind = kind_of_status(status), .message = message});
  response.status = status;
  return response;
}

std::optional<HttpResponse> ApiHandler::authenticate(HttpExchange& exchange) {
  std::shared_ptr<const ApiKey> key;
  {
    const std::lock_guard lock(mutex_);
    if (keys_.empty()) return std::nullopt;
    const std::string_view presented = presented_key(exchange.request);
    if (!presented.empty()) key = keys_.find(presented);
    if (!key) {
      const bool is_missing = presented.empty();
      HttpResponse response = error(
          exchange,
          {.kind = ApiErrorKind::kAuthentication,
           .message = is_missing ? "this server wants an API key, as 'authorization: Bearer KEY' "
                                   "or 'x-api-key: KEY'"
                                 : "this API key is not known here"});
      response.headers.emplace_back("www-authenticate", "Bearer");
      return response;
    }
  }
  exchange.key = key;
  exchange.record->key_name = key->name;
  return std::nullopt;
}

std::optional<HttpResponse> ApiHandler::begin(HttpExchange& exchange) {
  open_record(exchange);
  const HttpRequest& request = exchange.request;
  if (const auto problem = guard_.problem(request)) {
    return error(exchange, {.kind = ApiErrorKind::kPermission, .message = *problem});
  }
  const std::string methods = allowed_methods(request.path);
  if (request.method == "OPTIONS") {
    return guard_.preflight(request, methods.empty() ? "OPTIONS" : methods);
  }
  exchange.route = find_route(request.method, request.path);
  if (exchange.route == nullptr && methods.empty()) {
    return error(exchange, {.kind = ApiErrorKind::kNotFound,
                            .message = "there is nothing at this path; GET / lists what there is"});
  }
  if (exchange.route == nullptr) {
    HttpResponse response =
        error(exchange, {.kind = ApiErrorKind::kMethod,
                         .message = "this path does not take this method, but " + methods});
    response.headers.emplace_back("allow", methods);
    return response;
  }
  if (exchange.route->needs_key) {
    if (auto refusal = authenticate(exchange)) return refusal;
  }
  if (auto written = page(exchange)) return written;
  if (is_stopping_ || engine() == nullptr) return error(exchange, not_ready());
  return admit(exchange);
}

// What the key may still have.
std::optional<HttpResponse> ApiHandler::admit(HttpExchange& exchange) {
  if (!exchange.key) return std::nullopt;
  if (options_.books && exchange.route->action == RouteAction::kGenerate) {
    if (auto spent = options_.books->check(exchange.key->name, exchange.key->budget)) {
      ApiError refusal;
      refusal.kind = ApiErrorKind::kRateLimit;
      refusal.message = std::move(spent->message);
      refusal.retry_after_s = static_cast<double>(spent->retry_seconds);
      return error(exchange, std::move(refusal));
    }
  }
  auto lease = limits_.admit(*exchange.key, Clock::now());
  if (!lease) return error(exchange, std::move(lease).error());
  exchange.lease = *std::move(lease);
  return std::nullopt;
}

HttpResponse ApiHandler::metrics_page() const {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  const auto engine = this->engine();
  const auto status = engine ? std::optional(engine->status()) : std::nullopt;
  const auto books = options_.books ? std::optional(options_.books->status()) : std::nullopt;
  response.body =
      metrics_.text(counts(), status ? &*status : nullptr, n_running_, books ? &*books : nullptr);
  return response;
}

std::optional<KeyUse> ApiHandler::key_use(const HttpExchange& exchange) const {
  if (!options_.books || !exchange.key) return std::nullopt;
  return options_.books->use_of(exchange.key->name);
}

// A page that the head alone asks for; nothing if the route wants a body.
std::optional<HttpResponse> ApiHandler::page(HttpExchange& exchange) {
  HttpResponse response;
  const auto engine = this->engine();
  switch (exchange.route->action) {
    case RouteAction::kGenerate:
    case RouteAction::kCountTokens:
    case RouteAction::kStoredResponse:
    case RouteAction::kDeleteResponse:
    case RouteAction::kInputItems:
      return std::nullopt;
    case RouteAction::kAbsent:
      return error(exchange, {.kind = ApiErrorKind::kNotFound, .message = exchange.route->help});
    case RouteAction::kIndex:
      response.content_type = "text/plain; charset=utf-8";
      response.body = index_page();
      return response;
    case RouteAction::kMetrics:
      return metrics_page();
    case RouteAction::kHealth:
    case RouteAction::kLive:
    case RouteAction::kReady: {
      const ServerHealth state = health();
      const bool is_fine =
          exchange.route->action == RouteAction::kLive ? !state.is_stalled() : state.is_ready();
      response.status = is_fine ? 200 : 503;
      response.body = health_page(state);
      return response;
    }
    case RouteAction::kStatus:
      response.body = status_page(health(), engine ? &engine->facts() : nullptr, counts(),
                                  n_running_, exchange.key.get(), key_use(exchange));
      return response;
    case RouteAction::kModels:
    case RouteAction::kModel:
      break;
  }
  if (!engine) return error(exchange, not_ready());
  const std::lock_guard lock(mutex_);
  if (exchange.route->action == RouteAction::kModels) {
    response.body = models_page(engine->facts(), model_id_, model_created_);
  } else if (route_id(*exchange.route, exchange.request.path) == model_id_) {
    response.body = model_page(engine->facts(), model_id_, model_created_);
  } else {
    return error(exchange,
                 {.kind = ApiErrorKind::kNotFound,
                  .message = "there is no model of this name; the one here is " + model_id_});
  }
  return response;
}

HttpAnswer ApiHandler::answer(const HttpExchange& exchange, std::function<void()> wake) {
  std::shared_ptr<Engine> engine = this->engine();
  if (engine == nullptr) return error(exchange, not_ready());
  Dialect& dialect = dialects_.of(exchange.route->dialect);
  if (exchange.route->action == RouteAction::kCountTokens) {
    return count_tokens(exchange, dialect, std::move(engine), std::move(wake));
  }
  if (exchange.route->action == RouteAction::kGenerate) {
    return generate(exchange, dialect, std::move(engine), std::move(wake));
  }
  return stored_response(exchange);
}

HttpResponse ApiHandler::stored_response(const HttpExchange& exchange) {
  const HttpRequest& request = exchange.request;
  const std::string& key = exchange.record->key_name;
  const std::string_view id = route_id(*exchange.route, request.path);
  auto body = [&] {
    switch (exchange.route->action) {
      case RouteAction::kDeleteResponse:
        return delete_stored_response(*stored_, key, id);
      case RouteAction::kInputItems:
        return stored_input_items(*stored_, key, id, request.query);
      default:
        return stored_response_body(*stored_, key, id, request.query);
    }
  }();
  if (!body) return error(exchange, std::move(body).error());
  HttpResponse response;
  response.body = *std::move(body);
  return response;
}

HttpAnswer ApiHandler::generate(const HttpExchange& exchange, Dialect& dialect,
                                std::shared_ptr<Engine> engine, std::function<void()> wake) {
  exchange.record->is_generation = true;
  auto caller = caller_of(exchange.request, exchange.peer, exchange.key.get());
  if (!caller) return error(exchange, std::move(caller).error());
  auto request = dialect.parse({exchange.request.body, exchange.request.target, caller->key_name});
  if (!request) return error(exchange, std::move(request).error());

  ResponseContext context;
  context.id = random_id();
  context.created = unix_seconds();
  context.key_name = caller->key_name;
  exchange.record->client = caller->program;
  {
    const std::lock_guard lock(mutex_);
    context.model_id = model_id_;
    exchange.record->model = model_id_;
  }
  GenerationOptions options = options_.generation;
  options.script = options_.script.get();
  return start_generation(
      {std::move(engine), &dialect, *std::move(request), *std::move(caller), std::move(context),
       exchange.record, std::move(wake), options_.log_content, options_.books},
      options);
}

HttpAnswer ApiHandler::count_tokens(const HttpExchange& exchange, Dialect& dialect,
                                    std::shared_ptr<Engine> engine, std::function<void()> wake) {
  auto caller = caller_of(exchange.request, exchange.peer, exchange.key.get());
  if (!caller) return error(exchange, std::move(caller).error());
  auto request = dialect.parse({exchange.request.body, exchange.request.target, caller->key_name});
  if (!request) return error(exchange, std::move(request).error());
  const bool is_openai = exchange.route->dialect == DialectName::kOpenAiResponses;
  return start_token_count({std::move(engine), &dialect, *std::move(request), *std::move(caller),
                            exchange.record, std::move(wake), is_openai},
                           options_.generation);
}

void ApiHandler::complete_head(const HttpExchange& exchange, HttpResponse& head) {
  head.headers.emplace_back("date", http_date());
  head.headers.emplace_back("x-request-id", exchange.request_id);
  // Anthropic's clients look for this one.
  head.headers.emplace_back("request-id", exchange.request_id);
  head.headers.emplace_back("x-content-type-options", "nosniff");
  for (HttpHeader& header : guard_.cors_headers(exchange.request)) {
    head.headers.push_back(std::move(header));
  }
}

void ApiHandler::finish(HttpExchange& exchange) {
  --n_running_;
  exchange.lease.reset();
  const double seconds = std::chrono::duration<double>(Clock::now() - exchange.received).count();
  metrics_.count(exchange.route != nullptr ? exchange.route->path : "other", exchange.status,
                 seconds, *exchange.record);
  log_access(exchange, *exchange.record, seconds, options_.log_json);
  account(*exchange.record);
}

// Whatever the engine has worked for, whether or not the client has got it.
void ApiHandler::account(const RequestRecord& record) const {
  if (!options_.books || record.completions.empty()) return;
  LedgerRow row = ledger_row(record, options_.books->currency());
  if (record.is_settled || !options_.books->has_energy()) {
    options_.books->record(std::move(row));
  } else {
    options_.books->record_when_settled(std::move(row), record.completions);
  }
}

}  // namespace jevons
