// Words that the views of `jevons cost` share. Any thread.
#pragma once

#include <optional>
#include <string>

#include "app/cost_inputs.h"

namespace jevons {

/// "0.30", "0.028": at least two places, and no more than there are; "-" if there is none.
[[nodiscard]] std::string price_words(const std::optional<Amount>& price);
/// With `places` digits behind the point; "-" if there is none.
[[nodiscard]] std::string money_words(const std::optional<Amount>& money, int places);

/// "23.59", "1,234": cents where they still say something.
[[nodiscard]] std::string per_point_words(const std::optional<Amount>& money);

/// "One agent that writes 50 tokens per second, 24 hours a day, ...", in lines.
[[nodiscard]] std::string workload_words(const Workload& workload, int columns);
/// Name, and " *" if its price is stale.
[[nodiscard]] std::string marked_name(const CostInputs& inputs, const PricedModel& model);
/// "MiniMax price list, 2026-02-13".
[[nodiscard]] std::string source_words(const PriceSource& source);

/// What the mark of stale prices means; empty if no model has it.
[[nodiscard]] std::string stale_words(const CostInputs& inputs, int columns);
/// Prices, speeds and scores that sources disagree about, all of them; empty if there are none.
[[nodiscard]] std::string disagreement_words(const CostInputs& inputs, int columns);

}  // namespace jevons
