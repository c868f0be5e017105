// jevons serve: the HTTP server, until a signal ends it.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "api/access_log.h"
#include "api/api_server.h"
#include "app/commands.h"
#include "app/config/options.h"
#include "app/metering.h"
#include "app/model_path.h"
#include "app/serve_options.h"
#include "app/service_manager.h"
#include "app/service_signals.h"

namespace jevons {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{3600 * 1000};
constexpr double kFlushMs = 30000;

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

// The engine, opened beside the main thread, which meanwhile answers signals.
class Opening {
 public:
  explicit Opening(EngineOptions options)
      : thread_([this, options = std::move(options)] {
          result_ = Engine::open(options);
          ServiceSignals::wake();
        }) {}

  /// After it woke the main thread.
  Result<std::unique_ptr<Engine>> take() {
    thread_.join();
    return *std::move(result_);
  }
  [[nodiscard]] bool is_running() const { return thread_.joinable(); }
  /// The program ends before the model is open; nothing waits for it.
  void leave() { thread_.detach(); }

 private:
  std::optional<Result<std::unique_ptr<Engine>>> result_;
  std::thread thread_;
};

std::string ready_line(const ModelFacts& facts, const std::string& url) {
  return fmt::format("ready: {} with {} tokens of context, {} threads ({}), at {}", facts.name,
                     facts.context_length, facts.n_threads, facts.kernels, url);
}

void log_metering(const BookkeeperStatus& status, const Settings& settings) {
  for (const std::string& line : complaints_of(status, settings)) spdlog::warn("{}", line);
  if (const std::string line = metering_line(status); !line.empty()) spdlog::info("{}", line);
}

void reload_keys(const Settings& settings, ApiServer& server) {
  auto keys = api_keys_of(settings);
  const Result<void> taken =
      keys ? server.set_keys(*std::move(keys)) : Result<void>(std::unexpected(keys.error()));
  if (!taken) return spdlog::error("the API keys stay as they are: {}", taken.error().message);
  spdlog::info("read the API keys again");
}

// Until a signal says stop, or the model cannot be opened.
Result<void> serve_until_stopped(const Settings& settings, ApiServer& server, Opening& opening,
                                 std::shared_ptr<Engine>& engine) {
  using Event = ServiceSignals::Event;
  const auto watchdog = watchdog_interval();
  const milliseconds wait = watchdog ? std::max(*watchdog / 3, milliseconds(1)) : kLongestWait;
  for (;;) {
    switch (ServiceSignals::next(wait)) {
      case Event::kStop:
        return {};
      case Event::kReload:
        reload_keys(settings, server);
        break;
      case Event::kWoken: {
        if (!opening.is_running()) break;
        auto opened = opening.take();
        if (!opened) return std::unexpected(opened.error());
        engine = *std::move(opened);
        server.attach(engine);
        say(ready_line(engine->facts(), server.url()));
        notify_service_manager("STATUS=ready");
        break;
      }
      case Event::kTimeout:
        break;
    }
    if (watchdog && !server.is_stalled()) notify_service_manager("WATCHDOG=1");
  }
}

int serve(const OptionReader& reader) {
  const Result<Settings> settings = reader.settings();
  if (!settings) return report(settings.error(), kUsage);
  const auto path = model_path_or_nano(settings->model);
  if (!path) return report(path.error());
  auto options = server_options(*settings, *path);
  if (!options) return report(options.error(), kUsage);
  auto engine_options = serving_engine_options(*settings, *path);
  if (!engine_options) return report(engine_options.error(), kUsage);

  const ServiceSignals signals;
  set_up_log(settings->log_json);
  auto books = open_books(*settings);
  if (!books) return report(books.error(), kUsage);
  log_metering((*books)->status(), *settings);
  options->books = *books;
  engine_options->logs_work = (*books)->has_energy();
  auto server = ApiServer::start(*std::move(options));
  if (!server) return report(server.error());
  say(fmt::format("listening at {} (loading {})", (*server)->url(), *path));
  notify_service_manager("READY=1\nSTATUS=loading the model");

  Opening opening(*std::move(engine_options));
  std::shared_ptr<Engine> engine;
  const auto stopped = serve_until_stopped(*settings, **server, opening, engine);
  ServiceSignals::exit_on_next();
  notify_service_manager("STOPPING=1");
  if (stopped) spdlog::info("stopping");
  if (engine) engine->stop_accepting();
  (*server)->stop(std::chrono::seconds(stopped ? settings->drain_seconds : 0));
  if (!stopped) return report(stopped.error());
  if (opening.is_running()) {
    opening.leave();
    std::_Exit(kSuccess);
  }
  engine->flush_disk_cache(kFlushMs);
  return kSuccess;
}

}  // namespace

CommandBody define_serve(CLI::App& app) {
  auto options = std::make_shared<OptionReader>(
      app, kServeOptions | kModelOptions | kThreadOptions | kEnergyOptions | kLedgerOptions);
  app.footer(
      "Other programs find it as OpenAI's API at URL/v1 or as Anthropic's at URL.\n"
      "SIGTERM ends it when running answers are done, a second one at once. docs/SERVING.md");
  return [options] { return serve(*options); };
}

}  // namespace jevons
