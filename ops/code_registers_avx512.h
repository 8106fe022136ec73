// SPDX-License-Identifier: Apache-2.0
// Registers of 64, 32 and 16 bytes by the same names, for templates of codes. Packing and unpacking go on in every 16 bytes apart.
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "for files compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include <immintrin.h>

#include <cstdint>

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

inline void store_8_bytes(void* to, __m128i v, int i) {
    const long long bytes = i == 0 ? _mm_cvtsi128_si64(v) : _mm_extract_epi64(v, 1);
    __builtin_memcpy(to, &bytes, 8);
}

template <int kBytes>
struct Register;

template <>
struct Register<64> {
    static constexpr int kBytes = 64;
    using Integers = __m512i;
    using Floats = __m512;

    static Integers load(const void* from) { return _mm512_loadu_si512(from); }
    static void load(Integers& to, const std::int32_t* from) { to = _mm512_loadu_si512(from); }
    static void load(Floats& to, const float* from) { to = _mm512_loadu_ps(from); }
    // As many codes as there are numbers of 32 bits.
    static Integers load_codes(const std::uint8_t* from) {
        return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }
    static Integers load_codes(const std::int16_t* from) {
        return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    }
    static void store(void* to, Integers v) { _mm512_storeu_si512(to, v); }
    static void store_half(void* to, Integers v, int i) {
        _mm256_storeu_si256(static_cast<__m256i_u*>(to), i == 0 ? _mm512_castsi512_si256(v) : _mm512_extracti64x4_epi64(v, 1));
    }
    static void store_quarter(void* to, Integers v, int i) {
        auto* const target = static_cast<__m128i_u*>(to);
        switch (i) {
            case 0: return _mm_storeu_si128(target, _mm512_castsi512_si128(v));
            case 1: return _mm_storeu_si128(target, _mm512_extracti32x4_epi32(v, 1));
            case 2: return _mm_storeu_si128(target, _mm512_extracti32x4_epi32(v, 2));
            default: return _mm_storeu_si128(target, _mm512_extracti32x4_epi32(v, 3));
        }
    }
    static Floats all(float value) { return _mm512_set1_ps(value); }
    static Integers all_words(std::int16_t value) { return _mm512_set1_epi16(value); }
    static Floats floats_of(Integers v) { return _mm512_cvtepi32_ps(v); }
    static Integers rounded(Floats v) { return _mm512_cvtps_epi32(v); }
    static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
    static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
    static Integers add(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
    static Integers subtract(Integers a, Integers b) { return _mm512_sub_epi32(a, b); }
    static Floats magnitude(Floats v) { return _mm512_abs_ps(v); }
    static bool all_below(Floats v, float bound) { return _mm512_cmp_ps_mask(v, all(bound), _CMP_LT_OQ) == 0xffff; }
    // v times what hard-swish multiplies it by, for numbers: positive floats are in the order of their bits as integers, negative ones
    // below 0. Zen 4 compares integers in all four units, floats in the two that multiply.
    static Floats swished(Floats v) {
        const Integers shifted = _mm512_castps_si512(_mm512_add_ps(v, all(3.0f)));
        const Integers clamped = _mm512_min_epi32(_mm512_max_epi32(shifted, _mm512_setzero_si512()), _mm512_castps_si512(all(6.0f)));
        return _mm512_mul_ps(v, _mm512_castsi512_ps(clamped));
    }
    static Integers pack_words(Integers a, Integers b) { return _mm512_packs_epi32(a, b); }
    static Integers pack_bytes(Integers a, Integers b) { return _mm512_packus_epi16(a, b); }
    static Integers add_words(Integers a, Integers b) { return _mm512_adds_epi16(a, b); }
    static Integers max_words(Integers a, Integers b) { return _mm512_max_epi16(a, b); }
    static Integers max_bytes(Integers a, Integers b) { return _mm512_max_epu8(a, b); }
    static Integers unpack_low_bytes(Integers a, Integers b) { return _mm512_unpacklo_epi8(a, b); }
    static Integers unpack_high_bytes(Integers a, Integers b) { return _mm512_unpackhi_epi8(a, b); }
    static Integers unpack_low_words(Integers a, Integers b) { return _mm512_unpacklo_epi16(a, b); }
    static Integers unpack_high_words(Integers a, Integers b) { return _mm512_unpackhi_epi16(a, b); }
    // Weights of as many bytes as there are words.
    static Integers widened_bytes(const std::int8_t* from) {
        return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    }
    // After two packings of four registers, and after one of two: each register's own together.
    static Integers order_fours(Integers v) {
        return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
    }
    static Integers order_pairs(Integers v) { return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), v); }
    // The order in which unpacking leaves the channels, and back.
    static void unpack_lanes(Integers (&v)[4]) {
        const Integers a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
        const Integers c = _mm512_shuffle_i32x4(v[2], v[3], 0x44), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
        v[0] = _mm512_shuffle_i32x4(a, c, 0x88);
        v[1] = _mm512_shuffle_i32x4(a, c, 0xdd);
        v[2] = _mm512_shuffle_i32x4(b, d, 0x88);
        v[3] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
    static void pack_lanes(Integers (&v)[4]) { unpack_lanes(v); }  // its own inverse
    static void unpack_lanes(Integers (&v)[2]) {
        const Integers even = _mm512_shuffle_i32x4(v[0], v[1], 0x88);
        v[1] = _mm512_shuffle_i32x4(v[0], v[1], 0xdd);
        v[0] = even;
    }
    static void pack_lanes(Integers (&v)[2]) {
        const Integers first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), last = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        const Integers low = _mm512_permutex2var_epi64(v[0], first, v[1]);
        v[1] = _mm512_permutex2var_epi64(v[0], last, v[1]);
        v[0] = low;
    }
    template <int kCount>
    static void unpack_lanes(Floats (&v)[kCount]) {
        Integers integers[kCount];
        for (int i = 0; i < kCount; ++i) integers[i] = _mm512_castps_si512(v[i]);
        unpack_lanes(integers);
        for (int i = 0; i < kCount; ++i) v[i] = _mm512_castsi512_ps(integers[i]);
    }
};

