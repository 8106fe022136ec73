// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "preprocess/memory.h"

namespace fovea::preprocess {

enum class Status {
    kOk,
    kOutOfMemory,
    kNotAnImage,        // no JPEG or PNG signature
    kUnsupportedImage,  // a kind of JPEG or PNG, or another known format, that is not read
    kCorruptImage,      // the decoder gave up, or data is missing
    kImageTooLarge,     // over a limit on dimensions, pixels or memory
    kInvalidArgument,
    kCancelled,
};

// Pixels owned by somebody else: 8-bit RGB, interleaved, top row first. 1 <= width, height.
struct ImageView {
    const std::uint8_t* pixels = nullptr;
    int width = 0;
    int height = 0;
    std::ptrdiff_t stride = 0;  // bytes from one row to the next, >= 3 * width

    const std::uint8_t* row(int y) const { return pixels + y * stride; }
};

// Owned 8-bit RGB pixels, rows packed (stride 3 * width).
struct Image {
    Image() = default;
    explicit Image(const Allocator& allocator) : pixels(allocator) {}

    [[nodiscard]] bool allocate(int new_width, int new_height) {
        width = height = 0;
        if (new_width <= 0 || new_height <= 0) return false;
        std::size_t count = 0;
        if (!checked_product(static_cast<std::size_t>(new_width) * 3,
                             static_cast<std::size_t>(new_height), &count) ||
            !pixels.allocate(count)) {
            return false;
        }
        width = new_width;
        height = new_height;
        return true;
    }
    std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * 3 * width; }
    const std::uint8_t* row(int y) const {
        return pixels.data() + static_cast<std::size_t>(y) * 3 * width;
    }
    ImageView view() const { return {pixels.data(), width, height, std::ptrdiff_t{3} * width}; }

    Buffer<std::uint8_t> pixels;
    int width = 0;
    int height = 0;
};

}  // namespace fovea::preprocess
