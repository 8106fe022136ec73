// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernel_check.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::test {

struct PointwiseConvCase {
    int pixels;
    int in_channels;
    int out_channels;
    fovea::ops::Activation activation = fovea::ops::Activation::kNone;
    Fill fill = Fill::kUniform;
    int offset = 0;   // of every pointer, in elements
    int padding = 0;  // of every row: stride - channels
    enum { kNoResidual, kResidual, kResidualInPlace } residual = kNoResidual;
    int nan_pixel = -1;  // whose first input is a NaN
};

// Runs each kernel on this case: values, canaries, and that splitting the pixels changes no bit.
void check_pointwise_conv(
    Checker& checker, const PointwiseConvCase& c,
    const std::vector<fovea::ops::KernelVariant<fovea::ops::PointwiseConvFp32Function>>& kernels);

}  // namespace fovea::test
