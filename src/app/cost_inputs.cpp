#include "app/cost_inputs.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>

#include "app/bench_speed.h"
#include "app/machine_figures.h"
#include "base/utf8.h"
#include "base/wall_clock.h"
#include "meter/day.h"
#include "meter/tariff.h"

namespace jevons {
namespace {

struct Range {
  Amount low, high;
};
const Range kRate = {Amount::of_micro(10'000), kMostTokensPerSecond};
const Range kHours = {Amount::of_micro(10'000), 24};
const Range kRatio = {0, kMostInputRatio};
const Range kShare = {0, 1};
const Range kWatts = {0, 1'000'000};
const Range kMoney = {0, 999'999'999};
const Range kKwhPrice = {0, 1'000'000};
const Range kLife = {Amount::of_micro(10'000), 1000};
const Range kExchange = {Amount::of_micro(1), 1'000'000};

Result<Amount> number_of(const std::string& option, const std::string& text, const Range& range) {
  const auto parsed = Amount::parse(text);
  if (!parsed) {
    return fail("{} is '{}', and must be {}", option, utf8_sanitize(text), parsed.error().message);
  }
  if (*parsed < range.low || *parsed > range.high) {
    return fail("{} is {}, and must be from {} to {}", option, parsed->shortest(),
                range.low.shortest(), range.high.shortest());
  }
  return *parsed;
}

// Leaves `target` as it is if the option was not given.
Result<void> set_number(const std::string& option, const std::string& text, const Range& range,
                        Amount& target) {
  if (text.empty()) return {};
  JEVONS_ASSIGN(target, number_of(option, text, range));
  return {};
}

Result<void> set_figure(const std::string& option, const std::string& text, const Range& range,
                        std::optional<KnownFigure>& target) {
  if (text.empty()) return {};
  JEVONS_ASSIGN(const Amount value, number_of(option, text, range));
  target = {value, "stated"};
  return {};
}

Result<OwnMachine> machine_of(const CostFlags& flags, const Settings& settings) {
  OwnMachine machine;
  if (!flags.bench.empty()) {
    JEVONS_ASSIGN(const BenchSpeed speed, read_bench_speed(flags.bench));
    machine.tokens_per_second = speed.answer;
    machine.prompt_tokens_per_second = speed.prompt;
  }
  JEVONS_TRY(set_figure("--speed", flags.speed, kRate, machine.tokens_per_second));
  JEVONS_TRY(
      set_figure("--prompt-speed", flags.prompt_speed, kRate, machine.prompt_tokens_per_second));
  JEVONS_TRY(set_figure("--watts", settings.watts, kWatts, machine.watts));
  JEVONS_TRY(set_figure("--idle-watts", settings.idle_watts, kWatts, machine.idle_watts));
  JEVONS_TRY(
      set_figure("--hardware-price", settings.hardware_price, kMoney, machine.hardware_price));
  JEVONS_TRY(set_figure("--life", settings.life_years, kLife, machine.life_years));
  return machine;
}

bool is_file_of_prices(const std::string& tariff) {
  return tariff.ends_with(".toml") || tariff.ends_with(".csv");
}

// A year is computed with one price: of a file that is the mean, as an agent that never sleeps pays
// it. The currency is the file's unless one is stated.
Result<void> set_tariff(const Settings& settings, OwnMachine& machine, std::string& currency) {
  currency = settings.currency;
  if (!is_file_of_prices(settings.tariff)) {
    return set_figure("--tariff", settings.tariff, kKwhPrice, machine.kwh_price);
  }
  JEVONS_ASSIGN(const Tariff tariff, Tariff::read(settings.tariff, settings.currency));
  currency = tariff.currency();
  const Tariff::Mean mean = tariff.mean(unix_seconds());
  JEVONS_ASSIGN(const Amount price,
                number_of(fmt::format("the mean of --tariff {}", settings.tariff),
                          fmt::format("{:.6f}", mean.price), kKwhPrice));
  machine.kwh_price = {price, fmt::format("the mean of {} over {} days", tariff.what(),
                                          Amount::of_micro(std::llround(mean.days * 1e6)).text(0))};
  return {};
}

Result<PriceBook> book_of(const Settings& settings) {
  namespace fs = std::filesystem;
  PriceBook book = PriceBook::shipped();
  if (const std::string config = config_path(); !config.empty()) {
    const fs::path own = fs::path(config).parent_path() / "prices.toml";
    std::error_code error;
    if (fs::exists(own, error)) JEVONS_TRY(book.add_file(own.string()));
  }
  if (!settings.prices.empty()) JEVONS_TRY(book.add_file(settings.prices));
  return book;
}

Result<void> set_currency(const Settings& settings, const std::string& stated, CostInputs& inputs) {
  constexpr std::size_t kLongestName = 8;
  inputs.currency = stated.empty() ? "USD" : stated;
  const bool is_word = !inputs.currency.empty() && inputs.currency.size() <= kLongestName &&
                       std::ranges::all_of(inputs.currency, [](char c) {
                         return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
                       });
  if (!is_word) {
    return fail("--currency is '{}', and must be a short word such as EUR",
                utf8_sanitize(inputs.currency));
  }
  if (inputs.currency == "USD") {
    if (settings.exchange.empty()) return {};
    return fail("--exchange is given, and --currency is USD: name the other currency");
  }
  if (settings.exchange.empty()) {
    return fail(
        "--currency is {}, and the price book is in USD: --exchange must say how much {} "
        "a US dollar is",
        inputs.currency, inputs.currency);
  }
  JEVONS_ASSIGN(inputs.exchange, number_of("--exchange", settings.exchange, kExchange));
  return {};
}

void convert_prices(PricedModel& model, Amount exchange) {
  for (ListPrice& price : model.prices) {
    if (price.input) *price.input = *price.input * exchange;
    if (price.cached) *price.cached = *price.cached * exchange;
    price.output = price.output * exchange;
  }
}

}  // namespace

void add_cost_flags(CLI::App& app, CostFlags& flags) {
  app.add_flag("--trend", flags.trend, "score against price, release by release");
  app.add_flag("--break-even", flags.break_even, "when this machine has saved what it cost");
  app.add_flag("--sources", flags.sources, "who says what each figure of the price book is");
  app.add_option("--models", flags.models, "these alone, by their ids [all]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("ID,ID,...");
  app.add_option("--rate", flags.rate, "tokens per second that the agent writes [50]")
      ->type_name("N");
  app.add_option("--hours-per-day", flags.hours_per_day, "that it works, every day [24]")
      ->type_name("N");
  app.add_option("--input-ratio", flags.input_ratio, "tokens it reads for each that it writes [0]")
      ->type_name("X");
  app.add_option("--cache-share", flags.cache_share, "of those, the part from a cache, 0 to 1 [0]")
      ->type_name("X");
  app.add_option("--speed", flags.speed, "tokens per second that this machine writes")
      ->type_name("N");
  app.add_option("--prompt-speed", flags.prompt_speed, "tokens per second that it reads")
      ->type_name("N");
  app.add_option("--bench", flags.bench, "both from what jevons bench --json wrote")
      ->type_name("FILE");
  app.add_option("--runs", flags.runs, "the model that it runs, for the score")->type_name("ID");
  app.add_flag("--json", flags.json, "print one JSON object");
  app.add_option("--svg", flags.svg, "write a picture of it, too")->type_name("FILE");
}

Result<CostInputs> cost_inputs(const CostFlags& flags, const Settings& settings) {
  CostInputs inputs;
  inputs.day = today();
  inputs.stale_days = settings.stale_days;
  Workload& work = inputs.workload;
  JEVONS_TRY(set_number("--rate", flags.rate, kRate, work.tokens_per_second));
  JEVONS_TRY(set_number("--hours-per-day", flags.hours_per_day, kHours, work.hours_per_day));
  JEVONS_TRY(set_number("--input-ratio", flags.input_ratio, kRatio, work.input_ratio));
  JEVONS_TRY(set_number("--cache-share", flags.cache_share, kShare, work.cache_share));
  inputs.has_rate = !flags.rate.empty();
  JEVONS_ASSIGN(inputs.machine, machine_of(flags, settings));
  std::string currency;
  JEVONS_TRY(set_tariff(settings, inputs.machine, currency));
  JEVONS_TRY(set_currency(settings, currency, inputs));
  JEVONS_ASSIGN(PriceBook book, book_of(settings));
  JEVONS_ASSIGN(inputs.models, book.select(flags.models));
  if (!flags.runs.empty()) {
    JEVONS_ASSIGN(const auto runs, book.select({&flags.runs, 1}));
    inputs.runs = runs.front();
  }
  if (const auto added = add_known_figures(settings, book, work, inputs.machine, inputs.runs);
      !added) {
    inputs.notes.push_back("left out: " + added.error().message);
  }
  for (PricedModel& model : inputs.models) convert_prices(model, inputs.exchange);
  return inputs;
}

}  // namespace jevons
