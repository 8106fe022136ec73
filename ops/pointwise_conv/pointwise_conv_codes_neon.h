// SPDX-License-Identifier: Apache-2.0
#pragma once

// The 1x1 convolution of codes is a product of its pixels.
#include "ops/packed_codes_neon.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

template <typename Input>
struct PixelRows {
    static constexpr bool kPadded = false;

    const PointwiseConvCodesArgs<Input>& args;

    int count() const { return args.in_channels; }
    template <class Tiles>
    bool pack_row(std::size_t, std::uint8_t*) const {
        return false;
    }
    const Input* inputs(std::size_t row, int first, int) const {
        return args.input + static_cast<std::ptrdiff_t>(row) * args.input_stride + first;
    }
};

template <class Tiles, class LastTiles, typename Input>
inline void multiply_pixels(const PointwiseConvCodesArgs<Input>& args, TileFunction function, TileFunction last_function) {
    const int quads = (args.in_channels + 3) / 4;
    PixelRows<Input> pixels{args};
    multiply<Tiles, LastTiles>({.weights = args.weights,
                                .panel_bytes = std::ptrdiff_t{quads} * 32,
                                .bias = args.bias,
                                .quads = quads,
                                .rows = args.pixels,
                                .first_panel = 0,
                                .panels = (args.out_channels + 7) / 8,
                                .out_channels = args.out_channels,
                                .output = args.output,
                                .requantisation = args.requantisation},
                               pixels, function, last_function);
}

}  // namespace
}  // namespace fovea::ops
