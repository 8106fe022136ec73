// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/unit/model_builder.h"

namespace model_builder {

// A square one of one group whose map is as large as its input, but for the stride.
inline NodeSpec convolution_node(std::uint32_t input, std::uint32_t side, std::uint32_t stride, std::uint32_t outputs,
                                 std::vector<float> weights = {}) {
    NodeSpec node = {.kind = kConvolution, .inputs = {input}, .weights = std::move(weights)};
    node.kernel_height = node.kernel_width = side;
    node.stride_y = node.stride_x = stride;
    node.dilation_y = node.dilation_x = 1;
    node.same_padding = side > 1;
    node.groups = 1;
    node.output_channels = outputs;
    return node;
}

}  // namespace model_builder
