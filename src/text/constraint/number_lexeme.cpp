#include "text/constraint/number_lexeme.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "text/constraint/char_automaton.h"
#include "text/constraint/regex_syntax.h"
#include "text/constraint/string_lexeme.h"

namespace jevons {
namespace {

using Bound = NumberRule::Bound;

constexpr std::size_t kMaxWholeDigits = 18, kMaxFractionDigits = 17;
constexpr std::size_t kReliableDigits = 15;  // a double tells decimals of so many digits apart

std::string digits(std::size_t n) { return n == 0 ? "" : fmt::format("[0-9]{{{}}}", n); }
std::string digits(std::size_t min, std::size_t max) {
  return fmt::format("[0-9]{{{},{}}}", min, max);
}
std::string digit_range(int first, int last) {
  return first > last ? "" : fmt::format("[{}-{}]", first, last);
}

/// Alternatives of one choice.
class Choice {
 public:
  void add(std::string_view part) {
    if (!text_.empty()) text_ += '|';
    text_ += part;
  }
  [[nodiscard]] bool is_empty() const { return text_.empty(); }
  [[nodiscard]] std::string text() const { return "(?:" + text_ + ")"; }

 private:
  std::string text_;
};

/// Digit strings of the length of `first` and `last` that lie between them.
std::string same_length_range(std::string_view first, std::string_view last) {
  if (first.empty()) return "";
  const bool is_all = first.find_first_not_of('0') == std::string_view::npos &&
                      last.find_first_not_of('9') == std::string_view::npos;
  if (is_all) return digits(first.size());
  if (first.front() == last.front()) {
    return std::string(1, first.front()) + same_length_range(first.substr(1), last.substr(1));
  }
  const std::size_t n_after = first.size() - 1;
  Choice choice;
  choice.add(first.front() + same_length_range(first.substr(1), std::string(n_after, '9')));
  const std::string between = digit_range(first.front() - '0' + 1, last.front() - '0' - 1);
  if (!between.empty()) choice.add(between + digits(n_after));
  choice.add(last.front() + same_length_range(std::string(n_after, '0'), last.substr(1)));
  return choice.text();
}

std::string smallest_of_length(std::size_t n) {
  return n == 1 ? "0" : fmt::format("1{:0>{}}", "", n - 1);
}

std::string next_integer(std::string whole) {
  for (std::size_t i = whole.size(); i-- > 0;) {
    if (whole[i] != '9') {
      ++whole[i];
      return whole;
    }
    whole[i] = '0';
  }
  return fmt::format("1{}", whole);
}

std::string previous_integer(std::string whole) {  // of a number that is not 0
  for (std::size_t i = whole.size(); i-- > 0;) {
    if (whole[i] != '0') {
      --whole[i];
      break;
    }
    whole[i] = '9';
  }
  if (whole.size() > 1 && whole.front() == '0') whole.erase(0, 1);
  return whole;
}

/// Numbers without sign on one side of a bound that is not negative, as patterns.
class OneSide {
 public:
  OneSide(const Bound& bound, bool integers_only, std::size_t n_fraction)
      : bound_(bound),
        integers_only_(integers_only),
        n_fraction_(n_fraction),
        any_fraction_(integers_only ? "" : fmt::format("(?:\\.{})?", digits(1, n_fraction))) {}

  /// Empty if there is none.
  [[nodiscard]] std::string at_least() const {
    const std::string& whole = bound_.value.whole;
    const std::size_t n = whole.size();
    Choice choice;
    choice.add("[1-9]" + digits(n, std::max(n, kMaxWholeDigits - 1)) + any_fraction_);
    const std::string next = next_integer(whole);
    if (next.size() == n) {
      choice.add(same_length_range(next, std::string(n, '9')) + any_fraction_);
    }
    const std::string fraction = fraction_at_least();
    if (fraction != kNever) choice.add(whole + fraction);
    return choice.text();
  }

