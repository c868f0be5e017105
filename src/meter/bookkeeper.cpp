#include "meter/bookkeeper.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cmath>
#include <mutex>
#include <utility>

#include "base/wall_clock.h"

namespace jevons {
namespace {

// A tariff whose file is read again when it changes: prices of tomorrow come today.
class CurrentTariff {
 public:
  CurrentTariff(Tariff tariff, std::string setting)
      : setting_(std::move(setting)), tariff_(std::move(tariff)), changed_at_(change_time()) {}

  std::optional<double> price_at(std::int64_t unix_seconds) {
    const std::lock_guard lock(mutex_);
    if (unix_seconds >= look_at_) look_again(unix_seconds);
    return tariff_.price_at(unix_seconds);
  }
  std::string problem() {
    const std::lock_guard lock(mutex_);
    return problem_;
  }
  std::string what() {
    const std::lock_guard lock(mutex_);
    return tariff_.what();
  }

 private:
  using ChangeTime = std::pair<std::int64_t, std::int64_t>;
  [[nodiscard]] ChangeTime change_time() const {
    struct ::stat facts{};
    if (::stat(setting_.c_str(), &facts) != 0) return {};
    return {facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
  }
  void look_again(std::int64_t now) {
    constexpr std::int64_t kEverySeconds = 10;
    look_at_ = now + kEverySeconds;
    const ChangeTime changed = change_time();
    if (changed == changed_at_ || changed == ChangeTime{}) return;
    changed_at_ = changed;
    auto tariff = Tariff::read(setting_, tariff_.currency());
    problem_.clear();
    if (!tariff) {
      problem_ = std::move(tariff).error().message;
      spdlog::error("the tariff stays as it was: {}", problem_);
      return;
    }
    tariff_ = *std::move(tariff);
    spdlog::info("read the tariff again: {}", tariff_.what());
  }

  const std::string setting_;
  std::mutex mutex_;  // of what follows
  Tariff tariff_;
  ChangeTime changed_at_;
  std::int64_t look_at_ = 0;
  std::string problem_;
};

Result<void> check_watts(const char* name, std::optional<double> watts) {
  if (!watts || (std::isfinite(*watts) && *watts >= 0 && *watts <= kMostWatts)) return {};
  return fail("{} is {}, and must be between 0 and {:.0f} W", name, *watts, kMostWatts);
}

Result<void> check_options(const BookkeeperOptions& options) {
  JEVONS_TRY(check_watts("--watts", options.stated_watts));
  JEVONS_TRY(check_watts("--idle-watts", options.idle_watts));
  JEVONS_TRY(check_watts("--extra-watts", options.extra_watts));
  const std::string& source = options.sensors.source;
  if (options.stated_watts && source != "auto" && source != "off") {
    return fail("--watts states what --energy {} would measure: give one of them", source);
  }
  if (options.stated_watts && options.idle_watts && *options.idle_watts > *options.stated_watts) {
    return fail("--idle-watts {} is above --watts {}", *options.idle_watts, *options.stated_watts);
  }
  if (options.stated_watts && options.extra_watts > 0) {
    return fail("--extra-watts is what sensors miss; with --watts there are none");
  }
  return {};
}

}  // namespace

struct Bookkeeper::State {
  std::vector<std::string> missing;
  std::unique_ptr<CurrentTariff> tariff;
  std::string currency;
  bool wants_ledger = false;
  std::string ledger_problem;
  std::unique_ptr<DayAccounts> days;
  std::unique_ptr<Ledger> ledger;
  std::mutex mutex;  // of the next two
  std::optional<double> remembered_idle;
  RequestSums sums;
  std::unique_ptr<EnergyMeter> meter;  // last: its thread uses the above

