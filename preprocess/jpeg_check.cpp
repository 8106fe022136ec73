// SPDX-License-Identifier: Apache-2.0
#include "preprocess/jpeg_check.h"

#include <algorithm>
#include <cstring>

#include "preprocess/bytes.h"

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

constexpr int kMaxComponents = 4;
constexpr int kMaxTables = 4;
constexpr int kBlockSize = 64;

// Image data that go on for more than an eighth behind the last block, up to the end marker, belong
// to a picture larger than the header says; a few bytes are a camera's carelessness.
constexpr std::ptrdiff_t kMinSurplus = 1024;
constexpr std::ptrdiff_t kSurplusShare = 8;

constexpr const char* kCutOff = "the JPEG file is cut off";
constexpr const char* kDataEnded = "the JPEG image data end too early";
constexpr const char* kBadData = "the JPEG image data are damaged";
constexpr const char* kBadScan = "a JPEG scan header is damaged";
constexpr const char* kNoImage = "the JPEG holds no image";

// Canonical Huffman codes: a direct table for short codes, the limits of each length for the rest.
struct HuffmanTable {
    static constexpr int kFastBits = 9;
    bool is_defined = false;
    std::uint16_t fast[1 << kFastBits];  // length << 8 | symbol; 0 = longer or no code
    std::uint32_t limit[17];             // first 16-bit pattern beyond the codes of this length
    int offset[17];                      // index of a code's symbol minus the code
    std::uint8_t symbols[256];

    // counts: the number of codes of 1 to 16 bits. False if they do not form a prefix code.
    [[nodiscard]] bool build(const std::uint8_t* counts, const std::uint8_t* values, int total) {
        std::memset(fast, 0, sizeof(fast));
        std::memcpy(symbols, values, static_cast<std::size_t>(total));
        std::uint32_t code = 0;
        int index = 0;
        for (int length = 1; length <= 16; ++length) {
            const std::uint32_t count = counts[length - 1];
            if (code + count > std::uint32_t{1} << length) return false;
            offset[length] = index - static_cast<int>(code);
            if (length <= kFastBits) {
                const int free_bits = kFastBits - length;
                for (std::uint32_t i = 0; i < count; ++i) {
                    const auto entry = static_cast<std::uint16_t>(
                        length << 8 | symbols[static_cast<std::uint32_t>(index) + i]);
                    std::fill_n(fast + ((code + i) << free_bits), std::size_t{1} << free_bits,
                                entry);
                }
            }
            code += count;
            index += static_cast<int>(count);
            limit[length] = code << (16 - length);
            code <<= 1;
        }
        is_defined = true;
        return true;
    }
};

// Bits of entropy-coded data up to the next marker. Beyond it zeros come, and they are counted.
class BitReader {
  public:
    BitReader(const std::uint8_t* begin, const std::uint8_t* end)
        : begin_(begin), next_(begin), end_(end) {}

    std::uint32_t peek16() {
        if (count_ < 16) fill();
        return static_cast<std::uint32_t>(bits_ >> 48);
    }
    // count <= 16.
    void skip(int count) {
        bits_ <<= count;
        count_ -= count;
    }
    std::uint32_t take(int count) {
        if (count == 0) return 0;
        const std::uint32_t value = peek16() >> (16 - count);
        skip(count);
        return value;
    }
    // More bits were taken than there are.
    bool ran_over() const { return invented_ > count_; }
    int bits_left() const { return count_ - invented_; }

    // Leaves the bits behind: the rest of the data as bytes, from the first whole byte not taken.
    const std::uint8_t* position() const {
        const std::uint8_t* p = next_;
        for (int whole = bits_left() / 8; whole > 0; --whole) {
            const bool is_zero = *--p == 0;
            // A stuffed zero stands behind its 0xFF, and that behind its fill bytes.
            while (is_zero && p > begin_ && p[-1] == 0xFF) --p;
        }
        return p;
    }

    // Starts anew behind a restart marker.
    void restart(const std::uint8_t* begin) {
        begin_ = next_ = begin;
        bits_ = 0;
        count_ = 0;
        invented_ = 0;
    }

  private:
    void fill() {
        while (count_ <= 56) {
            std::uint64_t byte = 0;
            if (next_ < end_ && *next_ != 0xFF) {
                byte = *next_++;
            } else if (next_ < end_) {
                // A stuffed zero makes 0xFF data; fill bytes may come before it.
                const std::uint8_t* p = next_;
                while (p < end_ && *p == 0xFF) ++p;
                if (p < end_ && *p == 0) {
                    byte = 0xFF;
                    next_ = p + 1;
                } else {
                    invented_ += 8;  // a marker, or the end of the file
                }
            } else {
                invented_ += 8;
            }
            bits_ |= byte << (56 - count_);
            count_ += 8;
        }
    }

