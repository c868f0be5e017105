// Tool calls in the M2 format as rules of a grammar: names and parameters as literals, the values
// of parameters as their schemas say, strings raw and everything else as JSON. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "text/chat.h"
#include "text/constraint/grammar.h"
#include "text/constraint/standard_lexemes.h"
#include "text/constraint/work_budget.h"
#include "text/output_constraint.h"

namespace jevons {

/// The special tokens around a block of calls.
struct CallMarkers {
  std::int32_t begin, end;
};

/// The grammar of an answer that calls `tools`, from the marker that begins the block (must_call:
/// the marker and line breaks before it are part of it). What is wrong with one tool's schema is
/// dropped and reported; the tool can still be called. Errors: no tool can be called; too large;
/// `stop` was requested.
[[nodiscard]] Result<Grammar> make_call_grammar(std::span<const ToolDefinition> tools,
                                                const ConstraintCompiler::ToolRules& rules,
                                                CallMarkers markers, const StandardLexemes& lexemes,
                                                ConstraintReport& report,
                                                const std::stop_token& stop = {});

}  // namespace jevons
