// SPDX-License-Identifier: Apache-2.0
#include "ops/conv2d/conv2d_rescaled.h"

#include <algorithm>

namespace fovea::ops {
namespace {

// A multiple of every register tile's pixels, so that only the row's last tile is a small one.
constexpr std::ptrdiff_t kTileMultiple = 48;

// How many output columns go at a time: as many as fit, in parts of much the same size.
template <typename Element>
std::ptrdiff_t part_width(const Conv2dArgs<Element>& whole, std::ptrdiff_t columns,
                          std::ptrdiff_t reach) {
    const std::ptrdiff_t most = (columns - reach) / whole.stride_x + 1;
    const std::ptrdiff_t parts = (whole.output_width + most - 1) / most;
    const std::ptrdiff_t even = (whole.output_width + parts - 1) / parts;
    const std::ptrdiff_t tiles = (even + kTileMultiple - 1) / kTileMultiple * kTileMultiple;
    return std::min(tiles, most);
}

}  // namespace

template <typename Pixel, typename Element>
void conv2d_rescaled(const Conv2dRescaledArgs<Pixel, Element>& args,
                     void (*rescale)(const AffineArgs<Pixel, Element>&),
                     void (*convolution)(const Conv2dArgs<Element>&)) {
    const Conv2dArgs<Element>& whole = args.convolution;
    const std::ptrdiff_t channels = whole.in_channels;
    const std::ptrdiff_t reach =
        static_cast<std::ptrdiff_t>(whole.kernel_width - 1) * whole.dilation_x + 1;
    const std::ptrdiff_t columns = kMaxRescaledWindow / (whole.kernel_height * channels);
    const std::ptrdiff_t width = part_width(whole, columns, reach);
    alignas(64) Element window[kMaxRescaledWindow];
    const Element* rows[kMaxRescaledRows];
    for (std::ptrdiff_t x = 0; x < whole.output_width; x += width) {
        const std::ptrdiff_t outputs = std::min(width, whole.output_width - x);
        const std::ptrdiff_t left = x * whole.stride_x - whole.pad_left;
        const std::ptrdiff_t right = left + (outputs - 1) * whole.stride_x + reach;
        const std::ptrdiff_t begin = std::max<std::ptrdiff_t>(left, 0);
        const std::ptrdiff_t end =
            std::max(begin, std::min<std::ptrdiff_t>(right, whole.input_width));
        for (std::ptrdiff_t a = 0; a < whole.kernel_height; ++a) {
            rows[a] = nullptr;
            if (args.rows[a] == nullptr || begin == end) continue;
            Element* const row = window + a * columns * channels;
            rescale({.input = args.rows[a] + begin * channels,
                     .output = row,
                     .scale = args.scale,
                     .offset = args.offset,
                     .pixels = static_cast<std::size_t>(end - begin),
                     .channels = whole.in_channels});
            rows[a] = row;
        }
        Conv2dArgs<Element> part = whole;
        part.rows = rows;
        part.input_stride = channels;
        part.output += x * whole.output_stride;
        part.input_width = static_cast<int>(end - begin);
        part.output_width = static_cast<int>(outputs);
        part.pad_left = static_cast<int>(begin - left);
        convolution(part);
    }
}

template void conv2d_rescaled(const Conv2dU8Args&, AffineU8Function, Conv2dFp32Function);
template void conv2d_rescaled(const Conv2dRescaledArgs<float, float>&, AffineFp32Function,
                              Conv2dFp32Function);
template void conv2d_rescaled(const Conv2dU8Fp16Args&, AffineU8Fp16Function, Conv2dFp16Function);
template void conv2d_rescaled(const Conv2dRescaledArgs<float, Half>&, AffineFp32Fp16Function,
                              Conv2dFp16Function);

}  // namespace fovea::ops
