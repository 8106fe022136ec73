// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/gaussian.h"
#include "preprocess/image.h"
#include "preprocess/resize.h"

namespace fovea::preprocess {

// The numbers are those of the model file's PREP section.
enum class Preset {
    kNone = 0,            // resize
    kKaggleBenColor = 1,  // box crop, resize, Ben Graham, circle mask
    kKaggleCircle = 2,    // box crop, circle mask, box crop, Ben Graham at native size, resize
    kKaggleCircleV2 = 3,  // box crop, resize to square, circle mask, box crop, Ben Graham, resize
    kGraham2015 = 4,      // scale the disc to a radius, Ben Graham, grey outside 0.9 of it, resize
    kEyeq = 5,            // disc by its edges, black outside, box around it, resize
};

// eyeq, in whole pixels: the disc is fitted (disc_fit.h) in a thumbnail whose longer side is
// kEyeqFitSide; its centre and radii in the source are rounded; the box of 2 * radius + 1 pixels
// around the centre is cut out, black outside the ellipse and where it leaves the photo, and
// resized. For a disc the box is square; a photo that was squeezed comes out with its disc round
// again. Where no disc is found the photo is padded with black to a square. The steps are those of
// the EyeQ data (Fu et al., MICCAI 2019); the fit is fovea's own, so pixels are not those of its
// script.
inline constexpr int kEyeqFitSide = 512;

inline constexpr int kMaxPresetSize = 16384;
inline constexpr double kMaxGrahamScale = 30 * kMaxSigma;  // its blur's sigma is a 30th of it
inline constexpr int kMaxScaledDecoding = 16;

// graham2015 enlarges at most to this many times graham_scale on a side: a disc that is less than
// an eighth of its photo's longer side is none.
inline constexpr int kMaxGrahamSides = 16;

struct PresetSettings {
    Preset preset = Preset::kKaggleBenColor;
    int output_size = 512;      // side of the square result; 0 = native (has_native_size())
    double sigma = 0.0;         // of Ben Graham's blur, pixels; 0 = 10, or graham_scale / 30
    int tolerance = 7;          // of the box crop: grey values up to it are background
    bool circle_mask = true;    // kaggle_ben_color only
    bool gray_swapped = false;  // red and blue weights swapped in the box crop
    bool pad_square = false;    // pad the last box crop (preset none: the picture) with black to a
                                // square before it is resized
    ResizeMethod resize = ResizeMethod::kLinear;
    double graham_scale = 300.0;  // graham2015: radius of the disc in pixels
    // 0: JPEGs are decoded at full size. 2 to kMaxScaledDecoding: at a smaller scale, as far as the shorter side of what is cut out
    // keeps so many times output_size (scaled_decode.h). Only where may_decode_scaled().
    int scaled_decoding = 0;
    // Of every picture between the photo and the result; the result's size is the caller's choice.
    std::uint32_t max_side = kMaxPresetSize;
    std::uint64_t max_pixels = 100'000'000;
    Cancel cancel = {};  // asked on the way
};

// Where the result came from: the whole result shows this rectangle of the upright source, in
// source pixels measured from the outer edge of the first pixel. It may reach outside the source
// (padding). Where dark rows or columns inside the box were dropped it is the box of those that
// were kept.
struct PresetGeometry {
    double x = 0.0;
    double y = 0.0;
    double width = 0.0;
    double height = 0.0;
    bool found_nothing_lit = false;  // no pixel above the tolerance, or no disc: not cropped
};

// "kaggle_ben_color" and so on; null outside the enum.
const char* preset_name(Preset preset);

// Presets whose result has a size of its own, which output_size 0 keeps.
bool has_native_size(Preset preset);

// Presets that only cut something out before they resize it, by the means of areas. Others filter at the photo's own size, or look at
// single pixels of it: a smaller scale would change what their numbers mean.
bool may_decode_scaled(Preset preset, ResizeMethod resize);

// Whether the circle mask is the preset's last step, so that it can be put on the result instead (mask_circle). Its centre lies half a
// pixel beside that of a picture of even size: a turned photo is not masked as its picture turned would be.
bool ends_in_circle_mask(const PresetSettings& settings);

// The shorter side, in pixels, of what the preset cuts out of this picture; of presets that may_decode_scaled().
Status measure_cut(const ImageView& rgb, const PresetSettings& settings, const Allocator& allocator, int* shorter_side);

// Turns an upright photograph into what the network sees: RGB8 of output_size x output_size.
// geometry may be null. Results equal OpenCV's for the same steps, pixel for pixel.
// kInvalidArgument: a setting out of range. kImageTooLarge: an intermediate picture would exceed
// the settings' limits or kMaxGrahamSides. kCancelled: as the settings wish. Any thread.
Status apply_preset(const ImageView& rgb, const PresetSettings& settings,
                    const Allocator& allocator, Image* out, PresetGeometry* geometry);

}  // namespace fovea::preprocess
