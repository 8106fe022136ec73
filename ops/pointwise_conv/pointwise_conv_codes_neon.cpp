// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {
namespace {

struct PixelRows : CodeRows {
    const std::uint8_t* input;
    std::ptrdiff_t pixel_bytes;
    int shift;  // from elements to bytes
};

void pack_pixels(CodeRows& rows, const CodeTileKind& kind, std::size_t row, int count, int first, int inputs, std::uint8_t* to) {
    const auto& self = static_cast<const PixelRows&>(rows);
    const std::uint8_t* const pixel = self.input + static_cast<std::ptrdiff_t>(row) * self.pixel_bytes;
    kind.pack(pixel + (std::ptrdiff_t{first} << self.shift), self.pixel_bytes, count, inputs, false, to);
}

template <typename Input>
inline void multiply_any_pixels(const PointwiseConvCodesArgs<Input>& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    PixelRows pixels;
    pixels.count = args.in_channels;
    pixels.pack = pack_pixels;
    pixels.input = reinterpret_cast<const std::uint8_t*>(args.input);
    pixels.pixel_bytes = args.input_stride * static_cast<std::ptrdiff_t>(sizeof(Input));
    pixels.shift = sizeof(Input) == 2;
    multiply_codes(product_of(args, (args.in_channels + 3) / 4, args.pixels), pixels, tiles, last_tiles);
}

}  // namespace

void multiply_pixels(const PointwiseConvU8S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    multiply_any_pixels(args, tiles, last_tiles);
}

void multiply_pixels(const PointwiseConvS16S8Args& args, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    multiply_any_pixels(args, tiles, last_tiles);
}

}  // namespace fovea::ops
