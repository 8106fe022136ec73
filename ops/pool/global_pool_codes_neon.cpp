// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// 8 channels in two registers. Sums of codes are taken in 32 bits for so many pixels as must fit, then added in 64.
#include "ops/codes_neon.h"
#include "ops/pool/global_pool_codes.h"

namespace fovea::ops {
namespace {

constexpr std::size_t kPixelsOf32Bits = 32768;

}  // namespace

void global_pool_codes_neon(const GlobalPoolCodesArgs& args) {
    for (int channel = args.channel_begin; channel < args.channel_end; channel += 8) {
        const int count = args.channel_end - channel < 8 ? args.channel_end - channel : 8;
        std::int64_t totals[8] = {};
        Integers most = {vdupq_n_s32(-32768), vdupq_n_s32(-32768)};
        for (std::size_t begin = 0; begin < args.pixels; begin += kPixelsOf32Bits) {
            const std::size_t end = args.pixels - begin < kPixelsOf32Bits ? args.pixels : begin + kPixelsOf32Bits;
            Integers sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
            for (std::size_t p = begin; p < end; ++p) {
                const Integers codes = load_codes(args.input, static_cast<std::ptrdiff_t>(p) * args.input.stride + channel, count);
                sums = add(sums, codes);
                most = {vmaxq_s32(most.low, codes.low), vmaxq_s32(most.high, codes.high)};
            }
            std::int32_t lanes[8];
            vst1q_s32(lanes, sums.low);
            vst1q_s32(lanes + 4, sums.high);
            for (int lane = 0; lane < 8; ++lane) totals[lane] += lanes[lane];
        }
        std::int32_t maxima[8];
        vst1q_s32(maxima, most.low);
        vst1q_s32(maxima + 4, most.high);
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
