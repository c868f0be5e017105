#include "app/config/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr const char* kGroup =
    "Options that may also stand in the environment or the configuration file";
constexpr double kMost = 1e9;
constexpr double kMostSeed = 9.2e18;

// clang-format off
constexpr OptionSpec kOptions[] = {
    {"model", "-m,--model", "FILE", &Settings::model, 0, 0, nullptr, kModelOptions,
     "the model, a GGUF file (of a split file any part)", "nano"},
    {"threads", "-t,--threads", "N", &Settings::threads, 0, 4096, nullptr, kThreadOptions,
     "threads to compute with", "all CPUs"},
    {"ctx_size", "-c,--ctx-size,--context", "N", &Settings::context, 0, kMost, nullptr,
     kRunOptions | kServeOptions | kPlanOptions, "tokens of context",
     "the least of the model's, 32768 and what fits"},
    {"kv_type", "--kv-type", "TYPE", &Settings::kv_type, 0, 0, "q8_0|f16",
     kModelOptions | kPlanOptions, "how keys and values are stored", "q8_0"},
    {"batch_size", "-b,--batch-size", "N", &Settings::batch, 1, 65536, nullptr, kModelOptions,
     "tokens of a prompt that are read at once", "512; 2048 if --ram is too little for the model"},
    {"ram", "--ram", "SIZE", &Settings::ram, 0, 0, nullptr, kModelOptions | kPlanOptions,
     "memory for all of it: 20GiB; if the model is larger, its experts are read from disk as they "
     "are needed",
     "what is free"},
    {"verify", "--verify", "", &Settings::verify, 0, 0, nullptr, kRunOptions | kServeOptions,
     "check that experts which are read again are what they were", "they are believed"},
    {"foresight", "--foresight", "N", &Settings::foresight, 0, 2, nullptr, kModelOptions,
     "layers ahead whose experts are guessed and read, if they are read from disk", "1"},
    {"trace", "--trace", "FILE", &Settings::trace, 0, 0, nullptr, kModelOptions,
     "records the experts that every token takes, for jevons bench --replay; a file that is there "
     "is overwritten", "none"},
    {"speculate", "--speculate", "WHEN", &Settings::speculate, 0, 0, "auto|off",
     kRunOptions | kServeOptions,
     "guess tokens ahead where the text repeats itself and that is measured to pay; off: never",
     "auto"},
    {"predict", "-n,--predict,--n-predict", "N", &Settings::predict, -1, kMost, nullptr,
     kRunOptions, "tokens to write at most", "until the context is full"},
    {"temp", "--temp,--temperature", "X", &Settings::temperature, 0, 100, nullptr, kRunOptions,
     "temperature; 0 always takes the likeliest token", "the model's, else 1.0"},
    {"top_k", "--top-k", "N", &Settings::top_k, 0, kMost, nullptr, kRunOptions,
     "keep the N likeliest tokens; 0: all", "the model's, else 40"},
    {"top_p", "--top-p", "X", &Settings::top_p, 0, 1, nullptr, kRunOptions,
     "keep the likeliest tokens up to this probability", "the model's, else 0.95"},
    {"min_p", "--min-p", "X", &Settings::min_p, 0, 1, nullptr, kRunOptions,
     "drop tokens below this part of the likeliest one's probability", "0"},
    {"seed", "-s,--seed", "N", &Settings::seed, -1, kMostSeed, nullptr, kRunOptions,
     "the same seed gives the same text", "a fresh one"},
    {"repeat_penalty", "--repeat-penalty", "X", &Settings::repeat_penalty, 0.01, 100, nullptr,
     kRunOptions, "1: none", "1"},
    {"repeat_last_n", "--repeat-last-n", "N", &Settings::repeat_window, 0, 1e6, nullptr,
     kRunOptions, "tokens that the repeat penalty looks back", "256"},
    {"presence_penalty", "--presence-penalty", "X", &Settings::presence_penalty, -100, 100, nullptr,
     kRunOptions, "0: none", "0"},
    {"frequency_penalty", "--frequency-penalty", "X", &Settings::frequency_penalty, -100, 100,
     nullptr, kRunOptions, "0: none", "0"},
    {"system", "--system,--system-prompt", "TEXT", &Settings::system, 0, 0, nullptr, kRunOptions,
     "system message", "the model's own"},
    {"tools", "--tools", "NAMES", &Settings::tools, 0, 0, nullptr, kRunOptions,
     "tools to offer and run: calculator, clock, with a comma between", "none"},
    {"hide_reasoning", "--hide-reasoning", "", &Settings::hide_reasoning, 0, 0, nullptr,
     kRunOptions, "do not show the reasoning", "it is shown in a terminal"},

    {"host", "--host", "ADDRESS", &Settings::host, 0, 0, nullptr, kServeOptions,
     "where to listen; another address than the loopback needs an API key", "127.0.0.1"},
    {"port", "--port", "N", &Settings::port, 0, 65535, nullptr, kServeOptions,
     "0: any that is free", "8080"},
    {"api_key", "--api-key", "KEY", &Settings::api_key, 0, 0, nullptr, kServeOptions,
     "the key that requests must bring; on the command line other users of the machine see it",
     "none"},
    {"api_keys", "--api-keys", "FILE", &Settings::api_keys, 0, 0, nullptr, kServeOptions,
     "keys with names and limits (docs/SERVING.md); read again on SIGHUP", "none"},
    {"parallel", "--parallel", "N", &Settings::parallel, 1, 1024, nullptr, kServeOptions,
     "answers written at once; others wait", "4"},
    {"queue", "--queue", "N", &Settings::queue, 0, 1e6, nullptr, kServeOptions,
     "requests that wait at most; more are refused with 429", "16 times --parallel"},
    {"slice_ms", "--slice-ms", "N", &Settings::slice_ms, 1, 60000, nullptr, kServeOptions,
     "time for new prompts while other answers are being written", "200"},
    {"cache_dir", "--cache-dir", "FOLDER", &Settings::cache_dir, 0, 0, nullptr, kServeOptions,
     "keeps what was computed of prompts over restarts", "memory alone"},
    {"cache_size", "--cache-size", "SIZE", &Settings::cache_size, 0, 0, nullptr, kServeOptions,
     "of that folder, at most: 20G, 1.5TiB", "10 % of the free disk, at most 64GiB"},
    {"daily_write_limit", "--daily-write-limit", "SIZE", &Settings::daily_write_limit, 0, 0,
     nullptr, kServeOptions, "written to that folder a day at most, for the disk's sake", "none"},
    {"cache_memory", "--cache-memory", "SIZE", &Settings::cache_memory, 0, 0, nullptr,
     kServeOptions, "memory for keys and values, cached ones included", "what fits"},
    {"share_system_prefix", "--share-system-prefix", "", &Settings::share_system_prefix, 0, 0,
     nullptr, kServeOptions, "system prompts and tools are cached for all keys together",
     "each key for itself"},
    {"keep_nonces", "--keep-nonces", "", &Settings::keep_nonces, 0, 0, nullptr, kServeOptions,
     "keep lines of known clients that change each time and defeat the cache", "dropped"},
    {"responses_dir", "--responses-dir", "FOLDER", &Settings::responses_dir, 0, 0, nullptr,
     kServeOptions, "keeps stored responses over restarts", "memory alone"},
    {"cors_origin", "--cors-origin", "ORIGINS", &Settings::cors_origin, 0, 0, nullptr,
     kServeOptions, "web pages that may use the server, with a comma between; *: all", "none"},
    {"allowed_host", "--allowed-host", "NAMES", &Settings::allowed_host, 0, 0, nullptr,
     kServeOptions, "names that requests may call the server by, with a comma between",
     "addresses, localhost, the machine's name"},
    {"tls_cert", "--tls-cert", "FILE", &Settings::tls_cert, 0, 0, nullptr, kServeOptions,
     "certificate chain, PEM; needs --tls-key too", "no TLS"},
    {"tls_key", "--tls-key", "FILE", &Settings::tls_key, 0, 0, nullptr, kServeOptions,
     "its private key, PEM", "no TLS"},
    {"max_connections", "--max-connections", "N", &Settings::max_connections, 1, 65536, nullptr,
     kServeOptions, "open connections at most", "512"},
    {"max_body", "--max-body", "SIZE", &Settings::max_body, 0, 0, nullptr, kServeOptions,
     "of a request at most", "32MiB"},
    {"drain_seconds", "--drain-seconds", "N", &Settings::drain_seconds, 0, 86400, nullptr,
     kServeOptions, "time for running answers when the server is told to stop", "30"},
    {"stall_seconds", "--stall-seconds", "N", &Settings::stall_seconds, 1, 86400, nullptr,
     kServeOptions, "work without progress for longer is reported as a stuck engine", "300"},
    {"log_json", "--log-json", "", &Settings::log_json, 0, 0, nullptr, kServeOptions,
     "log lines are JSON objects", "plain text"},
    {"log_content", "--log-content", "", &Settings::log_content, 0, 0, nullptr, kServeOptions,
     "log prompts and answers too", "never"},
    {"scripted_answers", "--scripted-answers", "FILE", &Settings::scripted_answers, 0, 0, nullptr,
     kServeOptions, "for tests of clients: answers that are given instead of the model's",
     "the model answers"},

    {"prices", "--prices", "FILE", &Settings::prices, 0, 0, nullptr, kCostOptions,
     "prices of your own (docs/COST.md); they come before those of prices.toml in the "
     "configuration folder and those of the program", "none"},
    {"stale_days", "--stale-days", "N", &Settings::stale_days, 0, 100000, nullptr, kCostOptions,
     "mark prices that were read longer ago", "180"},
    {"watts", "--watts", "W", &Settings::watts, 0, 0, nullptr, kCostOptions | kEnergyOptions,
     "what this machine draws while it works; of run and serve: instead of a sensor",
     "not known; of cost what the ledger has"},
    {"idle_watts", "--idle-watts", "W", &Settings::idle_watts, 0, 0, nullptr,
     kCostOptions | kEnergyOptions, "what it draws the rest of the time",
     "not counted; of run and serve: measured while there is nothing to do"},
    {"tariff", "--tariff", "PRICE", &Settings::tariff, 0, 0, nullptr, kCostOptions | kEnergyOptions,
     "price of a kWh, or a file of prices by time of day (.toml) or by hour (.csv): docs/METER.md; "
     "cost takes the mean of a year", "not known"},
    {"currency", "--currency", "NAME", &Settings::currency, 0, 0, nullptr,
     kCostOptions | kEnergyOptions, "of the tariff; of cost also of the hardware's price and of "
     "what is shown", "of the tariff's file; of cost else USD"},
    {"exchange", "--exchange", "RATE", &Settings::exchange, 0, 0, nullptr, kCostOptions,
     "how much of that currency a US dollar is", "needed for any other than USD"},
    {"hardware_price", "--hardware-price", "PRICE", &Settings::hardware_price, 0, 0, nullptr,
     kCostOptions, "what this machine cost", "not known"},
    {"life_years", "--life", "YEARS", &Settings::life_years, 0, 0, nullptr, kCostOptions,
     "time over which its price is spread", "not known"},

    {"energy", "--energy", "SOURCE", &Settings::energy, 0, 0, nullptr, kEnergyOptions,
     "where energy is measured: auto, off, rapl, hwmon, hwmon:CHIP, battery, nvml, shelly:HOST, "
     "shelly1:HOST, tasmota:HOST, homeassistant:URL/ENTITY, or the URL of a source of JSON "
     "(docs/METER.md)", "auto"},
    {"energy_pointer", "--energy-pointer", "POINTER", &Settings::energy_pointer, 0, 0, nullptr,
     kEnergyOptions, "where in that JSON the number is, as /apower", "of the kind of plug"},
    {"energy_unit", "--energy-unit", "UNIT", &Settings::energy_unit, 0, 0, nullptr, kEnergyOptions,
     "of that number: W, kW, Wh, kWh or J", "W"},
    {"energy_token", "--energy-token", "TOKEN", &Settings::energy_token, 0, 0, nullptr,
     kEnergyOptions, "that the source of JSON wants, as Home Assistant does; on the command line "
     "other users of the machine see it", "none"},
    {"extra_watts", "--extra-watts", "W", &Settings::extra_watts, 0, 20000, nullptr, kEnergyOptions,
     "what its sensors miss, all the time: board, fans, power supply", "0"},
    {"ledger", "--ledger", "FILE", &Settings::ledger, 0, 0, nullptr, kLedgerOptions,
     "the database with a row for each request, without content; off: none",
     "~/.local/share/jevons/ledger.db"},
};
// clang-format on

