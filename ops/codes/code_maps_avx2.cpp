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