template <>
struct Register<32> {
    static constexpr int kBytes = 32;
    using Integers = __m256i;
    using Floats = __m256;

    static Integers load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i_u*>(from)); }
    static void load(Integers& to, const std::int32_t* from) { to = load(from); }
    static void load(Floats& to, const float* from) { to = _mm256_loadu_ps(from); }
    static Integers load_codes(const std::uint8_t* from) {
        return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
    }
    static Integers load_codes(const std::int16_t* from) {
        return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }
    static void store(void* to, Integers v) { _mm256_storeu_si256(static_cast<__m256i_u*>(to), v); }
    static void store_half(void* to, Integers v, int i) {
        _mm_storeu_si128(static_cast<__m128i_u*>(to), i == 0 ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256(v, 1));
    }
    static void store_quarter(void* to, Integers v, int i) {
        store_8_bytes(to, i < 2 ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256(v, 1), i % 2);
    }
    static Floats all(float value) { return _mm256_set1_ps(value); }
    static Integers all_words(std::int16_t value) { return _mm256_set1_epi16(value); }
    static Floats floats_of(Integers v) { return _mm256_cvtepi32_ps(v); }
    static Integers rounded(Floats v) { return _mm256_cvtps_epi32(v); }
    static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
    static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
    static Integers add(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
    static Integers subtract(Integers a, Integers b) { return _mm256_sub_epi32(a, b); }
    static Floats magnitude(Floats v) { return _mm256_andnot_ps(all(-0.0f), v); }
    static bool all_below(Floats v, float bound) { return _mm256_cmp_ps_mask(v, all(bound), _CMP_LT_OQ) == 0xff; }
    static Floats swished(Floats v) {
        const Integers shifted = _mm256_castps_si256(_mm256_add_ps(v, all(3.0f)));
        const Integers clamped = _mm256_min_epi32(_mm256_max_epi32(shifted, _mm256_setzero_si256()), _mm256_castps_si256(all(6.0f)));
        return _mm256_mul_ps(v, _mm256_castsi256_ps(clamped));
    }
    static Integers pack_words(Integers a, Integers b) { return _mm256_packs_epi32(a, b); }
    static Integers pack_bytes(Integers a, Integers b) { return _mm256_packus_epi16(a, b); }
    static Integers add_words(Integers a, Integers b) { return _mm256_adds_epi16(a, b); }
    static Integers max_words(Integers a, Integers b) { return _mm256_max_epi16(a, b); }
    static Integers max_bytes(Integers a, Integers b) { return _mm256_max_epu8(a, b); }
    static Integers unpack_low_bytes(Integers a, Integers b) { return _mm256_unpacklo_epi8(a, b); }
    static Integers unpack_high_bytes(Integers a, Integers b) { return _mm256_unpackhi_epi8(a, b); }
    static Integers unpack_low_words(Integers a, Integers b) { return _mm256_unpacklo_epi16(a, b); }
    static Integers unpack_high_words(Integers a, Integers b) { return _mm256_unpackhi_epi16(a, b); }
    static Integers widened_bytes(const std::int8_t* from) {
        return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    }
    static Integers order_fours(Integers v) { return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)); }
    static Integers order_pairs(Integers v) { return _mm256_permute4x64_epi64(v, 0xd8); }
    static void unpack_lanes(Integers (&v)[4]) {
        const Integers a = v[0], b = v[1], c = v[2], d = v[3];
        v[0] = _mm256_permute2x128_si256(a, c, 0x20);
        v[1] = _mm256_permute2x128_si256(a, c, 0x31);
        v[2] = _mm256_permute2x128_si256(b, d, 0x20);
        v[3] = _mm256_permute2x128_si256(b, d, 0x31);
    }
    static void pack_lanes(Integers (&v)[4]) {
        const Integers a = v[0], b = v[1], c = v[2], d = v[3];
        v[0] = _mm256_permute2x128_si256(a, b, 0x20);
        v[1] = _mm256_permute2x128_si256(c, d, 0x20);
        v[2] = _mm256_permute2x128_si256(a, b, 0x31);
        v[3] = _mm256_permute2x128_si256(c, d, 0x31);
    }
    static void unpack_lanes(Integers (&v)[2]) {
        const Integers low = _mm256_permute2x128_si256(v[0], v[1], 0x20);
        v[1] = _mm256_permute2x128_si256(v[0], v[1], 0x31);
        v[0] = low;
    }
    static void pack_lanes(Integers (&v)[2]) { unpack_lanes(v); }  // its own inverse
    template <int kCount>
    static void unpack_lanes(Floats (&v)[kCount]) {
        Integers integers[kCount];
        for (int i = 0; i < kCount; ++i) integers[i] = _mm256_castps_si256(v[i]);
        unpack_lanes(integers);
        for (int i = 0; i < kCount; ++i) v[i] = _mm256_castsi256_ps(integers[i]);
    }
};

