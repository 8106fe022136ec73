// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

// 64 channels of a pixel, 32 of two or 16 of four become a register of bytes; so that packing is shared, and each cache line is read and
// written once. 8 channels take half a register, fewer and constants for which packing does not do a masked one.
// A Map says what is done:
//
//   Constants<R, kVectors>(map, first)      those of the channels from `first` on; reach(v): no value of register v is above it
//   value<R>(constants, v, pixel, channel)  register v, in units of the output's scale
//   masked(pixel, channel, mask)            the values of up to 16 channels, whatever the constants are
#include "ops/codes/code_maps.h"
#include "ops/codes_avx512.h"

namespace fovea::ops {
namespace {

template <typename Code>
[[gnu::always_inline]] inline __m512 masked_codes(const Code* from, __mmask16 mask, __m512i less) {
    __m512i codes;
    if constexpr (sizeof(Code) == 1) {
        codes = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, from));
    } else {
        codes = _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, from));
    }
    return _mm512_cvtepi32_ps(_mm512_sub_epi32(codes, less));
}

template <class Map>
[[gnu::noinline]] void run_any(const Map& map, const CodeOutput& output, const std::int32_t* zeros, std::ptrdiff_t pixels, int channel,
                               int count) {
    for (int c = channel; c < channel + count; c += 16) {
        const __mmask16 mask = first_lanes(channel + count - c);
        const __m512i zero = _mm512_maskz_loadu_epi32(mask, zeros + c);
        for (std::ptrdiff_t pixel = 0; pixel < pixels; ++pixel) {
            store_values(output, pixel * output.stride + c, mask, map.masked(pixel, c, mask), zero, false);
        }
    }
}

template <class R, int kVectors, class Map>
[[gnu::always_inline]] inline void run_block(const Map& map, const CodeOutput& output, const std::int32_t* zeros, std::ptrdiff_t pixels,
                                             int channel) {
    constexpr int kLanes = R::kBytes / 4;
    const typename Map::template Constants<R, kVectors> constants(map, channel);
    bool fits = true;
    for (int v = 0; v < kVectors; ++v) fits = fits && R::all_below(constants.reach(v), kMostPacked);
    if (!fits) return run_any(map, output, zeros, pixels, channel, kVectors * kLanes);
    const CodeStore<R, kVectors, Order::kPanels> codes(zeros + channel, false);
    const auto run_pixels = [&]<int kPixels, bool kWords>(std::ptrdiff_t first) __attribute__((always_inline)) {
        const auto number = [&]<int p, int v>() __attribute__((always_inline)) {
            return R::rounded(map.template value<R>(constants, v, first + p, channel + v * kLanes));
        };
        const std::ptrdiff_t at = first * output.stride + channel;
        if constexpr (kWords) {
            codes.template store_words<kPixels>(static_cast<std::int16_t*>(output.data) + at, output.stride, number);
        } else {
            codes.template store_bytes<kPixels>(static_cast<std::uint8_t*>(output.data) + at, output.stride, number);
        }
    };
    const auto run_all = [&]<bool kWords>() __attribute__((always_inline)) {
        constexpr int kPixels = 4 / kVectors;
        std::ptrdiff_t pixel = 0;
        for (; pixel + kPixels <= pixels; pixel += kPixels) run_pixels.template operator()<kPixels, kWords>(pixel);
        if constexpr (kPixels > 1) {
            for (; pixel < pixels; ++pixel) run_pixels.template operator()<1, kWords>(pixel);
        }
    };
    if (output.type == CodeType::kU8) {
        run_all.template operator()<false>();
    } else {
        run_all.template operator()<true>();
    }
}

template <class Map>
[[gnu::noinline]] void run_map(const Map& map, const CodeOutput& output, const std::int32_t* zeros, std::size_t count, int channels) {
    const auto pixels = static_cast<std::ptrdiff_t>(count);
    int channel = 0;
    for (; channel + 64 <= channels; channel += 64) run_block<Register<64>, 4>(map, output, zeros, pixels, channel);
    if (channel + 32 <= channels) {
        run_block<Register<64>, 2>(map, output, zeros, pixels, channel);
        channel += 32;
    }
    if (channel + 16 <= channels) {
        run_block<Register<64>, 1>(map, output, zeros, pixels, channel);
        channel += 16;
    }
    if (channel + 8 <= channels) {
        run_block<Register<32>, 1>(map, output, zeros, pixels, channel);
        channel += 8;
    }
    if (channel < channels) run_any(map, output, zeros, pixels, channel, channels - channel);
}

