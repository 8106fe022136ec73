// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/decode_limits.h"
#include "preprocess/jpeg_headers.h"
#include "preprocess/jpeg_rows.h"

namespace fovea::preprocess {

// How often the scans of a progressive file may visit each block on average. The usual script
// visits luminance 6 times; one scan for every coefficient makes 64. A visit takes some 20 ns: 100
// of them are at most 0.1 seconds a megapixel.
inline constexpr int kMaxScanPasses = 100;

// Decodes a baseline, extended sequential or progressive JPEG file of 8 bits in one pass over its
// data, and checks all of them: headers (jpeg_headers.h), every Huffman code, restart markers, no
// early end of the data, all scans there. The pixels are those of libjpeg-turbo with its accurate
// integer transform and interpolated chrominance, at each scale, to the bit.
//
// Call in this order: read_frame(), read_headers(), plan(), decode(). *detail is a static string.
// data must outlive the decoder.
class JpegDecoder {
  public:
    JpegDecoder(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                const Allocator& allocator)
        : headers_(data, size), limits_(limits), memory_(allocator) {}

    // Up to the frame header: frame() is known.
    Status read_frame(const char** detail);
    // Up to the first scan's header: info() is known.
    Status read_headers(const char** detail);

    // Decides what decode() makes, and holds while it does so: a few rows of blocks and a table of each
    // component, of a progressive file all coefficients.
    void plan(JpegScale scale);
    int width() const { return rows_.width(); }
    int height() const { return rows_.height(); }
    std::uint64_t working_bytes() const { return coefficient_bytes_ + rows_.bytes(); }

    // All rows; where the status is not kOk, some of them may have been given away. kImageTooLarge:
    // a progressive file's scans visit its blocks more than kMaxScanPasses times. kCancelled: as the
    // limits ask. Whatever the sink says.
    Status decode(const RowSink& sink, const char** detail);

    const JpegFrame& frame() const { return headers_.frame(); }
    const JpegInfo& info() const { return headers_.info(); }
    // Bytes that are no part of the image follow its data; known when it is decoded.
    bool has_stray_bytes() const { return has_stray_bytes_; }

  private:
    static constexpr int kMaxFactor = 4;

    // What a scan's units hold of a component.
    struct Part {
        int which = 0;
        int h = 1;  // blocks
        int v = 1;
        const HuffmanTable* dc_table = nullptr;
        const HuffmanTable* ac_table = nullptr;
        const BlockTable* block_table = nullptr;
        const std::int16_t* quant = nullptr;
        JpegKernels::Idct idct = nullptr;
        JpegKernels::Idct idct_low = nullptr;
        int block_size = 0;
        std::ptrdiff_t stride = 0;
        std::uint8_t* rows[kMaxFactor] = {};  // where the first blocks of this row of units go
    };

    Status refuse(const char* cause, Status status = Status::kCorruptImage);
    Status decode_scans();
    Status decode_scan();
    void build_block_tables();
    Status next_interval(BitReader* bits, int number);
    Status decode_units(BitReader* bits, int unit_y, int begin, int end);
    Status decode_sequential_units(BitReader* source, int begin, int end);
    Status decode_progressive_unit(BitReader* bits, int unit_x, int unit_y);
    bool decode_progressive_block(BitReader* bits, const Part& part, int x, int y);
    Part part_of(int which, bool is_alone, int unit_y);
    Status finish_row(int unit_y);
    Status transform_stored();
    void transform_row(const Part& part, int y, std::uint8_t* samples);
    std::int16_t* stored_block(int which, int x, int y);
    Status check_surplus(const std::uint8_t* begin);
    Status count_visits(std::int64_t units);
    void look_for_stray_bytes();

    JpegHeaders headers_;
    DecodeLimits limits_;
    Buffer<std::uint8_t> memory_;
    JpegRows rows_;
    RowSink sink_;
    const char* detail_ = "";
    bool is_streamed_ = false;  // one scan holds all components
    std::uint64_t coefficient_bytes_ = 0;  // of either of these two
    std::int16_t* coefficients_ = nullptr;           // a progressive file's
    BlockTable* block_tables_ = nullptr;             // a sequential one's, room for each component
    const BlockTable* tables_[kMaxJpegComponents] = {};
    std::size_t first_block_[kMaxJpegComponents] = {};
    JpegInterval interval_;
    Part parts_[kMaxJpegComponents];  // in the scan's order
    // Zero between blocks but for the first, and those behind the block.
    static constexpr std::size_t kBlockEighths = kJpegCoefficients / 8 + 1;
    alignas(16) std::int16_t block_[8 * kBlockEighths] = {};
    std::uint64_t visits_ = 0;       // of blocks, by all scans so far
    std::ptrdiff_t data_bytes_ = 0;  // of all scans so far
    std::ptrdiff_t surplus_ = 0;     // bytes between the scans' data and the next marker
    bool has_stray_bytes_ = false;
};

}  // namespace fovea::preprocess
