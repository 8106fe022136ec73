// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/window.h"

#include <algorithm>

namespace fovea {

Window read_window(StepWriter& writer, Step& step, std::uint32_t index) {
    const Node& node = writer.node(index);
    const Padding padding = resolve_padding(node, step.input_shape);
    const std::uint32_t dilation_y = std::max(node.dilation_y, 1u);
    step.rows = RowMap::window(node.stride_y, padding.top, std::uint64_t{node.kernel_height - 1} * dilation_y + 1,
                               step.input_shape.height);
    writer.need_row_pointers(node.kernel_height);
    return {static_cast<int>(node.kernel_height), static_cast<int>(node.kernel_width),
            static_cast<int>(node.stride_y),      static_cast<int>(node.stride_x),
            static_cast<int>(dilation_y),         static_cast<int>(std::max(node.dilation_x, 1u)),
            static_cast<int>(padding.top),        static_cast<int>(padding.left)};
}

RowPart row_part(const Step& step, const Window& window, std::uint64_t first, std::uint64_t most) {
    const std::uint64_t width = step.output_shape.width;
    const auto input_width = static_cast<std::int64_t>(step.input_shape.width);
    const auto begin_of = [&](std::uint64_t pixel) { return static_cast<std::int64_t>(pixel) * window.stride_x - window.pad_left; };
    std::uint64_t end = std::min(first + most, width);
    // Windows that begin behind the input's end have nothing to begin with: they stay with those before them.
    if (end < width && begin_of(end) >= input_width) end = width;
    const std::int64_t begin = begin_of(first);
    const std::int64_t skipped = std::max<std::int64_t>(begin, 0);
    return {first, end - first, static_cast<std::uint64_t>(skipped), static_cast<int>(skipped - begin),
            static_cast<int>(input_width - skipped)};
}

template <typename Element>
const Element** window_rows(const Run& run, const Step& step, const Window& window, std::uint64_t output_row,
                            std::uint64_t first, std::uint32_t thread) {
    const Shape& in = step.input_shape;
    const Element** rows = run.row_pointers<Element>(thread);
    std::int64_t y = static_cast<std::int64_t>(output_row) * window.stride_y - window.pad_top;
    for (int a = 0; a < window.kernel_height; ++a, y += window.dilation_y) {
        const bool inside = y >= 0 && y < static_cast<std::int64_t>(in.height);
        rows[a] = inside ? run.operand<Element>(step, 0, static_cast<std::uint64_t>(y) * in.width, thread) + first
                         : nullptr;
    }
    return rows;
}

#define FOVEA_WINDOW_ROWS(Element)                                                                                  \
    template const Element** window_rows(const Run&, const Step&, const Window&, std::uint64_t, std::uint64_t, \
                                         std::uint32_t);
FOVEA_MAP_ELEMENTS(FOVEA_WINDOW_ROWS)
#undef FOVEA_WINDOW_ROWS

}  // namespace fovea
