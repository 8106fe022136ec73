// SPDX-License-Identifier: Apache-2.0
#include "preprocess/camera_yuv.h"

#include <algorithm>

namespace fovea::preprocess {
namespace {

std::uint8_t to_byte(int value) {
    return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

// What U and V add to the channels, as fixed-point numbers with kBits behind the point, the rounding included.
struct Chroma {
    int red, green, blue;
};

// The integers of OpenCV's COLOR_YUV2RGB_NV12: 1.164, 1.596, 0.813, 0.391 and 2.018 times 2^20.
struct Limited {
    static constexpr int kBits = 20;
    static Chroma chroma(int u, int v) {
        constexpr int kHalf = 1 << (kBits - 1);
        return {kHalf + 1673527 * v, kHalf - 852492 * v - 409993 * u, kHalf + 2116026 * u};
    }
    static int luma(int y) { return std::max(y - 16, 0) * 1220542; }
};

// Those of libjpeg: 1.402, 0.71414, 0.34414 and 1.772 times 2^16.
struct Full {
    static constexpr int kBits = 16;
    static Chroma chroma(int u, int v) {
        constexpr int kHalf = 1 << (kBits - 1);
        return {kHalf + 91881 * v, kHalf - 46802 * v - 22554 * u, kHalf + 116130 * u};
    }
    static int luma(int y) { return y * (1 << kBits); }
};

template <typename Formula>
void read_row(const YuvRow& row, int count, std::uint8_t* rgb) {
    const std::uint8_t *y = row.y, *u = row.u, *v = row.v;
    const auto put = [&](const Chroma& chroma) {
        const int luma = Formula::luma(*y);
        rgb[0] = to_byte((luma + chroma.red) >> Formula::kBits);
        rgb[1] = to_byte((luma + chroma.green) >> Formula::kBits);
        rgb[2] = to_byte((luma + chroma.blue) >> Formula::kBits);
        rgb += 3;
    };
    for (int x = 0; x < count; x += 2) {
        const Chroma chroma = Formula::chroma(*u - 128, *v - 128);
        put(chroma);
        if (x + 1 == count) return;
        y += row.y_step;
        put(chroma);
        if (x + 2 == count) return;
        // Only now: behind the last pixel there may be no memory.
        y += row.y_step;
        u += row.u_step;
        v += row.v_step;
    }
}

}  // namespace

void read_yuv(const YuvRow& row, YuvRange range, int count, std::uint8_t* rgb) {
    range == YuvRange::kFull ? read_row<Full>(row, count, rgb) : read_row<Limited>(row, count, rgb);
}

}  // namespace fovea::preprocess
