// SPDX-License-Identifier: Apache-2.0
// What the gradients of convolutions share: they are convolutions too, of weights that are made from the file's as they are needed.
#pragma once

#include <cstdint>

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"
#include "engine/steps/weights.h"
#include "engine/steps/window.h"
#include "ops/transposed_weights/transposed_weights.h"

namespace fovea {

// The node's weights without its bias.
LayerWeights weights_of(GradientWriter& writer, Step& step, std::uint32_t index);

// The node's window on its input, whose gradient the step makes.
Window read_transposed_window(GradientWriter& writer, Step& step, std::uint32_t index);

// The pixels of a row of the input that lie at the same place between two strides, `first`, `first` + stride, ...: the taps of the window
// that ever lie on them, and the convolution of the gradient's row that makes them.
struct Phase {
    int pixels;             // in the row
    ops::TapsOfSide taps;   // as the file has them; the convolution has them the other way round
    int dilation, pad_left;
};
Phase phase_of(int first, int kernel, int stride, int dilation, int pad, int width);

// The gradient's rows under the turned window of the input's row y, from that channel and pixel on; null where there is none.
const float** transposed_rows(const Run& run, const Step& step, const Window& window, std::uint64_t y, std::uint32_t channel,
                              std::uint32_t first_pixel, std::uint32_t thread);

// Panels of transposed weights that are made at a time, of so many bytes each.
std::uint64_t transposed_panels_at_once(std::uint64_t panel_bytes, std::uint64_t panels);

// Makes one panel of 8 input channels of the group.
void make_transposed_panel(const LayerWeights& layer, std::uint32_t group, ops::TransposedWeightsArgs<float> args);

// Whether making the weights anew for each band costs little beside using them, or less than it costs to keep the gradient that the
// step reads as a whole.
bool may_make_weights_anew(const LayerWeights& layer, const Shape& gradient, const Shape& output);

}  // namespace fovea