    const std::uint8_t* begin_;
    const std::uint8_t* next_;
    const std::uint8_t* end_;
    std::uint64_t bits_ = 0;  // the next bit on top
    int count_ = 0;
    int invented_ = 0;
};

struct Component {
    int id = 0;
    int h = 0;  // sampling factors
    int v = 0;
    int quant_table = 0;
    int blocks_x = 0;  // that hold pixels of the image
    int blocks_y = 0;
    int stored_blocks_x = 0;  // whole interleaved units
    int stored_blocks_y = 0;
    int dc_table = 0;  // of the current scan
    int ac_table = 0;
    int dc = 0;  // prediction
    bool was_scanned = false;
    std::int8_t precision[kBlockSize];  // progressive: lowest bit that is known; -1 = none
    std::size_t first_block = 0;        // in the shared list of non-zero masks
};

struct Scan {
    int count = 0;
    int order[kMaxComponents];
    int spectral_begin = 0;
    int spectral_end = 0;
    int high = 0;  // successive approximation
    int low = 0;
};

bool starts_with(ByteSpan bytes, const char* text, std::size_t count) {
    return bytes.size >= count && std::memcmp(bytes.data, text, count) == 0;
}

class JpegWalker {
  public:
    // mended may be null where only the frame header is read.
    JpegWalker(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
               const Allocator& allocator, JpegInfo* info, MendedJpeg* mended)
        : end_(data + size),
          next_(data + 2),
          limits_(limits),
          info_(info),
          mended_(mended),
          nonzero_(allocator) {}

    // Up to the frame header.
    Status read_frame(const char** detail) {
        Status status = Status::kOk;
        while (status == Status::kOk && !has_frame_) status = walk_segment();
        *detail = detail_;
        return status;
    }

    Status walk_all(const char** detail) {
        Status status = read_frame(detail);
        if (status == Status::kOk) status = check_memory();
        while (status == Status::kOk && !is_finished_) status = walk_segment();
        *detail = detail_;
        return status;
    }

  private:
    Status refuse(const char* cause, Status status = Status::kCorruptImage) {
        detail_ = cause;
        return status;
    }

    std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

    // What a change of the mended file came to.
    Status mend(Status status) {
        if (status == Status::kImageTooLarge) {
            return refuse("decoding needs more memory than the limit", status);
        }
        return status == Status::kOk ? status : refuse("out of memory", status);
    }
    Status put(const std::uint8_t* at, int value) {
        if (mended_ == nullptr || *at == value) return Status::kOk;
        return mend(mended_->put(at, static_cast<std::uint8_t>(value)));
    }
    // Bytes that belong to nothing become fill bytes.
    Status erase(const std::uint8_t* begin, const std::uint8_t* end) {
        const bool is_fill = std::all_of(begin, end, [](std::uint8_t b) { return b == 0xFF; });
        if (mended_ == nullptr || is_fill) return Status::kOk;
        return mend(mended_->fill(begin, end, 0xFF));
    }

    // The next marker from p on, or null.
    const std::uint8_t* find_marker(const std::uint8_t* p) const {
        for (; end_ - p >= 2; ++p) {
            if (p[0] == 0xFF && p[1] != 0 && p[1] != 0xFF) return p;
        }
        return nullptr;
    }

    static bool is_restart(int marker) { return marker >= kRestart0 && marker <= kRestart7; }

