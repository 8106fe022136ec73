// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// 8 channels a register. Sums of codes are taken in 32 bits for so many pixels as must fit, then added in 64.
#include "ops/codes_avx2.h"
#include "ops/pool/global_pool_codes.h"

namespace fovea::ops {
namespace {

constexpr std::size_t kPixelsOf32Bits = 32768;

}  // namespace

void global_pool_codes_avx2(const GlobalPoolCodesArgs& args) {
    for (int channel = args.channel_begin; channel < args.channel_end; channel += 8) {
        const int count = args.channel_end - channel < 8 ? args.channel_end - channel : 8;
        std::int64_t totals[8] = {};
        __m256i most = _mm256_set1_epi32(-32768);
        for (std::size_t begin = 0; begin < args.pixels; begin += kPixelsOf32Bits) {
            const std::size_t end = args.pixels - begin < kPixelsOf32Bits ? args.pixels : begin + kPixelsOf32Bits;
            __m256i sums = _mm256_setzero_si256();
            for (std::size_t p = begin; p < end; ++p) {
                const __m256i codes = load_codes(args.input, static_cast<std::ptrdiff_t>(p) * args.input.stride + channel, count);
                sums = _mm256_add_epi32(sums, codes);
                most = _mm256_max_epi32(most, codes);
            }
            alignas(32) std::int32_t lanes[8];
            _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums);
            for (int lane = 0; lane < 8; ++lane) totals[lane] += lanes[lane];
        }
        alignas(32) std::int32_t maxima[8];
        _mm256_store_si256(reinterpret_cast<__m256i*>(maxima), most);
        for (int lane = 0; lane < count; ++lane) {
            const int c = channel + lane;
            const std::int64_t sum = totals[lane] - static_cast<std::int64_t>(args.pixels) * args.zero[c];
            args.output[c] = args.kind == PoolKind::kAverage
                                 ? static_cast<float>(sum) / static_cast<float>(args.pixels) * args.scale[c]
                                 : static_cast<float>(maxima[lane] - args.zero[c]) * args.scale[c];
        }
    }
}

}  // namespace fovea::ops
