// Stand-in for the constraint compiler, which is being written; this file goes when it is there.
#include "text/output_constraint.h"

namespace jevons {

#ifndef JEVONS_HAS_CONSTRAINTS
struct ConstraintCompiler::State {};
__attribute__((weak)) ConstraintCompiler::ConstraintCompiler(const Tokenizer&) {}
__attribute__((weak)) ConstraintCompiler::~ConstraintCompiler() = default;
#endif

}  // namespace jevons
