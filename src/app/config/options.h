// Every option that can stand on the command line, in the environment or in the configuration
// file, in one table. Flags win over JEVONS_* variables, those over the file, that over defaults.
// One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace jevons {

struct Settings {
  std::string model;  // empty: nano
  int threads = 0;    // 0: all
  int context = 0;    // 0: planned
  std::string kv_type = "q8_0";
  int batch = 0;    // 0: planned
  std::string ram;  // empty: what is available
  int foresight = 1;
  bool verify = false;
  std::string trace;  // empty: none
  std::string speculate = "auto";
  int predict = 0;  // 0 or -1: until the context is full
  std::optional<double> temperature, top_p, min_p;
  std::optional<int> top_k;
  std::optional<std::int64_t> seed;  // -1: a fresh one
  double repeat_penalty = 1;
  int repeat_window = 256;
  double presence_penalty = 0, frequency_penalty = 0;
  std::string system;
  std::string tools;
  bool hide_reasoning = false;

  // jevons serve
  std::string host = "127.0.0.1";
  int port = 8080;
  std::optional<std::string> api_key, api_keys;  // an empty one is a mistake, not none
  int parallel = 4;
  int queue = 0;
  int slice_ms = 200;
  std::string cache_dir, cache_size, cache_memory, daily_write_limit;
  bool share_system_prefix = false, keep_nonces = false;
  std::string responses_dir;
  std::string cors_origin, allowed_host, tls_cert, tls_key;
  int max_connections = 512;
  std::string max_body = "32MiB";
  int drain_seconds = 30;
  int stall_seconds = 300;
  bool log_json = false, log_content = false;
  std::string scripted_answers;

  // What the machine takes and costs: decimal numbers as text, which `cost` reads exactly.
  std::string tariff, currency, watts, idle_watts;

  // jevons cost
  std::string prices;
  int stale_days = 180;
  std::string exchange, hardware_price, life_years;

  // The meter and the ledger.
  std::string energy = "auto", energy_pointer, energy_unit, energy_token;
  double extra_watts = 0;
  std::string ledger;  // empty: where it is by default; "off": none
};

/// Commands that an option belongs to, as bits.
enum OptionUser : unsigned {
  kRunOptions = 1,
  kModelOptions = 2,
  kThreadOptions = 4,
  kServeOptions = 8,
  kCostOptions = 16,
  kPlanOptions = 32,
  kEnergyOptions = 64,
  kLedgerOptions = 128
};

struct OptionSpec {
  /// In the file as it is, in the environment in capitals after JEVONS_.
  const char* key;
  const char* flags;        // as CLI11 has them: "-m,--model"
  const char* placeholder;  // of the value in the help; "" for a switch
  std::variant<std::string Settings::*, std::optional<std::string> Settings::*, int Settings::*,
               bool Settings::*, double Settings::*, std::optional<int> Settings::*,
               std::optional<double> Settings::*, std::optional<std::int64_t> Settings::*>
      field;
  double low, high;     // of a number
  const char* choices;  // of a word, "a|b"; nullptr: anything
  unsigned users;
  const char* help;
  const char* default_text;

  [[nodiscard]] std::string environment_name() const;
};

[[nodiscard]] std::span<const OptionSpec> option_table();

/// A value and where it came from: "--temp", "JEVONS_TEMP", "/etc/x.toml:3: temp".
struct SourcedValue {
  std::string source;
  std::string text;
};
/// By key.
using OptionValues = std::map<std::string, SourcedValue>;

/// The values of a TOML file with one `key = value` for each option. Errors name file and line.
[[nodiscard]] Result<OptionValues> read_config_file(const std::string& path);

/// $JEVONS_CONFIG, $XDG_CONFIG_HOME/jevons/config.toml or ~/.config/jevons/config.toml; empty if
/// there is no home.
[[nodiscard]] std::string config_path();

/// Values from later maps win. Errors name the source, the value and what it must be.
[[nodiscard]] Result<Settings> settings_from(std::span<const OptionValues> layers);

/// The options of one command on its command line, and then all layers together.
class OptionReader {
 public:
  /// Adds the options of `users` to `app`.
  OptionReader(CLI::App& app, unsigned users);
  /// After parsing: flags over environment over file over defaults.
  [[nodiscard]] Result<Settings> settings() const;

 private:
  struct Flag {
    const OptionSpec* spec;
    std::string text;
    bool is_set = false;
  };
  std::vector<std::unique_ptr<Flag>> flags_;
};

}  // namespace jevons