// body.operator()<Code>() for codes of a type that is known only now.
template <typename Body>
inline void with_codes(CodeType type, const Body& body) {
    if (type == CodeType::kU8) {
        body.template operator()<std::uint8_t>();
    } else {
        body.template operator()<std::int16_t>();
    }
}
constexpr float kGreatestCode = 32768.0f;

template <typename Left, typename Right>
struct AddMap {
    const AddCodesArgs& args;
    const Left* lefts;
    const Right* rights;

    explicit AddMap(const AddCodesArgs& of)
        : args(of), lefts(static_cast<const Left*>(of.left.data)), rights(static_cast<const Right*>(of.right.data)) {}

    template <class R, int kVectors>
    struct Constants {
        typename R::Floats left[kVectors], right[kVectors], offset[kVectors];

        Constants(const AddMap& map, int first) {
            for (int v = 0; v < kVectors; ++v) {
                const int channel = first + v * (R::kBytes / 4);
                R::load(left[v], map.args.left_multiplier + channel);
                R::load(right[v], map.args.right_multiplier + channel);
                R::load(offset[v], map.args.offset + channel);
            }
        }
        typename R::Floats reach(int v) const {
            const auto both = R::add(R::magnitude(left[v]), R::magnitude(right[v]));
            return R::add(R::multiply(both, R::all(kGreatestCode)), R::magnitude(offset[v]));
        }
    };
    template <class R, class C>
    [[gnu::always_inline]] typename R::Floats value(const C& with, int v, std::ptrdiff_t pixel, int channel) const {
        const auto left = R::multiply(R::floats_of(R::load_codes(lefts + pixel * args.left.stride + channel)), with.left[v]);
        const auto right = R::multiply(R::floats_of(R::load_codes(rights + pixel * args.right.stride + channel)), with.right[v]);
        return R::add(R::add(left, right), with.offset[v]);
    }
    __m512 masked(std::ptrdiff_t pixel, int channel, __mmask16 mask) const {
        const __m512i none = _mm512_setzero_si512();
        const __m512 left = _mm512_mul_ps(masked_codes(lefts + pixel * args.left.stride + channel, mask, none),
                                          _mm512_maskz_loadu_ps(mask, args.left_multiplier + channel));
        const __m512 right = _mm512_mul_ps(masked_codes(rights + pixel * args.right.stride + channel, mask, none),
                                           _mm512_maskz_loadu_ps(mask, args.right_multiplier + channel));
        return _mm512_add_ps(_mm512_add_ps(left, right), _mm512_maskz_loadu_ps(mask, args.offset + channel));
    }
};

inline void add_maps(const AddCodesArgs& args) {
    with_codes(args.left.type, [&]<typename Left>() {
        with_codes(args.right.type,
                   [&]<typename Right>() { run_map(AddMap<Left, Right>(args), args.output, args.zero, args.pixels, args.channels); });
    });
}

template <typename Input>
struct GateMap {
    const GateCodesArgs& args;
    const Input* inputs;

    explicit GateMap(const GateCodesArgs& of) : args(of), inputs(static_cast<const Input*>(of.input.data)) {}

    template <class R, int kVectors>
    struct Constants {
        typename R::Integers zero[kVectors];
        typename R::Floats factor[kVectors];

