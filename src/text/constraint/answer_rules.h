// Answers that are one JSON value, as grammars. Any thread may call.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/result.h"
#include "text/constraint/grammar.h"
#include "text/constraint/standard_lexemes.h"
#include "text/output_constraint.h"

namespace jevons {

/// As ConstraintCompiler::json_schema().
[[nodiscard]] Result<Grammar> make_schema_grammar(std::string_view schema_json,
                                                  Unsupported unsupported,
                                                  const StandardLexemes& lexemes,
                                                  ConstraintReport& report,
                                                  const std::stop_token& stop = {});

/// Any JSON object.
[[nodiscard]] Grammar make_object_grammar(const StandardLexemes& lexemes);

}  // namespace jevons
