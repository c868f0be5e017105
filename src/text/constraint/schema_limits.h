// What a schema may cost (docs/SCHEMA.md gives the reasons).
#pragma once

#include <cstddef>

namespace jevons {

inline constexpr std::size_t kMaxSchemaBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxGrammarSize = 400'000;                 // states and edges
inline constexpr std::size_t kSchemaWorkBudget = 20'000'000;            // steps while compiling
inline constexpr std::size_t kCallsWorkBudget = 3 * kSchemaWorkBudget;  // for all tools together

}  // namespace jevons
