// SPDX-License-Identifier: Apache-2.0
#include "preprocess/jpeg_entropy.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

using namespace fovea::preprocess;

namespace {

struct Code {
    std::uint32_t bits = 0;
    int length = 0;
};

// A table of K.3 with its codes, made from the list of lengths as C.2 says.
struct Codes {
    HuffmanTable table;
    std::array<Code, 256> of = {};

    Codes(int table_class, int number) {
        const std::uint8_t* p = kStandardHuffmanTables;
        while (*p != (table_class << 4 | number)) p += 17 + total(p);
        REQUIRE(table.build(p + 1, p + 17, total(p)));
        std::uint32_t code = 0;
        const std::uint8_t* symbol = p + 17;
        for (int length = 1; length <= 16; ++length, code <<= 1) {
            for (int i = 0; i < p[length]; ++i) of[*symbol++] = {code++, length};
        }
    }
    static int total(const std::uint8_t* p) {
        int sum = 0;
        for (int length = 1; length <= 16; ++length) sum += p[length];
        return sum;
    }
};

class BitWriter {
  public:
    void put(std::uint32_t bits, int count) {
        for (int i = count - 1; i >= 0; --i) {
            byte_ = static_cast<std::uint8_t>(byte_ << 1 | (bits >> i & 1));
            if (++count_ % 8 != 0) continue;
            bytes.push_back(byte_);
            if (byte_ == 0xFF) bytes.push_back(0);
        }
    }
    void put(const Code& code) {
        REQUIRE(code.length > 0);
        put(code.bits, code.length);
    }
    // The symbol's size and the number, F.1.2.1.
    void put_number(int value, int size) {
        put(static_cast<std::uint32_t>(value < 0 ? value - 1 : value) & ((1u << size) - 1), size);
    }
    void finish() {
        while (count_ % 8 != 0) put(1, 1);
    }

    std::vector<std::uint8_t> bytes;

  private:
    std::uint8_t byte_ = 0;
    int count_ = 0;
};

int size_of(int value) {
    int size = 0;
    for (int rest = std::abs(value); rest > 0; rest >>= 1) ++size;
    return size;
}

using Block = std::array<std::int16_t, kJpegCoefficients>;  // along the zigzag

void write_block(const Block& block, int* dc, const Codes& dc_codes, const Codes& ac_codes,
                 BitWriter* writer) {
    const int difference = block[0] - *dc;
    *dc = block[0];
    writer->put(dc_codes.of[static_cast<std::size_t>(size_of(difference))]);
    writer->put_number(difference, size_of(difference));
    int run = 0;
    for (std::size_t k = 1; k < kJpegCoefficients; ++k) {
        if (block[k] == 0) {
            ++run;
            continue;
        }
        for (; run >= 16; run -= 16) writer->put(ac_codes.of[0xF0]);
        const int size = size_of(block[k]);
        writer->put(ac_codes.of[static_cast<std::size_t>(run << 4 | size)]);
        writer->put_number(block[k], size);
        run = 0;
    }
    if (run > 0) writer->put(ac_codes.of[0]);
}

struct Decoder {
    explicit Decoder(const BitWriter& writer)
        : bits(writer.bytes.data(), writer.bytes.data() + writer.bytes.size()) {}

    BlockContent next(const Codes& dc_codes, const Codes& ac_codes,
                      const BlockTable& table) {
        std::memset(rows, 0, sizeof(rows));
        return decode_sequential<true>(&bits, dc_codes.table, ac_codes.table, table, &dc,
                                       rows);
    }

    BitReader bits;
    int dc = 0;
    std::int16_t rows[kJpegCoefficients + 1] = {};
};

}  // namespace

TEST_CASE("blocks come out as they were coded, whatever stands behind their last coefficient") {
    for (const int number : {0, 1}) {
        const Codes dc_codes(0, number), ac_codes(1, number);
        BlockTable table;
        table.build(dc_codes.table, ac_codes.table);
        std::mt19937 random(static_cast<unsigned>(1 + number));
        std::vector<Block> blocks(5000);
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            Block& block = blocks[i];
            block = {};
            block[0] = static_cast<std::int16_t>(static_cast<int>(random() % 2001) - 1000);
            // From none to full blocks, of small and of large numbers, often up to the last place.
            const unsigned share = random() % 5;
            const std::size_t places = i % 4 == 1 ? 8 + random() % 5 : kJpegCoefficients;  // around kLowCoefficients
            const int largest = 1 << random() % 10;
            for (std::size_t k = 1; k < places; ++k) {
                if (random() % 4 >= share) continue;
                block[k] = static_cast<std::int16_t>(
                    static_cast<int>(random() % (2 * static_cast<unsigned>(largest) + 1)) -
                    largest);
            }
            if (i % 3 == 0) block[kJpegCoefficients - 1] = i % 2 == 0 ? 1 : -3;
        }
        BitWriter writer;
        int dc = 0;
        for (const Block& block : blocks) write_block(block, &dc, dc_codes, ac_codes, &writer);
        writer.finish();

        Decoder decoder(writer);
        std::size_t wrong = 0;
        int found[4] = {};
        for (const Block& block : blocks) {
            const BlockContent content = decoder.next(dc_codes, ac_codes, table);
            std::size_t last = 0;
            for (std::size_t k = 0; k < kJpegCoefficients; ++k) {
                wrong += decoder.rows[kZigzag[k]] != block[k] ? 1 : 0;
                if (block[k] != 0) last = k;
            }
            const BlockContent expected = last == 0                  ? BlockContent::kFlat
                                          : last < kLowCoefficients ? BlockContent::kLow
                                                                    : BlockContent::kDetailed;
            wrong += content != expected ? 1 : 0;
            ++found[static_cast<int>(expected)];
            if (wrong > 0) break;
        }
        CHECK(wrong == 0);
        for (const BlockContent content : {BlockContent::kFlat, BlockContent::kLow, BlockContent::kDetailed}) {
            CHECK(found[static_cast<int>(content)] > 100);
        }
        CHECK_FALSE(decoder.bits.ran_over());
    }
}

