// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__F16C__)
#error "compile this file with -mavx2 -mf16c"
#endif

// ymm0: 8 floats on their way to 8 halves.
#include <immintrin.h>

#include "ops/widen/widen.h"

namespace fovea::ops {

void narrow_fp16_avx2(const NarrowFp16Args& args) {
    std::size_t i = 0;
    for (; i + 8 <= args.count; i += 8) {
        const __m128i halves =
            _mm256_cvtps_ph(_mm256_loadu_ps(args.input + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(args.output + i), halves);
    }
    for (; i < args.count; ++i) {
        args.output[i] = static_cast<Half>(_cvtss_sh(args.input[i], _MM_FROUND_TO_NEAREST_INT));
    }
}

}  // namespace fovea::ops
