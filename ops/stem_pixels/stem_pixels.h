// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "ops/affine/affine.h"
#include "ops/conv2d/conv2d.h"

namespace fovea::ops {

// The first convolution of a network together with the rescaling before it: reads the caller's
// pixels and computes some output rows, each
//
//   conv2d( image[y + a * dilation_y][column][i] * scale[i] + offset[i] )
//
// with the formula and layouts of conv2d.h; rows outside the image and other padding are zero after
// the rescaling. The bits are those of affine.h's kernel followed by conv2d.h's of the same
// instruction set, to floats or to halves, however the rows are split among calls. The rescaled
// window of some output columns lies on the stack, small enough for the first-level cache, and
// moves down with the output rows; nothing is stored of the whole image.
template <typename Pixel, typename Element>
struct StemPixelsArgs {
    const Pixel* image;  // [input_height][convolution.input_width][convolution.in_channels]
    int input_height;
    int first_row;  // y of the first output row, negative where its window begins in the padding
    int stride_y;   // from one output row's y to the next one's
    int dilation_y;
    int output_rows;
    std::ptrdiff_t output_row_stride;  // in elements, from convolution.output on
    const float* scale;                // [in_channels]
    const float* offset;               // [in_channels]
    Conv2dArgs<Element> convolution;   // all of it but rows and input_stride, which are not read
};

// Elements of the window of one output column, and kernel rows, that there is room for. 4704 = 7 rows of 224 RGB pixels: the widest
// stem of the usual networks at their usual width, in 18 KiB, which leaves the rest of a first-level cache of 32 KiB to weights.
inline constexpr int kMaxStemWindow = 4704;
inline constexpr int kMaxStemRows = 16;
inline constexpr bool can_rescale_window(std::int64_t in_channels, std::int64_t kernel_height,
                                         std::int64_t kernel_width, std::int64_t dilation_x) {
    return kernel_height <= kMaxStemRows &&
           kernel_height * ((kernel_width - 1) * dilation_x + 1) * in_channels <=
               kMaxStemWindow;
}

using StemPixelsFp32Args = StemPixelsArgs<std::uint8_t, float>;
using StemPixelsFp32Function = void (*)(const StemPixelsFp32Args&);

void stem_pixels_fp32_scalar(const StemPixelsFp32Args&);
void stem_pixels_fp32_avx2(const StemPixelsFp32Args&);
void stem_pixels_fp32_avx512(const StemPixelsFp32Args&);
void stem_pixels_fp32_neon(const StemPixelsFp32Args&);
extern const KernelTable<StemPixelsFp32Function> kStemPixelsFp32;
template <>
struct TableOf<StemPixelsFp32Args> {
    static constexpr const auto& kTable = kStemPixelsFp32;
};

using StemPixelsFp16Args = StemPixelsArgs<std::uint8_t, Half>;
using StemPixelsFp16Function = void (*)(const StemPixelsFp16Args&);

void stem_pixels_fp16_scalar(const StemPixelsFp16Args&);
void stem_pixels_fp16_neon_fp16(const StemPixelsFp16Args&);
extern const KernelTable<StemPixelsFp16Function> kStemPixelsFp16;
template <>
struct TableOf<StemPixelsFp16Args> {
    static constexpr const auto& kTable = kStemPixelsFp16;
};

// What they are made of: a rescaling and a convolution, a part of the columns after the other.
template <typename Pixel, typename Element>
void stem_pixels_in_parts(const StemPixelsArgs<Pixel, Element>&,
                     void (*rescale)(const AffineArgs<Pixel, Element>&),
                     void (*convolution)(const Conv2dArgs<Element>&));
extern template void stem_pixels_in_parts(const StemPixelsFp32Args&, AffinePixelsFp32Function, Conv2dFp32Function);
extern template void stem_pixels_in_parts(const StemPixelsArgs<float, float>&, AffineFp32Function,
                                     Conv2dFp32Function);
extern template void stem_pixels_in_parts(const StemPixelsFp16Args&, AffinePixelsFp16Function,
                                     Conv2dFp16Function);
extern template void stem_pixels_in_parts(const StemPixelsArgs<float, Half>&, AffineFp32ToFp16Function,
                                     Conv2dFp16Function);

}  // namespace fovea::ops
