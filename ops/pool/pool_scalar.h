// SPDX-License-Identifier: Apache-2.0
#pragma once

// rows   window_height x [input_width][input_stride], null where the row is padding
// output [output_width][output_stride]
//
//   output[x][c] = max or mean over a, b of row[a][x * stride + b - pad_left][c]
//
// The mean is the sum in the order of a, then b, divided by the number of elements counted. A NaN
// in the window gives NaN, for the maximum too.
#include <cmath>
#include <limits>

#include "ops/half_scalar.h"
#include "ops/pool/pool.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

template <typename Element>
void pool_scalar(const PoolArgs<Element>& args) {
    for (int x = 0; x < args.output_width; ++x) {
        Element* output = args.output + x * args.output_stride;
        for (int c = 0; c < args.channels; ++c) {
            float maximum = -std::numeric_limits<float>::infinity();
            float sum = 0.0f;
            int count = 0;
            for (int a = 0; a < args.window_height; ++a) {
                if (args.rows[a] == nullptr) continue;
                for (int b = 0; b < args.window_width; ++b) {
                    const std::ptrdiff_t column =
                        static_cast<std::ptrdiff_t>(x) * args.stride_x + b - args.pad_left;
                    if (column < 0 || column >= args.input_width) continue;
                    const float value = load_element(args.rows[a][column * args.input_stride + c]);
                    if (value > maximum || std::isnan(value)) maximum = value;
                    sum += value;
                    ++count;
                }
            }
            if (args.kind == PoolKind::kMax) {
                store_element(output[c], maximum);
            } else if (count == 0) {
                store_element(output[c], 0.0f);
            } else {
                const int divisor =
                    args.count_padding ? args.window_height * args.window_width : count;
                store_element(output[c], sum / static_cast<float>(divisor));
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
