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

// 8 elements of the caller's pixels, or the `count` that are left.
inline __m256 load_pixels(const std::uint8_t* pixels, int count) {
    return _mm256_cvtepi32_ps(load_codes({pixels, CodeType::kU8, 0}, 0, count));
}

}  // namespace

// As if the pixels were of 24 channels, which 1, 2, 3, 4, 6 and 8 divide; others, and rows with gaps, 8 channels at a time.
void quantise_pixels_avx2(const QuantisePixelsArgs& args) {
    constexpr int kPeriod = 24;
    const bool periodic = kPeriod % args.channels == 0 && args.output.stride == args.channels;
    const int channels = periodic ? kPeriod : args.channels;
    const std::size_t elements = args.pixels * static_cast<std::size_t>(args.channels);
    for (int channel = 0; channel < channels; channel += 8) {
        alignas(32) float multipliers[8] = {}, offsets[8] = {};
        alignas(32) std::int32_t zeros[8] = {};
        const int count = channels - channel < 8 ? channels - channel : 8;
        for (int lane = 0; lane < count; ++lane) {
            const int c = (channel + lane) % args.channels;
            multipliers[lane] = args.multiplier[c];
            offsets[lane] = args.offset[c];
            zeros[lane] = args.zero[c];
        }
        const __m256 multiplier = _mm256_load_ps(multipliers), offset = _mm256_load_ps(offsets);
        const __m256i zero = load_integers(zeros);
        const __m256 least = least_value(zero, args.output.type);
        const auto at = static_cast<std::size_t>(channel);
        for (std::size_t e = at; e < elements; e += static_cast<std::size_t>(channels)) {
            const int left = elements - e < static_cast<std::size_t>(count) ? static_cast<int>(elements - e) : count;
            const __m256 value = _mm256_add_ps(_mm256_mul_ps(load_pixels(args.input + e, left), multiplier), offset);
            const std::size_t target = periodic ? e : (e - at) / static_cast<std::size_t>(channels) *
                                                              static_cast<std::size_t>(args.output.stride) + at;
            store_codes(args.output, static_cast<std::ptrdiff_t>(target), codes_of(value, zero, least, args.output.type), left);
        }
    }
}

}  // namespace fovea::ops
