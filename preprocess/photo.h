// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "preprocess/image.h"

namespace fovea::preprocess {

// An upright photo, or a smaller picture of it: as its file was decoded.
struct Photo {
    Photo() = default;
    explicit Photo(const Allocator& allocator) : image(allocator) {}
    // Pixels that came from no file are the photo.
    explicit Photo(Image&& whole) : image(std::move(whole)), width(image.width), height(image.height) {}

    bool is_full_size() const { return image.width == width && image.height == height; }

    Image image;
    int width = 0;  // of the photo
    int height = 0;
};

// The same, of pixels owned by somebody else.
struct PhotoView {
    PhotoView(const ImageView& whole)  // NOLINT: pixels are a photo
        : image(whole), width(whole.width), height(whole.height) {}
    PhotoView(const Photo& photo)  // NOLINT: the view of a photo
        : image(photo.image.view()), width(photo.width), height(photo.height) {}

    ImageView image;
    int width;
    int height;
};

}  // namespace fovea::preprocess