template <>
struct Register<16> {
    static constexpr int kBytes = 16;
    using Integers = __m128i;
    using Floats = __m128;

    static Integers load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i_u*>(from)); }
    static void load(Integers& to, const std::int32_t* from) { to = load(from); }
    static void load(Floats& to, const float* from) { to = _mm_loadu_ps(from); }
    static void store(void* to, Integers v) { _mm_storeu_si128(static_cast<__m128i_u*>(to), v); }
    static void store_half(void* to, Integers v, int i) { store_8_bytes(to, v, i); }
    static Floats all(float value) { return _mm_set1_ps(value); }
    static Integers all_words(std::int16_t value) { return _mm_set1_epi16(value); }
    static Floats floats_of(Integers v) { return _mm_cvtepi32_ps(v); }
    static Integers rounded(Floats v) { return _mm_cvtps_epi32(v); }
    static Floats multiply(Floats a, Floats b) { return _mm_mul_ps(a, b); }
    static Floats add(Floats a, Floats b) { return _mm_add_ps(a, b); }
    static Integers add(Integers a, Integers b) { return _mm_add_epi32(a, b); }
    static Floats magnitude(Floats v) { return _mm_andnot_ps(all(-0.0f), v); }
    static bool all_below(Floats v, float bound) { return _mm_cmp_ps_mask(v, all(bound), _CMP_LT_OQ) == 0xf; }
    static Floats swished(Floats v) {
        const Integers shifted = _mm_castps_si128(_mm_add_ps(v, all(3.0f)));
        const Integers clamped = _mm_min_epi32(_mm_max_epi32(shifted, _mm_setzero_si128()), _mm_castps_si128(all(6.0f)));
        return _mm_mul_ps(v, _mm_castsi128_ps(clamped));
    }
    static Integers pack_words(Integers a, Integers b) { return _mm_packs_epi32(a, b); }
    static Integers pack_bytes(Integers a, Integers b) { return _mm_packus_epi16(a, b); }
    static Integers add_words(Integers a, Integers b) { return _mm_adds_epi16(a, b); }
    static Integers max_words(Integers a, Integers b) { return _mm_max_epi16(a, b); }
    static Integers max_bytes(Integers a, Integers b) { return _mm_max_epu8(a, b); }
    static Integers unpack_low_bytes(Integers a, Integers b) { return _mm_unpacklo_epi8(a, b); }
    static Integers unpack_high_bytes(Integers a, Integers b) { return _mm_unpackhi_epi8(a, b); }
    static Integers unpack_low_words(Integers a, Integers b) { return _mm_unpacklo_epi16(a, b); }
    static Integers unpack_high_words(Integers a, Integers b) { return _mm_unpackhi_epi16(a, b); }
    static Integers widened_bytes(const std::int8_t* from) {
        return _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
    }
    static Integers order_fours(Integers v) { return v; }
    static Integers order_pairs(Integers v) { return v; }
    template <typename Vector, int kCount>
    static void unpack_lanes(Vector (&)[kCount]) {}
    template <typename Vector, int kCount>
    static void pack_lanes(Vector (&)[kCount]) {}
};

}  // namespace
}  // namespace fovea::ops
