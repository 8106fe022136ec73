// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__F16C__)
#error "compile this file with -mavx2 -mf16c"
#endif

// ymm0: 8 floats from 8 halves; one conversion and one store for 16 bytes read. What it writes is
// read again at once, from the first-level cache.
#include <immintrin.h>

#include "ops/widen/widen.h"

namespace fovea::ops {

void widen_fp16_avx2(const WidenFp16Args& args) {
    std::size_t i = 0;
    for (; i + 8 <= args.count; i += 8) {
        const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(args.input + i));
        _mm256_storeu_ps(args.output + i, _mm256_cvtph_ps(halves));
    }
    for (; i < args.count; ++i) args.output[i] = _cvtsh_ss(args.input[i]);
}

}  // namespace fovea::ops