    Status walk_segment() {
        const std::uint8_t* at = find_marker(next_);
        if (at == nullptr) return refuse(kCutOff);
        Status status = erase(next_, at);
        if (status != Status::kOk) return status;
        const int marker = at[1];
        next_ = at + 2;
        if (marker == kEndOfImage) return has_frame_ ? refuse_incomplete() : refuse(kNoImage);
        if (marker == kStartOfImage) return refuse("a JPEG marker is out of place");
        if (marker == kTemporary || is_restart(marker)) return erase(at, next_);
        if (left() < 2) return refuse(kCutOff);
        std::size_t length = read_u16_big_endian(next_);
        const bool is_skipped = (marker >= kApp0 && marker <= kApp15) || marker == kComment ||
                                marker == kNumberOfLines || marker == kArithmeticConditions;
        if (length < 2) {
            if (!is_skipped) return refuse("a JPEG segment has an impossible length");
            length = 2;
            status = put(next_, 0);
            if (status == Status::kOk) status = put(next_ + 1, 2);
            if (status != Status::kOk) return status;
        }
        if (length > left()) return refuse(kCutOff);
        const std::uint8_t* body = next_ + 2;
        const std::size_t body_size = length - 2;
        next_ += length;
        if (is_skipped) return skip_segment(at + 1, {body, body_size});
        switch (marker) {
            case kBaseline:
            case kExtended:
            case kProgressive:
                return read_frame_header(marker, body, body_size);
            case kHuffmanTables:
                return read_huffman_tables(body, body_size);
            case kQuantTables:
                return read_quant_tables(body, body_size);
            case kRestartInterval:
                if (body_size != 2) return refuse("the JPEG restart interval is damaged");
                restart_interval_ = static_cast<int>(read_u16_big_endian(body));
                return Status::kOk;
            case kStartOfScan:
                status = read_scan_header(body, body_size);
                return status == Status::kOk ? walk_scan() : status;
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

    // A segment that does not bear on the image data. Its marker is *type.
    Status skip_segment(const std::uint8_t* type, ByteSpan body) {
        const int marker = *type;
        if (marker == kNumberOfLines || marker == kArithmeticConditions) {
            return put(type, kComment);
        }
        if (has_scan_) {
            // Too late to say anything of the colours.
            return marker == kApp0 || marker == kApp14 ? put(type, kComment) : Status::kOk;
        }
        if (marker == kApp0) {
            // An APP0 segment that is too short is JFIF for stb_image alone.
            has_jfif_ |= body.size >= 14 && starts_with(body, "JFIF", 5);
            has_short_jfif_ |= starts_with(body, "JFIF", 5);
        } else if (marker == kApp14 && body.size >= 12 && starts_with(body, "Adobe", 5)) {
            adobe_transform_ = body.data[11];
            if (body.data[5] == 0) stb_adobe_transform_ = body.data[11];
        } else if (marker == kApp1) {
            read_app1(body);
        } else if (marker == kApp2) {
            read_icc_part(body);
        }
        return Status::kOk;
    }

    void read_app1(ByteSpan body) {
        constexpr std::size_t kExifHeader = 6;
        constexpr char kXmpHeader[] = "http://ns.adobe.com/xap/1.0/";  // its zero belongs to it
        // Some writers fill up with 0xFF instead of the second zero.
        if (body.size >= kExifHeader && starts_with(body, "Exif", 5) &&
            (body.data[5] == 0 || body.data[5] == 0xFF)) {
            if (info_->exif.data == nullptr) {
                info_->exif = {body.data + kExifHeader, body.size - kExifHeader};
            }
        } else if (starts_with(body, kXmpHeader, sizeof(kXmpHeader)) &&
                   info_->xmp.data == nullptr) {
            info_->xmp = {body.data + sizeof(kXmpHeader), body.size - sizeof(kXmpHeader)};
        }
    }

    void read_icc_part(ByteSpan body) {
        constexpr char kHeader[] = "ICC_PROFILE";  // its zero belongs to it
        constexpr std::size_t kHeaderSize = sizeof(kHeader) + 2;
        if (body.size < kHeaderSize || !starts_with(body, kHeader, sizeof(kHeader))) return;
        const int index = body.data[sizeof(kHeader)];  // from 1
        const int count = body.data[sizeof(kHeader) + 1];
        if (info_->icc_part_count == 0) info_->icc_part_count = count;
        if (index < 1 || index > count || count != info_->icc_part_count ||
            info_->icc_parts[index - 1].data != nullptr) {
            info_->icc_is_sound = false;
            return;
        }
        info_->icc_parts[index - 1] = {body.data + kHeaderSize, body.size - kHeaderSize};
    }

    Status read_frame_header(int marker, const std::uint8_t* body, std::size_t size) {
        if (has_frame_) return refuse("the JPEG has two frame headers");
        if (size < 6) return refuse("the JPEG frame header is damaged");
        if (body[0] != 8) {
            return refuse("the JPEG does not have 8 bits a sample", Status::kUnsupportedImage);
        }
        frame_ = body;
        height_ = static_cast<int>(read_u16_big_endian(body + 1));
        width_ = static_cast<int>(read_u16_big_endian(body + 3));
        component_count_ = body[5];
        if (size != 6 + std::size_t{3} * static_cast<std::size_t>(component_count_)) {
            return refuse("the JPEG frame header is damaged");
        }
        if (component_count_ != 1 && component_count_ != 3 && component_count_ != 4) {
            return refuse("the JPEG is neither grey nor of three colours",
                          Status::kUnsupportedImage);
        }
        if (height_ == 0) {
            return refuse("the JPEG gives its height after the image", Status::kUnsupportedImage);
        }
        if (width_ == 0) return refuse("the JPEG has no width");
        is_progressive_ = marker == kProgressive;
        int h_max = 1;
        int v_max = 1;
        for (int i = 0; i < component_count_; ++i) {
            const std::uint8_t* p = body + 6 + 3 * i;
            Component& c = components_[i];
            c.id = p[0];
            c.h = p[1] >> 4;
            c.v = p[1] & 15;
            c.quant_table = p[2];
            if (c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.quant_table >= kMaxTables) {
                return refuse("the JPEG frame header is damaged");
            }
            for (int j = 0; j < i; ++j) {
                has_equal_ids_ |= components_[j].id == c.id;
            }
            h_max = std::max(h_max, c.h);
            v_max = std::max(v_max, c.v);
        }
        units_x_ = (width_ + 8 * h_max - 1) / (8 * h_max);
        units_y_ = (height_ + 8 * v_max - 1) / (8 * v_max);
        for (int i = 0; i < component_count_; ++i) {
            Component& c = components_[i];
            if (h_max % c.h != 0 || v_max % c.v != 0) {
                return refuse("the JPEG has uncommon sampling factors", Status::kUnsupportedImage);
            }
            c.blocks_x = ((width_ * c.h + h_max - 1) / h_max + 7) / 8;
            c.blocks_y = ((height_ * c.v + v_max - 1) / v_max + 7) / 8;
            c.stored_blocks_x = units_x_ * c.h;
            c.stored_blocks_y = units_y_ * c.v;
            std::memset(c.precision, -1, sizeof(c.precision));
        }
        has_frame_ = true;
        info_->width = width_;
        info_->height = height_;
        info_->components = component_count_;
        info_->is_progressive = is_progressive_;
        return Status::kOk;
    }

    std::uint64_t stored_blocks() const {
        std::uint64_t blocks = 0;
        for (int i = 0; i < component_count_; ++i) {
            blocks += static_cast<std::uint64_t>(components_[i].stored_blocks_x) *
                      static_cast<std::uint64_t>(components_[i].stored_blocks_y);
        }
        return blocks;
    }

    // What stb_image holds at once: the planes, the coefficients of a progressive file, the
    // picture.
    Status check_memory() {
        const std::uint64_t picture =
            static_cast<std::uint64_t>(width_) * static_cast<std::uint64_t>(height_) * 3;
        const std::uint64_t block_bytes = kBlockSize * (is_progressive_ ? 3U : 1U);
        if (stored_blocks() * block_bytes + picture > limits_.max_bytes) {
            return refuse("decoding needs more memory than the limit", Status::kImageTooLarge);
        }
        return Status::kOk;
    }

    Status read_quant_tables(const std::uint8_t* body, std::size_t size) {
        constexpr const char* kCause = "a JPEG quantisation table is damaged";
        while (size > 0) {
            const int precision = body[0] >> 4;
            const int table = body[0] & 15;
            const std::size_t table_size = 1 + (precision != 0 ? 128 : 64);
            if (precision > 1 || table >= kMaxTables || table_size > size) return refuse(kCause);
            has_quant_[table] = true;
            body += table_size;
            size -= table_size;
        }
        return Status::kOk;
    }

    Status read_huffman_tables(const std::uint8_t* body, std::size_t size) {
        constexpr const char* kCause = "a JPEG Huffman table is damaged";
        while (size > 0) {
            if (size < 17) return refuse(kCause);
            const int table_class = body[0] >> 4;
            const int table = body[0] & 15;
            int total = 0;
            for (int i = 1; i <= 16; ++i) total += body[i];
            if (table_class > 1 || table >= kMaxTables || total > 256 ||
                17 + static_cast<std::size_t>(total) > size) {
                return refuse(kCause);
            }
            HuffmanTable& target = table_class == 0 ? dc_tables_[table] : ac_tables_[table];
            if (!target.build(body + 1, body + 17, total)) return refuse(kCause);
            body += 17 + total;
            size -= 17 + static_cast<std::size_t>(total);
        }
        return Status::kOk;
    }

    // Are the components red, green and blue? As libjpeg decides it.
    bool is_rgb() const {
        if (component_count_ != 3 || has_jfif_) return false;
        return adobe_transform_ >= 0 ? adobe_transform_ == 0 : has_ids("RGB");
    }
    // As stb_image decides it.
    bool is_rgb_for_stb() const {
        return component_count_ == 3 &&
               (has_ids("RGB") || (stb_adobe_transform_ == 0 && !has_short_jfif_));
    }
    bool has_ids(const char* ids) const {
        for (int i = 0; i < component_count_; ++i) {
            if (components_[i].id != ids[i]) return false;
        }
        return true;
    }

    // The components get other numbers where some are equal, or where theirs would mislead
    // stb_image about the colours.
    Status renumber_components() {
        if (component_count_ > 3) return Status::kOk;
        if (!has_equal_ids_ && is_rgb() == is_rgb_for_stb()) return Status::kOk;
        new_ids_ = is_rgb() ? "RGB" : "\1\2\3";
        for (int i = 0; i < component_count_; ++i) {
            const Status status = put(frame_ + 6 + 3 * i, new_ids_[i]);
            if (status != Status::kOk) return status;
        }
        return Status::kOk;
    }

    Status read_scan_header(const std::uint8_t* body, std::size_t size) {
        if (!has_frame_) return refuse("the JPEG has a scan before its frame header");
        if (!has_scan_) {
            const Status status = renumber_components();
            if (status != Status::kOk) return status;
        }
        has_scan_ = true;
        scan_ = Scan();
        if (size < 1) return refuse(kBadScan);
        scan_.count = body[0];
        if (scan_.count < 1 || scan_.count > component_count_ ||
            size != 4 + std::size_t{2} * static_cast<std::size_t>(scan_.count)) {
            return refuse(kBadScan);
        }
        bool is_listed[kMaxComponents] = {};
        for (int i = 0; i < scan_.count; ++i) {
            // Of equal numbers the first not listed yet is meant.
            int which = 0;
            while (which < component_count_ &&
                   (is_listed[which] || components_[which].id != body[1 + 2 * i])) {
                ++which;
            }
            if (which == component_count_) return refuse(kBadScan);
            is_listed[which] = true;
            Component& c = components_[which];
            c.dc_table = body[2 + 2 * i] >> 4;
            c.ac_table = body[2 + 2 * i] & 15;
            if (c.dc_table >= kMaxTables || c.ac_table >= kMaxTables) return refuse(kBadScan);
            scan_.order[i] = which;
            if (new_ids_ != nullptr) {
                const Status status = put(body + 1 + 2 * i, new_ids_[which]);
                if (status != Status::kOk) return status;
            }
        }
        const std::uint8_t* p = body + 1 + 2 * scan_.count;
        scan_.spectral_begin = p[0];
        scan_.spectral_end = p[1];
        scan_.high = p[2] >> 4;
        scan_.low = p[2] & 15;
        return is_progressive_ ? check_progressive_scan() : check_sequential_scan(p);
    }

    // These three bytes have one meaning in a sequential scan, whatever stands there.
    Status check_sequential_scan(const std::uint8_t* spectral) {
        constexpr int kMeant[3] = {0, kBlockSize - 1, 0};
        for (int i = 0; i < 3; ++i) {
            // stb_image passes over the second.
            const Status status = i == 1 ? Status::kOk : put(spectral + i, kMeant[i]);
            if (status != Status::kOk) return status;
        }
        const Status tables = use_standard_huffman();
        if (tables != Status::kOk) return tables;
        for (int i = 0; i < scan_.count; ++i) {
            Component& c = components_[scan_.order[i]];
            if (c.was_scanned) return refuse("a JPEG component comes twice");
            c.was_scanned = true;
            if (!dc_tables_[c.dc_table].is_defined || !ac_tables_[c.ac_table].is_defined ||
                !has_quant_[c.quant_table]) {
                return refuse("a JPEG table is missing");
            }
        }
        return Status::kOk;
    }

    // Frames of motion JPEG leave all tables out.
    Status use_standard_huffman() {
        for (int i = 0; i < kMaxTables; ++i) {
            if (dc_tables_[i].is_defined || ac_tables_[i].is_defined) return Status::kOk;
        }
        const Status status = mend(mended_->add_standard_huffman());
        if (status != Status::kOk) return status;
        return read_huffman_tables(kStandardHuffmanSegment + 4, kStandardHuffmanSize - 4);
    }

    // Each coefficient is first sent without its `low` last bits, then refined bit by bit.
    Status check_progressive_scan() {
        const bool is_dc = scan_.spectral_begin == 0;
        const bool is_first = scan_.high == 0;
        if (scan_.spectral_begin > scan_.spectral_end || scan_.spectral_end >= kBlockSize ||
            scan_.low > 13 || (!is_first && scan_.high != scan_.low + 1) ||
            (is_dc ? scan_.spectral_end != 0 : scan_.count != 1)) {
            return refuse(kBadScan);
        }
        for (int i = 0; i < scan_.count; ++i) {
            Component& c = components_[scan_.order[i]];
            if (!is_dc && c.precision[0] < 0) return refuse("the JPEG scans are out of order");
            for (int k = scan_.spectral_begin; k <= scan_.spectral_end; ++k) {
                if (c.precision[k] != (is_first ? -1 : scan_.high)) {
                    return refuse("the JPEG scans are out of order");
                }
                c.precision[k] = static_cast<std::int8_t>(scan_.low);
            }
            const bool is_coded = is_dc ? !is_first || dc_tables_[c.dc_table].is_defined
                                        : ac_tables_[c.ac_table].is_defined;
            if (!is_coded || !has_quant_[c.quant_table]) return refuse("a JPEG table is missing");
            c.was_scanned = true;
        }
        if (!is_dc && nonzero_.empty()) {
            // Less than check_memory() has allowed for coefficients.
            std::size_t blocks = 0;
            for (int i = 0; i < component_count_; ++i) {
                components_[i].first_block = blocks;
                blocks += static_cast<std::size_t>(components_[i].stored_blocks_x) *
                          static_cast<std::size_t>(components_[i].stored_blocks_y);
            }
            if (!nonzero_.allocate(blocks)) return refuse("out of memory", Status::kOutOfMemory);
            std::memset(nonzero_.data(), 0, blocks * sizeof(std::uint64_t));
        }
        return Status::kOk;
    }

    // All units of a scan with their restart markers; leaves next_ behind its last bit.
    Status walk_scan() {
        BitReader bits(next_, end_);
        const bool is_interleaved = scan_.count > 1;
        const Component& only = components_[scan_.order[0]];
        const std::int64_t units = is_interleaved
                                       ? static_cast<std::int64_t>(units_x_) * units_y_
                                       : static_cast<std::int64_t>(only.blocks_x) * only.blocks_y;
        const int units_a_row = is_interleaved ? units_x_ : only.blocks_x;
        Status status = count_visits(units);
        if (status != Status::kOk) return status;
        begin_interval();
        int restart_number = 0;
        int todo = restart_interval_;
        int unit_x = 0;
        int unit_y = 0;
        for (std::int64_t unit = 0; unit < units; ++unit) {
            if (unit_x == 0 && limits_.is_cancelled()) {
                return refuse("the decoding was cancelled", Status::kCancelled);
            }
            status = is_interleaved ? walk_unit(&bits, unit_x, unit_y)
                                    : walk_block(&bits, scan_.order[0], unit_x, unit_y);
            if (status != Status::kOk) return status;
            if (++unit_x == units_a_row) {
                unit_x = 0;
                ++unit_y;
            }
            if (restart_interval_ == 0 || --todo > 0 || unit + 1 == units) continue;
            // The interval is over: padding, then the next restart marker.
            if (run_of_ends_ > 0) return refuse(kBadData);
            const std::uint8_t* begin = bits.position();
            const std::uint8_t* p = find_marker(begin);
            if (p == nullptr) return refuse(kCutOff);
            if (p[1] != kRestart0 + restart_number) {
                return refuse("a JPEG restart marker is missing");
            }
            status = erase(begin, p);
            if (status != Status::kOk) return status;
            restart_number = (restart_number + 1) % 8;
            bits.restart(p + 2);
            begin_interval();
            todo = restart_interval_;
        }
        if (run_of_ends_ > 0) return refuse(kBadData);
        const std::uint8_t* begin = next_;
        next_ = bits.position();
        status = check_surplus(begin);
        return status == Status::kOk && is_complete() ? finish() : status;
    }

    // What lies between next_, where the scan's last block has ended, and the next marker. The
    // scan's data began at begin.
    Status check_surplus(const std::uint8_t* begin) {
        const std::uint8_t* marker = find_marker(next_);
        while (marker != nullptr && is_restart(marker[1])) marker = find_marker(marker + 2);
        const bool has_end = marker != nullptr;
        if (!has_end) marker = end_;
        const bool is_zero =
            std::all_of(next_, marker, [](std::uint8_t byte) { return byte == 0 || byte == 0xFF; });
        if (is_zero) {
            // Some cameras fill up with zeros, but so does a file system where a copy broke off.
            constexpr std::ptrdiff_t kZeros = 8;
            const auto has_zeros = [](const std::uint8_t* at) {
                return std::all_of(at, at + kZeros, [](std::uint8_t byte) { return byte == 0; });
            };
            const bool begins_in_data = marker - next_ >= kZeros && next_ - begin >= kZeros &&
                                        has_zeros(next_) && has_zeros(next_ - kZeros);
            return begins_in_data ? refuse(kCutOff) : Status::kOk;
        }
        // What comes before an end of the file without a marker may be anything.
        if (has_end && (marker[1] == kEndOfImage || !is_complete())) surplus_ += marker - next_;
        data_bytes_ += next_ - begin;
        if (surplus_ > std::max(kMinSurplus, data_bytes_ / kSurplusShare)) {
            return refuse("the JPEG holds more image data than its size asks for");
        }
        return Status::kOk;
    }

    // A scan costs time even where it holds next to no data.
    Status count_visits(std::int64_t units) {
        if (!is_progressive_) return Status::kOk;
        std::uint64_t blocks_a_unit = 1;
        if (scan_.count > 1) {
            blocks_a_unit = 0;
            for (int i = 0; i < scan_.count; ++i) {
                const Component& c = components_[scan_.order[i]];
                blocks_a_unit += static_cast<std::uint64_t>(c.h) * static_cast<std::uint64_t>(c.v);
            }
        }
        visits_ += static_cast<std::uint64_t>(units) * blocks_a_unit;
        if (visits_ > static_cast<std::uint64_t>(kMaxScanPasses) * stored_blocks()) {
            return refuse("the JPEG has more scans than the limit", Status::kImageTooLarge);
        }
        return Status::kOk;
    }

    // The image is whole, and next_ behind its last bit: nothing that follows can change it.
    Status finish() {
        is_finished_ = true;
        const std::uint8_t* marker = find_marker(next_);
        const bool is_ended = marker != nullptr && marker[1] == kEndOfImage;
        info_->has_stray_bytes =
            std::any_of(next_, marker != nullptr ? marker : end_,
                        [](std::uint8_t byte) { return byte != 0 && byte != 0xFF; });
        const bool is_plain =
            is_ended && std::all_of(next_, marker, [](std::uint8_t byte) { return byte == 0xFF; });
        return is_plain ? Status::kOk : mend(mended_->end_at(next_));
    }

    void begin_interval() {
        for (Component& c : components_) c.dc = 0;
        run_of_ends_ = 0;
    }

    Status walk_unit(BitReader* bits, int unit_x, int unit_y) {
        for (int i = 0; i < scan_.count; ++i) {
            const Component& c = components_[scan_.order[i]];
            for (int y = 0; y < c.v; ++y) {
                for (int x = 0; x < c.h; ++x) {
                    const Status status =
                        walk_block(bits, scan_.order[i], unit_x * c.h + x, unit_y * c.v + y);
                    if (status != Status::kOk) return status;
                }
            }
        }
        return Status::kOk;
    }

    Status walk_block(BitReader* bits, int which, int x, int y) {
        Component* c = &components_[which];
        bool is_sound;
        if (!is_progressive_) {
            is_sound = walk_dc(bits, c) && walk_ac(bits, *c);
        } else if (scan_.spectral_begin == 0) {
            is_sound = true;
            if (scan_.high == 0) {
                is_sound = walk_dc(bits, c);
            } else {
                bits->take(1);
            }
        } else {
            std::uint64_t* nonzero = &nonzero_[c->first_block +
                                               static_cast<std::size_t>(y) *
                                                   static_cast<std::size_t>(c->stored_blocks_x) +
                                               static_cast<std::size_t>(x)];
            const HuffmanTable& table = ac_tables_[c->ac_table];
            is_sound = scan_.high == 0 ? walk_first_ac(bits, table, nonzero)
                                       : walk_refined_ac(bits, table, nonzero);
        }
        if (bits->ran_over()) return refuse(kDataEnded);
        return is_sound ? Status::kOk : refuse(kBadData);
    }

    // The next symbol, or -1 where the bits are no code.
    static int take_symbol(BitReader* bits, const HuffmanTable& table) {
        const std::uint32_t ahead = bits->peek16();
        const std::uint16_t entry = table.fast[ahead >> (16 - HuffmanTable::kFastBits)];
        if (entry != 0) {
            bits->skip(entry >> 8);
            return entry & 255;
        }
        for (int length = HuffmanTable::kFastBits + 1; length <= 16; ++length) {
            if (ahead < table.limit[length]) {
                bits->skip(length);
                return table
                    .symbols[static_cast<int>(ahead >> (16 - length)) + table.offset[length]];
            }
        }
        return -1;
    }

    // F.2.2.1. The range of 16 bits keeps the products of a decoder within 32.
    bool walk_dc(BitReader* bits, Component* c) {
        const int size = take_symbol(bits, dc_tables_[c->dc_table]);
        if (size < 0 || size > 15) return false;
        auto difference = static_cast<int>(bits->take(size));
        if (size > 0 && difference < 1 << (size - 1)) difference -= (1 << size) - 1;
        c->dc += difference;
        return c->dc >= -32768 && c->dc <= 32767;
    }

    // F.2.2.2.
    bool walk_ac(BitReader* bits, const Component& c) {
        const HuffmanTable& table = ac_tables_[c.ac_table];
        int k = 1;
        while (k < kBlockSize) {
            const int symbol = take_symbol(bits, table);
            if (symbol < 0) return false;
            const int size = symbol & 15;
            const int run = symbol >> 4;
            if (size == 0) {
                if (run != 15) return true;
                k += 16;
            } else {
                k += run + 1;
                bits->take(size);
            }
        }
        return k == kBlockSize;
    }

    // G.1.2.2: AC coefficients for the first time, with runs of blocks that end at once.
    bool walk_first_ac(BitReader* bits, const HuffmanTable& table, std::uint64_t* nonzero) {
        if (run_of_ends_ > 0) {
            --run_of_ends_;
            return true;
        }
        int k = scan_.spectral_begin;
        while (k <= scan_.spectral_end) {
            const int symbol = take_symbol(bits, table);
            if (symbol < 0) return false;
            const int size = symbol & 15;
            const int run = symbol >> 4;
            if (size == 0) {
                if (run < 15) {
                    run_of_ends_ = (1 << run) + static_cast<int>(bits->take(run)) - 1;
                    return true;
                }
                k += 16;
            } else {
                k += run;
                if (k > scan_.spectral_end) return false;
                *nonzero |= std::uint64_t{1} << k;
                ++k;
                bits->take(size);
            }
        }
        return k == scan_.spectral_end + 1;
    }

    // G.1.2.3: one more bit for each coefficient that is not zero, and new ones between them.
    bool walk_refined_ac(BitReader* bits, const HuffmanTable& table, std::uint64_t* nonzero) {
        int k = scan_.spectral_begin;
        if (run_of_ends_ == 0) {
            while (k <= scan_.spectral_end) {
                const int symbol = take_symbol(bits, table);
                if (symbol < 0) return false;
                const int size = symbol & 15;
                int run = symbol >> 4;
                if (size > 1) return false;
                if (size == 0 && run < 15) {
                    run_of_ends_ = (1 << run) + static_cast<int>(bits->take(run));
                    break;
                }
                bits->take(size);  // sign
                bool is_placed = false;
                while (k <= scan_.spectral_end && !is_placed) {
                    if (*nonzero >> k & 1) {
                        bits->take(1);
                    } else if (run-- == 0) {
                        if (size == 1) *nonzero |= std::uint64_t{1} << k;
                        is_placed = true;
                    }
                    ++k;
                }
                if (!is_placed) return false;
            }
            if (run_of_ends_ == 0) return true;
        }
        for (; k <= scan_.spectral_end; ++k) {
            if (*nonzero >> k & 1) bits->take(1);
        }
        --run_of_ends_;
        return true;
    }

    bool is_complete() const {
        for (int i = 0; i < component_count_; ++i) {
            const Component& c = components_[i];
            if (!c.was_scanned) return false;
            if (!is_progressive_) continue;
            for (const std::int8_t precision : c.precision) {
                if (precision != 0) return false;
            }
        }
        return true;
    }

    // The end marker has come before is_complete() was true.
    Status refuse_incomplete() {
        for (int i = 0; i < component_count_; ++i) {
            if (!components_[i].was_scanned) return refuse("the JPEG lacks a scan");
        }
        return refuse("the JPEG lacks its last scans");
    }

    const std::uint8_t* end_;
    const std::uint8_t* next_;
    const DecodeLimits& limits_;
    JpegInfo* info_;
    MendedJpeg* mended_;
    const char* detail_ = "";
    bool has_frame_ = false;
    bool has_scan_ = false;
    bool has_equal_ids_ = false;
    bool has_jfif_ = false;
    bool has_short_jfif_ = false;          // or a sound one
    int adobe_transform_ = -1;             // -1 = no Adobe segment
    int stb_adobe_transform_ = -1;         // of those that stb_image takes for one
    const char* new_ids_ = nullptr;        // of the components, where theirs are not kept
    const std::uint8_t* frame_ = nullptr;  // body of the frame header
    std::uint64_t visits_ = 0;             // of blocks, by all scans so far
    std::ptrdiff_t data_bytes_ = 0;        // of all scans so far
    std::ptrdiff_t surplus_ = 0;           // bytes between the scans' data and the next marker
    bool is_finished_ = false;
    bool is_progressive_ = false;
    int width_ = 0;
    int height_ = 0;
    int component_count_ = 0;
    int units_x_ = 0;  // interleaved units of the frame
    int units_y_ = 0;
    int restart_interval_ = 0;
    int run_of_ends_ = 0;  // blocks that follow without coefficients
    Scan scan_;
    Component components_[kMaxComponents];
    bool has_quant_[kMaxTables] = {};
    HuffmanTable dc_tables_[kMaxTables];
    HuffmanTable ac_tables_[kMaxTables];
    Buffer<std::uint64_t> nonzero_;  // progressive: a bit for each coefficient that is not zero
};

}  // namespace

Status read_jpeg_info(const std::uint8_t* data, std::size_t size, JpegInfo* info,
                      const char** detail) {
    return JpegWalker(data, size, DecodeLimits(), Allocator(), info, nullptr).read_frame(detail);
}

Status check_jpeg(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                  const Allocator& allocator, JpegInfo* info, MendedJpeg* mended,
                  const char** detail) {
    *info = {};
    mended->start(data, size, limits.max_bytes);
    return JpegWalker(data, size, limits, allocator, info, mended).walk_all(detail);
}

}  // namespace fovea::preprocess
