// The real server in this process, with the nano model, on a free port of the loopback.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/api_server.h"
#include "engine/engine.h"

namespace jevons {

/// Four answers at once, four in the queue, 2,048 tokens of context. Opened once in a process.
[[nodiscard]] std::shared_ptr<Engine> nano_engine();

/// Options whose time limits a test can wait for.
[[nodiscard]] ApiServerOptions quick_options();

/// A server with the nano engine.
[[nodiscard]] std::unique_ptr<ApiServer> running_server(ApiServerOptions options = quick_options());

/// Waits until `condition` holds; the test fails if it does not within half a minute.
void wait_until(const std::function<bool()>& condition);

/// No sequence and no page is held any more.
[[nodiscard]] bool is_idle(const Engine& engine);

/// A chat that does not end by itself, as JSON; `more`: further fields, ", \"stream\": true".
[[nodiscard]] std::string endless_chat(const std::string& prompt, const std::string& more = "");

}  // namespace jevons
