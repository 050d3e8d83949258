#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace lode {

void assertion_failed(const char* condition, const char* message, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", file, line, message, condition);
  std::abort();
}

}  // namespace lode
