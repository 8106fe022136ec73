// SPDX-License-Identifier: Apache-2.0
#pragma once

// The layers of MobileNetV3 Large and Small with the attention head, each shape once. Sides are
// those of a 512 x 512 input; at 224 x 224 they are 7/16 of that.

struct PointwiseLayer {
    const char* net;
    int side;
    int in_channels;
    int out_channels;
    int count;  // how often the net has it
};
inline constexpr PointwiseLayer kPointwiseLayers[] = {
    {"large", 256, 16, 16, 1},  {"large", 256, 16, 64, 1},  {"large", 128, 64, 24, 1},
    {"large", 128, 24, 72, 2},  {"large", 128, 72, 24, 1},  {"large", 64, 72, 40, 1},
    {"large", 64, 40, 120, 2},  {"large", 64, 120, 40, 2},  {"large", 64, 40, 240, 1},
    {"large", 32, 240, 80, 1},  {"large", 32, 80, 200, 1},  {"large", 32, 200, 80, 1},
    {"large", 32, 80, 184, 2},  {"large", 32, 184, 80, 2},  {"large", 32, 80, 480, 1},
    {"large", 32, 480, 112, 1}, {"large", 32, 112, 672, 2}, {"large", 32, 672, 112, 1},
    {"large", 16, 672, 160, 1}, {"large", 16, 160, 960, 3}, {"large", 16, 960, 160, 2},
    {"small", 128, 16, 16, 1},  {"small", 128, 16, 72, 1},  {"small", 64, 72, 24, 1},
    {"small", 64, 24, 88, 1},   {"small", 64, 88, 24, 1},   {"small", 64, 24, 96, 1},
    {"small", 32, 96, 40, 1},   {"small", 32, 40, 240, 2},  {"small", 32, 240, 40, 2},
    {"small", 32, 40, 120, 1},  {"small", 32, 120, 48, 1},  {"small", 32, 48, 144, 1},
    {"small", 32, 144, 48, 1},  {"small", 32, 48, 288, 1},  {"small", 16, 288, 96, 1},
    {"small", 16, 96, 576, 3},  {"small", 16, 576, 96, 2},
};

struct ConvLayer {
    const char* net;
    int side;  // of the input
    int in_channels;
    int out_channels;
    int kernel;
    int stride;
    int pad;  // before the first row and column
};
inline constexpr ConvLayer kConvLayers[] = {
    {"stem", 512, 3, 16, 3, 2, 0},
    {"cbam_spatial", 16, 2, 1, 7, 1, 3},
};

struct DepthwiseLayer {
    const char* net;
    int side;  // of the input
    int channels;
    int kernel;
    int stride;
    int count;  // how often the net has it
};
inline constexpr DepthwiseLayer kDepthwiseLayers[] = {
    {"large", 256, 16, 3, 1, 1}, {"large", 256, 64, 3, 2, 1}, {"large", 128, 72, 3, 1, 1},
    {"large", 128, 72, 5, 2, 1}, {"large", 64, 120, 5, 1, 2}, {"large", 64, 240, 3, 2, 1},
    {"large", 32, 200, 3, 1, 1}, {"large", 32, 184, 3, 1, 2}, {"large", 32, 480, 3, 1, 1},
    {"large", 32, 672, 3, 1, 1}, {"large", 32, 672, 5, 2, 1}, {"large", 16, 960, 5, 1, 2},
    {"small", 256, 16, 3, 2, 1}, {"small", 128, 72, 3, 2, 1}, {"small", 64, 88, 3, 1, 1},
    {"small", 64, 96, 5, 2, 1},  {"small", 32, 240, 5, 1, 2}, {"small", 32, 120, 5, 1, 1},
    {"small", 32, 144, 5, 1, 1}, {"small", 32, 288, 5, 2, 1}, {"small", 16, 576, 5, 1, 2},
};

struct DenseLayer {
    const char* net;
    int in_features;
    int out_features;
};
inline constexpr DenseLayer kDenseLayers[] = {
    {"large_se", 72, 24},    {"large_se", 480, 120}, {"large_se", 960, 240}, {"large_se", 240, 960},
    {"large_head", 960, 64}, {"large_head", 64, 2},  {"small_se", 576, 144}, {"small_se", 144, 576},
};

// Maps that a global pool, a gate or an addition goes over.
struct MapLayer {
    const char* net;
    int side;
    int channels;
};
inline constexpr MapLayer kGatedMaps[] = {
    {"large", 64, 72},  {"large", 64, 120}, {"large", 32, 480}, {"large", 32, 672},
    {"large", 16, 672}, {"large", 16, 960}, {"small", 128, 16}, {"small", 32, 96},
    {"small", 32, 240}, {"small", 32, 120}, {"small", 32, 144}, {"small", 16, 288},
    {"small", 16, 576},
};

// The map of the attention head.
inline constexpr MapLayer kAttentionMaps[] = {{"large", 16, 960}, {"small", 16, 576}};

// Weights that take over a gate or are widened: output and input channels of a pointwise layer.
struct WeightLayer {
    const char* net;
    int in_channels;
    int out_channels;
};
inline constexpr WeightLayer kGatedWeights[] = {
    {"large", 72, 40},   {"large", 120, 40},  {"large", 480, 112}, {"large", 672, 112},
    {"large", 672, 160}, {"large", 960, 160}, {"small", 96, 40},   {"small", 240, 40},
    {"small", 288, 96},  {"small", 576, 96},
};
