#include "api/routes.h"

#include <algorithm>
#include <utility>

#include "api/stored_responses.h"

namespace jevons {
namespace {

using enum RouteAction;
using enum DialectName;

// clang-format off
constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", kGenerate, kOpenAiChat, true,
     "OpenAI chat completions"},
    {"POST", "/v1/completions", kGenerate, kOpenAiCompletions, true,
     "OpenAI completions: a prompt as it is"},
    {"POST", "/v1/responses", kGenerate, kOpenAiResponses, true,
     "OpenAI responses"},
    {"POST", "/v1/responses/input_tokens", kCountTokens, kOpenAiResponses, true,
     "tokens of a prompt, counted exactly"},
    {"GET", "/v1/responses/{id}", kStoredResponse, kOpenAiResponses, true,
     "a response that was stored"},
    {"DELETE", "/v1/responses/{id}", kDeleteResponse, kOpenAiResponses, true,
     "forgets it"},
    {"GET", "/v1/responses/{id}/input_items", kInputItems, kOpenAiResponses, true,
     "what it was an answer to"},
    {"POST", "/v1/messages", kGenerate, kAnthropic, true,
     "Anthropic messages"},
    {"POST", "/v1/messages/count_tokens", kCountTokens, kAnthropic, true,
     "tokens of a prompt, counted exactly"},
    {"GET", "/v1/models", kModels, kOpenAiChat, true,
     "the model, in the shape of both families"},
    {"GET", "/v1/models/{id}", kModel, kOpenAiChat, true,
     "the same, alone"},
    {"GET", "/", kIndex, kOpenAiChat, false,
     "this page"},
    {"GET", "/health", kHealth, kOpenAiChat, false,
     "how the server is, in JSON; 200 if it can answer"},
    {"GET", "/health/live", kLive, kOpenAiChat, false,
     "503 if there is work and no progress"},
    {"GET", "/health/ready", kReady, kOpenAiChat, false,
     "503 while the model is loading or the server is stopping"},
    {"GET", "/metrics", kMetrics, kOpenAiChat, true,
     "counters and histograms for Prometheus"},
    {"GET", "/v1/jevons/status", kStatus, kOpenAiChat, true,
     "requests with their progress, memory, cache, speeds"},

    {"POST", "/v1/responses/{id}/cancel", kAbsent, kOpenAiResponses, true,
     "this server has no responses in the background; close the connection to end a response"},
    {"POST", "/v1/responses/compact", kAbsent, kOpenAiResponses, true,
     "this server does not compact conversations; ask for a summary, and go on from that"},
    {"*", "/v1/embeddings", kAbsent, kOpenAiChat, true,
     "this server makes no embeddings: its model writes text"},
    {"*", "/v1/images/*", kAbsent, kOpenAiChat, true,
     "this server makes no images: its model writes text"},
    {"*", "/v1/audio/*", kAbsent, kOpenAiChat, true,
     "this server neither hears nor speaks: its model reads and writes text"},
    {"*", "/v1/videos*", kAbsent, kOpenAiChat, true,
     "this server makes no videos: its model writes text"},
    {"*", "/v1/realtime*", kAbsent, kOpenAiChat, true,
     "this server has no realtime sessions; ask with \"stream\": true instead"},
    {"*", "/v1/moderations", kAbsent, kOpenAiChat, true,
     "this server moderates nothing"},
    {"*", "/v1/batches*", kAbsent, kOpenAiChat, true,
     "this server keeps no batches; send the requests with the header x-jevons-priority: "
     "background instead"},
    {"*", "/v1/files*", kAbsent, kOpenAiChat, true,
     "this server keeps no files; put their text into the messages"},
    {"*", "/v1/uploads*", kAbsent, kOpenAiChat, true,
     "this server keeps no files; put their text into the messages"},
    {"*", "/v1/vector_stores*", kAbsent, kOpenAiChat, true,
     "this server keeps no vector stores"},
    {"*", "/v1/fine_tuning/*", kAbsent, kOpenAiChat, true,
     "this server trains no models"},
    {"*", "/v1/evals*", kAbsent, kOpenAiChat, true,
     "this server runs no evaluations; jevons eval does"},
    {"*", "/v1/assistants*", kAbsent, kOpenAiChat, true,
     "this server keeps no assistants; use /v1/responses or /v1/chat/completions"},
    {"*", "/v1/threads*", kAbsent, kOpenAiChat, true,
     "this server keeps no threads; use /v1/responses with previous_response_id"},
    {"*", "/v1/conversations*", kAbsent, kOpenAiChat, true,
     "this server keeps no conversations; use /v1/responses with previous_response_id"},
    {"*", "/v1/chat/completions/*", kAbsent, kOpenAiChat, true,
     "this server stores no chat completions; use /v1/responses to have answers stored"},
    {"*", "/v1/edits", kAbsent, kOpenAiChat, true,
     "edits are no more; use /v1/chat/completions"},
    {"*", "/v1/messages/batches*", kAbsent, kAnthropic, true,
     "this server keeps no batches; send the requests with the header x-jevons-priority: "
     "background instead"},
    {"*", "/v1/complete", kAbsent, kAnthropic, true,
     "text completions of this shape are no more; use /v1/messages"},
};
// clang-format on

