#include "engine/speculation_gate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace jevons {
namespace {

// A step's time by how many tokens are in it, with the noise of a busy machine.
struct Machine {
  std::function<double(int)> ms;
  double noise = 0.05;
};

double proportional(int n) { return 100.0 * n; }
double half_fixed(int n) { return 50 + 50.0 * n; }
// Experts are shared more and more, as in M2: a part that all tokens read, and unions of experts.
double experts(int n) { return 30 + 70 * 32 * (1 - std::pow(1 - 1.0 / 32, n)); }
double flat(int n) { return 100 + n; }

// Text of which guesses come true at a rate; `agreed` as it would be found.
struct Text {
  double rate;
  double has_guess = 1;  // how often there is a match at all
  int agreed = 32;
};

struct Outcome {
  double ms = 0;
  int n_tokens = 0, n_guessed = 0, n_right = 0;
  [[nodiscard]] double ms_per_token() const { return ms / n_tokens; }
};

class Simulation {
 public:
  explicit Simulation(Machine machine, int n_answers = 1)
      : machine_(std::move(machine)), n_answers_(n_answers) {
    gate_.answers_changed();
  }

  Outcome write(const Text& text, int n_steps, int n_prompt_tokens = 0) {
    Outcome run;
    std::vector<GuessRecord> records(static_cast<std::size_t>(n_answers_), GuessRecord(30));
    for (int i = 0; i < n_steps; ++i) {
      std::vector<SpeculationGate::Candidate> candidates;
      candidates.reserve(records.size());
      for (const GuessRecord& record : records) {
        candidates.push_back({&record, chance(text.has_guess) ? 15 : 0, text.agreed});
      }
      gate_.choose(candidates, n_prompt_tokens);
      SpeculationGate::Step step{n_answers_, n_prompt_tokens, 0, 0, 0};
      for (std::size_t c = 0; c < candidates.size(); ++c) {
        const SpeculationGate::Candidate& candidate = candidates[c];
        EXPECT_LE(candidate.n_guesses, candidate.n_most);
        step.n_guesses += candidate.n_guesses;
        const bool had_guess = candidate.n_most > 0;
        for (int k = 0;; ++k) {
          const bool right = chance(text.rate);
          if (had_guess) gate_.record_guess(records[c], text.agreed, right);
          if (k == candidate.n_guesses || !right) break;
          ++step.n_right;
        }
      }
      EXPECT_LE(step.n_guesses, SpeculationGate::kMostGuesses);
      const double ms = machine_.ms(n_answers_ + n_prompt_tokens + step.n_guesses);
      step.ms = ms * (1 + machine_.noise * std::abs(normal_(random_)));
      gate_.record(step);
      run.ms += ms;  // without the noise, so that runs can be compared
      run.n_tokens += n_answers_ + step.n_right;
      run.n_guessed += step.n_guesses;
      run.n_right += step.n_right;
    }
    return run;
  }
  [[nodiscard]] double plain_ms_per_token() const { return machine_.ms(n_answers_) / n_answers_; }
  [[nodiscard]] double gain(const Outcome& run) const {
    return plain_ms_per_token() / run.ms_per_token();
  }
  SpeculationGate& gate() { return gate_; }

 private:
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }

  Machine machine_;
  int n_answers_;
  SpeculationGate gate_;
  std::mt19937 random_{17};
  std::normal_distribution<> normal_;
};

TEST(SpeculationGate, TextThatDoesNotRepeatItselfLosesNothing) {
  for (const auto& ms : {proportional, half_fixed, experts, flat}) {
    for (const int n_answers : {1, 4}) {
      Simulation simulation({ms}, n_answers);
      for (const double rate : {0.0, 0.1, 0.3}) {
        for (const int agreed : {3, 8, 32}) {
          const Outcome run = simulation.write({rate, 0.5, agreed}, 500);
          EXPECT_GT(simulation.gain(run), 0.99) << ms(2) << " " << rate << " " << agreed;
        }
      }
    }
  }
}

TEST(SpeculationGate, ACopyGains) {
  struct Case {
    double (*ms)(int);
    double rate, least_gain;
  };
  for (const Case& c : {Case{half_fixed, 0.97, 1.4}, Case{experts, 0.98, 1.15},
                        Case{flat, 0.9, 4.0}, Case{flat, 0.8, 2.5}}) {
    Simulation simulation({c.ms});
    (void)simulation.write({0.0, 0.2, 3}, 100);
    const Outcome run = simulation.write({c.rate}, 400);
    EXPECT_GT(simulation.gain(run), c.least_gain) << c.rate;
    EXPECT_GT(run.n_right, 0);
  }
}

TEST(SpeculationGate, WhereEachTokenCostsAsMuchAsAStepItStaysOff) {
  Simulation simulation({proportional});
  const Outcome run = simulation.write({1.0}, 3000);
  EXPECT_LT(run.n_guessed, 300);
  EXPECT_GT(simulation.gain(run), 0.999);
}

TEST(SpeculationGate, ItGoesOffWhenTheCopyEndsAndOnWithTheNext) {
  Simulation simulation({half_fixed});
  for (int round = 0; round < 5; ++round) {
    const Outcome copy = simulation.write({0.98}, 200);
    EXPECT_GT(simulation.gain(copy), 1.3) << round;
    const Outcome other = simulation.write({0.1}, 300);
    // The first misses of each new stretch cost; then nothing does.
    EXPECT_GT(simulation.gain(other), 0.96) << round;
    const Outcome later = simulation.write({0.1}, 300);
    EXPECT_GT(simulation.gain(later), 0.99) << round;
  }
}

