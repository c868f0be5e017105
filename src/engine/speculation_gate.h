// How many guessed tokens go into a step beside the ones that are known: as many as are expected to
// pay, and none where nothing is.
//
// What a wider step costs cannot be known beforehand. In a mixture of experts each token reads
// experts of its own, so a step of two tokens may take nearly twice as long as one of one. So steps
// are measured, by how many answers and guesses they carry, as ratios to steps without guesses.
// What is not measured is taken to cost its share in full, which never pays; it is tried only where
// the guesses are almost sure.
//
// How often guesses are right is seen at every token that is written, guessed in earnest or not:
// text that does not repeat itself costs nothing to find out about.
//
// All that can be lost is on an account in units of plain steps: a few at the start, half a percent
// of the plain steps, and some of what was gained. A step that could lose more than is left on it
// goes without guesses.
//
// Pure arithmetic on what it is told; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace jevons {

/// How often guesses were right of late, by how many tokens agreed before them.
class GuessRecord {
 public:
  /// Old guesses count less and less: about the last `memory` of each kind matter.
  explicit GuessRecord(double memory) : memory_(memory) {}

  void add(int n_agreed, bool was_right);
  /// Of guesses after n_agreed tokens. `expected`: the rate before there was any, which counts as
  /// much as kWeight guesses do.
  [[nodiscard]] double rate(int n_agreed, double expected) const;

  static constexpr double kWeight = 6;
  static constexpr std::size_t kKinds = 6;
  [[nodiscard]] static std::size_t kind_of(int n_agreed);

 private:
  struct Counts {
    double n = 0, n_right = 0;
  };
  double memory_;
  std::array<Counts, kKinds> counts_{};
};

/// What steps with guesses cost, as ratios to those without.
class WideStepCosts {
 public:
  static constexpr int kMostAnswers = 16;  // more are not measured

  /// A step without prompts. Guesses that are no kWidths are not counted.
  void record(int n_answers, int n_guesses, double ms);
  /// Other answers are written from now on: what plain steps take has to be measured again.
  void forget_plain();

  /// Whether plain steps were measured lately.
  [[nodiscard]] bool knows_plain(int n_answers) const;
  [[nodiscard]] double plain_ms(int n_answers) const;
  [[nodiscard]] bool knows(int n_answers, int n_guesses) const;
  /// At least 1. Between what was measured, at most what concave costs can be.
  [[nodiscard]] double ratio(int n_answers, int n_guesses) const;

  /// Numbers of guesses that are tried, so that little has to be measured.
  static constexpr std::array<int, 4> kWidths = {1, 3, 7, 15};

 private:
  // Half of the latest ones are less: a hiccup does not count.
  class Median {
   public:
    void add(double value, std::uint64_t now);
    [[nodiscard]] bool knows(std::uint64_t now, std::uint64_t keeps_for) const;
    [[nodiscard]] double value() const;
    void clear() { n_ = 0; }

   private:
    std::array<double, 7> values_{};
    std::size_t n_ = 0, next_ = 0;
    std::uint64_t added_ = 0;
  };
  struct Row {
    Median plain;
    std::array<Median, kWidths.size()> wide;
  };
  [[nodiscard]] const Row& row(int n_answers) const {
    return rows_[static_cast<std::size_t>(n_answers - 1)];
  }
  std::array<Row, kMostAnswers> rows_{};
  std::uint64_t now_ = 0;  // steps so far
};

class SpeculationGate {
 public:
  static constexpr int kMostGuesses = 15;  // in one step, of all answers together

  /// An answer of the next step, which could have guesses.
  struct Candidate {
    const GuessRecord* record;
    int n_most;    // guesses at most
    int n_agreed;  // tokens before the first one
    int n_guesses = 0;
  };
  /// Decides n_guesses of each for a step of these answers and so many tokens of prompts.
  void choose(std::span<Candidate> answers, int n_prompt_tokens);

  struct Step {
    int n_answers = 0;
    int n_prompt_tokens = 0;
    int n_guesses = 0;
    int n_right = 0;  // tokens that were gained
    double ms = 0;
  };
  void record(const Step& step);
  /// A token came that had been or could have been guessed.
  void record_guess(GuessRecord& record, int n_agreed, bool was_right);
  void answers_changed() { costs_.forget_plain(); }

 private:
  [[nodiscard]] double rate(const Candidate& candidate) const;
  [[nodiscard]] int best_beside_prompts(int n_answers, int n_prompt_tokens) const;
  [[nodiscard]] int best_alone(int n_answers) const;

  GuessRecord all_{200};
  WideStepCosts costs_;
  double account_ = 4;

  // Of the step that is being decided: guesses in the order of their odds.
  struct Guess {
    std::size_t candidate;
    double n_expected;  // tokens gained by this one and all before it
  };
  std::vector<Guess> guesses_;
  std::vector<double> odds_;  // of the next guess of each candidate
};

/// By how many tokens guesses can widen a step.
[[nodiscard]] constexpr int n_guess_rows(bool speculate) {
  return speculate ? SpeculationGate::kMostGuesses : 0;
}

}  // namespace jevons
