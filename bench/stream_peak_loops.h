// SPDX-License-Identifier: Apache-2.0
// The loops of stream_peak.h for vectors of kVectorBytes, which the including file sets. Its flags
// are those of one instruction set: everything here stays in that file.
#pragma once

#include "stream_peak.h"

namespace {

typedef float Vector __attribute__((vector_size(kVectorBytes)));
constexpr std::size_t kLanes = kVectorBytes / sizeof(float);

// Keeps the compiler from leaving out what goes through that register, or making a memcpy of it.
inline void keep(Vector& vector) {
#if defined(__aarch64__)
    asm volatile("" : "+w"(vector));
#else
    asm volatile("" : "+v"(vector));
#endif
}

double load(const float* from, std::size_t count, long rounds) {
    for (long round = 0; round < rounds; ++round) {
        const auto* vectors = reinterpret_cast<const Vector*>(from);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < count / kLanes; ++i) {
            Vector vector = vectors[i];
            keep(vector);
        }
    }
    return static_cast<double>(rounds) * static_cast<double>(count * sizeof(float));
}

double store(float* to, std::size_t count, long rounds) {
    for (long round = 0; round < rounds; ++round) {
        auto* vectors = reinterpret_cast<Vector*>(to);
        Vector vector = {};
        keep(vector);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < count / kLanes; ++i) vectors[i] = vector;
        asm volatile("" : : "r"(to) : "memory");
    }
    return static_cast<double>(rounds) * static_cast<double>(count * sizeof(float));
}

double copy(const float* from, float* to, std::size_t count, long rounds) {
    for (long round = 0; round < rounds; ++round) {
        const auto* source = reinterpret_cast<const Vector*>(from);
        auto* target = reinterpret_cast<Vector*>(to);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < count / kLanes; ++i) {
            Vector vector = source[i];
            keep(vector);
            target[i] = vector;
        }
    }
    return 2.0 * static_cast<double>(rounds) * static_cast<double>(count * sizeof(float));
}

}  // namespace
