// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "engine/explain/explainer.h"
#include "engine/screening/pictures.h"

using namespace fovea;

fovea_status fovea_explainer::explain_photo(const preprocess::Photo& photo, float* logits, fovea_explanation* explanation) {
    const Preprocessing& preprocessing = session.file().preprocessing;
    const Shape& input = session.input_shape();
    if (input.channels != 3) {
        return session.log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "explain: the network's input is not a colour picture");
    }
    if (input.height != input.width) {
        return session.log.fail(FOVEA_ERROR_INPUT_SIZE, "explain: photos need a square input, this explainer's is %u x %u", input.height,
                                input.width);
    }
    preprocess::Image made(session.allocator);
    preprocess::PresetGeometry geometry;
    fovea_status status =
        run_preset(photo, model_preset(preprocessing, input.height), PictureContext(session.settings), &made, &geometry);
    if (status != FOVEA_OK) return status;
    preprocess::Image seen(session.allocator);
    if (preprocessing.wants_bgr) {
        if (!seen.allocate(made.width, made.height)) {
            return session.log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a picture");
        }
        for (std::size_t i = 0; i < made.pixels.size(); i += 3) {
            for (std::size_t c = 0; c < 3; ++c) seen.pixels[i + c] = made.pixels[i + 2 - c];
        }
    }
    fovea_explanation told = {};
    status = explain((preprocessing.wants_bgr ? seen : made).pixels.data(), FOVEA_U8, logits, &told);
    if (status != FOVEA_OK) return status;
    picture = std::move(made);
    told.picture = picture.pixels.data();
    told.photo_x = geometry.x;
    told.photo_y = geometry.y;
    told.photo_width = geometry.width;
    told.photo_height = geometry.height;
    *explanation = told;
    return FOVEA_OK;
}