using Problem = std::unexpected<Error>;

Problem problem(const SourcedValue& value, const std::string& must_be) {
  return fail("{} is '{}', and must be {}", value.source, utf8_sanitize(value.text), must_be);
}

template <typename T>
Result<T> number(const OptionSpec& spec, const SourcedValue& value) {
  constexpr bool kWhole = std::is_integral_v<T>;
  const std::string must_be = fmt::format("a {} between {} and {}",
                                          kWhole ? "whole number" : "number", spec.low, spec.high);
  T parsed{};
  const char* end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, parsed);
  if (error != std::errc{} || stop != end) return problem(value, must_be);
  const auto as_double = static_cast<double>(parsed);
  // Not a number compares false with everything.
  if (!(as_double >= spec.low && as_double <= spec.high)) return problem(value, must_be);
  return parsed;
}

Result<bool> truth(const SourcedValue& value) {
  if (value.text == "true" || value.text == "1") return true;
  if (value.text == "false" || value.text == "0") return false;
  return problem(value, "true or false");
}

Result<std::string> word(const OptionSpec& spec, const SourcedValue& value) {
  if (spec.choices == nullptr) return value.text;
  std::string_view rest = spec.choices;
  while (!rest.empty()) {
    const std::size_t bar = std::min(rest.find('|'), rest.size());
    if (rest.substr(0, bar) == value.text) return value.text;
    rest.remove_prefix(std::min(rest.size(), bar + 1));
  }
  return problem(value, std::string("one of ") + spec.choices);
}

