// SPDX-License-Identifier: Apache-2.0
#include "preprocess/scaled_decode.h"

#include <algorithm>

#include "preprocess/decode.h"

namespace fovea::preprocess {

Status decode_for_preset(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits, const PresetSettings& settings,
                         int least_longer, const Allocator& allocator, Photo* out, QualityRows* quality, const char** detail) {
    const int wanted = settings.scaled_decoding * settings.output_size;
    if (wanted == 0) return decode_image(data, size, limits, {}, allocator, out, quality, detail);
    Status status = decode_image(data, size, limits, {wanted, least_longer}, allocator, out, quality, detail);
    if (status != Status::kOk || out->is_full_size()) return status;
    int cut_side = 0;
    PresetSettings cutting = settings;
    cutting.cancel = limits.cancel;
    status = measure_cut(out->image.view(), cutting, allocator, &cut_side);
    if (status != Status::kOk) {
        // What the photo at hand was told of is no reason.
        *out = Photo(allocator);
        if (detail != nullptr) *detail = status == Status::kCancelled ? "the decoding was cancelled" : "out of memory";
        return status;
    }
    if (cut_side >= wanted) return Status::kOk;
    // The same photo at the scale at which as large a part of it is large enough.
    const std::int64_t side = std::min(out->image.width, out->image.height);
    const std::int64_t least = (std::int64_t{wanted} * side + cut_side - 1) / std::max(cut_side, 1);
    *out = Photo(allocator);
    return decode_image(data, size, limits, {least, least_longer}, allocator, out, quality, detail);
}

}  // namespace fovea::preprocess
