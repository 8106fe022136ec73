// SPDX-License-Identifier: Apache-2.0
#ifndef __AVX2__
#error "compile this file with -mavx2"
#endif

#include "preprocess/jpeg_vectors_sse2.h"

namespace fovea::preprocess {
namespace {

// Colours of 32 pixels at a time; the transforms are those of 128 bits, with the three operands that AVX has.
struct Wide {
    static __m256i load_samples(const std::uint8_t* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    static __m256i all(int value) { return _mm256_set1_epi16(static_cast<short>(value)); }
    static __m256i rounded_product(__m256i x, int factor) {
        // Half of the factor more than once is left in the upper 16 bits, then rounded to a whole.
        const __m256i doubled = _mm256_mulhi_epi16(_mm256_add_epi16(x, x), all(factor));
        return _mm256_srai_epi16(_mm256_add_epi16(doubled, all(1)), 1);
    }

    // Of the bytes that unpacking to 16 bits leaves in each half of 128: pixels 0 to 7 and 16 to 23, or the others.
    struct Colours {
        __m256i red, green, blue;
    };
    static Colours convert(__m256i y, __m256i cb, __m256i cr) {
        const __m256i factors = _mm256_set1_epi32(static_cast<int>(static_cast<unsigned>(kLessGreenOfRed) << 16 | (kGreenOfBlue & 0xFFFF)));
        const __m256i half = _mm256_set1_epi32(1 << 15);
        const auto green_part = [&](__m256i pairs) {
            return _mm256_srai_epi32(_mm256_add_epi32(_mm256_madd_epi16(pairs, factors), half), 16);
        };
        const __m256i greens = _mm256_packs_epi32(green_part(_mm256_unpacklo_epi16(cb, cr)), green_part(_mm256_unpackhi_epi16(cb, cr)));
        return {_mm256_add_epi16(_mm256_add_epi16(y, cr), rounded_product(cr, kLessRed)),
                _mm256_add_epi16(_mm256_sub_epi16(y, cr), greens),
                _mm256_add_epi16(_mm256_add_epi16(y, _mm256_add_epi16(cb, cb)), rounded_product(cb, kLessBlue))};
    }

    // 16 pixels of each colour to 48 bytes: each third of them takes bytes of all three.
    static void store_16(std::uint8_t* pixels, __m128i red, __m128i green, __m128i blue) {
        constexpr char kNo = -1;
        const __m128i red0 = _mm_setr_epi8(0, kNo, kNo, 1, kNo, kNo, 2, kNo, kNo, 3, kNo, kNo, 4, kNo, kNo, 5);
        const __m128i green0 = _mm_setr_epi8(kNo, 0, kNo, kNo, 1, kNo, kNo, 2, kNo, kNo, 3, kNo, kNo, 4, kNo, kNo);
        const __m128i blue0 = _mm_setr_epi8(kNo, kNo, 0, kNo, kNo, 1, kNo, kNo, 2, kNo, kNo, 3, kNo, kNo, 4, kNo);
        const __m128i red1 = _mm_setr_epi8(kNo, kNo, 6, kNo, kNo, 7, kNo, kNo, 8, kNo, kNo, 9, kNo, kNo, 10, kNo);
        const __m128i green1 = _mm_setr_epi8(5, kNo, kNo, 6, kNo, kNo, 7, kNo, kNo, 8, kNo, kNo, 9, kNo, kNo, 10);
        const __m128i blue1 = _mm_setr_epi8(kNo, 5, kNo, kNo, 6, kNo, kNo, 7, kNo, kNo, 8, kNo, kNo, 9, kNo, kNo);
        const __m128i red2 = _mm_setr_epi8(kNo, 11, kNo, kNo, 12, kNo, kNo, 13, kNo, kNo, 14, kNo, kNo, 15, kNo, kNo);
        const __m128i green2 = _mm_setr_epi8(kNo, kNo, 11, kNo, kNo, 12, kNo, kNo, 13, kNo, kNo, 14, kNo, kNo, 15, kNo);
        const __m128i blue2 = _mm_setr_epi8(10, kNo, kNo, 11, kNo, kNo, 12, kNo, kNo, 13, kNo, kNo, 14, kNo, kNo, 15);
        const auto third = [&](__m128i r, __m128i g, __m128i b) {
            return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(red, r), _mm_shuffle_epi8(green, g)), _mm_shuffle_epi8(blue, b));
        };
        auto* out = reinterpret_cast<__m128i*>(pixels);
        _mm_storeu_si128(out, third(red0, green0, blue0));
        _mm_storeu_si128(out + 1, third(red1, green1, blue1));
        _mm_storeu_si128(out + 2, third(red2, green2, blue2));
    }

    static constexpr int kPixels = 32;

    static void ycc_to_rgb(const std::uint8_t* luminance, const std::uint8_t* blue_chroma, const std::uint8_t* red_chroma, int width,
                           std::uint8_t* pixels) {
        const __m256i zero = _mm256_setzero_si256(), middle = all(128);
        int x = 0;
        for (; x + kPixels <= width; x += kPixels, pixels += 3 * kPixels) {
            const __m256i y = load_samples(luminance + x), cb = load_samples(blue_chroma + x), cr = load_samples(red_chroma + x);
            const Colours low = convert(_mm256_unpacklo_epi8(y, zero), _mm256_sub_epi16(_mm256_unpacklo_epi8(cb, zero), middle),
                                        _mm256_sub_epi16(_mm256_unpacklo_epi8(cr, zero), middle));
            const Colours high = convert(_mm256_unpackhi_epi8(y, zero), _mm256_sub_epi16(_mm256_unpackhi_epi8(cb, zero), middle),
                                         _mm256_sub_epi16(_mm256_unpackhi_epi8(cr, zero), middle));
            const __m256i red = _mm256_packus_epi16(low.red, high.red), green = _mm256_packus_epi16(low.green, high.green);
            const __m256i blue = _mm256_packus_epi16(low.blue, high.blue);
            store_16(pixels, _mm256_castsi256_si128(red), _mm256_castsi256_si128(green), _mm256_castsi256_si128(blue));
            store_16(pixels + 3 * kJpegVector, _mm256_extracti128_si256(red, 1), _mm256_extracti128_si256(green, 1),
                     _mm256_extracti128_si256(blue, 1));
        }
        VectorJpeg<Sse2>::ycc_to_rgb(luminance + x, blue_chroma + x, red_chroma + x, width - x, pixels);
    }
};

constexpr JpegKernels kTable = {
    &VectorJpeg<Sse2>::idct_8x8,     &VectorJpeg<Sse2>::idct_4x4,     &VectorJpeg<Sse2>::idct_2x2, &VectorJpeg<Sse2>::idct_low_8x8,
    &VectorJpeg<Sse2>::idct_low_4x4, &VectorJpeg<Sse2>::idct_low_2x2, &Wide::ycc_to_rgb,           &VectorJpeg<Sse2>::interleave_rgb};

}  // namespace

const JpegKernels& jpeg_kernels_avx2() {
    return kTable;
}

}  // namespace fovea::preprocess