  [[nodiscard]] std::string at_most() const {
    const std::string& whole = bound_.value.whole;
    const std::size_t n = whole.size();
    Choice choice;
    for (std::size_t shorter = 1; shorter < n; ++shorter) {
      choice.add(same_length_range(smallest_of_length(shorter), std::string(shorter, '9')) +
                 any_fraction_);
    }
    if (whole != smallest_of_length(n)) {
      choice.add(same_length_range(smallest_of_length(n), previous_integer(whole)) + any_fraction_);
    }
    const std::string fraction = fraction_at_most();
    if (fraction != kNever) choice.add(whole + fraction);
    return choice.is_empty() ? "" : choice.text();
  }

 private:
  static constexpr std::string_view kNever = "never";

  /// What may follow the bound's own digits before the point.
  [[nodiscard]] std::string fraction_at_least() const {
    const std::string& fraction = bound_.value.fraction;
    if (integers_only_) {
      return fraction.empty() && !bound_.is_exclusive ? "" : std::string(kNever);
    }
    if (fraction.empty() && !bound_.is_exclusive) return any_fraction_;
    Choice choice;
    for (std::size_t i = 0; i < fraction.size(); ++i) {
      const std::string larger = digit_range(fraction[i] - '0' + 1, 9);
      if (larger.empty()) continue;
      choice.add(fraction.substr(0, i) + larger + digits(0, n_fraction_ - i - 1));
    }
    const std::size_t n_left = n_fraction_ - fraction.size();
    if (!bound_.is_exclusive) {
      choice.add(fraction + digits(0, n_left));
    } else {
      for (std::size_t zeros = 0; zeros < n_left; ++zeros) {
        choice.add(fraction + std::string(zeros, '0') + "[1-9]" + digits(0, n_left - zeros - 1));
      }
    }
    return choice.is_empty() ? std::string(kNever) : "\\." + choice.text();
  }

  [[nodiscard]] std::string fraction_at_most() const {
    const std::string& fraction = bound_.value.fraction;
    const bool may_be_whole = !fraction.empty() || !bound_.is_exclusive;
    if (!may_be_whole) return std::string(kNever);
    if (integers_only_) return "";
    Choice choice;
    for (std::size_t i = 0; i < fraction.size(); ++i) {
      const std::string smaller = digit_range(0, fraction[i] - '0' - 1);
      if (!smaller.empty()) {
        choice.add(fraction.substr(0, i) + smaller + digits(0, n_fraction_ - i - 1));
      }
      if (i > 0) choice.add(fraction.substr(0, i));
    }
    const std::size_t n_left = n_fraction_ - fraction.size();
    if (!bound_.is_exclusive) {
      const std::size_t n_zeros = fraction.empty() ? 1 : 0;
      choice.add(fraction + fmt::format("0{{{},{}}}", n_zeros, n_left));
    }
    return choice.is_empty() ? "" : "(?:\\." + choice.text() + ")?";
  }