// Sets one field, whatever its type.
struct Setter {
  Settings& settings;
  const OptionSpec& spec;
  const SourcedValue& value;

  template <typename T>
  Result<void> put(T Settings::* field, Result<T> parsed) {
    if (!parsed) return std::unexpected(parsed.error());
    settings.*field = *std::move(parsed);
    return {};
  }
  template <typename T>
  Result<void> put_optional(std::optional<T> Settings::* field) {
    JEVONS_ASSIGN(settings.*field, number<T>(spec, value));
    return {};
  }
  Result<void> operator()(std::string Settings::* field) { return put(field, word(spec, value)); }
  Result<void> operator()(std::optional<std::string> Settings::* field) {
    JEVONS_ASSIGN(settings.*field, word(spec, value));
    return {};
  }
  Result<void> operator()(bool Settings::* field) { return put(field, truth(value)); }
  Result<void> operator()(int Settings::* field) { return put(field, number<int>(spec, value)); }
  Result<void> operator()(double Settings::* field) {
    return put(field, number<double>(spec, value));
  }
  Result<void> operator()(std::optional<int> Settings::* field) { return put_optional(field); }
  Result<void> operator()(std::optional<double> Settings::* field) { return put_optional(field); }
  Result<void> operator()(std::optional<std::int64_t> Settings::* field) {
    return put_optional(field);
  }
};