TEST(SpeculationGate, WhatCanBeLostIsBounded) {
  // Whatever the text does: as sure as can be until guesses are made, then all of them wrong.
  for (const auto& ms : {half_fixed, experts, flat}) {
    SpeculationGate gate;
    GuessRecord record(30);
    double lost = 0;
    int n_plain = 0;
    for (int i = 0; i < 20'000; ++i) {
      for (int k = 0; k < 5; ++k) gate.record_guess(record, 32, true);
      SpeculationGate::Candidate candidate{&record, 15, 32};
      gate.choose({&candidate, 1}, 0);
      gate.record({1, 0, candidate.n_guesses, 0, ms(1 + candidate.n_guesses)});
      lost += ms(1 + candidate.n_guesses) / ms(1) - 1;
      if (candidate.n_guesses == 0) ++n_plain;
    }
    EXPECT_LT(lost, 9 + 0.006 * n_plain);
  }
}

TEST(SpeculationGate, NothingBeforePlainStepsWereMeasured) {
  SpeculationGate gate;
  GuessRecord record(30);
  for (int i = 0; i < 100; ++i) gate.record_guess(record, 32, true);
  SpeculationGate::Candidate candidate{&record, 15, 32};
  for (int i = 0; i < 3; ++i) {
    gate.choose({&candidate, 1}, 0);
    EXPECT_EQ(candidate.n_guesses, 0);
    gate.record({1, 0, 0, 0, 100});
  }
  gate.choose({&candidate, 1}, 0);
  EXPECT_GT(candidate.n_guesses, 0);
  gate.answers_changed();
  gate.choose({&candidate, 1}, 0);
  EXPECT_EQ(candidate.n_guesses, 0);
}

TEST(SpeculationGate, GuessesGoToTheAnswerThatCopies) {
  SpeculationGate gate;
  GuessRecord copies(30), tells(30);
  for (int i = 0; i < 100; ++i) {
    copies.add(32, true);
    tells.add(32, false);
    gate.record({2, 0, 0, 0, 100});
  }
  std::vector<SpeculationGate::Candidate> candidates = {{&tells, 15, 32}, {&copies, 15, 32}};
  for (int i = 0; i < 20; ++i) {
    gate.choose(candidates, 0);
    gate.record(
        {2, 0, candidates[1].n_guesses, candidates[1].n_guesses, 100.0 + candidates[1].n_guesses});
    EXPECT_EQ(candidates[0].n_guesses, 0);
  }
  EXPECT_EQ(candidates[1].n_guesses, 15);
}

TEST(SpeculationGate, BesideALongPromptGuessesAreCheapAndAddLittle) {
  SpeculationGate gate;
  GuessRecord record(30);
  for (int i = 0; i < 100; ++i) gate.record_guess(record, 32, true);
  SpeculationGate::Candidate candidate{&record, 15, 32};
  gate.choose({&candidate, 1}, 400);
  EXPECT_EQ(candidate.n_guesses, 15);
  gate.choose({&candidate, 1}, 39);
  EXPECT_EQ(candidate.n_guesses, 3);
  gate.choose({&candidate, 1}, 2);
  EXPECT_EQ(candidate.n_guesses, 0);
  for (int i = 0; i < 400; ++i) gate.record_guess(record, 32, false);
  gate.choose({&candidate, 1}, 400);
  EXPECT_EQ(candidate.n_guesses, 0);
}

TEST(SpeculationGate, AMachineThatGetsSlowerForAWhileIsMeasuredAgain) {
  double factor = 1;
  Simulation simulation({[&](int n) { return factor * half_fixed(n); }});
  (void)simulation.write({0.98}, 300);
  factor = 3;
  const Outcome slow = simulation.write({0.98}, 600);
  factor = 1;
  const Outcome again = simulation.write({0.98}, 600);
  EXPECT_GT(again.n_tokens, 600 * 2);
  EXPECT_GT(slow.n_tokens, 600 * 1.2);
}

TEST(WideStepCosts, BetweenMeasurementsCostsAreConcave) {
  WideStepCosts costs;
  for (int i = 0; i < 5; ++i) costs.record(2, 0, 100);
  EXPECT_TRUE(costs.knows_plain(2));
  EXPECT_FALSE(costs.knows_plain(1));
  EXPECT_DOUBLE_EQ(costs.ratio(2, 3), 2.5);  // nothing known: in full
  for (int i = 0; i < 5; ++i) costs.record(2, 3, 160);
  EXPECT_TRUE(costs.knows(2, 3));
  EXPECT_DOUBLE_EQ(costs.ratio(2, 3), 1.6);
  EXPECT_DOUBLE_EQ(costs.ratio(2, 1), 1.5);
  EXPECT_DOUBLE_EQ(costs.ratio(2, 2), 1.6);
  EXPECT_DOUBLE_EQ(costs.ratio(2, 8), 1.6 * 10 / 5);
  // A hiccup counts for nothing.
  costs.record(2, 3, 5000);
  EXPECT_DOUBLE_EQ(costs.ratio(2, 3), 1.6);
}

TEST(GuessRecord, StartsAtWhatIsExpectedAndFollowsWhatComes) {
  GuessRecord record(30);
  EXPECT_DOUBLE_EQ(record.rate(5, 0.7), 0.7);
  for (int i = 0; i < 200; ++i) record.add(5, true);
  EXPECT_GT(record.rate(5, 0.5), 0.9);
  EXPECT_DOUBLE_EQ(record.rate(20, 0.5), 0.5);  // another kind
  for (int i = 0; i < 200; ++i) record.add(5, false);
  EXPECT_LT(record.rate(5, 0.5), 0.1);
}

}  // namespace
}  // namespace jevons
