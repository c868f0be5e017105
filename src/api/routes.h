// Every path that the server knows, in one table.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/dialect.h"

namespace jevons {

class StoredResponses;

/// Whose shape an answer or an error has.
enum class DialectName : std::uint8_t {
  kOpenAiChat,
  kOpenAiCompletions,
  kOpenAiResponses,
  kAnthropic,
};
inline constexpr int kDialectCount = 4;

enum class RouteAction : std::uint8_t {
  kGenerate,
  kCountTokens,
  kStoredResponse,
  kDeleteResponse,
  kInputItems,
  kModels,
  kModel,
  kIndex,
  kHealth,
  kLive,
  kReady,
  kMetrics,
  kStatus,
  kAbsent,  // known, and not there: the help says what is instead
};

struct Route {
  const char* method;
  const char* path;  // {id}: one segment; a * at the end: anything
  RouteAction action;
  DialectName dialect;
  bool needs_key;  // if there are any
  const char* help;
};

[[nodiscard]] std::span<const Route> route_table();

/// Null if there is none. A HEAD is served by the GET of the path.
[[nodiscard]] const Route* find_route(std::string_view method, std::string_view path);

/// "GET, HEAD, OPTIONS"; empty if the path is not known.
[[nodiscard]] std::string allowed_methods(std::string_view path);

/// The segment that stands for {id}; empty if the route has none.
[[nodiscard]] std::string_view route_id(const Route& route, std::string_view path);

/// The shape of errors for a path, known or not.
[[nodiscard]] DialectName dialect_of_path(std::string_view path);

/// The dialects, made once.
class Dialects {
 public:
  explicit Dialects(std::shared_ptr<StoredResponses> stored);
  [[nodiscard]] Dialect& of(DialectName name) const {
    return *dialects_[static_cast<std::size_t>(name)];
  }

 private:
  std::unique_ptr<Dialect> dialects_[kDialectCount];
};

}  // namespace jevons
