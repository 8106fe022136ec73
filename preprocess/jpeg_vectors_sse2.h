// SPDX-License-Identifier: Apache-2.0
// The operations of jpeg_kernels_vector.h on the vectors that every x86-64 CPU has.
#pragma once

#include <immintrin.h>

#include "preprocess/jpeg_kernels_vector.h"

namespace fovea::preprocess {
namespace {

struct Sse2 {
    using Eight = __m128i;
    using Four = __m128i;

    static __m128i load_bytes(const void* p) {
        return _mm_loadu_si128(static_cast<const __m128i*>(p));
    }
    static Eight load(const std::int16_t* p) { return load_bytes(p); }
    static Eight zero() { return _mm_setzero_si128(); }
    static Eight all(int value) { return _mm_set1_epi16(static_cast<std::int16_t>(value)); }
    static Eight multiply(Eight x, Eight y) { return _mm_mullo_epi16(x, y); }

    static Four add(Four x, Four y) { return _mm_add_epi32(x, y); }
    static Four subtract(Four x, Four y) { return _mm_sub_epi32(x, y); }
    static Eight add16(Eight x, Eight y) { return _mm_add_epi16(x, y); }
    static Eight subtract16(Eight x, Eight y) { return _mm_sub_epi16(x, y); }

    template <int kA, int kB>
    static Four low_products(Eight x, Eight y) {
        return _mm_madd_epi16(_mm_unpacklo_epi16(x, y), factors<kA, kB>());
    }
    template <int kA, int kB>
    static Four high_products(Eight x, Eight y) {
        return _mm_madd_epi16(_mm_unpackhi_epi16(x, y), factors<kA, kB>());
    }
    template <int kBits>
    static Four low_scaled(Eight x) {
        return _mm_srai_epi32(_mm_unpacklo_epi16(zero(), x), 16 - kBits);
    }
    template <int kBits>
    static Four high_scaled(Eight x) {
        return _mm_srai_epi32(_mm_unpackhi_epi16(zero(), x), 16 - kBits);
    }
    template <int kBits>
    static Eight narrow(Four low, Four high) {
        const __m128i half = _mm_set1_epi32(1 << (kBits - 1));
        return _mm_packs_epi32(_mm_srai_epi32(_mm_add_epi32(low, half), kBits),
                               _mm_srai_epi32(_mm_add_epi32(high, half), kBits));
    }
    template <int kFactor>
    static Eight rounded_product(Eight x) {
        // Half of the factor more than once is left in the upper 16 bits, then rounded to a whole.
        const __m128i doubled = _mm_mulhi_epi16(_mm_add_epi16(x, x), all(kFactor));
        return _mm_srai_epi16(_mm_add_epi16(doubled, all(1)), 1);
    }

    static void transpose(Eight* x) {
        const __m128i a0 = _mm_unpacklo_epi16(x[0], x[1]), a1 = _mm_unpackhi_epi16(x[0], x[1]);
        const __m128i a2 = _mm_unpacklo_epi16(x[2], x[3]), a3 = _mm_unpackhi_epi16(x[2], x[3]);
        const __m128i a4 = _mm_unpacklo_epi16(x[4], x[5]), a5 = _mm_unpackhi_epi16(x[4], x[5]);
        const __m128i a6 = _mm_unpacklo_epi16(x[6], x[7]), a7 = _mm_unpackhi_epi16(x[6], x[7]);
        const __m128i b0 = _mm_unpacklo_epi32(a0, a2), b1 = _mm_unpackhi_epi32(a0, a2);
        const __m128i b2 = _mm_unpacklo_epi32(a1, a3), b3 = _mm_unpackhi_epi32(a1, a3);
        const __m128i b4 = _mm_unpacklo_epi32(a4, a6), b5 = _mm_unpackhi_epi32(a4, a6);
        const __m128i b6 = _mm_unpacklo_epi32(a5, a7), b7 = _mm_unpackhi_epi32(a5, a7);
        x[0] = _mm_unpacklo_epi64(b0, b4);
        x[1] = _mm_unpackhi_epi64(b0, b4);
        x[2] = _mm_unpacklo_epi64(b1, b5);
        x[3] = _mm_unpackhi_epi64(b1, b5);
        x[4] = _mm_unpacklo_epi64(b2, b6);
        x[5] = _mm_unpackhi_epi64(b2, b6);
        x[6] = _mm_unpacklo_epi64(b3, b7);
        x[7] = _mm_unpackhi_epi64(b3, b7);
    }
    static void transpose_half(const Eight* rows, Eight* pairs) {
        const __m128i a0 = _mm_unpacklo_epi16(rows[0], rows[1]);
        const __m128i a1 = _mm_unpackhi_epi16(rows[0], rows[1]);
        const __m128i a2 = _mm_unpacklo_epi16(rows[2], rows[3]);
        const __m128i a3 = _mm_unpackhi_epi16(rows[2], rows[3]);
        pairs[0] = _mm_unpacklo_epi32(a0, a2);
        pairs[1] = _mm_unpackhi_epi32(a0, a2);
        pairs[2] = _mm_unpacklo_epi32(a1, a3);
        pairs[3] = _mm_unpackhi_epi32(a1, a3);
    }

