// Checks of our own assumptions. They stay on in release builds and end the program with the
// place and the reason: going on with a broken invariant would give a wrong answer.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace jevons {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "jevons: internal error: %s is false at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace jevons

#define JEVONS_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::jevons::check_failed(#condition, __FILE__, __LINE__))
