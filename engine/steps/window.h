// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/steps/run.h"
#include "engine/steps/step_writer.h"

namespace fovea {

// The geometry of what moves a window over a map: convolutions and pools.
struct Window {
    int kernel_height, kernel_width;
    int stride_y, stride_x;
    int dilation_y, dilation_x;
    int pad_top, pad_left;
};

// The node's window on its step's input, whose rows the step then needs.
Window read_window(StepWriter& writer, Step& step, std::uint32_t index);

// The input rows under the window of an output row, from that channel on; null where the window is in the padding.
template <typename Element>
const Element** window_rows(const Run& run, const Step& step, const Window& window, std::uint64_t output_row,
                            std::uint32_t channel, std::uint32_t thread);

}  // namespace fovea
