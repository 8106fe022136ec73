// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/bytes.h"
#include "preprocess/image.h"
#include "preprocess/jpeg_entropy.h"
#include "preprocess/jpeg_frame.h"
#include "preprocess/jpeg_huffman.h"

namespace fovea::preprocess {

// Of what stands before the first scan. All data pointers are into the file.
struct JpegInfo {
    int components = 0;
    ByteSpan exif;  // the TIFF block of the first EXIF segment
    ByteSpan xmp;   // the first XMP packet
    static constexpr int kMaxIccParts = 255;
    ByteSpan icc_parts[kMaxIccParts];  // part i of icc_part_count in its place
    int icc_part_count = 0;            // 0 = none
    bool icc_is_sound = true;          // the parts that are there agree on their number
};

struct JpegScan {
    int count = 0;  // of components
    int order[kMaxJpegComponents] = {};
    int dc_table[kMaxJpegComponents] = {};  // by the component's place in the frame
    int ac_table[kMaxJpegComponents] = {};
    JpegBand band;
};

// Everything in a JPEG file but the entropy-coded data: the frame, tables, scan headers, and what
// metadata stand before them. Marker order, bounds, and that tables are defined before they are used
// are checked; departures from the standard that leave no doubt about the pixels are let pass, as
// far as libjpeg does so too. Tables are those that hold for the scan read last.
//
// Statuses: kOk, kCorruptImage, kUnsupportedImage; detail() names the cause, a static string.
class JpegHeaders {
  public:
    JpegHeaders(const std::uint8_t* data, std::size_t size);

    // Up to the frame header.
    Status read_frame();
    // Up to the next scan's data, which begin at position().
    Status read_scan();
    // Whether read_scan() has come to a scan, sound or not.
    bool is_at_scan() const { return is_at_scan_; }
    // The scans so far hold all of every coefficient.
    bool is_complete() const;

    const char* detail() const { return detail_; }
    const JpegInfo& info() const { return info_; }
    const JpegFrame& frame() const { return frame_; }
    const JpegScan& scan() const { return scan_; }
    // Are the components red, green and blue? As libjpeg decides it.
    bool is_rgb() const;
    int restart_interval() const { return restart_interval_; }
    const HuffmanTable& dc_table(int component) const {
        return dc_tables_[scan_.dc_table[component]];
    }
    const HuffmanTable& ac_table(int component) const {
        return ac_tables_[scan_.ac_table[component]];
    }
    // What the component's coefficients, in rows, are to be multiplied by.
    const std::int16_t* quant(int component) const { return states_[component].quant; }

    const std::uint8_t* position() const { return next_; }
    const std::uint8_t* end() const { return end_; }
    // Behind a scan's data.
    void resume(const std::uint8_t* position) { next_ = position; }

    // The next marker from p on, or null.
    const std::uint8_t* find_marker(const std::uint8_t* p) const;

  private:
    static constexpr int kMaxTables = 4;

    // What the scans so far have said of a component.
    struct State {
        bool was_scanned = false;
        std::int8_t precision[kJpegCoefficients];  // progressive: lowest bit known; -1 = none
        alignas(16) std::int16_t quant[kJpegCoefficients];  // of its first scan
    };

    Status refuse(const char* cause, Status status = Status::kCorruptImage);
    std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }
    Status read_segment();
    void skip_segment(int marker, ByteSpan body);
    void read_app1(ByteSpan body);
    void read_icc_part(ByteSpan body);
    Status read_frame_header(bool is_progressive, ByteSpan body);
    Status read_quant_tables(ByteSpan body);
    Status read_huffman_tables(ByteSpan body);
    Status read_scan_header(ByteSpan body);
    Status check_sequential_scan();
    Status check_progressive_scan();
    bool use_quant(int component);
    Status refuse_table();
    Status refuse_incomplete();

    const std::uint8_t* end_;
    const std::uint8_t* next_;
    const char* detail_ = "";
    JpegInfo info_;
    JpegFrame frame_;
    JpegScan scan_;
    State states_[kMaxJpegComponents];
    bool has_frame_ = false;
    bool has_scan_ = false;   // the first has been read
    bool is_at_scan_ = false;
    bool has_jfif_ = false;
    bool has_damaged_table_ = false;
    int adobe_transform_ = -1;  // -1 = no Adobe segment
    int restart_interval_ = 0;
    bool has_quant_[kMaxTables] = {};
    std::int16_t quants_[kMaxTables][kJpegCoefficients];
    HuffmanTable dc_tables_[kMaxTables];
    HuffmanTable ac_tables_[kMaxTables];
};

}  // namespace fovea::preprocess
