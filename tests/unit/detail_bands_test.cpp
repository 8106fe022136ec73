// SPDX-License-Identifier: Apache-2.0
#include "preprocess/detail_bands.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

struct Plane {
    int width, height;
    std::vector<std::uint8_t> pixels, mask;

    Plane(int w, int h, int value)
        : width(w),
          height(h),
          pixels(static_cast<std::size_t>(w * h), static_cast<std::uint8_t>(value)),
          mask(pixels.size(), 1) {}
    std::size_t index(int x, int y) const { return static_cast<std::size_t>(y * width + x); }
    DetailBands measure() const {
        DetailBands bands;
        REQUIRE(measure_detail(pixels.data(), width, height, mask.data(), fovea::Allocator{},
                               &bands) == Status::kOk);
        return bands;
    }
};

// The definition in double, with all sums written out.
DetailBands direct(const Plane& plane) {
    constexpr double kKernel[5] = {1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0};
    const std::size_t count = plane.pixels.size();
    std::vector<double> value(count), weight(count), level(count);
    double inside = 0;
    for (std::size_t i = 0; i < count; ++i) {
        weight[i] = plane.mask[i];
        value[i] = level[i] = plane.mask[i] * plane.pixels[i];
        inside += weight[i];
    }
    DetailBands bands;
    for (int j = 0; j < kDetailBandCount; ++j) {
        const auto smooth = [&](const std::vector<double>& in) {
            std::vector<double> out(count, 0.0);
            for (int y = 0; y < plane.height; ++y) {
                for (int x = 0; x < plane.width; ++x) {
                    for (int b = -2; b <= 2; ++b) {
                        for (int a = -2; a <= 2; ++a) {
                            const int xx = x + (a << j), yy = y + (b << j);
                            if (xx < 0 || yy < 0 || xx >= plane.width || yy >= plane.height)
                                continue;
                            out[plane.index(x, y)] +=
                                kKernel[a + 2] * kKernel[b + 2] * in[plane.index(xx, yy)];
                        }
                    }
                }
            }
            return out;
        };
        value = smooth(value);
        weight = smooth(weight);
        double square = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (plane.mask[i] == 0) continue;
            const double next = value[i] / weight[i];
            square += std::pow((level[i] - next) / (next + 4), 2);
            level[i] = next;
        }
        bands.rms[j] = static_cast<float>(std::sqrt(square / inside));
    }
    return bands;
}

}  // namespace

TEST_CASE("bands are those of the definition") {
    Plane plane(61, 47, 0);
    synthetic::Noise noise;
    for (std::uint8_t& value : plane.pixels) value = static_cast<std::uint8_t>(noise.next());
    SUBCASE("everywhere") {}
    SUBCASE("inside a disc") {
        for (int y = 0; y < plane.height; ++y) {
            for (int x = 0; x < plane.width; ++x) {
                plane.mask[plane.index(x, y)] = std::hypot(x - 28, y - 20) < 19;
            }
        }
    }
    const DetailBands bands = plane.measure(), expected = direct(plane);
    for (int j = 0; j < kDetailBandCount; ++j) {
        CHECK(bands.rms[j] == doctest::Approx(expected.rms[j]).epsilon(1e-4));
    }
}

TEST_CASE("a flat picture has no detail, whatever surrounds it") {
    Plane plane(80, 60, 0);
    std::fill(plane.mask.begin(), plane.mask.end(), std::uint8_t{0});
    for (int y = 20; y < 40; ++y) {
        for (int x = 15; x < 70; ++x) {
            plane.pixels[plane.index(x, y)] = 100;
            plane.mask[plane.index(x, y)] = 1;
        }
    }
    const DetailBands bands = plane.measure();
    for (const float rms : bands.rms) CHECK(rms < 1e-6f);
    CHECK(bands.illumination < 1e-4f);
    CHECK(bands.skewness == 0.0f);
}

TEST_CASE("the sign of detail is the sign of the skewness") {
    Plane plane(64, 64, 100);
    plane.pixels[plane.index(32, 32)] = 200;
    CHECK(plane.measure().skewness > 1);
    plane.pixels[plane.index(32, 32)] = 0;
    CHECK(plane.measure().skewness < -1);
}

TEST_CASE("an empty mask and a tiny picture give zeros or finite numbers") {
    Plane plane(9, 4, 50);
    std::fill(plane.mask.begin(), plane.mask.end(), std::uint8_t{0});
    CHECK(plane.measure().rms[0] == 0.0f);
    Plane one(1, 1, 50);
    for (const float rms : one.measure().rms) CHECK(rms < 1e-6f);
}

TEST_CASE("what lies far from the mask changes no bit") {
    constexpr int kLeft = 88, kTop = 53, kReach = 14;
    Plane large(203, 151, 0), small(31 + 2 * kReach + 2, 27 + 2 * kReach, 0);
    synthetic::Noise noise;
    for (std::uint8_t& value : large.pixels) value = static_cast<std::uint8_t>(noise.next());
    for (int y = 0; y < large.height; ++y) {
        for (int x = 0; x < large.width; ++x) {
            const int u = x - kLeft, v = y - kTop;
            const bool is_inside = u >= 0 && u < 31 && v >= 0 && v < 27 && (u + v > 6 || u == v) && u != 20;
            large.mask[large.index(x, y)] = is_inside;
        }
    }
    // Sums have eight lanes: the small picture begins at one of them, too.
    const int left = kLeft - kReach - 2, top = kTop - kReach;
    REQUIRE(left % 8 == 0);
    for (int y = 0; y < small.height; ++y) {
        for (int x = 0; x < small.width; ++x) {
            const std::size_t from = large.index(x + left, y + top);
            small.pixels[small.index(x, y)] = large.pixels[from];
            small.mask[small.index(x, y)] = large.mask[from];
        }
    }
    const DetailBands all = large.measure(), part = small.measure();
    for (int j = 0; j < kDetailBandCount; ++j) CHECK(all.rms[j] == part.rms[j]);
    CHECK(all.skewness == part.skewness);
    CHECK(all.kurtosis == part.kurtosis);
    CHECK(all.illumination == part.illumination);

    // With pixels in two corners, far from all others, nothing is left out. In thousandths.
    Plane cornered = large;
    cornered.mask.front() = cornered.mask.back() = 1;
    std::vector<std::int16_t> contrast(large.pixels.size()), whole(contrast.size());
    DetailBands bands;
    REQUIRE(measure_detail(large.pixels.data(), large.width, large.height, large.mask.data(), {}, &bands, contrast.data()) ==
            Status::kOk);
    REQUIRE(measure_detail(cornered.pixels.data(), large.width, large.height, cornered.mask.data(), {}, &bands, whole.data()) ==
            Status::kOk);
    bool same = true;
    for (std::size_t i = 0; i < whole.size(); ++i) same = same && (large.mask[i] == 0 || contrast[i] == whole[i]);
    CHECK(same);
}
