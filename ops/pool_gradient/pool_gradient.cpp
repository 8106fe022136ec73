// SPDX-License-Identifier: Apache-2.0
#include "ops/pool_gradient/pool_gradient.h"

#include <algorithm>

namespace fovea::ops {
namespace {

// The part of a window that lies on the map: rows [top, bottom), columns [left, right).
struct Place {
    std::ptrdiff_t top, bottom, left, right;

    std::ptrdiff_t count() const { return (bottom - top) * (right - left); }
};

Place place_of(const PoolGradientArgs& args, std::ptrdiff_t window_y, std::ptrdiff_t window_x) {
    const std::ptrdiff_t y = window_y * args.stride_y - args.pad_top;
    const std::ptrdiff_t x = window_x * args.stride_x - args.pad_left;
    return {std::max<std::ptrdiff_t>(y, 0), std::min(y + args.window_height, args.input_height),
            std::max<std::ptrdiff_t>(x, 0), std::min(x + args.window_width, args.input_width)};
}

void spread_mean(const PoolGradientArgs& args, const Place& place, const float* gradient) {
    const std::ptrdiff_t count = args.count_padding ? args.window_height * args.window_width : place.count();
    const float part = 1.0f / static_cast<float>(count);
    for (std::ptrdiff_t x = place.left; x < place.right; ++x) {
        float* const to = args.row + x * args.channels;
        for (std::ptrdiff_t c = 0; c < args.channels; ++c) to[c] += gradient[c] * part;
    }
}

void route_maximum(const PoolGradientArgs& args, const Place& place, const float* gradient) {
    for (std::ptrdiff_t c = 0; c < args.channels; ++c) {
        std::ptrdiff_t best = (place.top * args.input_width + place.left) * args.channels + c;
        for (std::ptrdiff_t y = place.top; y < place.bottom; ++y) {
            for (std::ptrdiff_t x = place.left; x < place.right; ++x) {
                const std::ptrdiff_t at = (y * args.input_width + x) * args.channels + c;
                if (args.input[at] > args.input[best]) best = at;
            }
        }
        const std::ptrdiff_t row = args.input_width * args.channels;
        if (best / row == args.y) args.row[best % row] += gradient[c];
    }
}

}  // namespace

void pool_gradient_fp32(const PoolGradientArgs& args) {
    std::fill_n(args.row, args.input_width * args.channels, 0.0f);
    // Windows q whose rows q * stride - pad .. + window - 1 hold row y.
    const std::ptrdiff_t below = args.y + args.pad_top - args.window_height;
    const std::ptrdiff_t first = below < 0 ? 0 : below / args.stride_y + 1;
    const std::ptrdiff_t last = std::min((args.y + args.pad_top) / args.stride_y, args.output_height - 1);
    for (std::ptrdiff_t q = first; q <= last; ++q) {
        for (std::ptrdiff_t t = 0; t < args.output_width; ++t) {
            const Place place = place_of(args, q, t);
            if (place.left >= place.right) continue;  // wholly in the padding
            const float* const gradient = args.gradient + (q * args.output_width + t) * args.channels;
            if (args.kind == PoolKind::kMax) {
                route_maximum(args, place, gradient);
            } else {
                spread_mean(args, place, gradient);
            }
        }
    }
}

void first_maximum_fp32(const FirstMaximumArgs& args) {
    for (int c = args.channel_begin; c < args.channel_end; ++c) {
        const float* const input = args.input + c;
        std::size_t best = 0;
        for (std::size_t p = 1; p < args.pixels; ++p) {
            if (input[static_cast<std::ptrdiff_t>(p) * args.input_stride] >
                input[static_cast<std::ptrdiff_t>(best) * args.input_stride]) {
                best = p;
            }
        }
        args.places[c] = static_cast<std::uint32_t>(best);
    }
}

}  // namespace fovea::ops
