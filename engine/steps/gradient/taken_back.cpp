// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/gradient/taken_back.h"

#include <algorithm>
#include <numeric>

namespace fovea {

LayerWeights weights_of(GradientWriter& writer, Step& step, std::uint32_t index) {
    const Node& node = writer.node(index);
    const Tensor& tensor = writer.graph().tensors[node.weights];
    LayerWeights layer;
    layer.data = tensor.data;
    layer.type = tensor.type;
    layer.groups = std::max(node.groups, 1u);
    if (tensor.packing == Packing::kConvPanels) {
        const std::uint32_t* d = tensor.dimensions;
        layer.group_panels = round_up_8(node.output_channels / layer.groups) / 8;
        layer.panel_elements = std::uint64_t{d[0]} * d[1] * d[2] * 8;
    }
    step.weight_bytes = tensor.size;
    step.kernel_weight_bytes = tensor.size / element_bytes(tensor.type) * sizeof(float);
    step.multiply_adds = multiply_adds(writer.graph(), node, step.input_shape);
    return layer;
}

Window read_transposed_window(GradientWriter& writer, Step& step, std::uint32_t index) {
    const Node& node = writer.node(index);
    const Padding padding = resolve_padding(node, step.output_shape);
    const std::uint32_t dilation_y = std::max(node.dilation_y, 1u);
    step.rows = RowMap::transposed_window(node.stride_y, padding.top, std::uint64_t{node.kernel_height - 1} * dilation_y + 1,
                                          step.input_shape.height);
    writer.steps().need_row_pointers(node.kernel_height);
    return {static_cast<int>(node.kernel_height), static_cast<int>(node.kernel_width),
            static_cast<int>(node.stride_y),      static_cast<int>(node.stride_x),
            static_cast<int>(dilation_y),         static_cast<int>(std::max(node.dilation_x, 1u)),
            static_cast<int>(padding.top),        static_cast<int>(padding.left)};
}

// Output pixel q lies over input pixel q * stride + b * dilation - pad with its tap b. So input pixel x = first + stride * t gets from
// tap b what reaches q = (x + pad - b * dilation) / stride, for the b that leave no rest: every (stride / common)-th, each of which
// lies `dilation / common` output pixels before the last.
Phase phase_of(int first, int kernel, int stride, int dilation, int pad, int width) {
    const int common = std::gcd(stride, dilation);
    Phase phase = {width > first ? (width - first - 1) / stride + 1 : 0, {0, stride / common, 0}, dilation / common, 0};
    int begin = 0;
    while (begin < kernel && (first + pad - begin * dilation) % stride != 0) ++begin;
    if (begin >= kernel) return phase;
    phase.taps.first = begin;
    phase.taps.count = (kernel - 1 - begin) / phase.taps.step + 1;
    phase.pad_left = (phase.taps.count - 1) * phase.dilation - (first + pad - begin * dilation) / stride;
    return phase;
}

const float** transposed_rows(const Run& run, const Step& step, const Window& window, std::uint64_t y, std::uint32_t channel,
                              std::uint32_t first_pixel, std::uint32_t thread) {
    const Shape& in = step.input_shape;
    const float** rows = run.row_pointers<float>(thread);
    for (int a = 0; a < window.kernel_height; ++a) {
        const std::int64_t scaled = static_cast<std::int64_t>(y) + window.pad_top - std::int64_t{a} * window.dilation_y;
        const std::int64_t row = scaled / window.stride_y;
        const bool exists = scaled >= 0 && scaled % window.stride_y == 0 && row < static_cast<std::int64_t>(in.height);
        const float* const data =
            exists ? run.operand<float>(step, 0, static_cast<std::uint64_t>(row) * in.width, thread) : nullptr;
        rows[window.kernel_height - 1 - a] =
            exists ? data + static_cast<std::ptrdiff_t>(first_pixel) * run.operand_stride(step, 0) + channel : nullptr;
    }
    return rows;
}

std::uint64_t transposed_panels_at_once(std::uint64_t panel_bytes, std::uint64_t panels) {
    constexpr std::uint64_t kScratchBytes = 32 * 1024;
    return std::min(std::max<std::uint64_t>(kScratchBytes / panel_bytes / 4 * 4, 4), panels);
}

void make_transposed_panel(const LayerWeights& layer, std::uint32_t group, ops::TransposedWeightsArgs<float> args) {
    const void* const weights = layer.at_panel(group * layer.group_panels);
    with_element(layer.type, [&]<typename Weight>() {
        ops::transposed_weights(ops::TransposedWeightsArgs<Weight>{static_cast<const Weight*>(weights), args.output,
                                                                   args.kernel_height, args.kernel_width, args.in_channels,
                                                                   args.out_channels, args.in_begin, args.rows, args.columns});
    });
}

bool may_make_weights_anew(const LayerWeights& layer, const Shape& gradient, const Shape& output) {
    // A weight is used once for each pixel of a band, and takes some 2 multiply-adds to make. By bench/gradient_plans a gradient of Large
    // at 512 takes 11.7 MiB with these, 36.1 with kFew 0 (from 4096 on it is the same), 14.0 with half of kMany, 12.3 and 14.0 with a
    // kLargestWhole of 2 and 4 MiB.
    constexpr std::uint64_t kFew = 16 * 1024, kMany = 128 * 1024;
    constexpr std::uint64_t kLargestWhole = 1536 * 1024;
    const std::uint64_t weights = layer.groups * layer.group_panels * layer.panel_elements;
    const bool large = gradient.count() * sizeof(float) > kLargestWhole;
    return weights <= (large ? kMany : kFew) && output.width >= 32;
}

}  // namespace fovea