TEST_CASE("a run that leads out of its block is damage") {
    const Codes dc_codes(0, 0), ac_codes(1, 0);
    BlockTable table;
    table.build(dc_codes.table, ac_codes.table);
    // What comes before the last symbol fills `places` of the block behind its first coefficient.
    const auto content_of = [&](int places, std::initializer_list<std::size_t> last) {
        BitWriter writer;
        writer.put(dc_codes.of[0]);
        for (int i = 0; i < places; ++i) {
            writer.put(ac_codes.of[0x01]);
            writer.put_number(1, 1);
        }
        for (const std::size_t symbol : last) {
            writer.put(ac_codes.of[symbol]);
            if ((symbol & 15) != 0) writer.put_number(1, static_cast<int>(symbol & 15));
        }
        for (int i = 0; i < 8; ++i) writer.put(0, 8);
        return Decoder(writer).next(dc_codes, ac_codes, table);
    };
    CHECK(content_of(62, {0x01}) == BlockContent::kDetailed);
    CHECK(content_of(61, {0x11}) == BlockContent::kDetailed);
    CHECK(content_of(62, {0x11}) == BlockContent::kDamaged);
    CHECK(content_of(47, {0xF0}) == BlockContent::kDetailed);  // a run of 16 zeros to the end
    CHECK(content_of(48, {0xF0}) == BlockContent::kDamaged);
    CHECK(content_of(48, {0xF0, 0x00}) == BlockContent::kDamaged);
    CHECK(content_of(0, {0xF0, 0xF0, 0xF0, 0xF0}) == BlockContent::kDamaged);
    CHECK(content_of(0, {0xF0, 0xF0, 0xF0, 0xE1}) == BlockContent::kDetailed);
    CHECK(content_of(0, {0xF0, 0xF0, 0xF0, 0xF1}) == BlockContent::kDamaged);
    CHECK(content_of(46, {0xF1, 0x01}) == BlockContent::kDetailed);
    CHECK(content_of(46, {0xF1, 0x11}) == BlockContent::kDamaged);
    CHECK(content_of(47, {0xF1, 0x11}) == BlockContent::kDetailed);  // the latter is the next block's
}

TEST_CASE("a refinement's run that leads out of its band is damage, but where the scan came before, and then stays within the block") {
    const Codes ac_codes(1, 0);
    const auto refined = [&](int end, bool is_repeated, std::initializer_list<std::size_t> symbols, std::int16_t* coefficients) {
        BitWriter writer;
        for (const std::size_t symbol : symbols) {
            writer.put(ac_codes.of[symbol]);
            if ((symbol & 15) != 0) writer.put_number(1, 1);
        }
        for (int i = 0; i < 8; ++i) writer.put(0, 8);
        BitReader bits(writer.bytes.data(), writer.bytes.data() + writer.bytes.size());
        int run_of_ends = 0;
        std::memset(coefficients, 0, (kJpegCoefficients + 1) * sizeof(*coefficients));
        return refine_ac(&bits, ac_codes.table, {1, end, 2, 1, is_repeated}, &run_of_ends, coefficients);
    };
    std::int16_t coefficients[kJpegCoefficients + 1];
    CHECK(refined(5, false, {0x41}, coefficients));
    CHECK(coefficients[kZigzag[5]] == 2);
    CHECK_FALSE(refined(5, false, {0x51}, coefficients));
    CHECK(refined(5, true, {0x51}, coefficients));
    CHECK(coefficients[kZigzag[6]] == 2);  // libjpeg: the place behind the band
    CHECK_FALSE(refined(63, false, {0xF0, 0xF0, 0xF0, 0xF1}, coefficients));
    CHECK(refined(63, true, {0xF0, 0xF0, 0xF0, 0xF1}, coefficients));
    CHECK(coefficients[kZigzag[63]] == 2);  // and the last of the block
    CHECK(coefficients[kJpegCoefficients] == 0);
}
