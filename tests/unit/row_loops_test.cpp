// SPDX-License-Identifier: Apache-2.0
// The loops for this CPU's vectors against those for every CPU of the kind, to the bit. What they compute is tested where they are used.
#include "preprocess/row_loops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

using namespace fovea::preprocess;

namespace {

constexpr int kGuard = 16;  // elements behind what a loop may write

// Random rows of one length, the same for both tables.
struct Rows {
    explicit Rows(int count) : random(static_cast<unsigned>(count)) {
        const auto room = static_cast<std::size_t>(6 * count + kGuard);
        for (std::vector<float>& row : floats) {
            row.resize(room);
            for (float& value : row) value = static_cast<float>(random() % 60000) * 0.01f - 100.0f;
        }
        for (std::vector<std::uint8_t>& row : bytes) {
            row.resize(room);
            for (std::uint8_t& value : row) value = static_cast<std::uint8_t>(random());
        }
        for (std::vector<std::int16_t>& row : numbers) {
            row.resize(room);
            for (std::int16_t& value : row) value = static_cast<std::int16_t>(static_cast<int>(random() % 15001) - 7500);
        }
        mask.resize(room);
        for (std::uint8_t& value : mask) value = random() % 3 != 0;
        sums.resize(room);
        for (std::uint16_t& value : sums) value = static_cast<std::uint16_t>(random() % 16000);
        // Zeros behind the last number of a row that is added up.
        std::fill(floats[0].begin() + count, floats[0].begin() + count + kRowLanes, 0.0f);
    }

    std::mt19937 random;
    std::vector<float> floats[6];
    std::vector<std::uint8_t> bytes[3], mask;
    std::vector<std::int16_t> numbers[6];
    std::vector<std::uint16_t> sums;
};

template <typename T>
void append(const std::vector<T>& values, std::vector<std::uint8_t>* all) {
    const std::size_t size = values.size() * sizeof(T), at = all->size();
    all->resize(at + size);
    std::memcpy(all->data() + at, values.data(), size);
}

// All that the loops write, with what lies behind it.
std::vector<std::uint8_t> results(const RowLoops& loops, int count) {
    Rows rows(count);
    std::vector<std::uint8_t> all;
    const auto f = [&](int i) { return rows.floats[i].data(); };
    const std::uint8_t *bytes = rows.bytes[0].data(), *mask = rows.mask.data();
    const auto with_floats = [&](const auto& run) {
        std::vector<float> out = rows.floats[5];
        run(out.data());
        append(out, &all);
        CHECK(std::equal(out.begin() + count, out.end(), rows.floats[5].begin() + count));
    };
    with_floats([&](float* out) { loops.smooth(f(0), f(1), f(2), f(3), f(4), count, out); });
    with_floats([&](float* out) { loops.divide(f(0), f(1), 1e-30f, count, out); });
    with_floats([&](float* out) { loops.relative_difference(f(0), f(1), mask, 4.0f, count, out); });
    with_floats([&](float* out) { loops.keep_inside(mask, count, out); });
    with_floats([&](float* out) { loops.to_floats(bytes, count, out); });
    with_floats([&](float* out) { loops.to_floats_inside(bytes, mask, count, out); });
    with_floats([&](float* out) { loops.add_weighed_floats(f(0), 0.37f, count, out); });
    float squares[kRowLanes];
    loops.sum_squares(f(0), count, squares);
    append(std::vector<float>(squares, squares + kRowLanes), &all);
    float powers[4][kRowLanes];
    loops.sum_powers(f(0), count, powers);
    append(std::vector<float>(powers[0], powers[0] + 4 * kRowLanes), &all);

    std::vector<std::int16_t> whole = rows.numbers[5], smallest = rows.numbers[4];
    loops.to_thousandths(f(1), 500.0f, count, whole.data());
    append(whole, &all);
    const std::int16_t* five[5];
    for (int i = 0; i < 5; ++i) five[i] = rows.numbers[i].data();
    loops.add_five_rows(five, count, whole.data());
    append(whole, &all);
    loops.respond(five[0], five[1], five[2], count, whole.data(), smallest.data());
    append(whole, &all);
    append(smallest, &all);

    std::vector<std::uint16_t> sums = rows.sums;
    loops.weigh_bytes(bytes, 253, 32768, count, sums.data());
    append(sums, &all);
    loops.add_weighed_bytes(bytes, 77, count, sums.data());
    append(sums, &all);
    loops.add_difference(rows.bytes[1].data(), rows.bytes[2].data(), static_cast<std::uint16_t>(-3), static_cast<std::size_t>(count),
                         sums.data());
    append(sums, &all);

    std::vector<std::uint8_t> out = rows.bytes[1];
    loops.stretch_difference(rows.bytes[2].data(), count, out.data());
    append(out, &all);
    // The fourth value of a vector is the next pixel's, which comes later.
    loops.halve_pixels(rows.sums.data(), count, out.data());
    out[static_cast<std::size_t>(3 * count)] = rows.bytes[1][static_cast<std::size_t>(3 * count)];
    CHECK(std::equal(out.begin() + 3 * count, out.end(), rows.bytes[1].begin() + 3 * count));
    append(out, &all);
    return all;
}

}  // namespace

TEST_CASE("loops for larger vectors give the bits of those for every CPU, and write no farther") {
    int widths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 200, 511, 1289};
    for (const int count : widths) {
        CAPTURE(count);
        const std::vector<std::uint8_t> expected = results(row_loops_baseline(), count), found = results(row_loops(), count);
        REQUIRE(found.size() == expected.size());
        CHECK(std::memcmp(found.data(), expected.data(), found.size()) == 0);
    }
}
