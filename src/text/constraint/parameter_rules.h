// The parameters of one tool as rules of a grammar. One thread.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/constraint/grammar.h"
#include "text/constraint/standard_lexemes.h"
#include "text/constraint/work_budget.h"
#include "text/output_constraint.h"

namespace jevons {

/// Whether the M2 format can write this name of a tool or parameter so that it is read back.
[[nodiscard]] bool can_be_named(std::string_view name);

/// The first state of a rule for the lines `<parameter name="...">...</parameter>\n` of a call.
/// `schema`: JSON text of the tool's parameters; empty: the tool has none. Unsupported keywords are
/// dropped and reported. What it costs is taken from `budget`, of which one tool gets no more than
/// one schema may cost. Errors: not a schema of an object; nothing satisfies it; over the budget.
[[nodiscard]] Result<Grammar::StateId> make_parameters(GrammarBuilder& grammar,
                                                       std::string_view schema,
                                                       const StandardLexemes& lexemes,
                                                       ConstraintReport& report,
                                                       WorkBudget& budget);

/// The same for a schema that cannot be held: the parameters that it names, or any where it is
/// open, with any values.
[[nodiscard]] Result<Grammar::StateId> make_free_parameters(GrammarBuilder& grammar,
                                                            std::string_view schema,
                                                            const StandardLexemes& lexemes);

}  // namespace jevons
