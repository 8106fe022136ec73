// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, 4 channels a register, NEON.
//
// 3x3 and 5x5, stride 1 and 2: register tiles, all channels of some columns before the next
// columns. Tiles of 4 output columns x 16 channels, which depthwise_tile16_3x3_neon.S and
// depthwise_tile16_5x5_neon.S draw; for the last 8 channels, and where few columns of 5x5 windows
// are in the row, tiles of 8 columns x 8 channels (depthwise_tile_neon.S). The channels past the
// last whole 8, and every other kernel size or dilation, take their taps one by one from memory:
//   v  2  sums of 8 channels (1 for the last 4 to 7, and for the last 1 to 3, lane by lane)
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/depthwise_conv/depthwise_tile_neon.h"

namespace fovea::ops {
namespace {

constexpr std::ptrdiff_t kFloatBytes = sizeof(float);

inline std::ptrdiff_t padded_channels(const DepthwiseConvFp32Args& args) {
    return (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
}

template <bool kPartial>
inline float32x4_t load(const float* source, int lanes) {
    if constexpr (kPartial) {
        return load_partial_neon(source, lanes);
    } else {
        return vld1q_f32(source);
    }
}

template <bool kPartial>
inline void store(float* target, float32x4_t value, int lanes) {
    if constexpr (kPartial) {
        store_partial_neon(target, value, lanes);
    } else {
        vst1q_f32(target, value);
    }
}

// One output column from the taps whose columns lie in the row, for any kernel: 4 kVectors
// channels, or, where kPartial, `lanes` of them (1 to 3).
template <int kVectors, bool kPartial>
inline void compute_column(const DepthwiseConvFp32Args& args, int x, int channel, int lanes) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    const std::ptrdiff_t weight_step = padded_channels(args);
    float32x4_t sums[kVectors];
    for (int v = 0; v < kVectors; ++v) sums[v] = vld1q_f32(args.bias + channel + 4 * v);
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const float* weights = args.weights +
                               static_cast<std::ptrdiff_t>(a) * args.kernel_width * weight_step +
                               channel;
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = first + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            if (column < 0 || column >= args.input_width) continue;
            const float* input = args.rows[a] + column * args.input_stride + channel;
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = vfmaq_f32(sums[v], load<kPartial>(input + 4 * v, lanes),
                                    vld1q_f32(weights + b * weight_step + 4 * v));
            }
        }
    }
    apply_fused_activation(args.activation, sums);
    float* output = args.output + x * args.output_stride + channel;
    for (int v = 0; v < kVectors; ++v) store<kPartial>(output + 4 * v, sums[v], lanes);
}

// The channels from `channel` on, column by column.
void compute_rest(const DepthwiseConvFp32Args& args, int channel) {
    for (int x = 0; x < args.output_width; ++x) {
        int c = channel;
        for (; c + 8 <= args.channels; c += 8) compute_column<2, false>(args, x, c, 0);
        for (; c + 4 <= args.channels; c += 4) compute_column<1, false>(args, x, c, 0);
        if (c < args.channels) compute_column<1, true>(args, x, c, args.channels - c);
    }
}

// The two versions of a tile: of whole windows, and of those columns that a mask names.
struct Tile {
    int kernel;
    int stride;
    int outputs;
    int channels;
    int maskable;  // columns at either end of all windows that the masked version can do without
    DepthwiseTileFunction whole;  // many tiles a call where they have 16 channels, else one
    DepthwiseTileFunction masked;
};
constexpr int kAnyColumn = 64;
constexpr Tile kTiles[] = {
    {3, 1, 4, 16, kAnyColumn, depthwise16_3x3s1_whole_neon, depthwise16_3x3s1_masked_neon},
    {3, 2, 4, 16, kAnyColumn, depthwise16_3x3s2_whole_neon, depthwise16_3x3s2_masked_neon},
    {5, 1, 4, 16, 2, depthwise16_5x5s1_whole_neon, depthwise16_5x5s1_masked_neon},
    {5, 2, 4, 16, 2, depthwise16_5x5s2_whole_neon, depthwise16_5x5s2_masked_neon},
    {3, 1, 8, 8, kAnyColumn, depthwise_3x3s1_all_columns_neon, depthwise_3x3s1_masked_columns_neon},
    {3, 2, 8, 8, kAnyColumn, depthwise_3x3s2_all_columns_neon, depthwise_3x3s2_masked_columns_neon},
    {5, 1, 8, 8, kAnyColumn, depthwise_5x5s1_all_columns_neon, depthwise_5x5s1_masked_columns_neon},
    {5, 2, 8, 8, kAnyColumn, depthwise_5x5s2_all_columns_neon, depthwise_5x5s2_masked_columns_neon},
};

bool suits(const Tile& tile, const DepthwiseConvFp32Args& args) {
    return tile.stride == args.stride_x && tile.kernel == args.kernel_width &&
           tile.kernel == args.kernel_height && args.dilation_x == 1;
}

// The tile of 8 channels, which can do without any columns.
const Tile& narrow_tile(const DepthwiseConvFp32Args& args) {
    const Tile* tile = kTiles;
    while (!suits(*tile, args) || tile->channels != 8) ++tile;
    return *tile;
}