  void open_ledger(const std::string& path, const TimeZone& zone) {
    auto opened = Ledger::open(path, zone);
    if (opened) {
      ledger = *std::move(opened);
      auto uses = use_of_today(path, zone);
      if (uses) return days->preset(*std::move(uses), unix_seconds());
      ledger_problem = std::move(uses).error().message;
    } else {
      ledger_problem = std::move(opened).error().message;
    }
  }
  Result<std::map<std::string, KeyUse>> use_of_today(const std::string& path,
                                                     const TimeZone& zone) const {
    JEVONS_ASSIGN(LedgerFile file, LedgerFile::open_to_read(path));
    return use_by_key(file, day_begin(zone, unix_seconds()), currency);
  }

  void start_meter(BookkeeperOptions& options, FoundSensors found) {
    EnergyMeterOptions meter_options;
    std::string source;
    for (const auto& sensor : found.sensors) {
      source += (source.empty() ? "" : "+") + sensor->facts().name;
    }
    if (ledger && !source.empty()) {
      if (auto file = LedgerFile::open_to_read(options.ledger)) {
        meter_options.remembered_idle = file->idle_watts(source).value_or(std::nullopt);
      }
    }
    remembered_idle = meter_options.remembered_idle;
    meter_options.sensors = std::move(found.sensors);
    meter_options.extra_watts = options.extra_watts;
    meter_options.stated_watts = options.stated_watts;
    meter_options.idle_watts = options.idle_watts;
    if (tariff) {
      meter_options.price_per_kwh = [this](std::int64_t at) { return tariff->price_at(at); };
    }
    meter = std::make_unique<EnergyMeter>(std::move(meter_options));
  }

