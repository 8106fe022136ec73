// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fovea/fovea.h"

namespace fovea {

// The caller's log callback. Lines are formatted on the stack (longer ones are cut), so that an
// out-of-memory error can still be told.
class Log {
  public:
    Log() = default;
    explicit Log(const fovea_log& sink) : sink_(sink) {}

    void write(fovea_log_level level, const char* format, ...) const
        __attribute__((format(printf, 3, 4)));

    // Writes an error line and returns status: `return log.fail(FOVEA_ERROR_IO, "...")`.
    fovea_status fail(fovea_status status, const char* format, ...) const
        __attribute__((format(printf, 3, 4)));

  private:
    fovea_log sink_ = {nullptr, nullptr};
};

}  // namespace fovea
