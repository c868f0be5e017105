// The server's own pages as JSON or text. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/api_keys.h"
#include "api/http_server.h"
#include "engine/engine.h"
#include "meter/bookkeeper.h"

namespace jevons {

/// How the server is. A server that loads its model has no facts and no status yet.
struct ServerHealth {
  std::string model_name{};
  double loading_seconds = 0;  // so far, or as long as it took
  bool is_stopping = false;
  double stall_seconds = 0;  // without progress while there is work: the server is stuck
  std::optional<EngineStatus> engine{};
  PreparationLoad preparation{};
  std::optional<BookkeeperStatus> books{};

  [[nodiscard]] bool is_stalled() const {
    if (preparation.oldest_s > stall_seconds) return true;
    return engine && engine->has_work && engine->seconds_since_progress > stall_seconds;
  }
  [[nodiscard]] bool is_ready() const { return engine && !is_stopping && !is_stalled(); }
  /// "ok", "loading", "stalled", "stopping"
  [[nodiscard]] std::string_view word() const;
};

[[nodiscard]] std::string health_page(const ServerHealth& health);
/// `viewer`: the key that asks; it sees its own requests and how many others there are, or all of
/// them if it may; so with the places of sensors, tariff and ledger. Null, a server without keys:
/// all. `use`: of the viewer, today.
[[nodiscard]] std::string status_page(const ServerHealth& health, const ModelFacts* facts,
                                      const HttpCounts& http, int n_running, const ApiKey* viewer,
                                      const std::optional<KeyUse>& use = std::nullopt);

/// The name that requests may give and responses show: letters, digits, ". _ -" of the model's.
[[nodiscard]] std::string model_id_of(std::string_view model_name);
/// The list of models, or one of them, as OpenAI's and Anthropic's clients read it.
[[nodiscard]] std::string models_page(const ModelFacts& facts, const std::string& id,
                                      std::int64_t created);
[[nodiscard]] std::string model_page(const ModelFacts& facts, const std::string& id,
                                     std::int64_t created);
/// What there is, for people.
[[nodiscard]] std::string index_page();

}  // namespace jevons
