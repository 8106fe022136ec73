// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/cancel.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

// Some rows and columns of a picture, as if the others were not there: no pixel is copied. The
// index lists rise and belong to somebody else; null means all.
struct SelectedView {
    SelectedView() = default;
    SelectedView(const ImageView& whole)  // NOLINT: a picture is the selection of all of it
        : image(whole), width(whole.width), height(whole.height) {}

    const std::uint8_t* row(int y) const { return image.row(rows == nullptr ? y : rows[y]); }
    // Bytes from the first pixel of a row to column x.
    std::ptrdiff_t offset(int x) const {
        return std::ptrdiff_t{3} * (columns == nullptr ? x : columns[x]);
    }

    ImageView image;
    const int* rows = nullptr;
    const int* columns = nullptr;
    int width = 0;
    int height = 0;
};

// Packed copy; out must not own the pixels of view. False: the caller wishes to stop.
[[nodiscard]] inline bool copy_selected(const SelectedView& view, std::uint8_t* out, std::ptrdiff_t out_stride, const Cancel& cancel) {
    Pace pace(cancel);
    for (int y = 0; y < view.height; ++y, out += out_stride) {
        if (pace.is_stopped_after(view.width)) return false;
        const std::uint8_t* row = view.row(y);
        if (view.columns == nullptr) {
            __builtin_memcpy(out, row, static_cast<std::size_t>(view.width) * 3);
            continue;
        }
        for (int x = 0; x < view.width; ++x) {
            __builtin_memcpy(out + std::ptrdiff_t{3} * x, row + view.offset(x), 3);
        }
    }
    return true;
}

}  // namespace fovea::preprocess
