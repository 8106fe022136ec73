// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "fma_peak.h"

double fma_peak_neon(long rounds) {
    float32x4_t sums[16];
    for (int k = 0; k < 16; ++k) sums[k] = vdupq_n_f32(static_cast<float>(k));
    const float32x4_t factor = vdupq_n_f32(0.5f);
    for (long round = 0; round < rounds; ++round) {
        for (float32x4_t& sum : sums) {
            sum = vfmaq_f32(sum, factor, factor);
            asm volatile("" : "+w"(sum));  // keeps the compiler from folding the rounds
        }
    }
    return static_cast<double>(rounds) * 16 * 4 * 2;
}