    static __m128i centred(Eight x, Eight y) {
        return _mm_xor_si128(_mm_packs_epi16(x, y), _mm_set1_epi8(-128));
    }
    static void store_row(std::uint8_t* samples, Eight x) {
        _mm_storel_epi64(reinterpret_cast<__m128i*>(samples), centred(x, x));
    }
    static void store_4x4(std::uint8_t* samples, std::ptrdiff_t stride, Eight x, Eight y) {
        const __m128i columns = centred(x, y);
        const __m128i mixed = _mm_unpacklo_epi8(columns, _mm_srli_si128(columns, 8));
        __m128i rows = _mm_unpacklo_epi8(mixed, _mm_srli_si128(mixed, 8));
        for (int i = 0; i < 4; ++i) {
            const int four = _mm_cvtsi128_si32(rows);
            __builtin_memcpy(samples + i * stride, &four, 4);
            rows = _mm_srli_si128(rows, 4);
        }
    }
    static void store_2x2(std::uint8_t* samples, std::ptrdiff_t stride, Eight x) {
        const __m128i columns = centred(x, x);  // two of each, at the first byte and at the fifth
        const int rows = _mm_cvtsi128_si32(_mm_unpacklo_epi8(columns, _mm_srli_si128(columns, 4)));
        __builtin_memcpy(samples, &rows, 2);
        const int second = rows >> 16;
        __builtin_memcpy(samples + stride, &second, 2);
    }

    static void load_samples(const std::uint8_t* p, Eight* x) {
        const __m128i bytes = load_bytes(p);
        x[0] = _mm_unpacklo_epi8(bytes, zero());
        x[1] = _mm_unpackhi_epi8(bytes, zero());
    }
    static __m128i to_bytes(const Eight* x) { return _mm_packus_epi16(x[0], x[1]); }

    static void store_rgb(std::uint8_t* pixels, __m128i red, __m128i green, __m128i blue) {
        const __m128i rg0 = _mm_unpacklo_epi8(red, green), rg1 = _mm_unpackhi_epi8(red, green);
        const __m128i b0 = _mm_unpacklo_epi8(blue, zero()), b1 = _mm_unpackhi_epi8(blue, zero());
        const __m128i p0 = packed(_mm_unpacklo_epi16(rg0, b0));
        const __m128i p1 = packed(_mm_unpackhi_epi16(rg0, b0));
        const __m128i p2 = packed(_mm_unpacklo_epi16(rg1, b1));
        const __m128i p3 = packed(_mm_unpackhi_epi16(rg1, b1));
        auto* out = reinterpret_cast<__m128i*>(pixels);
        _mm_storeu_si128(out, _mm_or_si128(p0, _mm_slli_si128(p1, 12)));
        _mm_storeu_si128(out + 1, _mm_or_si128(_mm_srli_si128(p1, 4), _mm_slli_si128(p2, 8)));
        _mm_storeu_si128(out + 2, _mm_or_si128(_mm_srli_si128(p2, 8), _mm_slli_si128(p3, 4)));
    }

  private:
    template <int kA, int kB>
    static __m128i factors() {
        static_assert(kA >= -32768 && kA <= 32767 && kB >= -32768 && kB <= 32767);
        return _mm_set1_epi32(static_cast<int>(static_cast<unsigned>(kB) << 16 | (kA & 0xFFFF)));
    }

    // Four pixels of 32 bits, the upper 8 of them zero, to 12 bytes.
    static __m128i packed(__m128i pixels) {
        const __m128i first = _mm_set1_epi64x(0xFFFFFF);
        const __m128i low = _mm_and_si128(pixels, first);
        const __m128i high = _mm_andnot_si128(first, _mm_srli_epi64(pixels, 8));
        const __m128i six = _mm_or_si128(low, high);
        return _mm_or_si128(_mm_move_epi64(six), _mm_slli_si128(_mm_srli_si128(six, 8), 6));
    }
};

}  // namespace
}  // namespace fovea::preprocess
