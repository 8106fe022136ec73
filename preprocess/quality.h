// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/detail_bands.h"
#include "preprocess/disc_fit.h"
#include "preprocess/image.h"
#include "preprocess/inner_edges.h"
#include "preprocess/line_contrast.h"
#include "preprocess/photo.h"
#include "preprocess/pixel_steps.h"
#include "preprocess/quality_rows.h"
#include "preprocess/surroundings.h"

namespace fovea::preprocess {

// Can this photo be graded? Three levels, as in EyeQ (Fu et al. 2019): good, usable, reject.
enum class QualityVerdict { kGood, kUsable, kReject };

// What is measured, in the order of QualityReport::checks.
enum QualityCheckIndex {
    kFundusLikeness,  // log-odds that this is a whole fundus photo: see fundus_likeness() below
    kDiscEdge,        // distance of the disc's seen edge from a circle or ellipse / radius
    kDiscVisible,     // share of the disc's area inside the frame
    kBrightness,      // mean of green inside the disc, 0..255
    kOverexposed,     // share of the disc where green is at least 250
    kClippedColour,   // share of the disc where any channel is at least 250
    kDarkArea,        // share of the disc where luma is at most 10
    kUnevenLight,     // standard deviation of green smoothed by 9 pixels / its mean
    kSharpness,       // detail of 2 pixels / (detail of 8 pixels + 0.005), in green at 512 pixels
    kDetail,          // contrast of detail of 2 pixels: root mean square / local brightness
    kDiscDiameter,    // source pixels
    kSingleDisc,      // light that one disc does not explain / disc: see beyond_disc() below
    kStraightEdges,   // the strongest straight edge / its surroundings, in green at 512 pixels
    kBlocks,          // all straight edges within 8 pixels of each other / what lies between
    kColours,         // different colours among at most 32,768 source pixels of the disc
    kLevels,          // how far the colours of the disc keep to a few levels: see below
    kColourOrder,     // least of mean red / green, red / blue and green / blue, and of how orange it is: see below
    kColourSpread,    // how far red and blue are no function of green / their means
    kGrain,    // median of dark line contrast / its 98th percentile, or 1.8 x detail of 1 pixel
    kClarity,  // log-odds that a grader would not reject it: see clarity() below
    kInnerEdges,  // the longest edge inside the disc / radius: see inner_edges() below
    kFineDetail,    // step_ratio, or 1.2 x least_changes, the lesser
    kColourDetail,  // geometric mean of colour_steps
    kQualityCheckCount
};

struct QualityCheck {
    const char* name;  // static, snake_case
    float value;
    float limit;  // the limit that decided: that of reject when it was missed, else that of good
    bool limit_is_minimum;  // passed when value >= limit; otherwise when value <= limit
    bool passed;
    QualityVerdict failure_verdict;  // what missing `limit` makes of the photo
    const char* advice;              // a sentence for the photographer, static; "" when passed
};

struct QualityReport {
    QualityVerdict verdict;  // the worst failed check's
    QualityCheck checks[kQualityCheckCount];
    Disc disc;  // in pixels of the source
};

// Everything the checks are computed from, at the scale it was measured at. Public for tests and
// calibration.
struct QualityMeasures {
    Disc disc;  // in pixels of the source
    // On a copy of at most 256 pixels, inside 0.95 radius unless said otherwise.
    float surround;  // mean luma outside 1.05 radius / mean luma inside; 1 when nothing is outside
    float filled;    // share of the disc that is lit
    float warm;      // share of pixels with red >= green >= blue
    float red_to_green;  // mean red / mean green, both plus 4
    float mean_green;    // 0..255
    float overexposed;   // share of pixels with green >= 250
    float clipped;       // share of pixels with any channel >= 250
    float dark;          // share of pixels with luma <= 10
    DetailBands coarse;  // green
    Surroundings surroundings;
    InnerEdges inner;
    float frame_aspect;  // width / height
    // Inside 0.95 radius where it is lit.
    float mean_colour[3];   // red, green, blue, 0..255
    float saturation;       // mean of (largest channel - smallest) / largest
    // Root mean square distance from the mean red, or blue, of what has that green, by means over blocks of a 57th of the disc; without
    // white noise. 255 where too few blocks are left to tell.
    float spread_red = 255;
    float spread_blue = 255;
    ColourSteps colour_steps;
    float least_changes;    // in the picture's own pixels: see quality_rows.h
    std::uint32_t colours;  // of source pixels: as kColours
    // On a copy of at most 512 pixels, inside 0.92 radius.
    float levels;  // distance of the smoothed histogram from a much smoother one / the pixels; of
                   // red and green the lesser
    DetailBands fine;  // green
    float step_ratio;  // green
    StraightEdges edges;
    // On a copy whose disc measures at most about 224 pixels; bands inside 0.95 radius, lines
    // inside 0.85 in thousandths of the local brightness.
    DetailBands retinal;  // green
    LineContrast lines;
};

// How the limits were found. The first eleven: 2,927 photos of APTOS (224 x 224, squeezed), 413 of
// IDRiD (640 rows), 550 of EyePACS (400 x 400), 8 full-size ones, and 300 natural pictures, one an
// ImageNet class; and copies of 400 of the fundus photos that were blurred, darkened, brightened
// and cut. Percentiles are over APTOS / IDRiD / EyePACS. The others: some 2,600 photos of APTOS,
// IDRiD, EyePACS, Messidor-2 and ODIR (percentiles are over these five), the natural pictures, and
// what kinds of damage made of photos of all five. The golden tests quality_rates and
// quality_defects say how many pass. A photo beyond a limit marked reject is refused, beyond one
// marked usable it is usable at best. What is said of colour_order, colour_spread, fine_detail and
// colour_detail is of the 7,889 photos of these five that all other checks let pass.
//
// fundus_likeness, reject < 0, usable < 1.5
//     0.5 %: 2.3 / 6.5 / 1.8; least: -0.3 / 5.2 / 1.3. Natural pictures: 99.5 % -1.7, largest -0.3.
// disc_edge, reject > 0.125, usable > 0.03
//     95 %: 0.018 / 0.003 / 0.009; 99.5 %: 0.026 / 0.003 / 0.065. Two discs that touch: 0.2.
// disc_visible, reject < 0.55, usable < 0.7
//     0.5 %: 0.70 / 0.92 / 0.69. Photos cut in half: 0.50.
// brightness, reject < 18, usable < 35
//     0.5 %: 30 / 28 / 14; 1 %: 32 / 37 / 25. Darkened to 0.15: 98 % below 16 / 17 / 27.
// overexposed, reject > 0.08, usable > 0.02
//     99.5 %: 0.009 / 0.0001 / 0.044. Three times the light: median 0.23 / 0.31 / 0.43.
// clipped_colour, reject > 0.96, usable > 0.3
//     99.5 %: 0.09 / 0.21 / 0.67; largest 0.94. Twice the light: median 0.82 / 0.96 / 0.53. A
//     false-colour scale that keeps red full: 0.97 to 1.
// dark_area, reject > 0.6, usable > 0.25
//     99 %: 0.02 / 0 / 0.03; 99.5 %: 0.04 / 0 / 0.39.
// uneven_light, usable > 0.45
//     99 %: 0.42 / 0.41 / 0.61.
// sharpness, reject < 0.28, usable < 0.4
//     0.5 %: 0.39 / 0.39 / 0.27; 5 %: 0.48 / 0.50 / 0.39.
//     Gaussian blur with sigma = 1 % of the disc's diameter: median 0.27 / 0.18 / 0.18.
// detail, reject < 0.003, usable < 0.0075
//     0.5 %: 0.010 / 0.008 / 0.004; 5 %: 0.014 / 0.013 / 0.008.
//     Sigma 2 %: median 0.007 / 0.005 / 0.004.
// disc_diameter, reject < 48, usable < 150
//     Least: 173 / 763 / 354. The smallest network looks at 224 pixels: below two thirds of that,
//     what it looks for is gone. Only a disc too small to be measured is refused.
// single_disc, reject > 0.012, usable > 0.009
//     Light outside: none in 99 % of each source, at most 0.013, of which a quarter counts.
//     Concavity, 99.5 %: 0.012 / 0.008 / 0.11 / 0.011 / 0.018; what is above 0.02 counts.
//     Insets of a sixth to a quarter of the diameter: 0.014 and more; discs that touch: 0.03 to
//     0.1. Frames that are no square: photos squeezed by less than 1.05; pairs that overlap by a
//     fifth to two fifths by 1.3 to 2.
// straight_edges, reject > 4.5, usable > 3.2
//     Largest of 312 photos: 2.7. A photo within the disc of another: 2.9 to 6.8.
// blocks, reject > 3.2, usable > 2.2
//     99.5 %: 1.4 / 1.3 / 2.4 / 1.5 / 2.0. JPEG quality 50: 1.8; 15: 2.9; 5: 5; 1: 6. Enlarged from
//     a disc of 100 pixels: 14.
// colours, reject < 400, usable < 900
//     Least: 1435 / 2928 / 1447 / 2238 / 2110 without a grey photo; graded reject by EyeQ: 166.
//     Palettes and dither: 2 to 256; JPEG quality 1: 90 to 650.
// levels, reject > 0.65, usable > 0.45
//     1,000 photos: 99 % 0.36, 99.5 % 0.42, largest but for one nearly black 0.63. Palettes of 8
//     colours saved as JPEG: 0.48 to 1.2; JPEG quality 1: 0.95 to 1.5.
// colour_order, reject < 0.8, usable < 0.9
//     Least of the first three, all means plus 4: 0.95 / 1.2 / 0.82 / 1.3 / 0.97. Red and blue exchanged: at most 0.75.
//     How orange: 0.6 (max(red - blue, 0) + 0.2 (red + 4)) / (max(green - blue, 0) + 2) of the means, unless none of them reaches 18:
//     least 1.17 / 1.24 / 0.92 / 1.13 / 0.80, 0.2 % 1.2 / 1.3 / 0.97 / 1.2 / 0.88. The 0.6 brings the least to the limit. Without the
//     second term pale photos, which are 1 to 2 % of APTOS and EyePACS, would give down to 0.2. Hue turned by 45 degrees: median
//     0.67 to 0.73; by 30: 0.88 to 0.94, by 20: 1.1.
// colour_spread, reject < 0.0165, usable < 0.02
//     0.2 %: 0.039 / 0.035 / 0.020 / 0.045 / 0.024; least 0.029 / 0.034 / 0.017 / 0.036 / 0.020 but for one of 0.013. The same
//     within a sixth where the disc is 15 to 90 % of the frame's width. Grey: at most 0.005; tinted, with noise of colour of 12 levels,
//     a disc of 600 pixels: 0.008.
// grain, reject > 0.36, usable > 0.3
//     99 %: 0.28 / 0.23 / 0.25 / 0.19 / 0.32. Noise over blur, whatever its size: 0.39 to 0.53.
// clarity, reject < 0, usable < 3.05
//     463 EyePACS photos that EyeQ has graded: all checks together refuse 60 % of those graded reject, 14 % of usable and 0.3 % of
//     good, and mark 92 %, 71 % and 5 % (quality_rates).
// inner_edges, reject > 1, usable > 0.9
//     99.7 %: 0.8 / 1.1 / 0.9 / 0.8 / 1.1.
// fine_detail, reject < 0.61, usable < 0.62
//     0.2 %: 0.67 / 0.64 / 0.63 / 0.63 / 0.65; median 0.82 / 0.70 / 0.72 / 0.73 / 0.77; least, but for one of APTOS and three of ODIR,
//     0.64 / 0.63 / 0.62 / 0.61 / 0.64. Enlarged smoothly from a disc of 95 to 145 pixels: median 0.54 to 0.57. 1.2 least_changes:
//     least 0.84 / 0.90 / 0.71 / 0.80 / 0.78; each pixel three times or more: below 0.12.
// colour_detail, reject < 0.24, usable < 0.27
//     0.2 %: 0.29 / 0.45 / 0.26 / 0.45 / 0.29; least 0.25 / 0.43 / 0.25 / 0.42 / 0.25; median 0.61 / 0.76 / 0.54 / 0.65 / 0.47. Colour
//     smoothed by 10, 20 and 40 pixels of 640: median 0.23 to 0.30, 0.18 to 0.21, 0.17 to 0.20.

// The log-odds of a logistic regression (ridge C = 1; sources weighted alike, fundus and natural
// alike) on measures.disc.residual, surround, filled, warm, red_to_green and coarse.rms[2], shifted
// so that 0 is the limit.
float fundus_likeness(const QualityMeasures& measures);

// The share of light outside one disc, or missing from its hull: a second eye or an inset counts by
// its area, other light by a quarter of it, the notches of two joined discs by theirs, and an
// ellipse squeezed more than a camera's frame is by that. Only a square frame can be a camera's
// that was squeezed: in any other an ellipse, or little of a circle on a long outline, is two discs.
float beyond_disc(const QualityMeasures& measures);

// The log-odds of a logistic regression (ridge C = 50; EyeQ's rejects against its good photos and
// those of four other sources, each of which weighs three times as much) on sharpness, mean red,
// the skewness of the fine bands, saturation, the contrast of dark lines and its quotient to that
// of bright ones, and the retinal bands of 2 and 4 pixels; shifted so that 0 is the limit.
float clarity(const QualityMeasures& measures);

// The larger of the longest circle's arc, and twice the longest straight edge, of which one that is
// neither upright nor level counts five eighths.
float inner_edges(const QualityMeasures& measures);

// The longer side that a photo decoded at a smaller scale must have left: half as much again as the largest copy that is looked at.
// Between that and twice as much, detail and sharpness are within 0.8 per cent of those at full size.
inline constexpr int kLeastScaledSide = kFineSide * 3 / 2;

// copies: of a photo of any size, or decoded at a smaller scale (scaled_decode.h), at which colours are counted and all else is
// measured within some per cent of what it is at full size; lengths are the photo's own. They are given up on the way. No
// threads; the same answer everywhere. Status: kOutOfMemory; a picture of anything at all is kOk.
Status measure_quality(QualityCopies&& copies, const Allocator& allocator, QualityMeasures* measures);
Status assess_quality(QualityCopies&& copies, const Allocator& allocator, QualityReport* report);

// Of a photo whose pixels are there. Status: kInvalidArgument, too.
Status measure_quality(const PhotoView& photo, const Allocator& allocator, QualityMeasures* measures);
Status assess_quality(const PhotoView& photo, const Allocator& allocator, QualityReport* report);

}  // namespace fovea::preprocess
