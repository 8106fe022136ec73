// SPDX-License-Identifier: Apache-2.0
#include "ops/stem_pixels/stem_pixels.h"

#include <algorithm>

namespace fovea::ops {
namespace {

// A multiple of every register tile's pixels, so that only the row's last tile is a small one.
constexpr std::ptrdiff_t kTileMultiple = 48;
constexpr std::ptrdiff_t kLineBytes = 64;

// How many output columns go at a time: as many as fit, in parts of much the same size.
template <typename Element>
std::ptrdiff_t part_width(const Conv2dArgs<Element>& whole, std::ptrdiff_t columns,
                          std::ptrdiff_t reach) {
    const std::ptrdiff_t most = (columns - reach) / whole.stride_x + 1;
    const std::ptrdiff_t parts = (whole.output_width + most - 1) / most;
    const std::ptrdiff_t even = (whole.output_width + parts - 1) / parts;
    const std::ptrdiff_t tiles = (even + kTileMultiple - 1) / kTileMultiple * kTileMultiple;
    return std::min(tiles, most);
}

// Some output columns: their windows' input columns [begin, end).
struct Part {
    std::ptrdiff_t x, outputs;
    std::ptrdiff_t left;  // the first window's, which may lie before `begin`
    std::ptrdiff_t begin, end;
};

// All that depends on the kind of pixels: makes elements of some of them, which are one after another from `pixel` on. Behind pointers
// without types, for written once for each kind of pixels this file takes 964 bytes more of an arm64 program (aarch64-linux-gnu-size).
template <typename Element>
struct Pixels {
    const void* args;
    void (*rescale)();
    void (*write)(const Pixels& pixels, std::ptrdiff_t pixel, std::ptrdiff_t count, Element* output);
};

template <typename Pixel, typename Element>
void write_pixels(const Pixels<Element>& pixels, std::ptrdiff_t pixel, std::ptrdiff_t count, Element* output) {
    const auto& args = *static_cast<const StemPixelsArgs<Pixel, Element>*>(pixels.args);
    const int channels = args.convolution.in_channels;
    reinterpret_cast<void (*)(const AffineArgs<Pixel, Element>&)>(pixels.rescale)({.input = args.image + pixel * channels,
                                                                                   .output = output,
                                                                                   .scale = args.scale,
                                                                                   .offset = args.offset,
                                                                                   .pixels = static_cast<std::size_t>(count),
                                                                                   .channels = channels});
}

// args.image is of pixels instead.
template <typename Element>
void convolve_part(const StemPixelsArgs<void, Element>& args, const Part& part, const Pixels<Element>& pixels,
                   void (*convolution)(const Conv2dArgs<Element>&),
                   Element* const (&window)[kMaxStemRows]) {
    const int height = args.convolution.kernel_height;
    const std::ptrdiff_t channels = args.convolution.in_channels;
    Conv2dArgs<Element> row = args.convolution;
    row.input_stride = channels;
    row.output += part.x * row.output_stride;
    row.input_width = static_cast<int>(part.end - part.begin);
    row.output_width = static_cast<int>(part.outputs);
    row.pad_left = static_cast<int>(part.begin - part.left);

    Element* places[kMaxStemRows];  // by kernel row
    std::copy_n(window, height, places);
    const Element* rows[kMaxStemRows] = {};
    row.rows = rows;
    // How many kernel rows the window moves down by, and so are new, from one output row to the
    // next.
    const int moved = args.stride_y % args.dilation_y == 0
                          ? std::min(args.stride_y / args.dilation_y, height)
                          : height;
    for (int r = 0; r < args.output_rows; ++r, row.output += args.output_row_stride) {
        const int kept = r == 0 ? 0 : height - moved;
        if (r != 0) {
            std::rotate(places, places + moved, places + height);
            std::copy(rows + moved, rows + height, rows);
        }
        for (int a = kept; a < height; ++a) {
            const std::ptrdiff_t y = args.first_row +
                                     static_cast<std::ptrdiff_t>(r) * args.stride_y +
                                     static_cast<std::ptrdiff_t>(a) * args.dilation_y;
            rows[a] = nullptr;
            if (y < 0 || y >= args.input_height || part.begin == part.end) continue;
            pixels.write(pixels, y * args.convolution.input_width + part.begin, part.end - part.begin, places[a]);
            rows[a] = places[a];
        }
        convolution(row);
    }
}

template <typename Element>
void convolve_parts(const StemPixelsArgs<void, Element>& args, const Pixels<Element>& pixels,
                    void (*convolution)(const Conv2dArgs<Element>&)) {
    const Conv2dArgs<Element>& whole = args.convolution;
    const std::ptrdiff_t reach =
        static_cast<std::ptrdiff_t>(whole.kernel_width - 1) * whole.dilation_x + 1;
    const std::ptrdiff_t columns = kMaxStemWindow / (whole.kernel_height * whole.in_channels);
    const std::ptrdiff_t width = part_width(whole, columns, reach);
    // Each row begins on a cache line, so that stores of whole registers cross none.
    constexpr std::ptrdiff_t kLine = kLineBytes / sizeof(Element);
    const std::ptrdiff_t row_elements = (columns * whole.in_channels + kLine - 1) / kLine * kLine;
    alignas(64) Element memory[kMaxStemWindow + kMaxStemRows * kLine];
    Element* window[kMaxStemRows];
    for (int a = 0; a < whole.kernel_height; ++a) window[a] = memory + a * row_elements;
    for (std::ptrdiff_t x = 0; x < whole.output_width; x += width) {
        const std::ptrdiff_t outputs = std::min(width, whole.output_width - x);
        const std::ptrdiff_t left = x * whole.stride_x - whole.pad_left;
        const std::ptrdiff_t right = left + (outputs - 1) * whole.stride_x + reach;
        const std::ptrdiff_t begin = std::max<std::ptrdiff_t>(left, 0);
        const std::ptrdiff_t end =
            std::max(begin, std::min<std::ptrdiff_t>(right, whole.input_width));
        convolve_part(args, {x, outputs, left, begin, end}, pixels, convolution, window);
    }
}

}  // namespace

template <typename Pixel, typename Element>
void stem_pixels_in_parts(const StemPixelsArgs<Pixel, Element>& args,
                     void (*rescale)(const AffineArgs<Pixel, Element>&),
                     void (*convolution)(const Conv2dArgs<Element>&)) {
    convolve_parts<Element>({.image = args.image,
                             .input_height = args.input_height,
                             .first_row = args.first_row,
                             .stride_y = args.stride_y,
                             .dilation_y = args.dilation_y,
                             .output_rows = args.output_rows,
                             .output_row_stride = args.output_row_stride,
                             .scale = args.scale,
                             .offset = args.offset,
                             .convolution = args.convolution},
                            {&args, reinterpret_cast<void (*)()>(rescale), write_pixels<Pixel, Element>}, convolution);
}

template void stem_pixels_in_parts(const StemPixelsFp32Args&, AffinePixelsFp32Function, Conv2dFp32Function);
template void stem_pixels_in_parts(const StemPixelsArgs<float, float>&, AffineFp32Function,
                              Conv2dFp32Function);
template void stem_pixels_in_parts(const StemPixelsFp16Args&, AffinePixelsFp16Function, Conv2dFp16Function);
template void stem_pixels_in_parts(const StemPixelsArgs<float, Half>&, AffineFp32ToFp16Function,
                              Conv2dFp16Function);

}  // namespace fovea::ops
