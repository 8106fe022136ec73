// SPDX-License-Identifier: Apache-2.0
#include "ops/crc32/crc32.h"

#include <doctest/doctest.h>

#include <cstring>

#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_crc32(fovea::ops::kCrc32);

using namespace fovea::test;

// The definition, a bit at a time.
std::uint32_t crc_by_bits(std::uint32_t crc, const std::uint8_t* data, std::size_t size) {
    crc = ~crc;
    for (std::size_t i = 0; i < size; ++i) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

}  // namespace

TEST_CASE("crc32: values that zlib's crc32() gives") {
    struct Known {
        const char* text;
        std::uint32_t crc;
    };
    constexpr Known kKnown[] = {
        {"", 0x00000000u},
        {"a", 0xE8B7BE43u},
        {"abc", 0x352441C2u},
        {"123456789", 0xCBF43926u},
        {"The quick brown fox jumps over the lazy dog", 0x414FA339u},
    };
    Checker checker;
    for (const auto& kernel : runnable_variants(fovea::ops::kCrc32)) {
        for (const Known& known : kKnown) {
            checker.shape("text=%s", known.text);
            std::uint32_t crc = 0;
            checker.run(kernel.name,
                        [&] { crc = kernel.function(0, known.text, std::strlen(known.text)); });
            checker.compare_value(0, crc, known.crc);
        }
        // 1 MiB of zeros, and 0..255 over and over: from zlib.crc32 of Python.
        checker.shape("1 MiB");
        std::vector<std::uint8_t> data(1u << 20, 0);
        checker.run(kernel.name, [&] {
            checker.compare_value(0, kernel.function(0, data.data(), data.size()), 0xA738EA1Cu);
        });
        for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i);
        checker.run(kernel.name, [&] {
            checker.compare_value(1, kernel.function(0, data.data(), data.size()), 0x04D0E435u);
        });
    }
}

TEST_CASE("crc32: every length and alignment, continued at every place") {
    Checker checker;
    // From 4096 on the scalar kernel makes itself tables.
    for (int size = 0; size <= 4100; size = size == 703 ? 4093 : size + (size < 300 || size > 703 ? 1 : 13)) {
        for (const int slack : {0, 1, 5, 8, 15}) {
            checker.shape("size=%d slack=%d", size, slack);
            const std::size_t count = static_cast<std::size_t>(size);
            Random random = checker.random();
            GuardedArray<std::uint8_t> data(count + 1, static_cast<std::size_t>(slack));
            random.fill(data.data(), data.size());
            data.make_read_only();
            // The last `count` bytes end where reading on faults.
            const std::uint8_t* bytes = data.data() + 1;
            const std::uint32_t start = static_cast<std::uint32_t>(random.bits());
            const std::uint32_t want = crc_by_bits(start, bytes, count);
            const std::size_t middle = static_cast<std::size_t>(random.between(0, size));
            for (const auto& kernel : runnable_variants(fovea::ops::kCrc32)) {
                std::uint32_t whole = 0;
                std::uint32_t parts = 0;
                const bool ran = checker.run(kernel.name, [&] {
                    whole = kernel.function(start, bytes, count);
                    parts = kernel.function(start, bytes, middle);
                    parts = kernel.function(parts, bytes + middle, count - middle);
                });
                if (!ran) continue;
                checker.compare_value(0, whole, want);
                checker.compare_value(middle, parts, want);
            }
        }
    }
}