  const Bound& bound_;
  bool integers_only_;
  std::size_t n_fraction_;
  std::string any_fraction_;
};

Result<CharDfa> compile(std::string_view sign, std::string_view pattern, WorkBudget& budget) {
  JEVONS_ASSIGN(const RegexNode node, parse_regex(fmt::format("^{}{}$", sign, pattern)));
  return compile_pattern(node, budget);
}

std::string unbounded(bool integers_only) {
  const std::string whole = fmt::format("(?:0|[1-9]{})", digits(0, kMaxWholeDigits - 1));
  if (integers_only) return whole;
  return whole + fmt::format("(?:\\.{})?(?:[eE][+-]?[0-9]{{1,2}})?", digits(1, kMaxFractionDigits));
}

/// `sign`, then numbers from `lower` to `upper`, neither negative; absent: no such limit.
Result<CharDfa> between(std::string_view sign, const std::optional<Bound>& lower,
                        const std::optional<Bound>& upper, const NumberRule& rule,
                        std::size_t n_fraction, WorkBudget& budget) {
  if (!lower && !upper) return compile(sign, unbounded(rule.integers_only), budget);
  std::optional<CharDfa> result;
  if (lower) {
    JEVONS_ASSIGN(
        result, compile(sign, OneSide(*lower, rule.integers_only, n_fraction).at_least(), budget));
  }
  if (upper) {
    const std::string pattern = OneSide(*upper, rule.integers_only, n_fraction).at_most();
    if (pattern.empty()) return CharDfa{};
    JEVONS_ASSIGN(CharDfa below, compile(sign, pattern, budget));
    if (!result) return below;
    return intersection(*result, below, budget);
  }
  return *std::move(result);
}

std::size_t fraction_digits(const NumberRule& rule) {
  std::size_t n_whole = 0;
  std::size_t n_fraction = 0;
  for (const auto& bound : {rule.lower, rule.upper}) {
    if (!bound) continue;
    n_whole = std::max(n_whole, bound->value.whole.size());
    n_fraction = std::max(n_fraction, bound->value.fraction.size());
  }
  const std::size_t reliable = n_whole < kReliableDigits ? kReliableDigits - n_whole : 0;
  return std::max({n_fraction, std::min<std::size_t>(reliable, 10), std::size_t{1}});
}

std::optional<Bound> negated(const std::optional<Bound>& bound) {
  if (!bound) return std::nullopt;
  return Bound{bound->value.negated(), bound->is_exclusive};
}

/// Sign and digits of multiples; leading zeros are another automaton's business.
CharDfa multiples_of(std::uint32_t divisor) {
  CharDfa dfa;
  dfa.class_begins = {0, '-', '-' + 1};
  for (char32_t digit = '0'; digit <= '9' + 1; ++digit) dfa.class_begins.push_back(digit);
  const std::size_t n_classes = dfa.n_classes();
  // State 1 is the start, 2 + r has the remainder r.
  dfa.accepting.assign(divisor + 2, 0);
  dfa.accepting[2] = 1;
  dfa.next.assign(n_classes * dfa.n_states(), CharDfa::kDead);
  for (std::uint32_t state = 1; state < dfa.n_states(); ++state) {
    const std::uint32_t remainder = state == CharDfa::kStart ? 0 : state - 2;
    for (std::uint32_t digit = 0; digit < 10; ++digit) {
      const std::size_t c = dfa.class_of('0' + digit);
      dfa.next[state * n_classes + c] = 2 + (remainder * 10 + digit) % divisor;
    }
  }
  dfa.next[CharDfa::kStart * n_classes + 1] = CharDfa::kStart;
  return dfa;
}

}  // namespace

void NumberRule::raise_lower(const Bound& bound) {
  if (!lower || bound.value > lower->value) {
    lower = bound;
  } else if (bound.value == lower->value) {
    lower->is_exclusive = lower->is_exclusive || bound.is_exclusive;
  }
}

void NumberRule::reduce_upper(const Bound& bound) {
  if (!upper || bound.value < upper->value) {
    upper = bound;
  } else if (bound.value == upper->value) {
    upper->is_exclusive = upper->is_exclusive || bound.is_exclusive;
  }
}

Result<Lexeme> number_lexeme(const NumberRule& rule_as_given, WorkBudget& budget) {
  NumberRule rule = rule_as_given;
  if (rule.multiple_of > 1) rule.integers_only = true;
  const std::size_t n_fraction = fraction_digits(rule);
  const bool admits_positive = !rule.upper || !rule.upper->value.is_negative;
  const bool admits_negative = !rule.lower || rule.lower->value.is_negative;
  CharDfa positive;
  CharDfa negative;
  if (admits_positive) {
    const bool limits = rule.lower && !rule.lower->value.is_negative;
    JEVONS_ASSIGN(positive, between("", limits ? rule.lower : std::nullopt, rule.upper, rule,
                                    n_fraction, budget));
  }
  if (admits_negative) {
    // -y is in the range if y is in its mirror image.
    std::optional<Bound> least = negated(rule.upper);
    if (least && least->value.is_negative) least.reset();
    if (rule.integers_only && !least) least = Bound{Decimal{}, true};
    if (rule.integers_only && least->value.is_zero()) least->is_exclusive = true;
    JEVONS_ASSIGN(negative, between("-", least, negated(rule.lower), rule, n_fraction, budget));
  }
  JEVONS_ASSIGN(CharDfa dfa, either(positive, negative, budget));
  if (rule.multiple_of > 1) {
    JEVONS_ASSIGN(dfa, intersection(dfa, multiples_of(rule.multiple_of), budget));
  }
  if (dfa.is_empty()) return fail("nothing satisfies it");
  return plain_lexeme(dfa, budget);
}

}  // namespace jevons
