#include "api/reasoning_effort.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace jevons {
namespace {

struct Effort {
  std::string_view name;
  std::optional<int> budget_tokens;
};
constexpr std::array<Effort, 7> kEfforts = {{{"none", 0},
                                             {"minimal", 512},
                                             {"low", 2048},
                                             {"medium", std::nullopt},
                                             {"high", std::nullopt},
                                             {"xhigh", std::nullopt},
                                             {"max", std::nullopt}}};

}  // namespace

Parsed<void> apply_reasoning_effort(std::string_view effort, std::string_view path,
                                    Thinking& thinking) {
  const auto* const known = std::ranges::find(kEfforts, effort, &Effort::name);
  if (known == kEfforts.end()) {
    return invalid_field(
        path,
        fmt::format("is \"{}\", expected none, minimal, low, medium, high, xhigh or max", effort));
  }
  if (known->budget_tokens) {
    apply_thinking_budget(*known->budget_tokens, thinking);
  } else {
    thinking.asked = fmt::format("effort {}", effort);
  }
  return {};
}

void apply_thinking_budget(int n_tokens, Thinking& thinking) {
  if (n_tokens == 0) return disable_thinking(thinking);
  thinking.enabled = true;
  thinking.budget_tokens = n_tokens;
  thinking.asked = fmt::format("budget {}", n_tokens);
}

void disable_thinking(Thinking& thinking) {
  thinking.enabled = false;
  thinking.budget_tokens.reset();
  thinking.asked = "disabled";
}

}  // namespace jevons