OptionValues environment_values() {
  OptionValues values;
  for (const OptionSpec& spec : kOptions) {
    const std::string name = spec.environment_name();
    if (const char* text = std::getenv(name.c_str())) values[spec.key] = {name, text};
  }
  return values;
}

std::string help_of(const OptionSpec& spec) {
  return fmt::format("{} [{}]\n({}, or {} in the file)", spec.help, spec.default_text,
                     spec.environment_name(), spec.key);
}

}  // namespace

std::string OptionSpec::environment_name() const {
  std::string name = "JEVONS_";
  for (const char* c = key; *c != '\0'; ++c) {
    name += *c >= 'a' && *c <= 'z' ? static_cast<char>(*c - 'a' + 'A') : *c;
  }
  return name;
}

std::span<const OptionSpec> option_table() { return kOptions; }

Result<Settings> settings_from(std::span<const OptionValues> layers) {
  Settings settings;
  for (const OptionValues& layer : layers) {
    for (const OptionSpec& spec : kOptions) {
      const auto found = layer.find(spec.key);
      if (found == layer.end()) continue;
      JEVONS_TRY(std::visit(Setter{settings, spec, found->second}, spec.field));
    }
  }
  return settings;
}

OptionReader::OptionReader(CLI::App& app, unsigned users) {
  for (const OptionSpec& spec : kOptions) {
    if ((spec.users & users) == 0) continue;
    Flag* flag = flags_.emplace_back(std::make_unique<Flag>(Flag{&spec, "", false})).get();
    if (std::holds_alternative<bool Settings::*>(spec.field)) {
      app.add_flag_callback(
             spec.flags,
             [flag] {
               flag->text = "true";
               flag->is_set = true;
             },
             help_of(spec))
          ->group(kGroup);
      continue;
    }
    app.add_option_function<std::string>(
           spec.flags,
           [flag](const std::string& text) {
             flag->text = text;
             flag->is_set = true;
           },
           help_of(spec))
        ->type_name(spec.placeholder)
        ->take_last()
        ->group(kGroup);
  }
}

Result<Settings> OptionReader::settings() const {
  OptionValues from_flags;
  for (const auto& flag : flags_) {
    const std::string_view flags = flag->spec->flags;
    const std::size_t longest = flags.find("--");
    const std::string name(flags.substr(longest, flags.find(',', longest) - longest));
    if (flag->is_set) from_flags[flag->spec->key] = {name, flag->text};
  }
  OptionValues from_file;
  if (const std::string path = config_path(); !path.empty()) {
    JEVONS_ASSIGN(from_file, read_config_file(path));
  }
  const OptionValues layers[] = {std::move(from_file), environment_values(), std::move(from_flags)};
  return settings_from(layers);
}

}  // namespace jevons
