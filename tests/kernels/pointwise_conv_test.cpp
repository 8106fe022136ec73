// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "activation_oracle.h"
#include "pointwise_conv_check.h"

namespace {

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
                for (const int in_channels : {1, 3, 4, 5, 8, 26}) {
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
    constexpr int kLayers[][2] = {
        {16, 16},  {16, 64},   {64, 24},   {24, 72},   {72, 24},   {72, 40},   {40, 120},
        {120, 40}, {40, 240},  {240, 80},  {80, 200},  {200, 80},  {80, 184},  {184, 80},
        {80, 480}, {480, 112}, {112, 672}, {672, 112}, {672, 160}, {160, 960}, {960, 160},
        {16, 72},  {24, 88},   {88, 24},   {24, 96},   {96, 40},   {240, 40},  {120, 48},
        {48, 144}, {144, 48},  {48, 288},  {288, 96},  {96, 576},  {576, 96}};
    Checker checker;
    for (const auto& layer : kLayers) {
        for (const int pixels : {26, 49}) {
            PointwiseConvCase c{pixels, layer[0], layer[1], fovea::ops::Activation::kHardSwish};
            if (layer[1] < layer[0]) {
                c.activation = fovea::ops::Activation::kNone;
                c.residual = PointwiseConvCase::kResidual;
            }
            check_pointwise_conv(checker, c, kernels());
        }
    }
}
