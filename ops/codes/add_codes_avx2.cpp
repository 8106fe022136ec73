// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// 8 channels a register; the constants of a block of channels are loaded once for all pixels.
#include "ops/codes/code_maps.h"
#include "ops/codes_avx2.h"

namespace fovea::ops {
namespace {

inline __m256i load_integers(const std::int32_t* values) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values));
}

}  // namespace

void add_codes_avx2(const AddCodesArgs& args) {
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = args.channels - channel < 8 ? args.channels - channel : 8;
        const __m256 left_multiplier = _mm256_loadu_ps(args.left_multiplier + channel);
        const __m256 right_multiplier = _mm256_loadu_ps(args.right_multiplier + channel);
        const __m256 offset = _mm256_loadu_ps(args.offset + channel);
        const __m256i zero = load_integers(args.zero + channel);
        const __m256 least = least_value(zero, args.output.type);
        for (std::size_t p = 0; p < args.pixels; ++p) {
            const auto pixel = static_cast<std::ptrdiff_t>(p);
            const __m256i left = load_codes(args.left, pixel * args.left.stride + channel, count);
            const __m256i right = load_codes(args.right, pixel * args.right.stride + channel, count);
            const __m256 sum = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(left), left_multiplier),
                                             _mm256_mul_ps(_mm256_cvtepi32_ps(right), right_multiplier));
            const __m256i codes = codes_of(_mm256_add_ps(sum, offset), zero, least, args.output.type);
            store_codes(args.output, pixel * args.output.stride + channel, codes, count);
        }
    }
}

}  // namespace fovea::ops
