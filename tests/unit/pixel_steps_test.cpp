// SPDX-License-Identifier: Apache-2.0
#include "preprocess/pixel_steps.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "picture_defects.h"
#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

constexpr int kWidth = 120, kHeight = 100;

std::vector<std::uint8_t> mask_of(int value) {
    return std::vector<std::uint8_t>(std::size_t{kWidth} * kHeight, static_cast<std::uint8_t>(value));
}

float ratio_of(const synthetic::Picture& picture) {
    std::vector<std::uint8_t> green;
    for (std::size_t i = 1; i < picture.pixels.size(); i += 3) green.push_back(picture.pixels[i]);
    return step_ratio(green.data(), picture.width, picture.height, mask_of(1).data());
}

}  // namespace

TEST_CASE("noise is as strong 2 as 3 pixels apart, a bent surface 4 ninths") {
    CHECK(ratio_of(defects::noisy(synthetic::flat(kWidth, kHeight, 90, 90, 90), 20)) == doctest::Approx(1).epsilon(0.05));
    synthetic::Picture bent(kWidth, kHeight);
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            bent.at(x, y)[1] = static_cast<std::uint8_t>(128 + 60 * std::sin(x / 5.0) + 60 * std::sin(y / 5.0));
        }
    }
    CHECK(ratio_of(bent) == doctest::Approx(4.0 / 9).epsilon(0.1));
    CHECK(ratio_of(synthetic::flat(kWidth, kHeight, 90, 90, 90)) == 1.0f);
}

TEST_CASE("colour steps are 0 where channels change alike, 1 where green alone does") {
    synthetic::Picture alike(kWidth, kHeight), green(kWidth, kHeight);
    synthetic::Noise noise;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            const int change = noise.next() / 8;
            for (int c = 0; c < 3; ++c) {
                alike.at(x, y)[c] = static_cast<std::uint8_t>(40 * (3 - c) + change);
                green.at(x, y)[c] = static_cast<std::uint8_t>(40 * (3 - c) + (c == 1 ? change : 0));
            }
        }
    }
    const ColourSteps same = colour_steps(alike.view(), mask_of(1).data(), 4), apart = colour_steps(green.view(), mask_of(1).data(), 4);
    CHECK(same.red < 0.01f);
    CHECK(same.blue < 0.01f);
    CHECK(apart.red == 1.0f);
    CHECK(apart.blue == 1.0f);
}

TEST_CASE("an empty mask and a picture too small for a step give 1") {
    const synthetic::Picture picture = defects::noisy(synthetic::flat(kWidth, kHeight, 90, 60, 30), 20);
    std::vector<std::uint8_t> green(std::size_t{kWidth} * kHeight, 50);
    CHECK(step_ratio(green.data(), kWidth, kHeight, mask_of(0).data()) == 1.0f);
    CHECK(colour_steps(picture.view(), mask_of(0).data(), 4).red == 1.0f);
    const synthetic::Picture tiny = synthetic::flat(5, 5, 90, 60, 30);
    CHECK(step_ratio(green.data(), 5, 5, mask_of(1).data()) == 1.0f);
    CHECK(colour_steps(tiny.view(), mask_of(1).data(), 4).blue == 1.0f);
}
