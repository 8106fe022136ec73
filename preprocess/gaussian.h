// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/cancel.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

inline constexpr double kMaxSigma = 256.0;

// Number of taps that OpenCV gives an 8-bit Gaussian of that sigma: odd, three sigmas to each side.
int gaussian_size(double sigma);

// The taps in 1/256, their sum exactly 256: the real kernel rounded with error diffusion from the
// ends to the centre. taps holds gaussian_size(sigma) values.
void gaussian_taps(double sigma, std::uint16_t* taps);

// cv2.GaussianBlur(image, (0, 0), sigma) for 8-bit images: fixed point, border reflect-101. The
// same pixels as OpenCV 4. 0 < sigma <= kMaxSigma. out is allocated; it must not own image.
// Status: kInvalidArgument, kOutOfMemory, kCancelled.
Status gaussian_blur(const ImageView& image, double sigma, const Allocator& allocator, Image* out, const Cancel& cancel = {});

// Ben Graham's colour normalisation, in place: saturate(4 * image - 4 * blurred + 128), with the
// blur above (Graham, Kaggle Diabetic Retinopathy Detection competition report, 2015). rows, one value a row or null: those that are 0
// nobody will look at, and they stay what they are. Statuses as above.
Status normalise_colour(Image* image, double sigma, const std::uint8_t* rows, const Allocator& allocator, const Cancel& cancel = {});

}  // namespace fovea::preprocess