// A row's output columns in tiles from x on, of some blocks of a tile's channels from `channel` on.
struct Strip {
    const DepthwiseConvFp32Args& args;
    const Tile& tile;
    int channel;
    int blocks;
};

// What tiles from x on are, the mask apart. The first of their columns that is read is `begin`
// behind the window's left end.
DepthwiseTile tiles_from(const Strip& strip, std::ptrdiff_t x, std::ptrdiff_t begin) {
    const DepthwiseConvFp32Args& args = strip.args;
    const std::ptrdiff_t column = x * strip.tile.stride - args.pad_left + begin;
    return {
        .rows = args.rows,
        .first = (column * args.input_stride + strip.channel) * kFloatBytes,
        .column_step = args.input_stride * kFloatBytes,
        .weights = args.weights + strip.channel,
        .weight_step = padded_channels(args) * kFloatBytes,
        .bias = args.bias + strip.channel,
        .output = args.output + x * args.output_stride + strip.channel,
        .output_step = args.output_stride * kFloatBytes,
        .mask = 0,
        .outputs = strip.tile.outputs,
        .activation = static_cast<std::ptrdiff_t>(args.activation),
        .blocks = strip.blocks,
        .tiles = 1,
    };
}

void compute_whole_tiles(const Strip& strip, std::ptrdiff_t x, std::ptrdiff_t count) {
    DepthwiseTile tiles = tiles_from(strip, x, 0);
    if (strip.tile.channels == 16) {
        tiles.tiles = count;
        strip.tile.whole(&tiles);
        return;
    }
    for (; count > 0; --count) {
        strip.tile.whole(&tiles);
        tiles.first += strip.tile.outputs * strip.tile.stride * tiles.column_step;
        tiles.output += strip.tile.outputs * strip.args.output_stride;
    }
}

// One tile, some of whose columns are in the padding or whose last outputs are not in the row.
void compute_masked_tile(const Strip& strip, std::ptrdiff_t x, std::ptrdiff_t outputs) {
    const Tile& tile = strip.tile;
    const std::ptrdiff_t left = x * tile.stride - strip.args.pad_left;
    const std::ptrdiff_t columns = (outputs - 1) * tile.stride + tile.kernel;
    // Columns [begin, end) of the tile's windows lie in the row.
    std::ptrdiff_t begin = left < 0 ? -left : 0;
    std::ptrdiff_t end =
        strip.args.input_width - left < columns ? strip.args.input_width - left : columns;
    if (begin >= end) begin = end = 0;
    if (tile.maskable != kAnyColumn &&
        (outputs < tile.outputs || begin > tile.maskable || columns - end > tile.maskable)) {
        compute_masked_tile({strip.args, narrow_tile(strip.args), strip.channel, 2 * strip.blocks},
                            x, outputs);
        return;
    }
    DepthwiseTile tiles = tiles_from(strip, x, begin);
    if (begin == end) tiles.first = 0;
    tiles.mask = (std::uint64_t{1} << end) - (std::uint64_t{1} << begin);
    tiles.outputs = outputs;
    tile.masked(&tiles);
}

// How many tiles from x on, side by side, have all their outputs and windows in the row.
std::ptrdiff_t whole_tiles(const Strip& strip, std::ptrdiff_t x) {
    const Tile& tile = strip.tile;
    const std::ptrdiff_t left = x * tile.stride - strip.args.pad_left;
    const std::ptrdiff_t columns =
        static_cast<std::ptrdiff_t>(tile.outputs - 1) * tile.stride + tile.kernel;
    const std::ptrdiff_t room = strip.args.input_width - left - columns;
    if (left < 0 || room < 0) return 0;
    const std::ptrdiff_t by_input = room / (tile.outputs * tile.stride) + 1;
    const std::ptrdiff_t by_output = (strip.args.output_width - x) / tile.outputs;
    return by_input < by_output ? by_input : by_output;
}

void compute_strip(const Strip& strip) {
    const std::ptrdiff_t outputs = strip.tile.outputs;
    for (std::ptrdiff_t x = 0; x < strip.args.output_width;) {
        // Rather than a part of a tile, one that computes some outputs again.
        if (strip.args.output_width - x < outputs && strip.args.output_width >= outputs &&
            strip.tile.maskable != kAnyColumn) {
            x = strip.args.output_width - outputs;
        }
        const std::ptrdiff_t whole = whole_tiles(strip, x);
        if (whole > 0) {
            compute_whole_tiles(strip, x, whole);
            x += whole * outputs;
        } else {
            const std::ptrdiff_t left = strip.args.output_width - x;
            compute_masked_tile(strip, x, left < outputs ? left : outputs);
            x += outputs;
        }
    }
}

}  // namespace

void depthwise_conv_fp32_neon(const DepthwiseConvFp32Args& args) {
    int channel = 0;
    for (const Tile& tile : kTiles) {
        const int blocks = (args.channels - channel) / tile.channels;
        if (blocks == 0 || !suits(tile, args)) continue;
        compute_strip({args, tile, channel, blocks});
        channel += blocks * tile.channels;
    }
    if (channel < args.channels) compute_rest(args, channel);
}

}  // namespace fovea::ops
