// SPDX-License-Identifier: Apache-2.0
#include "preprocess/halved_rows.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "synthetic_fundus.h"

using namespace fovea::preprocess;

TEST_CASE("pixels are means of two by two, of the last column and row by themselves") {
    synthetic::Noise noise;
    for (const int width : {1, 2, 3, 4, 7, 33}) {
        for (const int height : {1, 2, 3, 8}) {
            CAPTURE(width);
            CAPTURE(height);
            synthetic::Picture picture(width, height);
            for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(std::min(noise.next() * 2, 255));
            HalvedRows rows{fovea::Allocator{}};
            REQUIRE(rows.begin(width, height));
            int made = 0, wrong = 0;
            for (int y = 0; y < height; ++y) {
                const std::uint8_t* half = rows.take(picture.at(0, y));
                REQUIRE((half != nullptr) == (y % 2 == 1 || y + 1 == height));
                if (half == nullptr) continue;
                ++made;
                const int top = y - y % 2;
                for (int x = 0; x < (width + 1) / 2; ++x) {
                    const int right = std::min(2 * x + 1, width - 1);
                    for (int c = 0; c < 3; ++c) {
                        const int sum = picture.at(2 * x, top)[c] + picture.at(right, top)[c] + picture.at(2 * x, y)[c] +
                                        picture.at(right, y)[c];
                        wrong += half[3 * x + c] != (sum + 2) / 4;
                    }
                }
            }
            CHECK(made == (height + 1) / 2);
            CHECK(wrong == 0);
        }
    }
}
