// SPDX-License-Identifier: Apache-2.0
#include "preprocess/line_contrast.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

struct Plane {
    int width, height;
    std::vector<std::int16_t> contrast;
    std::vector<std::uint8_t> mask;

    Plane(int w, int h)
        : width(w),
          height(h),
          contrast(static_cast<std::size_t>(w * h)),
          mask(contrast.size(), 1) {}
    std::int16_t& at(int x, int y) { return contrast[static_cast<std::size_t>(y * width + x)]; }
    int value(int x, int y) const {
        if (x < 0 || y < 0 || x >= width || y >= height) return 0;
        return contrast[static_cast<std::size_t>(y * width + x)];
    }
    LineContrast measure() const {
        LineContrast lines;
        REQUIRE(measure_lines(contrast.data(), width, height, mask.data(), fovea::Allocator{},
                              &lines) == Status::kOk);
        return lines;
    }
};

// The definition, pixel by pixel.
LineContrast direct(const Plane& plane) {
    std::vector<int> dark, bright;
    for (int y = 0; y < plane.height; ++y) {
        for (int x = 0; x < plane.width; ++x) {
            if (plane.mask[static_cast<std::size_t>(y * plane.width + x)] == 0) continue;
            int largest = 0, smallest = 0;
            for (int direction = 0; direction < 12; ++direction) {
                const double angle = direction * 3.14159265358979323846 / 12;
                // A little more than the length: halves are rounded away from 0.
                const auto step = [](double length) {
                    return static_cast<int>(std::lround(length * 1.0001));
                };
                const int across_x = step(-2 * std::sin(angle)),
                          across_y = step(2 * std::cos(angle));
                int response = 0;
                for (int k = -7; k <= 7; ++k) {
                    const int u = x + step(k * std::cos(angle)), v = y + step(k * std::sin(angle));
                    response += plane.value(u + across_x, v + across_y) +
                                plane.value(u - across_x, v - across_y) - 2 * plane.value(u, v);
                }
                largest = std::max(largest, response);
                smallest = std::min(smallest, response);
            }
            dark.push_back(largest);
            bright.push_back(-smallest);
        }
    }
    std::sort(dark.begin(), dark.end());
    std::sort(bright.begin(), bright.end());
    const auto percentile = [](const std::vector<int>& sorted, std::size_t percent) {
        return static_cast<float>(sorted[sorted.size() * percent / 100]) / 30;
    };
    return {percentile(dark, 50), percentile(dark, 98), percentile(bright, 98)};
}

void check_equal(const LineContrast& lines, const LineContrast& expected) {
    CHECK(lines.dark_median == doctest::Approx(expected.dark_median));
    CHECK(lines.dark_98 == doctest::Approx(expected.dark_98));
    CHECK(lines.bright_98 == doctest::Approx(expected.bright_98));
}

}  // namespace

TEST_CASE("lines are what the definition says, at every size and mask") {
    synthetic::Noise noise;
    for (const int width : {1, 2, 15, 16, 33, 70}) {
        for (const int height : {1, 3, 40}) {
            Plane plane(width, height);
            for (std::int16_t& value : plane.contrast) {
                value = static_cast<std::int16_t>(4 * noise.next() - 510);
                value = std::clamp<std::int16_t>(value, -500, 500);
            }
            check_equal(plane.measure(), direct(plane));
            for (std::uint8_t& inside : plane.mask) inside = noise.next() < 100;
            plane.mask[0] = 1;
            check_equal(plane.measure(), direct(plane));
            // In the middle: what is worked on begins and ends with it.
            for (int i = 0; i < width * height; ++i) {
                const int x = i % width, y = i / width;
                const bool is_inside = x >= width / 3 && x < width - width / 4 && y >= height / 3 && y < height - height / 4;
                plane.mask[static_cast<std::size_t>(i)] = is_inside;
            }
            if (std::count(plane.mask.begin(), plane.mask.end(), 1) > 0) check_equal(plane.measure(), direct(plane));
        }
    }
}

TEST_CASE("the largest contrasts do not overflow") {
    Plane plane(60, 60);
    for (int x = 0; x < 60; ++x) {
        for (int y = 0; y < 60; ++y) plane.at(x, y) = y % 4 == 0 ? -500 : 500;
    }
    check_equal(plane.measure(), direct(plane));
}

TEST_CASE("a dark line is no bright one, and noise is both alike") {
    Plane plane(80, 80);
    for (int i = 0; i < 80; ++i) {
        for (const int off : {-1, 0, 1}) plane.at(i, i / 2 + 20 + off) = off == 0 ? -200 : -120;
    }
    const LineContrast line = plane.measure();
    CHECK(line.dark_98 > 1.5f * std::max(line.bright_98, 1.0f));
    CHECK(line.dark_median < 0.1f * line.dark_98);

    synthetic::Noise noise;
    for (std::int16_t& value : plane.contrast)
        value = static_cast<std::int16_t>(noise.next() - 128);
    const LineContrast grain = plane.measure();
    CHECK(grain.dark_98 == doctest::Approx(grain.bright_98).epsilon(0.1));
    CHECK(grain.dark_median > 0.36f * grain.dark_98);
}

TEST_CASE("an empty mask gives zeros and no size is refused") {
    Plane plane(20, 20);
    plane.at(3, 3) = 100;
    std::fill(plane.mask.begin(), plane.mask.end(), std::uint8_t{0});
    CHECK(plane.measure().dark_98 == 0);
    LineContrast lines;
    CHECK(measure_lines(plane.contrast.data(), 0, 20, plane.mask.data(), fovea::Allocator{},
                        &lines) == Status::kInvalidArgument);
}
