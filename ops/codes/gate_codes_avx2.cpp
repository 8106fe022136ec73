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

void gate_codes_avx2(const GateCodesArgs& args) {
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = args.channels - channel < 8 ? args.channels - channel : 8;
        alignas(32) float gates[8] = {};
        for (int lane = 0; lane < count; ++lane) gates[lane] = args.gate[channel + lane];
        const __m256 factor = _mm256_mul_ps(_mm256_load_ps(gates), _mm256_loadu_ps(args.multiplier + channel));
        const __m256i input_zero = load_integers(args.input_zero + channel);
        const __m256i zero = load_integers(args.zero + channel);
        const __m256 least = least_value(zero, args.output.type);
        for (std::size_t p = 0; p < args.pixels; ++p) {
            const auto pixel = static_cast<std::ptrdiff_t>(p);
            const __m256i input = load_codes(args.input, pixel * args.input.stride + channel, count);
            const __m256 code = _mm256_cvtepi32_ps(_mm256_sub_epi32(input, input_zero));
            store_codes(args.output, pixel * args.output.stride + channel,
                        codes_of(_mm256_mul_ps(code, factor), zero, least, args.output.type), count);
        }
    }
}

}  // namespace fovea::ops
