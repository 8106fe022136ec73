// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
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

// The input rows under the window of an output row, from their element `first` on; null where the window is in the padding.
template <typename Element>
const Element** window_rows(const Run& run, const Step& step, const Window& window, std::uint64_t output_row,
                            std::uint64_t first, std::uint32_t thread);

// A part of an output row, and what of the input row its windows lie on: all from the pixel `skipped` on.
struct RowPart {
    std::uint64_t first, pixels;
    std::uint64_t skipped;
    int pad_left, input_width;
};

// That of at most so many pixels which begins with `first`.
RowPart row_part(const Step& step, const Window& window, std::uint64_t first, std::uint64_t most);

// Calls use(y, part) for all of those rows, each of that much work in multiply-adds, and asks whether to stop when the next would be too
// much since the last question. A row that is too much alone comes in parts.
template <typename Use>
void for_each_row_part(const Run& run, const Step& step, const Window& window, Range rows, std::uint64_t row_work,
                       std::uint32_t thread, const Use& use) {
    const std::uint64_t width = step.output_shape.width;
    const std::uint64_t pixel_work = row_work / width + 1;
    const bool can_stop = run.stop.ask != nullptr;
    const std::uint64_t most = can_stop ? std::max<std::uint64_t>(run.stop.work_between / pixel_work, 1) : width;
    std::uint64_t done = 0;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        for (std::uint64_t first = 0; first < width;) {
            const RowPart part = row_part(step, window, first, most);
            if (can_stop && done != 0 && done + part.pixels > most) {
                if (run.stop.ask(run.stop.executor, thread)) return;
                done = 0;
            }
            use(y, part);
            done += part.pixels;
            first += part.pixels;
        }
    }
}

}  // namespace fovea
