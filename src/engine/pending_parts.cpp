// Stand-ins for the constraint compiler, which is being written; this file goes when it is there.
#include "text/output_constraint.h"

#define JEVONS_WEAK __attribute__((weak))

namespace jevons {

struct ConstraintCompiler::State {};
JEVONS_WEAK ConstraintCompiler::ConstraintCompiler(const Tokenizer&) {}
JEVONS_WEAK ConstraintCompiler::~ConstraintCompiler() = default;
JEVONS_WEAK Result<std::unique_ptr<OutputConstraint>> ConstraintCompiler::json_schema(
    std::string_view, Unsupported, ConstraintReport&) {
  return nullptr;
}
JEVONS_WEAK std::unique_ptr<OutputConstraint> ConstraintCompiler::json_object() { return nullptr; }
JEVONS_WEAK Result<std::unique_ptr<OutputConstraint>> ConstraintCompiler::tool_calls(
    std::span<const ToolDefinition>, const ToolRules&, ConstraintReport&) {
  return nullptr;
}

}  // namespace jevons
