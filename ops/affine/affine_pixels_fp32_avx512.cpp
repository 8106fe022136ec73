// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512f -mavx512bw -mavx512vl"
#endif

// Up to 16 channels (RGB above all): the tensor is one run of elements, and the scales and offsets
// that 16 of them meet come round after `channels` registers, so that many of each are made first.
// More channels: pixel by pixel. Both rounded, a product and a sum give the scalar kernel's bits.
#include <immintrin.h>

#include "ops/affine/affine.h"
#include "ops/lanes_avx512.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 16;

inline void scale_lanes(const std::uint8_t* input, __m512 scale, __m512 offset, float* output,
                        __mmask16 mask) {
    const __m512 value =
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, input)));
    _mm512_mask_storeu_ps(output, mask, _mm512_add_ps(_mm512_mul_ps(value, scale), offset));
}

inline void scale_lanes(const std::uint8_t* input, __m512 scale, __m512 offset, float* output) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(input));
    const __m512 value = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    _mm512_storeu_ps(output, _mm512_add_ps(_mm512_mul_ps(value, scale), offset));
}

inline __mmask16 rest_mask(std::size_t rest) {
    return lane_mask_avx512(rest < kLanes ? static_cast<int>(rest) : kLanes);
}

void scale_few_channels(const AffinePixelsFp32Args& args) {
    const __mmask16 mask = lane_mask_avx512(args.channels);
    const __m512 scale = _mm512_maskz_loadu_ps(mask, args.scale);
    const __m512 offset = _mm512_maskz_loadu_ps(mask, args.offset);
    const __m512i channels = _mm512_set1_epi32(args.channels);
    // The channel of each lane, one after the other.
    __m512 scales[kLanes];
    __m512 offsets[kLanes];
    __m512i channel = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i step = _mm512_set1_epi32(kLanes);
    for (int v = 0; v < args.channels; ++v, channel = _mm512_add_epi32(channel, step)) {
        // All below 256, so the quotient of floats, a little enlarged, is rounded down rightly.
        const __m512 quotient =
            _mm512_div_ps(_mm512_add_ps(_mm512_cvtepi32_ps(channel), _mm512_set1_ps(0.5f)),
                          _mm512_cvtepi32_ps(channels));
        const __m512i lane =
            _mm512_sub_epi32(channel, _mm512_mullo_epi32(_mm512_cvttps_epi32(quotient), channels));
        scales[v] = _mm512_permutexvar_ps(lane, scale);
        offsets[v] = _mm512_permutexvar_ps(lane, offset);
    }
    const std::size_t turn = static_cast<std::size_t>(args.channels) * kLanes;
    const std::size_t count = args.pixels * static_cast<std::size_t>(args.channels);
    std::size_t k = 0;
    for (; k + turn <= count; k += turn) {
        for (int v = 0; v < args.channels; ++v) {
            scale_lanes(args.input + k + v * kLanes, scales[v], offsets[v],
                        args.output + k + v * kLanes);
        }
    }
    for (int v = 0; k < count; k += kLanes, ++v) {
        scale_lanes(args.input + k, scales[v], offsets[v], args.output + k, rest_mask(count - k));
    }
}

void scale_many_channels(const AffinePixelsFp32Args& args) {
    const std::size_t channels = static_cast<std::size_t>(args.channels);
    for (std::size_t p = 0; p < args.pixels; ++p) {
        for (std::size_t c = 0; c < channels; c += kLanes) {
            const __mmask16 mask = rest_mask(channels - c);
            scale_lanes(args.input + p * channels + c, _mm512_maskz_loadu_ps(mask, args.scale + c),
                        _mm512_maskz_loadu_ps(mask, args.offset + c),
                        args.output + p * channels + c, mask);
        }
    }
}

}  // namespace

void affine_pixels_fp32_avx512(const AffinePixelsFp32Args& args) {
    if (args.channels <= kLanes) {
        scale_few_channels(args);
    } else {
        scale_many_channels(args);
    }
}

}  // namespace fovea::ops
