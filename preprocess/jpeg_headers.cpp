// SPDX-License-Identifier: Apache-2.0
#include "preprocess/jpeg_headers.h"

#include <algorithm>
#include <cstring>

// Section and table numbers are those of ITU-T T.81.
namespace fovea::preprocess {
namespace {

enum Marker : int {
    kTemporary = 0x01,
    kBaseline = 0xC0,
    kExtended = 0xC1,
    kProgressive = 0xC2,
    kHuffmanTables = 0xC4,
    kRestart0 = 0xD0,
    kRestart7 = 0xD7,
    kArithmeticConditions = 0xCC,
    kStartOfImage = 0xD8,
    kEndOfImage = 0xD9,
    kStartOfScan = 0xDA,
    kQuantTables = 0xDB,
    kNumberOfLines = 0xDC,
    kRestartInterval = 0xDD,
    kApp0 = 0xE0,
    kApp1 = 0xE1,
    kApp2 = 0xE2,
    kApp14 = 0xEE,
    kApp15 = 0xEF,
    kJpegLsFrame = 0xF7,
    kJpegLsParameters = 0xF8,
    kComment = 0xFE,
};

bool is_restart_marker(int marker) {
    return marker >= kRestart0 && marker <= kRestart7;
}

constexpr const char* kCutOff = "the JPEG file is cut off";
constexpr const char* kBadScan = "a JPEG scan header is damaged";
constexpr const char* kNoTable = "a JPEG table is missing";
constexpr const char* kDamagedTable = "a JPEG Huffman table is damaged";

bool starts_with(ByteSpan bytes, const char* text, std::size_t count) {
    return bytes.size >= count && std::memcmp(bytes.data, text, count) == 0;
}

}  // namespace

JpegHeaders::JpegHeaders(const std::uint8_t* data, std::size_t size)
    : end_(data + size), next_(data + 2) {}

Status JpegHeaders::refuse(const char* cause, Status status) {
    detail_ = cause;
    return status;
}

Status JpegHeaders::read_frame() {
    Status status = Status::kOk;
    while (status == Status::kOk && !has_frame_) status = read_segment();
    return status;
}

Status JpegHeaders::read_scan() {
    is_at_scan_ = false;
    Status status = Status::kOk;
    while (status == Status::kOk && !is_at_scan_) status = read_segment();
    return status;
}

const std::uint8_t* JpegHeaders::find_marker(const std::uint8_t* p) const {
    for (; end_ - p >= 2; ++p) {
        if (p[0] == 0xFF && p[1] != 0 && p[1] != 0xFF) return p;
    }
    return nullptr;
}

Status JpegHeaders::read_segment() {
    const std::uint8_t* at = find_marker(next_);
    if (at == nullptr) return refuse(kCutOff);
    const int marker = at[1];
    next_ = at + 2;
    if (marker == kEndOfImage) {
        return has_frame_ ? refuse_incomplete() : refuse("the JPEG holds no image");
    }
    if (marker == kStartOfImage) return refuse("a JPEG marker is out of place");
    if (marker == kTemporary || is_restart_marker(marker)) return Status::kOk;
    if (left() < 2) return refuse(kCutOff);
    std::size_t length = read_u16_big_endian(next_);
    const bool is_skipped = (marker >= kApp0 && marker <= kApp15) || marker == kComment ||
                            marker == kNumberOfLines || marker == kArithmeticConditions;
    if (length < 2) {
        if (!is_skipped) return refuse("a JPEG segment has an impossible length");
        length = 2;
    }
    if (length > left()) return refuse(kCutOff);
    const ByteSpan body = {next_ + 2, length - 2};
    next_ += length;
    if (is_skipped) {
        skip_segment(marker, body);
        return Status::kOk;
    }
    switch (marker) {
        case kBaseline:
        case kExtended:
        case kProgressive:
            return read_frame_header(marker == kProgressive, body);
        case kHuffmanTables:
            return read_huffman_tables(body);
        case kQuantTables:
            return read_quant_tables(body);
        case kRestartInterval:
            if (body.size != 2) return refuse("the JPEG restart interval is damaged");
            restart_interval_ = static_cast<int>(read_u16_big_endian(body.data));
            return Status::kOk;
        case kStartOfScan:
            is_at_scan_ = true;
            return read_scan_header(body);
        case 0xC3:
        case 0xC5:
        case 0xC6:
        case 0xC7:
        case 0xC9:
        case 0xCA:
        case 0xCB:
        case 0xCD:
        case 0xCE:
        case 0xCF:
            return refuse("the JPEG is lossless, hierarchical or arithmetic-coded",
                          Status::kUnsupportedImage);
        case kJpegLsFrame:
        case kJpegLsParameters:
            return refuse("the file is a JPEG-LS image; convert it to JPEG or PNG",
                          Status::kUnsupportedImage);
        default:
            return refuse("the JPEG has an unknown marker");
    }
}

// A segment that does not bear on the image data. Behind the first scan's header it is too late to
// say anything of the colours.
void JpegHeaders::skip_segment(int marker, ByteSpan body) {
    if (has_scan_) return;
    if (marker == kApp0) {
        has_jfif_ |= body.size >= 14 && starts_with(body, "JFIF", 5);
    } else if (marker == kApp14 && body.size >= 12 && starts_with(body, "Adobe", 5)) {
        adobe_transform_ = body.data[11];
    } else if (marker == kApp1) {
        read_app1(body);
    } else if (marker == kApp2) {
        read_icc_part(body);
    }
}

void JpegHeaders::read_app1(ByteSpan body) {
    constexpr std::size_t kExifHeader = 6;
    constexpr char kXmpHeader[] = "http://ns.adobe.com/xap/1.0/";  // its zero belongs to it
    // Some writers fill up with 0xFF instead of the second zero.
    if (body.size >= kExifHeader && starts_with(body, "Exif", 5) &&
        (body.data[5] == 0 || body.data[5] == 0xFF)) {
        if (info_.exif.data == nullptr) {
            info_.exif = {body.data + kExifHeader, body.size - kExifHeader};
        }
    } else if (starts_with(body, kXmpHeader, sizeof(kXmpHeader)) &&
               info_.xmp.data == nullptr) {
        info_.xmp = {body.data + sizeof(kXmpHeader), body.size - sizeof(kXmpHeader)};
    }
}

void JpegHeaders::read_icc_part(ByteSpan body) {
    constexpr char kHeader[] = "ICC_PROFILE";  // its zero belongs to it
    constexpr std::size_t kHeaderSize = sizeof(kHeader) + 2;
    if (body.size < kHeaderSize || !starts_with(body, kHeader, sizeof(kHeader))) return;
    const int index = body.data[sizeof(kHeader)];  // from 1
    const int count = body.data[sizeof(kHeader) + 1];
    if (info_.icc_part_count == 0) info_.icc_part_count = count;
    if (index < 1 || index > count || count != info_.icc_part_count ||
        info_.icc_parts[index - 1].data != nullptr) {
        info_.icc_is_sound = false;
        return;
    }
    info_.icc_parts[index - 1] = {body.data + kHeaderSize, body.size - kHeaderSize};
}

Status JpegHeaders::read_frame_header(bool is_progressive, ByteSpan segment) {
    const std::uint8_t* body = segment.data;
    if (has_frame_) return refuse("the JPEG has two frame headers");
    if (segment.size < 6) return refuse("the JPEG frame header is damaged");
    if (body[0] != 8) {
        return refuse("the JPEG does not have 8 bits a sample", Status::kUnsupportedImage);
    }
    JpegFrame frame;
    frame.is_progressive = is_progressive;
    frame.height = static_cast<int>(read_u16_big_endian(body + 1));
    frame.width = static_cast<int>(read_u16_big_endian(body + 3));
    frame.component_count = body[5];
    if (segment.size != 6 + std::size_t{3} * static_cast<std::size_t>(frame.component_count)) {
        return refuse("the JPEG frame header is damaged");
    }
    if (frame.component_count != 1 && frame.component_count != 3 && frame.component_count != 4) {
        return refuse("the JPEG is neither grey nor of three colours", Status::kUnsupportedImage);
    }
    if (frame.height == 0) {
        return refuse("the JPEG gives its height after the image", Status::kUnsupportedImage);
    }
    if (frame.width == 0) return refuse("the JPEG has no width");
    for (int i = 0; i < frame.component_count; ++i) {
        const std::uint8_t* p = body + 6 + 3 * i;
        JpegComponent& c = frame.components[i];
        c.id = p[0];
        c.h = p[1] >> 4;
        c.v = p[1] & 15;
        c.quant_table = p[2];
        if (c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.quant_table >= kMaxTables) {
            return refuse("the JPEG frame header is damaged");
        }
        frame.h_max = std::max(frame.h_max, c.h);
        frame.v_max = std::max(frame.v_max, c.v);
    }
    const int unit_width = kJpegBlock * frame.h_max;
    const int unit_height = kJpegBlock * frame.v_max;
    frame.units_x = (frame.width + unit_width - 1) / unit_width;
    frame.units_y = (frame.height + unit_height - 1) / unit_height;
    for (int i = 0; i < frame.component_count; ++i) {
        JpegComponent& c = frame.components[i];
        if (frame.h_max % c.h != 0 || frame.v_max % c.v != 0) {
            return refuse("the JPEG has uncommon sampling factors", Status::kUnsupportedImage);
        }
        c.blocks_x = ((frame.width * c.h + frame.h_max - 1) / frame.h_max + 7) / 8;
        c.blocks_y = ((frame.height * c.v + frame.v_max - 1) / frame.v_max + 7) / 8;
        c.stored_blocks_x = frame.units_x * c.h;
        c.stored_blocks_y = frame.units_y * c.v;
        std::memset(states_[i].precision, -1, sizeof(states_[i].precision));
    }
    has_frame_ = true;
    frame_ = frame;
    info_.components = frame.component_count;
    return Status::kOk;
}

Status JpegHeaders::read_quant_tables(ByteSpan body) {
    const std::uint8_t* p = body.data;
    for (std::size_t size = body.size; size > 0;) {
        const int precision = p[0] >> 4;
        const int table = p[0] & 15;
        const std::size_t table_size = 1 + (precision != 0 ? 128 : 64);
        if (precision > 1 || table >= kMaxTables || table_size > size) {
            return refuse("a JPEG quantisation table is damaged");
        }
        for (int i = 0; i < kJpegCoefficients; ++i) {
            const std::uint32_t value =
                precision != 0 ? read_u16_big_endian(p + 1 + 2 * i) : std::uint32_t{p[1 + i]};
            quants_[table][kZigzag[i]] = static_cast<std::int16_t>(value);
        }
        has_quant_[table] = true;
        p += table_size;
        size -= table_size;
    }
    return Status::kOk;
}

Status JpegHeaders::read_huffman_tables(ByteSpan body) {
    const std::uint8_t* p = body.data;
    for (std::size_t size = body.size; size > 0;) {
        if (size < 17) return refuse(kDamagedTable);
        const int table_class = p[0] >> 4;
        const int table = p[0] & 15;
        int total = 0;
        for (int i = 1; i <= 16; ++i) total += p[i];
        if (table_class > 1 || table >= kMaxTables || total > 256 ||
            17 + static_cast<std::size_t>(total) > size) {
            return refuse(kDamagedTable);
        }
        HuffmanTable& target = table_class == 0 ? dc_tables_[table] : ac_tables_[table];
        // One that no scan uses does no harm.
        if (!target.build(p + 1, p + 17, total)) has_damaged_table_ = true;
        p += 17 + total;
        size -= 17 + static_cast<std::size_t>(total);
    }
    return Status::kOk;
}

bool JpegHeaders::is_rgb() const {
    if (frame_.component_count != 3 || has_jfif_) return false;
    if (adobe_transform_ >= 0) return adobe_transform_ == 0;
    const JpegComponent* c = frame_.components;
    return c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B';
}

Status JpegHeaders::read_scan_header(ByteSpan segment) {
    if (!has_frame_) return refuse("the JPEG has a scan before its frame header");
    has_scan_ = true;
    scan_ = JpegScan();
    const std::uint8_t* body = segment.data;
    if (segment.size < 1) return refuse(kBadScan);
    scan_.count = body[0];
    if (scan_.count < 1 || scan_.count > frame_.component_count ||
        segment.size != 4 + std::size_t{2} * static_cast<std::size_t>(scan_.count)) {
        return refuse(kBadScan);
    }
    bool is_listed[kMaxJpegComponents] = {};
    for (int i = 0; i < scan_.count; ++i) {
        // Of equal numbers the first not listed yet is meant.
        int which = 0;
        while (which < frame_.component_count &&
               (is_listed[which] || frame_.components[which].id != body[1 + 2 * i])) {
            ++which;
        }
        if (which == frame_.component_count) return refuse(kBadScan);
        is_listed[which] = true;
        scan_.order[i] = which;
        scan_.dc_table[which] = body[2 + 2 * i] >> 4;
        scan_.ac_table[which] = body[2 + 2 * i] & 15;
        if (scan_.dc_table[which] >= kMaxTables || scan_.ac_table[which] >= kMaxTables) {
            return refuse(kBadScan);
        }
    }
    // These three bytes have one meaning in a sequential scan, whatever stands there.
    if (!frame_.is_progressive) return check_sequential_scan();
    const std::uint8_t* p = body + 1 + 2 * scan_.count;
    scan_.band = {p[0], p[1], p[2] >> 4, p[2] & 15};
    return check_progressive_scan();
}

// The quantisation of a component is that of its first scan.
bool JpegHeaders::use_quant(int component) {
    const int table = frame_.components[component].quant_table;
    if (!has_quant_[table]) return false;
    State& state = states_[component];
    if (!state.was_scanned) std::memcpy(state.quant, quants_[table], sizeof(state.quant));
    state.was_scanned = true;
    return true;
}

Status JpegHeaders::check_sequential_scan() {
    bool has_huffman = has_damaged_table_;
    for (int i = 0; i < kMaxTables; ++i) {
        has_huffman |= dc_tables_[i].is_defined || ac_tables_[i].is_defined;
    }
    if (!has_huffman) {
        // Frames of motion JPEG leave all tables out.
        const Status status = read_huffman_tables({kStandardHuffmanTables, kStandardHuffmanSize});
        if (status != Status::kOk) return status;
    }
    for (int i = 0; i < scan_.count; ++i) {
        const int which = scan_.order[i];
        if (states_[which].was_scanned) return refuse("a JPEG component comes twice");
        if (!dc_table(which).is_defined || !ac_table(which).is_defined || !use_quant(which)) {
            return refuse_table();
        }
    }
    return Status::kOk;
}

// Each coefficient is first sent without its `low` last bits, then refined bit by bit. A scan may be there twice.
Status JpegHeaders::check_progressive_scan() {
    JpegBand& band = scan_.band;
    const bool is_dc = band.spectral_begin == 0;
    const bool is_first = band.high == 0;
    if (band.spectral_begin > band.spectral_end || band.spectral_end >= kJpegCoefficients ||
        band.low > 13 || (!is_first && band.high != band.low + 1) ||
        (is_dc ? band.spectral_end != 0 : scan_.count != 1)) {
        return refuse(kBadScan);
    }
    for (int i = 0; i < scan_.count; ++i) {
        const int which = scan_.order[i];
        State& state = states_[which];
        if (!is_dc && state.precision[0] < 0) return refuse("the JPEG scans are out of order");
        for (int k = band.spectral_begin; k <= band.spectral_end; ++k) {
            const int expected = is_first ? -1 : band.high;
            if (state.precision[k] != expected) {
                if (state.precision[k] != band.low) return refuse("the JPEG scans are out of order");
                band.is_repeated = true;
            }
            state.precision[k] = static_cast<std::int8_t>(band.low);
        }
        const bool is_coded =
            is_dc ? !is_first || dc_table(which).is_defined : ac_table(which).is_defined;
        if (!is_coded || !use_quant(which)) return refuse_table();
    }
    return Status::kOk;
}

Status JpegHeaders::refuse_table() {
    return refuse(has_damaged_table_ ? kDamagedTable : kNoTable);
}

bool JpegHeaders::is_complete() const {
    for (int i = 0; i < frame_.component_count; ++i) {
        const State& state = states_[i];
        if (!state.was_scanned) return false;
        const bool is_whole = std::all_of(state.precision, state.precision + kJpegCoefficients,
                                          [](std::int8_t low) { return low == 0; });
        if (frame_.is_progressive && !is_whole) return false;
    }
    return true;
}

// The end marker has come before is_complete() was true.
Status JpegHeaders::refuse_incomplete() {
    for (int i = 0; i < frame_.component_count; ++i) {
        if (!states_[i].was_scanned) return refuse("the JPEG lacks a scan");
    }
    return refuse("the JPEG lacks its last scans");
}

}  // namespace fovea::preprocess
