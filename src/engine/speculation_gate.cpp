#include "engine/speculation_gate.h"

#include <algorithm>

#include "base/check.h"

namespace jevons {
namespace {

// A gain that is expected to be less is not worth its uncertainty.
constexpr double kLeastGain = 1.05;
// What guesses may add to a step that reads prompts: those wait for it, too.
constexpr double kMostDelay = 1.1;
// How sure guesses must be to try a width that was not measured.
constexpr double kSure = 0.75;

// What may be lost, in plain steps.
constexpr double kAllowance = 0.005;  // for each plain step
constexpr double kMostAllowance = 8;

// Beyond so many steps, measurements say nothing about the next one.
constexpr std::uint64_t kPlainHolds = 64;
constexpr std::uint64_t kRatioHolds = 500;
constexpr std::size_t kEnough = 3;  // measurements

// Before there was any guess: what repeats a few tokens often does so by chance. By
// GuessRecord::kind_of.
constexpr std::array<double, GuessRecord::kKinds> kFirstRates = {0.3, 0.5, 0.6, 0.7, 0.8, 0.9};

}  // namespace

std::size_t GuessRecord::kind_of(int n_agreed) {
  constexpr std::array<int, kKinds> kFrom = {0, 4, 6, 9, 16, 32};
  return static_cast<std::size_t>(std::upper_bound(kFrom.begin(), kFrom.end(), n_agreed) -
                                  kFrom.begin() - 1);
}

void GuessRecord::add(int n_agreed, bool was_right) {
  Counts& counts = counts_[kind_of(n_agreed)];
  const double decay = 1 - 1 / memory_;
  counts.n = counts.n * decay + 1;
  counts.n_right = counts.n_right * decay + (was_right ? 1 : 0);
}

double GuessRecord::rate(int n_agreed, double expected) const {
  const Counts& counts = counts_[kind_of(n_agreed)];
  return (counts.n_right + kWeight * expected) / (counts.n + kWeight);
}

void WideStepCosts::Median::add(double value, std::uint64_t now) {
  if (now - added_ > kRatioHolds) clear();
  if (n_ == 0) next_ = 0;
  values_[next_] = value;
  next_ = (next_ + 1) % values_.size();
  n_ = std::min(n_ + 1, values_.size());
  added_ = now;
}

bool WideStepCosts::Median::knows(std::uint64_t now, std::uint64_t keeps_for) const {
  return n_ >= kEnough && now - added_ <= keeps_for;
}

double WideStepCosts::Median::value() const {
  std::array<double, 7> sorted = values_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(n_ / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(n_));
  return *middle;
}

void WideStepCosts::record(int n_answers, int n_guesses, double ms) {
  ++now_;
  if (n_answers < 1 || n_answers > kMostAnswers) return;
  Row& its_row = rows_[static_cast<std::size_t>(n_answers - 1)];
  if (n_guesses == 0) return its_row.plain.add(ms, now_);
  const auto width = std::find(kWidths.begin(), kWidths.end(), n_guesses);
  if (width == kWidths.end() || !knows_plain(n_answers)) return;
  Median& wide = its_row.wide[static_cast<std::size_t>(width - kWidths.begin())];
  wide.add(std::max(1.0, ms / plain_ms(n_answers)), now_);
}

void WideStepCosts::forget_plain() {
  for (Row& its_row : rows_) its_row.plain.clear();
}

bool WideStepCosts::knows_plain(int n_answers) const {
  if (n_answers < 1 || n_answers > kMostAnswers) return false;
  return row(n_answers).plain.knows(now_, kPlainHolds);
}

double WideStepCosts::plain_ms(int n_answers) const { return row(n_answers).plain.value(); }

bool WideStepCosts::knows(int n_answers, int n_guesses) const {
  const auto width = std::find(kWidths.begin(), kWidths.end(), n_guesses);
  return width != kWidths.end() &&
         row(n_answers).wide[static_cast<std::size_t>(width - kWidths.begin())].knows(now_,
                                                                                      kRatioHolds);
}

double WideStepCosts::ratio(int n_answers, int n_guesses) const {
  const Row& its_row = row(n_answers);
  double ratio = 1;
  int n_below = 0;  // the most guesses that were measured, up to n_guesses
  for (std::size_t i = 0; i < kWidths.size(); ++i) {
    if (!its_row.wide[i].knows(now_, kRatioHolds)) continue;
    const double measured = its_row.wide[i].value();
    if (kWidths[i] <= n_guesses) {
      ratio = measured;
      n_below = kWidths[i];
      continue;
    }
    const double grown = ratio * (n_answers + n_guesses) / (n_answers + n_below);
    return std::max(1.0, std::min(grown, measured));
  }
  return std::max(1.0, ratio * (n_answers + n_guesses) / (n_answers + n_below));
}

double SpeculationGate::rate(const Candidate& candidate) const {
  const int n_agreed = candidate.n_agreed + candidate.n_guesses;
  const double first = kFirstRates[GuessRecord::kind_of(n_agreed)];
  return candidate.record->rate(n_agreed, all_.rate(n_agreed, first));
}

void SpeculationGate::choose(std::span<Candidate> answers, int n_prompt_tokens) {
  odds_.clear();
  guesses_.clear();
  for (Candidate& candidate : answers) {
    candidate.n_guesses = 0;
    odds_.push_back(candidate.n_most > 0 ? rate(candidate) : 0);
  }
  const auto n_answers = static_cast<int>(answers.size());
  double n_expected = 0;
  while (static_cast<int>(guesses_.size()) < kMostGuesses) {
    const auto likeliest = std::max_element(odds_.begin(), odds_.end());
    if (likeliest == odds_.end() || *likeliest <= 0) break;
    const auto index = static_cast<std::size_t>(likeliest - odds_.begin());
    Candidate& candidate = answers[index];
    n_expected += *likeliest;
    guesses_.push_back({index, n_expected});
    ++candidate.n_guesses;
    *likeliest *= candidate.n_guesses < candidate.n_most ? rate(candidate) : 0;
  }
  const int n_chosen =
      n_prompt_tokens > 0 ? best_beside_prompts(n_answers, n_prompt_tokens) : best_alone(n_answers);
  for (Candidate& candidate : answers) candidate.n_guesses = 0;
  for (int i = 0; i < n_chosen; ++i) {
    ++answers[guesses_[static_cast<std::size_t>(i)].candidate].n_guesses;
  }
}

// A step that reads prompts reads most experts anyway; one more token costs at most its share.
int SpeculationGate::best_beside_prompts(int n_answers, int n_prompt_tokens) const {
  const double n_tokens = n_answers + n_prompt_tokens;
  double best = kLeastGain;
  int chosen = 0;
  for (const int width : WideStepCosts::kWidths) {
    if (width > static_cast<int>(guesses_.size())) break;
    const double cost = (n_tokens + width) / n_tokens;
    if (cost > kMostDelay) break;
    const double gain =
        (1 + guesses_[static_cast<std::size_t>(width - 1)].n_expected / n_answers) / cost;
    if (gain <= best) continue;
    best = gain;
    chosen = width;
  }
  return chosen;
}

int SpeculationGate::best_alone(int n_answers) const {
  if (!costs_.knows_plain(n_answers)) return 0;
  double best = kLeastGain;
  int chosen = 0;
  for (const int width : WideStepCosts::kWidths) {
    if (width > static_cast<int>(guesses_.size())) break;
    const double n_expected = guesses_[static_cast<std::size_t>(width - 1)].n_expected;
    const double cost = costs_.ratio(n_answers, width);
    if (cost - 1 > account_) continue;
    if (!costs_.knows(n_answers, width)) {
      if (n_expected >= kSure * width) return width;  // a trial
      continue;
    }
    const double gain = (1 + n_expected / n_answers) / cost;
    if (gain <= best) continue;
    best = gain;
    chosen = width;
  }
  return chosen;
}

void SpeculationGate::record(const Step& step) {
  if (step.n_prompt_tokens > 0 || step.n_answers == 0) return;
  if (step.n_guesses == 0) {
    account_ = std::min(kMostAllowance, account_ + kAllowance);
  } else if (costs_.knows_plain(step.n_answers)) {
    // A step that took far longer than such steps do was held up by something else.
    constexpr double kHiccup = 1.25;
    const double most = kHiccup * costs_.ratio(step.n_answers, step.n_guesses);
    const double cost = std::min(most, step.ms / costs_.plain_ms(step.n_answers));
    const double gained = static_cast<double>(step.n_right) / step.n_answers;
    account_ = std::min(kMostAllowance, account_ + 1 + gained - cost);
  }
  costs_.record(step.n_answers, step.n_guesses, step.ms);
}

void SpeculationGate::record_guess(GuessRecord& record, int n_agreed, bool was_right) {
  record.add(n_agreed, was_right);
  all_.add(n_agreed, was_right);
}

}  // namespace jevons