        Constants(const GateMap& map, int first) {
            for (int v = 0; v < kVectors; ++v) {
                const int channel = first + v * (R::kBytes / 4);
                typename R::Floats gate, multiplier;
                R::load(gate, map.args.gate + channel);
                R::load(multiplier, map.args.multiplier + channel);
                factor[v] = R::multiply(gate, multiplier);
                R::load(zero[v], map.args.input_zero + channel);
            }
        }
        typename R::Floats reach(int v) const { return R::multiply(R::magnitude(factor[v]), R::all(2.0f * kGreatestCode)); }
    };
    template <class R, class C>
    [[gnu::always_inline]] typename R::Floats value(const C& with, int v, std::ptrdiff_t pixel, int channel) const {
        const auto codes = R::subtract(R::load_codes(inputs + pixel * args.input.stride + channel), with.zero[v]);
        return R::multiply(R::floats_of(codes), with.factor[v]);
    }
    __m512 masked(std::ptrdiff_t pixel, int channel, __mmask16 mask) const {
        const __m512 factor = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, args.gate + channel),
                                            _mm512_maskz_loadu_ps(mask, args.multiplier + channel));
        return _mm512_mul_ps(masked_codes(inputs + pixel * args.input.stride + channel, mask,
                                          _mm512_maskz_loadu_epi32(mask, args.input_zero + channel)),
                             factor);
    }
};

inline void gate_maps(const GateCodesArgs& args) {
    with_codes(args.input.type,
               [&]<typename Input>() { run_map(GateMap<Input>(args), args.output, args.zero, args.pixels, args.channels); });
}

struct PixelMap {
    const std::uint8_t* pixels;
    const float *multiplier, *offset;
    std::ptrdiff_t stride;

    template <class R, int kVectors>
    struct Constants {
        typename R::Floats multiplier[kVectors], offset[kVectors];

        Constants(const PixelMap& map, int first) {
            for (int v = 0; v < kVectors; ++v) {
                R::load(multiplier[v], map.multiplier + first + v * (R::kBytes / 4));
                R::load(offset[v], map.offset + first + v * (R::kBytes / 4));
            }
        }
        typename R::Floats reach(int v) const {
            return R::add(R::multiply(R::magnitude(multiplier[v]), R::all(255.0f)), R::magnitude(offset[v]));
        }
    };
    template <class R, class C>
    [[gnu::always_inline]] typename R::Floats value(const C& with, int v, std::ptrdiff_t pixel, int channel) const {
        return R::add(R::multiply(R::floats_of(R::load_codes(pixels + pixel * stride + channel)), with.multiplier[v]), with.offset[v]);
    }
    __m512 masked(std::ptrdiff_t pixel, int channel, __mmask16 mask) const {
        const __m512 product = _mm512_mul_ps(masked_codes(pixels + pixel * stride + channel, mask, _mm512_setzero_si512()),
                                             _mm512_maskz_loadu_ps(mask, multiplier + channel));
        return _mm512_add_ps(product, _mm512_maskz_loadu_ps(mask, offset + channel));
    }
};

// As if the pixels were of 96 channels, which 1, 2, 3, 4, 6 and 8 divide; what is left of them, others, and rows with gaps as they are.
inline void quantise_pixel_maps(const QuantisePixelsArgs& args) {
    constexpr int kPeriod = 96;
    std::size_t done = 0;
    if (kPeriod % args.channels == 0 && args.output.stride == args.channels) {
        alignas(64) float multipliers[kPeriod], offsets[kPeriod];
        alignas(64) std::int32_t zeros[kPeriod];
        for (int lane = 0; lane < kPeriod; ++lane) {
            multipliers[lane] = args.multiplier[lane % args.channels];
            offsets[lane] = args.offset[lane % args.channels];
            zeros[lane] = args.zero[lane % args.channels];
        }
        const auto together = static_cast<std::size_t>(kPeriod / args.channels);
        const std::size_t periods = args.pixels / together;
        const CodeOutput output = {args.output.data, args.output.type, kPeriod};
        run_map(PixelMap{args.input, multipliers, offsets, kPeriod}, output, zeros, periods, kPeriod);
        done = periods * together;
    }
    const auto offset = static_cast<std::ptrdiff_t>(done) * args.output.stride;
    void* const rest = args.output.type == CodeType::kU8 ? static_cast<void*>(static_cast<std::uint8_t*>(args.output.data) + offset)
                                                         : static_cast<void*>(static_cast<std::int16_t*>(args.output.data) + offset);
    run_map(PixelMap{args.input + done * static_cast<std::size_t>(args.channels), args.multiplier, args.offset, args.channels},
            {rest, args.output.type, args.output.stride}, args.zero, args.pixels - done, args.channels);
}

}  // namespace
}  // namespace fovea::ops
