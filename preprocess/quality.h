// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/detail_bands.h"
#include "preprocess/disc_fit.h"
#include "preprocess/image.h"
#include "preprocess/line_contrast.h"
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
    kColourOrder,     // least of mean red / green, red / blue and green / blue
    kColourSpread,    // how far red and blue are no function of green / their means
    kGrain,    // median of dark line contrast / its 98th percentile, or 1.8 x detail of 1 pixel
    kClarity,  // log-odds that a grader would not reject it: see clarity() below
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
    // Inside 0.95 radius where it is lit.
    float mean_colour[3];   // red, green, blue, 0..255
    float saturation;       // mean of (largest channel - smallest) / largest
    float spread_red;       // root mean square distance from the mean red of pixels with that green
    float spread_blue;      // the same of blue
    std::uint32_t colours;  // of source pixels: as kColours
    // On a copy of at most 512 pixels, inside 0.92 radius.
    DetailBands fine;  // green
    StraightEdges edges;
    // On a copy whose disc measures at most about 224 pixels; bands inside 0.95 radius, lines
    // inside 0.85 in thousandths of the local brightness.
    DetailBands retinal;  // green
    LineContrast lines;
};

// How the limits were found. Photos: 2,927 of APTOS (224 x 224, squeezed), 413 of IDRiD (640 rows),
// 550 of EyePACS (400 x 400), 8 full-size ones, and 300 natural pictures, one an ImageNet class;
// and copies of 400 of the fundus photos that were blurred, darkened, brightened and cut. With
// these limits 99.97 % of APTOS, 99.8 % of IDRiD, 98.5 % of EyePACS and all full-size photos are
// good or usable, and all natural pictures are rejected. Percentiles below are over APTOS / IDRiD /
// EyePACS. A photo beyond a limit marked reject is refused, beyond one marked usable it is usable
// at best.
//
// fundus_likeness, reject < 0, usable < 1.5
//     0.5 %: 2.3 / 6.5 / 1.8; least: -0.3 / 5.2 / 1.3. Natural pictures: 99.5 % -1.7, largest -0.3.
// disc_edge, usable > 0.03
//     95 %: 0.018 / 0.003 / 0.009; 99.5 %: 0.026 / 0.003 / 0.065.
// disc_visible, reject < 0.55, usable < 0.7
//     0.5 %: 0.70 / 0.92 / 0.69. Photos cut in half: 0.50.
// brightness, reject < 18, usable < 35
//     0.5 %: 30 / 28 / 14; 1 %: 32 / 37 / 25. Darkened to 0.15: 98 % below 16 / 17 / 27.
// overexposed, reject > 0.08, usable > 0.02
//     99.5 %: 0.009 / 0.0001 / 0.044. Three times the light: median 0.23 / 0.31 / 0.43.
// clipped_colour, usable > 0.3
//     99.5 %: 0.09 / 0.21 / 0.67. Twice the light: median 0.82 / 0.96 / 0.53.
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

// The log-odds of a logistic regression (ridge C = 1; sources weighted alike, fundus and natural
// alike) on measures.disc.residual, surround, filled, warm, red_to_green and coarse.rms[2], shifted
// so that 0 is the limit.
float fundus_likeness(const QualityMeasures& measures);

// The share of light outside one disc, or missing from its hull: a second eye or an inset counts by
// its area, other light by a quarter of it, the notches of two joined discs by theirs, and an
// ellipse squeezed more than a camera's frame is by that.
float beyond_disc(const QualityMeasures& measures);

// The log-odds of a logistic regression on sharpness, mean red, the skewness of the fine bands,
// saturation, the contrast of dark lines and its quotient to that of bright ones, and the retinal
// bands of 2 and 4 pixels; shifted so that 0 is the limit.
float clarity(const QualityMeasures& measures);

// rgb: an upright photo of any size. Takes 10 to 15 ms for 12 megapixels and 4 MiB of memory; no
// threads; the same answer everywhere. Status: kInvalidArgument, kOutOfMemory; a picture of
// anything at all is kOk.
Status measure_quality(const ImageView& rgb, const Allocator& allocator, QualityMeasures* measures);
Status assess_quality(const ImageView& rgb, const Allocator& allocator, QualityReport* report);

}  // namespace fovea::preprocess