bool matches(std::string_view pattern, std::string_view path) {
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
    return path.starts_with(pattern);
  }
  const std::size_t brace = pattern.find("{id}");
  if (brace == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, brace)) || path.size() == brace) return false;
  const std::string_view rest = path.substr(brace);
  const std::string_view after = pattern.substr(brace + 4);
  const std::size_t end = std::min(rest.find('/'), rest.size());
  return end > 0 && rest.substr(end) == after;
}

std::string_view without_last_slash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

std::span<const Route> route_table() { return kRoutes; }

const Route* find_route(std::string_view method, std::string_view path) {
  path = without_last_slash(path);
  if (method == "HEAD") method = "GET";
  for (const Route& route : kRoutes) {
    if (matches(route.path, path) &&
        (method == route.method || std::string_view(route.method) == "*")) {
      return &route;
    }
  }
  return nullptr;
}

std::string allowed_methods(std::string_view path) {
  path = without_last_slash(path);
  std::string methods;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, path)) continue;
    const std::string_view method = route.method;
    if (method == "*") {
      methods = "GET, HEAD, POST, ";
      break;
    }
    methods += method;
    methods += method == "GET" ? ", HEAD, " : ", ";
  }
  if (!methods.empty()) methods += "OPTIONS";
  return methods;
}

std::string_view route_id(const Route& route, std::string_view path) {
  path = without_last_slash(path);
  const std::size_t brace = std::string_view(route.path).find("{id}");
  if (brace == std::string_view::npos || brace >= path.size()) return {};
  const std::string_view rest = path.substr(brace);
  return rest.substr(0, rest.find('/'));
}

DialectName dialect_of_path(std::string_view path) {
  for (const Route& route : kRoutes) {
    if (matches(route.path, path)) return route.dialect;
  }
  if (path.starts_with("/v1/messages") || path.starts_with("/v1/complete/")) return kAnthropic;
  if (path.starts_with("/v1/responses")) return kOpenAiResponses;
  return kOpenAiChat;
}

Dialects::Dialects(std::shared_ptr<StoredResponses> stored) {
  const auto at = [this](DialectName name) -> std::unique_ptr<Dialect>& {
    return dialects_[static_cast<std::size_t>(name)];
  };
  at(kOpenAiChat) = make_openai_chat();
  at(kOpenAiCompletions) = make_openai_completions();
  at(kOpenAiResponses) = make_openai_responses(std::move(stored));
  at(kAnthropic) = make_anthropic_messages();
}

}  // namespace jevons
