// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cfenv>

namespace fovea {

// The default floating-point environment while a call computes, and the caller's again behind it. A program may round in
// another direction, take denormal numbers for zeros or trap: codes of 8 bits are then others, and an underflow ends the program.
// Threads that are started meanwhile inherit it.
class DefaultFloats {
  public:
    DefaultFloats() {
        std::fegetenv(&callers_);
        std::fesetenv(FE_DFL_ENV);
    }
    DefaultFloats(const DefaultFloats&) = delete;
    DefaultFloats& operator=(const DefaultFloats&) = delete;
    ~DefaultFloats() { std::fesetenv(&callers_); }

  private:
    std::fenv_t callers_;
};

}  // namespace fovea
