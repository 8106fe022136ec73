// SPDX-License-Identifier: Apache-2.0
#include "engine/log.h"

#include <cstdarg>
#include <cstdio>

namespace fovea {
namespace {

constexpr int kLineCapacity = 1024;

void write_line(const fovea_log& sink, fovea_log_level level, const char* format,
                std::va_list arguments) {
    if (sink.write == nullptr) return;
    char line[kLineCapacity];
    std::vsnprintf(line, sizeof(line), format, arguments);
    sink.write(sink.cookie, level, line);
}

}  // namespace

void Log::write(fovea_log_level level, const char* format, ...) const {
    std::va_list arguments;
    va_start(arguments, format);
    write_line(sink_, level, format, arguments);
    va_end(arguments);
}

fovea_status Log::fail(fovea_status status, const char* format, ...) const {
    std::va_list arguments;
    va_start(arguments, format);
    write_line(sink_, FOVEA_LOG_ERROR, format, arguments);
    va_end(arguments);
    return status;
}

}  // namespace fovea
