#include "running_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace jevons {

std::shared_ptr<Engine> nano_engine() {
  static const std::shared_ptr<Engine> engine = [] {
    EngineOptions options;
    options.model_path = JEVONS_SOURCE_DIR "/models/nano.gguf";
    options.n_threads = 1;
    options.context_length = 2048;
    options.n_parallel = 4;
    options.queue_length = 4;
    options.logs_work = true;
    auto opened = Engine::open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::shared_ptr<Engine>(*std::move(opened));
  }();
  return engine;
}

ApiServerOptions quick_options() {
  using std::chrono::milliseconds;
  ApiServerOptions options;
  options.http.port = 0;
  options.http.head_timeout = milliseconds(300);
  options.http.body_timeout = milliseconds(300);
  options.http.idle_timeout = milliseconds(600);
  options.http.write_timeout = milliseconds(500);
  options.http.linger_timeout = milliseconds(200);
  options.http.ping_interval = milliseconds(60);
  options.http.whole_patience = milliseconds(100);
  options.http.tick = milliseconds(10);
  options.model_name = "nano.gguf";
  return options;
}

std::unique_ptr<ApiServer> running_server(ApiServerOptions options) {
  auto server = ApiServer::start(std::move(options));
  EXPECT_TRUE(server) << server.error().message;
  (*server)->attach(nano_engine());
  return *std::move(server);
}

void wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      FAIL() << "what was waited for did not come";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool is_idle(const Engine& engine) {
  const EngineStatus status = engine.status();
  return status.sequences.empty() && status.n_pages_used == 0 && !status.has_work;
}

std::string endless_chat(const std::string& prompt, const std::string& more) {
  // Neither the end of the turn nor of the text can come.
  const auto end = nano_engine()->tokenizer().special_token("[e~[");
  EXPECT_TRUE(end);
  return R"({"model": "m", "messages": [{"role": "user", "content": ")" + prompt +
         R"("}], "logit_bias": {")" + std::to_string(*end) + R"(": -100})" + more + "}";
}

}  // namespace jevons
