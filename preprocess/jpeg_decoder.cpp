// SPDX-License-Identifier: Apache-2.0
#include "preprocess/jpeg_decoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "preprocess/jpeg_kernels.h"

// Section and table numbers are those of ITU-T T.81.
namespace fovea::preprocess {
namespace {

constexpr int kRestart0 = 0xD0;
constexpr int kRestart7 = 0xD7;
constexpr int kEndOfImage = 0xD9;

// Image data that go on for more than an eighth behind the last block, up to the end marker, belong
// to a picture larger than the header says; a few bytes are a camera's carelessness.
constexpr std::ptrdiff_t kMinSurplus = 1024;
constexpr std::ptrdiff_t kSurplusShare = 8;

constexpr const char* kCutOff = "the JPEG file is cut off";
constexpr const char* kDataEnded = "the JPEG image data end too early";
constexpr const char* kBadData = "the JPEG image data are damaged";
constexpr const char* kCancelled = "the decoding was cancelled";

constexpr std::size_t kLowEighths = 4;  // rows of a block that hold kLowCoefficients

bool is_flat_block(const std::int16_t* coefficients) {
    std::uint64_t any = 0;
    for (int i = 0; i < kJpegCoefficients; i += 4) {
        std::uint64_t four;
        std::memcpy(&four, coefficients + i, sizeof(four));
        any |= i == 0 ? four >> 16 : four;
    }
    return any == 0;
}

// A few wide stores, one by one: a call, or an instruction for blocks of memory, takes longer to begin than they all.
template <std::size_t... kEighth>
[[gnu::always_inline]] inline void clear_block(std::int16_t* block, std::index_sequence<kEighth...>) {
    typedef std::int16_t Eight __attribute__((vector_size(16)));
    const Eight zeros = {};
    (std::memcpy(block + 8 * kEighth, &zeros, sizeof(zeros)), ...);
}

template <int kSide>
void fill_block(std::uint8_t sample, std::uint8_t* samples, std::ptrdiff_t stride) {
    for (int y = 0; y < kSide; ++y) std::memset(samples + y * stride, sample, kSide);
}

inline void put_flat_block(std::int16_t coefficient, std::int16_t quant, int block_size, std::uint8_t* samples,
                           std::ptrdiff_t stride) {
    const std::uint8_t sample = idct_flat(coefficient, quant);
    switch (block_size) {
        case 8:
            return fill_block<8>(sample, samples, stride);
        case 4:
            return fill_block<4>(sample, samples, stride);
        case 2:
            return fill_block<2>(sample, samples, stride);
        default:
            *samples = sample;
    }
}

}  // namespace

Status JpegDecoder::refuse(const char* cause, Status status) {
    detail_ = cause;
    return status;
}

Status JpegDecoder::read_frame(const char** detail) {
    const Status status = headers_.read_frame();
    *detail = headers_.detail();
    return status;
}

Status JpegDecoder::read_headers(const char** detail) {
    const Status status = headers_.read_scan();
    *detail = headers_.detail();
    return status;
}

void JpegDecoder::plan(JpegScale scale) {
    const JpegFrame& frame = headers_.frame();
    is_streamed_ = !frame.is_progressive && headers_.scan().count == frame.component_count;
    rows_.plan(frame, scale, headers_.is_rgb(), !frame.is_progressive && !is_streamed_);
    const auto components = static_cast<std::uint64_t>(frame.component_count);
    coefficient_bytes_ = components * sizeof(BlockTable);
    if (!frame.is_progressive) return;
    std::uint64_t blocks = 0;
    for (int i = 0; i < frame.component_count; ++i) {
        first_block_[i] = static_cast<std::size_t>(blocks);
        blocks += frame.stored_blocks(i);
    }
    coefficient_bytes_ = blocks * kJpegCoefficients * sizeof(std::int16_t);
}

Status JpegDecoder::decode(const RowSink& sink, const char** detail) {
    sink_ = sink;
    detail_ = "";
    Status status = Status::kOk;
    if (!memory_.allocate(static_cast<std::size_t>(working_bytes()))) {
        status = refuse("out of memory", Status::kOutOfMemory);
    } else {
        const auto kept = static_cast<std::size_t>(coefficient_bytes_);
        if (headers_.frame().is_progressive) {
            coefficients_ = reinterpret_cast<std::int16_t*>(memory_.data());
            std::memset(memory_.data(), 0, kept);
        } else {
            block_tables_ = reinterpret_cast<BlockTable*>(memory_.data());
        }
        rows_.hold(memory_.data() + kept);
        status = decode_scans();
    }
    *detail = detail_;
    return status;
}

Status JpegDecoder::decode_scans() {
    Status status = decode_scan();
    while (status == Status::kOk) {
        const bool is_complete = headers_.is_complete();
        if (is_complete && !headers_.frame().is_progressive) break;
        const std::uint8_t* behind = headers_.position();
        status = headers_.read_scan();
        if (is_complete && !headers_.is_at_scan()) {
            // The image is whole, whatever follows.
            headers_.resume(behind);
            status = Status::kOk;
            break;
        }
        if (status != Status::kOk) return refuse(headers_.detail(), status);
        status = decode_scan();
    }
    if (status != Status::kOk) return status;
    look_for_stray_bytes();
    if (headers_.frame().is_progressive) return transform_stored();
    return is_streamed_ ? Status::kOk : rows_.emit(sink_);
}

// All units of a scan with their restart markers; leaves the headers behind its last bit.
Status JpegDecoder::decode_scan() {
    const JpegFrame& frame = headers_.frame();
    const JpegScan& scan = headers_.scan();
    const std::uint8_t* begin = headers_.position();
    BitReader bits(begin, headers_.end());
    const bool is_alone = scan.count == 1;
    const JpegComponent& first = frame.components[scan.order[0]];
    const int units_x = is_alone ? first.blocks_x : frame.units_x;
    const int units_y = is_alone ? first.blocks_y : frame.units_y;
    Status status = count_visits(std::int64_t{units_x} * units_y);
    if (status != Status::kOk) return status;
    if (!frame.is_progressive) build_block_tables();
    interval_ = JpegInterval();
    int restart_number = 0;
    int todo = headers_.restart_interval();
    for (int y = 0; y < units_y; ++y) {
        if (limits_.cancel.asked()) return refuse(kCancelled, Status::kCancelled);
        for (int i = 0; i < scan.count; ++i) parts_[i] = part_of(scan.order[i], is_alone, y);
        for (int x = 0; x < units_x;) {
            const int begin = x;
            x = headers_.restart_interval() == 0 ? units_x : std::min(units_x, begin + todo);
            todo -= x - begin;
            status = decode_units(&bits, y, begin, x);
            if (status != Status::kOk) return status;
            const bool is_last = x == units_x && y + 1 == units_y;
            if (headers_.restart_interval() == 0 || todo > 0 || is_last) continue;
            status = next_interval(&bits, restart_number);
            if (status != Status::kOk) return status;
            restart_number = (restart_number + 1) % 8;
            todo = headers_.restart_interval();
        }
        if (!frame.is_progressive) status = finish_row(y);
        if (status != Status::kOk) return status;
    }
    headers_.resume(bits.position());
    if (scan.band.is_repeated) {
        has_stray_bytes_ = true;
        return Status::kOk;
    }
    if (interval_.run_of_ends > 0) return refuse(kBadData);
    return check_surplus(begin);
}

// Of the components of a sequential scan, those with the same Huffman tables share one.
void JpegDecoder::build_block_tables() {
    const JpegScan& scan = headers_.scan();
    for (int i = 0; i < scan.count; ++i) {
        const int which = scan.order[i];
        const HuffmanTable &dc = headers_.dc_table(which), &ac = headers_.ac_table(which);
        int owner = 0;
        while (&headers_.dc_table(scan.order[owner]) != &dc || &headers_.ac_table(scan.order[owner]) != &ac) ++owner;
        if (owner == i) block_tables_[which].build(dc, ac);
        tables_[which] = &block_tables_[scan.order[owner]];
    }
}

// A restart interval is over: padding, then the next restart marker.
Status JpegDecoder::next_interval(BitReader* bits, int number) {
    if (interval_.run_of_ends > 0 && !headers_.scan().band.is_repeated) return refuse(kBadData);
    const std::uint8_t* marker = headers_.find_marker(bits->position());
    if (marker == nullptr) return refuse(kCutOff);
    if (marker[1] != kRestart0 + number) return refuse("a JPEG restart marker is missing");
    bits->restart(marker + 2);
    interval_ = JpegInterval();
    return Status::kOk;
}

Status JpegDecoder::decode_units(BitReader* bits, int unit_y, int begin, int end) {
    if (!headers_.frame().is_progressive) return decode_sequential_units(bits, begin, end);
    const bool is_repeated = headers_.scan().band.is_repeated;
    for (int x = begin; x < end && !(is_repeated && bits->ran_over()); ++x) {
        const Status status = decode_progressive_unit(bits, x, unit_y);
        if (status != Status::kOk) return status;
    }
    return Status::kOk;
}

Status JpegDecoder::decode_progressive_unit(BitReader* bits, int unit_x, int unit_y) {
    const JpegScan& scan = headers_.scan();
    for (int i = 0; i < scan.count; ++i) {
        const Part& part = parts_[i];
        for (int y = unit_y * part.v; y < (unit_y + 1) * part.v; ++y) {
            for (int x = unit_x * part.h; x < (unit_x + 1) * part.h; ++x) {
                const bool is_sound = decode_progressive_block(bits, part, x, y);
                if (bits->ran_over() && !scan.band.is_repeated) return refuse(kDataEnded);
                if (!is_sound) return refuse(kBadData);
            }
        }
    }
    return Status::kOk;
}

Status JpegDecoder::decode_sequential_units(BitReader* source, int begin, int end) {
    BitReader bits = *source;  // in registers
    const int count = headers_.scan().count;
    for (int unit_x = begin; unit_x < end; ++unit_x) {
        for (int i = 0; i < count; ++i) {
            const Part& part = parts_[i];
            const HuffmanTable &dc_table = *part.dc_table, &ac_table = *part.ac_table;
            const BlockTable& table = *part.block_table;
            const std::int16_t* const quant = part.quant;
            const int size = part.block_size;
            const std::ptrdiff_t stride = part.stride, left = std::ptrdiff_t{unit_x} * part.h * size;
            int dc = interval_.dc[part.which];
            for (int y = 0; y < part.v; ++y) {
                std::uint8_t* samples = part.rows[y] + left;
                for (int x = 0; x < part.h; ++x, samples += size) {
                    const BlockContent content =
                        size > 1 ? decode_sequential<true>(&bits, dc_table, ac_table, table, &dc, block_)
                                 : decode_sequential<false>(&bits, dc_table, ac_table, table, &dc, block_);
                    if (content == BlockContent::kDamaged) return refuse(bits.ran_over() ? kDataEnded : kBadData);
                    if (content == BlockContent::kFlat || size == 1) {
                        put_flat_block(block_[0], quant[0], size, samples, stride);
                    } else if (content == BlockContent::kLow) {
                        part.idct_low(block_, quant, samples, stride);
                        clear_block(block_, std::make_index_sequence<kLowEighths>());
                    } else {
                        part.idct(block_, quant, samples, stride);
                        clear_block(block_, std::make_index_sequence<kBlockEighths>());
                    }
                }
            }
            interval_.dc[part.which] = dc;
        }
        if (bits.ran_over()) return refuse(kDataEnded);
    }
    *source = bits;
    return Status::kOk;
}

bool JpegDecoder::decode_progressive_block(BitReader* bits, const Part& part, int x, int y) {
    const JpegBand& band = headers_.scan().band;
    std::int16_t* coefficients = stored_block(part.which, x, y);
    int* run_of_ends = &interval_.run_of_ends;
    if (band.spectral_begin != 0) {
        return band.high == 0
                   ? decode_first_ac(bits, *part.ac_table, band, run_of_ends, coefficients)
                   : refine_ac(bits, *part.ac_table, band, run_of_ends, coefficients);
    }
    if (band.high == 0) {
        return decode_first_dc(bits, *part.dc_table, band.low, &interval_.dc[part.which],
                               coefficients);
    }
    refine_dc(bits, band.low, coefficients);
    return true;
}

// A component's part in a unit, and where its samples of a row of units go.
JpegDecoder::Part JpegDecoder::part_of(int which, bool is_alone, int unit_y) {
    const JpegComponent& c = headers_.frame().components[which];
    Part part;
    part.which = which;
    part.h = is_alone ? 1 : c.h;
    part.v = is_alone ? 1 : c.v;
    part.dc_table = &headers_.dc_table(which);
    part.ac_table = &headers_.ac_table(which);
    part.block_table = tables_[which];
    part.quant = headers_.quant(which);
    part.block_size = rows_.block_size(which);
    part.stride = rows_.stride(which);
    const JpegKernels& kernels = jpeg_kernels();
    part.idct = part.block_size == 8 ? kernels.idct_8x8 : part.block_size == 4 ? kernels.idct_4x4 : kernels.idct_2x2;
    part.idct_low = part.block_size == 8   ? kernels.idct_low_8x8
                    : part.block_size == 4 ? kernels.idct_low_4x4
                                           : kernels.idct_low_2x2;
    for (int y = 0; y < part.v; ++y) part.rows[y] = rows_.blocks(which, unit_y * part.v + y);
    return part;
}

// The rows of blocks of a scan's components up to this unit are there.
Status JpegDecoder::finish_row(int unit_y) {
    for (int i = 0; i < headers_.scan().count; ++i) {
        rows_.complete(parts_[i].which, (unit_y + 1) * parts_[i].v);
    }
    return is_streamed_ ? rows_.emit(sink_) : Status::kOk;
}

// A progressive file's coefficients to rows.
Status JpegDecoder::transform_stored() {
    const JpegFrame& frame = headers_.frame();
    for (int unit_y = 0; unit_y < frame.units_y; ++unit_y) {
        if (limits_.cancel.asked()) return refuse(kCancelled, Status::kCancelled);
        for (int i = 0; i < frame.component_count; ++i) {
            const Part part = part_of(i, false, unit_y);
            for (int y = 0; y < part.v; ++y) {
                transform_row(part, unit_y * part.v + y, part.rows[y]);
            }
            rows_.complete(i, (unit_y + 1) * part.v);
        }
        const Status status = rows_.emit(sink_);
        if (status != Status::kOk) return status;
    }
    return Status::kOk;
}

void JpegDecoder::transform_row(const Part& part, int y, std::uint8_t* samples) {
    const int blocks = headers_.frame().components[part.which].blocks_x;
    for (int x = 0; x < blocks; ++x, samples += part.block_size) {
        const std::int16_t* coefficients = stored_block(part.which, x, y);
        if (part.block_size == 1 || is_flat_block(coefficients)) {
            put_flat_block(coefficients[0], part.quant[0], part.block_size, samples, part.stride);
        } else {
            part.idct(coefficients, part.quant, samples, part.stride);
        }
    }
}

std::int16_t* JpegDecoder::stored_block(int which, int x, int y) {
    const auto row = static_cast<std::size_t>(headers_.frame().components[which].stored_blocks_x);
    const std::size_t block =
        first_block_[which] + static_cast<std::size_t>(y) * row + static_cast<std::size_t>(x);
    return coefficients_ + block * kJpegCoefficients;
}

// What lies between the end of a scan's last block and the next marker. Its data began at begin.
Status JpegDecoder::check_surplus(const std::uint8_t* begin) {
    const std::uint8_t* next = headers_.position();
    const auto is_restart = [](int marker) { return marker >= kRestart0 && marker <= kRestart7; };
    const std::uint8_t* marker = headers_.find_marker(next);
    while (marker != nullptr && is_restart(marker[1])) marker = headers_.find_marker(marker + 2);
    const bool has_end = marker != nullptr;
    if (!has_end) marker = headers_.end();
    const bool is_zero =
        std::all_of(next, marker, [](std::uint8_t byte) { return byte == 0 || byte == 0xFF; });
    if (is_zero) {
        // Some cameras fill up with zeros, but so does a file system where a copy broke off.
        constexpr std::ptrdiff_t kZeros = 8;
        const auto has_zeros = [](const std::uint8_t* at) {
            return std::all_of(at, at + kZeros, [](std::uint8_t byte) { return byte == 0; });
        };
        const bool begins_in_data = marker - next >= kZeros && next - begin >= kZeros &&
                                    has_zeros(next) && has_zeros(next - kZeros);
        return begins_in_data ? refuse(kCutOff) : Status::kOk;
    }
    // What comes before an end of the file without a marker may be anything.
    if (has_end && (marker[1] == kEndOfImage || !headers_.is_complete())) surplus_ += marker - next;
    data_bytes_ += next - begin;
    if (surplus_ > std::max(kMinSurplus, data_bytes_ / kSurplusShare)) {
        return refuse("the JPEG holds more image data than its size asks for");
    }
    return Status::kOk;
}

// A scan costs time even where it holds next to no data.
Status JpegDecoder::count_visits(std::int64_t units) {
    const JpegFrame& frame = headers_.frame();
    const JpegScan& scan = headers_.scan();
    if (!frame.is_progressive) return Status::kOk;
    std::uint64_t blocks_a_unit = 1;
    if (scan.count > 1) {
        blocks_a_unit = 0;
        for (int i = 0; i < scan.count; ++i) {
            const JpegComponent& c = frame.components[scan.order[i]];
            blocks_a_unit += static_cast<std::uint64_t>(c.h) * static_cast<std::uint64_t>(c.v);
        }
    }
    visits_ += static_cast<std::uint64_t>(units) * blocks_a_unit;
    std::uint64_t blocks = 0;
    for (int i = 0; i < frame.component_count; ++i) blocks += frame.stored_blocks(i);
    if (visits_ > kMaxScanPasses * blocks) {
        return refuse("the JPEG has more scans than the limit", Status::kImageTooLarge);
    }
    return Status::kOk;
}

// The image is whole: nothing that follows can change it.
void JpegDecoder::look_for_stray_bytes() {
    const std::uint8_t* next = headers_.position();
    const std::uint8_t* marker = headers_.find_marker(next);
    has_stray_bytes_ |= std::any_of(next, marker != nullptr ? marker : headers_.end(),
                                   [](std::uint8_t byte) { return byte != 0 && byte != 0xFF; });
}

}  // namespace fovea::preprocess