  // The next run knows it from its beginning, when nothing is idle.
  void remember_idle() {
    if (!ledger || !meter) return;
    const EnergyMeterStatus seen = meter->status();
    if (!seen.measured_idle) return;
    constexpr double kNotable = 0.02;
    const std::lock_guard lock(mutex);
    const double watts = *seen.measured_idle;
    if (remembered_idle && std::abs(watts - *remembered_idle) <= kNotable * *remembered_idle)
      return;
    remembered_idle = watts;
    ledger->remember_idle(seen.source, watts);
  }
};

const char* BookkeeperStatus::ledger_word() const {
  if (!ledger_problem.empty()) return "failing";
  if (!ledger) return "off";
  return ledger->problem.empty() ? "ok" : "failing";
}

Bookkeeper::Bookkeeper(std::unique_ptr<State> state) : state_(std::move(state)) {}
// The meter ends first, while everything is there: its last answers come to record().
Bookkeeper::~Bookkeeper() {
  if (state_->meter) state_->meter->stop();
  state_->remember_idle();
}

Result<std::unique_ptr<Bookkeeper>> Bookkeeper::open(BookkeeperOptions options) {
  JEVONS_TRY(check_options(options));
  if (options.stated_watts) options.sensors.source = "off";
  auto state = std::make_unique<State>();
  TimeZone zone = TimeZone::local();
  if (!options.tariff.empty()) {
    JEVONS_ASSIGN(Tariff tariff, Tariff::read(options.tariff, options.currency));
    zone = tariff.zone();
    state->currency = tariff.currency();
    state->tariff = std::make_unique<CurrentTariff>(std::move(tariff), options.tariff);
  }
  JEVONS_ASSIGN(FoundSensors found, find_sensors(options.sensors));
  state->missing = std::move(found.missing);
  state->days = std::make_unique<DayAccounts>(zone, state->currency);
  state->wants_ledger = !options.ledger.empty();
  if (state->wants_ledger) state->open_ledger(options.ledger, zone);
  if (!found.sensors.empty() || options.stated_watts) {
    state->start_meter(options, std::move(found));
  }
  return std::unique_ptr<Bookkeeper>(new Bookkeeper(std::move(state)));
}

bool Bookkeeper::has_energy() const { return state_->meter != nullptr; }
bool Bookkeeper::has_tariff() const { return state_->tariff != nullptr; }
bool Bookkeeper::wants_ledger() const { return state_->wants_ledger; }
const std::string& Bookkeeper::currency() const { return state_->currency; }

void Bookkeeper::attach(WorkFeed feed) {
  if (state_->meter) state_->meter->attach(std::move(feed));
}

void Bookkeeper::wake() {
  if (state_->meter) state_->meter->wake();
}

void Bookkeeper::settle(std::vector<RequestId> requests, EnergyMeter::Done done) {
  if (!state_->meter) return done(std::nullopt);
  state_->meter->settle(std::move(requests), std::move(done));
}

void Bookkeeper::wait_settled(std::chrono::milliseconds most) {
  if (state_->meter) state_->meter->wait_settled(most);
}

void put_energy(LedgerRow& row, const EnergyUse& use, const std::string& currency) {
  row.joules = use.joules;
  row.marginal_joules = use.marginal_joules;
  row.cost = use.cost;
  row.source = use.source;
  row.confidence = use.confidence;
  if (use.cost) row.currency = currency;
}

void Bookkeeper::record(LedgerRow row) {
  {
    const std::lock_guard lock(state_->mutex);
    RequestSums& sums = state_->sums;
    ++(row.joules ? sums.n_measured : sums.n_unmeasured);
    sums.joules += row.joules.value_or(0);
    sums.marginal_joules += row.marginal_joules.value_or(0);
    sums.cost += row.cost.value_or(0);
  }
  const auto tokens = static_cast<double>(row.tokens_in - row.tokens_cached + row.tokens_out);
  state_->days->add(row.key, {tokens, row.joules.value_or(0), row.cost.value_or(0)},
                    row.at_ms / 1000);
  if (state_->ledger) state_->ledger->add(std::move(row));
  state_->remember_idle();
}

void Bookkeeper::record_when_settled(LedgerRow row, std::vector<RequestId> requests) {
  if (!state_->meter) return record(std::move(row));
  state_->meter->settle(std::move(requests),
                        [this, row = std::move(row)](const std::optional<EnergyUse>& use) mutable {
                          if (use) put_energy(row, *use, state_->currency);
                          record(std::move(row));
                        });
}

std::optional<SpentBudget> Bookkeeper::check(const std::string& key, const Budget& budget) {
  return state_->days->check(key, budget, unix_seconds());
}

KeyUse Bookkeeper::use_of(const std::string& key) {
  return state_->days->use_of(key, unix_seconds());
}

std::string Bookkeeper::problem_with(const Budget& budget) const {
  if (!budget.is_limited()) return "";
  if (!wants_ledger()) return "a budget needs the ledger (--ledger), or a restart would forget it";
  if (!state_->ledger_problem.empty()) {
    return "a budget needs the ledger, and it cannot be used: " + state_->ledger_problem;
  }
  if (budget.needs_energy() && !has_energy()) {
    std::string why = "a budget of energy or money needs a source of energy, and there is none";
    for (const std::string& one : state_->missing) why += "; " + one;
    return why;
  }
  if (budget.money > 0 && !has_tariff()) return "a budget of money needs a tariff (--tariff)";
  return "";
}

BookkeeperStatus Bookkeeper::status() const {
  BookkeeperStatus status;
  if (state_->meter) status.energy = state_->meter->status();
  status.missing = state_->missing;
  if (state_->tariff) {
    status.price = state_->tariff->price_at(unix_seconds());
    status.tariff = state_->tariff->what();
    status.tariff_problem = state_->tariff->problem();
  }
  status.currency = state_->currency;
  if (state_->ledger) status.ledger = state_->ledger->status();
  status.ledger_problem = state_->ledger_problem;
  const std::lock_guard lock(state_->mutex);
  status.requests = state_->sums;
  return status;
}

void Bookkeeper::flush() {
  if (state_->ledger) state_->ledger->flush();
}

}  // namespace jevons
