// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/bytes.h"
#include "preprocess/memory.h"

namespace fovea::preprocess {

// What the levels of a picture's channels mean, as far as a matrix and three curves can say it.
struct ColorSpace {
    std::uint16_t light[3][256];  // of each level of each channel; 65535 = full
    double to_xyz[3][3];          // [X, Y, Z][channel], relative to a white of D50
};

// sRGB itself.
void srgb_color_space(ColorSpace* space);

// Adobe RGB (1998), as its profile has it.
void adobe_rgb_color_space(ColorSpace* space);

// Of an ICC profile of a monitor, a camera or a working space that is made of a matrix and curves,
// or of a grey curve. False for other kinds (tables, Lab, another number of channels than the
// picture's) and for damaged ones.
bool read_icc_profile(ByteSpan profile, bool is_gray, ColorSpace* space);

// Of a PNG's gAMA (encoding exponent * 100,000; 0 = none: sRGB's curve) and cHRM (x, y of white,
// red, green, blue, * 100,000; null = none: sRGB's primaries). An exponent within 5 % of sRGB's
// means its curve, as for libpng. False where the numbers mean nothing.
bool png_color_space(std::uint32_t gamma, const std::uint32_t* chromaticities, ColorSpace* space);

// From a colour space to sRGB: through linear light, colours that sRGB lacks are cut off. Integers
// only, so that every machine makes the same levels.
class SrgbConversion {
  public:
    explicit SrgbConversion(const Allocator& allocator) : levels_(allocator) {}

    static constexpr std::size_t kTableBytes = 65536;

    // False: out of memory.
    [[nodiscard]] bool prepare(const ColorSpace& source);

    // The source is sRGB but for rounding and other ways to write its curve: no colour of a grid
    // over the cube, and no grey, moves by more than kSameLevels. Such pictures are left as they
    // are.
    static constexpr int kSameLevels = 2;
    bool is_identity() const { return is_identity_; }

    // channels is 3, or 4 where the last is left alone.
    void convert(std::uint8_t* pixels, std::size_t count, int channels) const;

  private:
    void convert_pixel(std::uint8_t* pixel) const;
    bool moves(std::uint8_t red, std::uint8_t green, std::uint8_t blue) const;

    std::uint16_t light_[3][256];
    std::int32_t matrix_[3][3];    // source light to sRGB light, in 1 / 65536
    Buffer<std::uint8_t> levels_;  // of each light
    bool is_identity_ = false;
};

}  // namespace fovea::preprocess
