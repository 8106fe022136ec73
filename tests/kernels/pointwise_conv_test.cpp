// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "activation_oracle.h"
#include "bench/layer_shapes.h"
#include "pointwise_conv_check.h"

namespace {

const fovea::test::ComparesTable compares_pointwise_conv_fp32(fovea::ops::kPointwiseConvFp32);

using namespace fovea::test;

// Rows of the register tiles of all variants lie between 4 and 16 pixels and 8 and 48 channels.
constexpr int kPixelTiles[] = {4, 6, 8, 10, 14, 16};

const auto kernels = [] { return runnable_variants(fovea::ops::kPointwiseConvFp32); };

}  // namespace

TEST_CASE("pointwise_conv: every size around a tile") {
    Checker checker;
    int turn = 0;
    for (const int tile : kPixelTiles) {
        for (const int pixels : sizes_around(tile)) {
            for (const int out_channels :
                 {1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 33, 40, 47, 48, 50, 58}) {
                for (const int in_channels : {1, 3, 4, 5, 8, 16, 24, 26, 32, 40}) {
                    PointwiseConvCase c{pixels, in_channels, out_channels};
                    c.activation = kFusableActivations[turn % 5];
                    c.fill = kAllFills[turn / 5 % 3];
                    c.offset = turn % 2;
                    c.padding = turn / 2 % 2 * 5;
                    c.residual = static_cast<decltype(c.residual)>(turn / 3 % 3);
                    ++turn;
                    check_pointwise_conv(checker, c, kernels());
                }
            }
        }
    }
}

TEST_CASE("pointwise_conv: every activation, fill, offset and residual") {
    Checker checker;
    for (const auto activation : kFusableActivations) {
        for (const Fill fill : kAllFills) {
            for (const int offset : {0, 1}) {
                for (const int residual : {0, 1, 2}) {
                    PointwiseConvCase c{11, 24, 27, activation, fill, offset, 3};
                    c.residual = static_cast<decltype(c.residual)>(residual);
                    check_pointwise_conv(checker, c, kernels());
                }
            }
        }
    }
}

TEST_CASE("pointwise_conv: a NaN reaches all outputs of its pixel and no others") {
    Checker checker;
    for (const auto activation : kFusableActivations) {
        for (const int nan_pixel : {0, 5, 13}) {
            PointwiseConvCase c{14, 6, 29, activation};
            c.nan_pixel = nan_pixel;
            check_pointwise_conv(checker, c, kernels());
        }
    }
}

TEST_CASE("pointwise_conv: the layers of MobileNetV3 Large and Small") {
    Checker checker;
    for (const PointwiseLayer& layer : kPointwiseLayers) {
        for (const int pixels : {26, 49}) {
            PointwiseConvCase c{pixels, layer.in_channels, layer.out_channels, fovea::ops::Activation::kHardSwish};
            if (layer.out_channels < layer.in_channels) {
                c.activation = fovea::ops::Activation::kNone;
                c.residual = PointwiseConvCase::kResidual;
            }
            check_pointwise_conv(checker, c, kernels());
        }
    }
}
