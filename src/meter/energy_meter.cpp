#include "meter/energy_meter.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/wall_clock.h"
#include "meter/host_energy.h"
#include "meter/idle_power.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);
// So many completions may still be asked about when they are over: with the last of their request,
// by its response, and by its row in the ledger. Some megabytes.
constexpr std::size_t kMostOver = 16384;
constexpr double kJoulesPerKwh = 3.6e6;
constexpr auto kLongestPiece = std::chrono::minutes(1);
constexpr auto kStaysBusy = std::chrono::seconds(2);

}  // namespace

struct EnergyMeter::State {
  struct Question {
    std::vector<RequestId> requests;
    Done done;
    Clock::time_point asked;
  };

  explicit State(EnergyMeterOptions given)
      : options(std::move(given)),
        host(std::move(options.sensors), options.extra_watts),
        idle(options.idle_watts, options.remembered_idle) {
    JEVONS_CHECK(!host.source().empty() || options.stated_watts);
    seen.source = host.source().empty() ? "stated" : host.source();
    seen.what = host.source().empty() ? "watts that the user states" : host.what();
    seen.confidence = confidence_of(1e9);
    seen.idle_watts = idle.watts();
    seen.idle_origin = idle.origin();
    // Work of any request comes after this. A plug has not answered yet, and is looked for often.
    sample();
    busy_until = Clock::now() + kStaysBusy;
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  [[nodiscard]] bool is_stated() const { return host.source().empty(); }
  [[nodiscard]] std::string confidence_of(double seconds) const {
    if (is_stated()) return "stated";
    if (seconds * 1000 < 2 * host.period_ms()) return "coarse";
    if (host.coverage() == EnergyCoverage::kHost) return "measured";
    return options.extra_watts > 0 ? "partly_stated" : "partial";
  }

  // The meter's thread.

  void run(const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "meter");
    while (!stop.stop_requested()) {
      wait(stop);
      sample();
      answer();
    }
    std::unique_lock lock(mutex);
    for (Question& question : std::exchange(asked, {})) questions.push_back(std::move(question));
    lock.unlock();
    for (Question& question : questions) question.done(sum_of(question));
  }

  void wait(const std::stop_token& stop) {
    const bool is_busy = last_sample < busy_until;
    // Who has asked and has no answer yet waits for an engine's step.
    const auto period = !questions.empty() ? std::chrono::milliseconds(5)
                        : is_busy          ? options.busy_period
                                           : options.idle_period;
    std::unique_lock lock(mutex);
    changed.wait_until(lock, stop, last_sample + period, [&] { return is_woken; });
    is_woken = false;
    for (Question& question : std::exchange(asked, {})) questions.push_back(std::move(question));
  }

  void sample() {
    WorkUntil until{Clock::now(), 0, false};
    std::vector<RequestWork> work;
    bool has_lost_work = false;
    {
      const std::lock_guard lock(feed_mutex);
      if (feed) until = feed(work);
      if (!feed) {
        calm_from = Clock::time_point::max();
      } else if (until.is_reading || calm_from == Clock::time_point::max()) {
        calm_from = Clock::now() + options.settling;
      }
      has_lost_work = feed && until.n_lost > n_lost;
      n_lost = until.n_lost;
    }
    shares.add_work(work);
    if (has_lost_work) shares.spoil_running();
    const Clock::time_point now = Clock::now();
    if (until.is_busy || !work.empty()) busy_until = now + kStaysBusy;

    EnergyPiece piece{last_sample, now, std::nullopt, price_per_joule(), std::nullopt};
    std::string problem;
    if (is_stated()) {
      piece.stated_watts = options.stated_watts;
    } else if (auto joules = host.sample(now)) {
      piece.joules = *joules;
      // The program stood still, and counters may have wrapped around more than once.
      if (now - last_sample > kLongestPiece) piece.joules.reset();
    } else {
      problem = std::move(joules).error().message;
    }
    const bool is_first = last_sample == Clock::time_point{};
    if (!is_first) shares.add_piece(piece);
    last_sample = now;
    shares.advance(until.until, idle.watts());
    if (!is_stated()) {
      const EnergyShares::IdleTime time = shares.take_idle_time();
      if (time.seconds > 0 && last_sample >= calm_from) idle.add(time.seconds, time.joules);
    }
    shares.forget_over(kMostOver);
    publish(piece, is_first, std::move(problem));
  }

