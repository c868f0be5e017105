// Stand-ins for parts that are being written elsewhere; this file goes when they are there.
#include "text/output_constraint.h"

#define JEVONS_WEAK __attribute__((weak))

namespace jevons {

struct ConstraintCompiler::State {};
JEVONS_WEAK ConstraintCompiler::ConstraintCompiler(const Tokenizer&) {}
JEVONS_WEAK ConstraintCompiler::~ConstraintCompiler() = default;
}  // namespace jevons
