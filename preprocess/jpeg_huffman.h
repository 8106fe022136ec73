// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Section numbers are those of ITU-T T.81.
namespace fovea::preprocess {

// The tables of K.3, which frames of motion JPEG leave out, as the body of a DHT segment.
inline constexpr std::size_t kStandardHuffmanSize = 416;
extern const std::uint8_t kStandardHuffmanTables[kStandardHuffmanSize];

// A number of `size` bits as F.2.2.1 reads it: the lower half of the values is negative. Both are as
// frequent, so that a branch would be foretold as badly as can be.
inline int extend(std::uint32_t bits, int size) {
    const auto value = static_cast<std::int32_t>(bits);
    const std::int32_t half = 1 << size >> 1;
    return value + (((value - half) >> 31) & (1 - 2 * half));
}

// Canonical Huffman codes: a direct table for short codes, the limits of each length for the rest.
struct HuffmanTable {
    static constexpr int kFastBits = 9;
    bool is_defined = false;
    // By the next bits: the symbol << 8 | the code's length, which is 0 where the code is longer or
    // there is none.
    std::uint16_t fast[1 << kFastBits];
    std::uint32_t limit[17];  // first 16-bit pattern beyond the codes of this length
    int offset[17];           // index of a code's symbol minus the code
    std::uint8_t symbols[256];

    // counts: the number of codes of 1 to 16 bits. False if they do not form a prefix code; then no table is defined.
    [[nodiscard]] bool build(const std::uint8_t* counts, const std::uint8_t* values, int total);

  private:
    void enter(std::uint32_t code, int length, int symbol);
};

// Bits of entropy-coded data up to the next marker. Beyond it zeros come, and they are counted.
class BitReader {
  public:
    BitReader(const std::uint8_t* begin, const std::uint8_t* end)
        : begin_(begin), next_(begin), end_(end) {}

    // From here on 32 bits can be looked at and taken.
    void refill() {
        if (count_ < 32) fill();
    }
    std::uint32_t peek(int count) const { return static_cast<std::uint32_t>(bits_ >> (64 - count)); }
    // The same, and 0 for none.
    std::uint32_t peek_up_to(int count) const {
        return static_cast<std::uint32_t>(bits_ >> 1 >> (63 - count));
    }
    void skip(int count) {
        bits_ <<= count;
        count_ -= count;
    }
    // 1 <= count <= 16, within the 32 bits.
    std::uint32_t take_ready(int count) {
        const std::uint32_t value = peek(count);
        skip(count);
        return value;
    }
    // count <= 16.
    std::uint32_t take(int count) {
        if (count == 0) return 0;
        refill();
        return take_ready(count);
    }
    // More bits were taken than there are.
    bool ran_over() const { return invented_ > count_; }

    // Leaves the bits behind: the rest of the data as bytes, from the first whole byte not taken.
    const std::uint8_t* position() const {
        const std::uint8_t* p = next_;
        for (int whole = (count_ - invented_) / 8; whole > 0; --whole) {
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
        if (end_ - next_ >= 8) {
            std::uint64_t ahead;
            __builtin_memcpy(&ahead, next_, sizeof(ahead));
            // Is none of the bytes 0xFF? A byte of ~ahead is zero where one is.
            constexpr std::uint64_t kOnes = 0x0101010101010101U;
            if (((~ahead - kOnes) & ahead & (kOnes << 7)) == 0) {
                const int whole = (64 - count_) / 8;
                // What comes of the byte behind the whole ones is the same as it will be then.
                bits_ |= __builtin_bswap64(ahead) >> count_;
                next_ += whole;
                count_ += 8 * whole;
                return;
            }
        }
        *this = filled_by_bytes(*this);
    }

    // By value, so that a reader can be kept in registers all the while.
    static BitReader filled_by_bytes(BitReader reader);

    const std::uint8_t* begin_;
    const std::uint8_t* next_;
    const std::uint8_t* end_;
    std::uint64_t bits_ = 0;  // the next bit on top
    int count_ = 0;
    int invented_ = 0;
};

// Where the bits are no code.
inline constexpr int kNoSymbol = -1;

// The code is longer than kFastBits: its symbol << 8 | its length, or kNoSymbol. ahead: 16 bits.
int find_long_symbol(std::uint32_t ahead, const HuffmanTable& table);

inline int take_long_symbol(BitReader* bits, const HuffmanTable& table) {
    const int found = find_long_symbol(bits->peek(16), table);
    if (found == kNoSymbol) return kNoSymbol;
    bits->skip(found & 255);
    return found >> 8;
}

// A symbol, without the number behind it: 16 bits for that are ready.
inline int take_symbol(BitReader* bits, const HuffmanTable& table) {
    bits->refill();
    const int entry = table.fast[bits->peek(HuffmanTable::kFastBits)];
    const int length = entry & 255;
    if (length == 0) return take_long_symbol(bits, table);
    bits->skip(length);
    return entry >> 8;
}

// The number behind a symbol; 0 where there is none.
inline int take_number(BitReader* bits, int size) {
    const std::uint32_t number = bits->peek_up_to(size);
    bits->skip(size);
    return extend(number, size);
}

// What the next bits hold of a block: of its coefficients up to two, with the runs of zeros before them, or one and the block's end;
// at its beginning the first coefficient, and maybe the end. The bits that one step takes decide where the next one's begin, so steps
// cannot overlap, and most coefficients have few bits.
struct BlockTable {
    static constexpr int kBits = 11;
    // Far beyond the last place, so that no other step comes there.
    static constexpr int kEnd = 128;

    struct Entry {
        std::int16_t values[2];  // 0 where there is none
        std::uint8_t places[2];  // from the current place; the second is the later one
        std::uint8_t taken;    // of these bits; 0: the first one's need more of them, or are no code
        std::uint8_t advance;  // of the place along the zigzag; kEnd more at the block's end
    };
    Entry entries[1 << kBits];

    static constexpr int kBeginBits = 10;

    struct Begin {
        std::int16_t difference;  // of the first coefficient from the block's before
        std::uint8_t taken;       // of these bits; 0: it needs more of them, or they are no code
        bool is_flat;             // the block ends there
    };
    Begin begins[1 << kBeginBits];

    void build(const HuffmanTable& dc_table, const HuffmanTable& ac_table);
};

}  // namespace fovea::preprocess