  [[nodiscard]] std::optional<double> price_per_joule() const {
    if (!options.price_per_kwh) return std::nullopt;
    const auto price = options.price_per_kwh(unix_seconds());
    return price ? std::optional(*price / kJoulesPerKwh) : std::nullopt;
  }

  void publish(const EnergyPiece& piece, bool is_first, std::string problem) {
    const double seconds = std::chrono::duration<double>(piece.end - piece.begin).count();
    const std::lock_guard lock(mutex);
    seen.watts = is_stated() ? std::nullopt : seen.watts;
    if (!problem.empty()) seen.watts.reset();
    // Two samples close to each other say nothing of power.
    constexpr double kShort = 0.02;
    if (!is_first && piece.joules && seconds > kShort) seen.watts = *piece.joules / seconds;
    if (!is_first && !problem.empty()) seen.blind_seconds += seconds;
    seen.problem = std::move(problem);
    seen.idle_watts = idle.watts();
    seen.idle_origin = idle.origin();
    seen.measured_idle = idle.measured();
    seen.host_joules = shares.host_joules();
    seen.attributed_joules = shares.attributed_joules();
  }

  void answer() {
    const std::size_t n = std::erase_if(questions, [&](Question& question) {
      const bool are_over =
          std::ranges::all_of(question.requests, [&](RequestId id) { return shares.is_over(id); });
      if (!are_over && Clock::now() - question.asked < kPatience) return false;
      question.done(sum_of(question));
      return true;
    });
    if (n == 0) return;
    const std::lock_guard lock(mutex);
    n_open -= n;
    settled.notify_all();
  }

  std::optional<EnergyUse> sum_of(const Question& question) {
    RequestEnergy sum{.joules = 0, .marginal_joules = 0, .cost = 0, .seconds = 0};
    bool is_known = !question.requests.empty();
    for (const RequestId id : question.requests) {
      const auto part = shares.is_over(id) ? shares.energy_of(id) : std::nullopt;
      if (!part) {
        is_known = false;
        continue;
      }
      sum.joules += part->joules;
      sum.seconds += part->seconds;
      const auto add = [](std::optional<double>& to, const std::optional<double>& value) {
        if (to && value) {
          *to += *value;
        } else {
          to.reset();
        }
      };
      add(sum.marginal_joules, part->marginal_joules);
      add(sum.cost, part->cost);
    }
    if (!is_known) return std::nullopt;
    return EnergyUse{sum.joules, sum.marginal_joules,
                     options.price_per_kwh ? sum.cost : std::nullopt, seen.source,
                     confidence_of(sum.seconds)};
  }

  EnergyMeterOptions options;
  HostEnergy host;
  IdlePower idle;
  EnergyShares shares;
  std::vector<Question> questions;  // without an answer yet
  Clock::time_point last_sample{}, busy_until{};
  Clock::time_point calm_from = Clock::time_point::max();  // what is idle then, is

  std::mutex feed_mutex;  // of the next two
  WorkFeed feed;
  std::uint64_t n_lost = 0;

  mutable std::mutex mutex;  // of what follows; source and confidence never change
  std::condition_variable_any changed, settled;
  std::size_t n_open = 0;  // questions without an answer
  bool is_woken = false;
  std::vector<Question> asked;
  EnergyMeterStatus seen;

  std::jthread thread;  // last: it uses all of the above
};

EnergyMeter::EnergyMeter(EnergyMeterOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}

EnergyMeter::~EnergyMeter() = default;

void EnergyMeter::stop() {
  state_->thread.request_stop();
  if (state_->thread.joinable()) state_->thread.join();
}

void EnergyMeter::attach(WorkFeed feed) {
  const std::lock_guard lock(state_->feed_mutex);
  state_->feed = std::move(feed);
  if (!state_->feed) return;
  // What was done, and lost, before is nobody's business.
  std::vector<RequestWork> before;
  state_->n_lost = state_->feed(before).n_lost;
}

void EnergyMeter::wake() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_woken = true;
  }
  state_->changed.notify_one();
}

void EnergyMeter::settle(std::vector<RequestId> requests, Done done) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->asked.push_back({std::move(requests), std::move(done), Clock::now()});
    ++state_->n_open;
    state_->is_woken = true;
  }
  state_->changed.notify_one();
}

void EnergyMeter::wait_settled(std::chrono::milliseconds most) {
  std::unique_lock lock(state_->mutex);
  state_->settled.wait_for(lock, most, [&] { return state_->n_open == 0; });
}

EnergyMeterStatus EnergyMeter::status() const {
  const std::lock_guard lock(state_->mutex);
  return state_->seen;
}

}  // namespace jevons
