// SPDX-License-Identifier: Apache-2.0
#include "preprocess/quality_rows.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "picture_defects.h"
#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

QualityCopies of_rows(const synthetic::Picture& stored, int orientation) {
    QualityRows rows{fovea::Allocator{}};
    REQUIRE(rows.begin(stored.width, stored.height, 4 * stored.width, 4 * stored.height - 3, orientation) == Status::kOk);
    for (int y = 0; y < stored.height; ++y) rows.take(stored.at(0, y));
    QualityCopies copies{fovea::Allocator{}};
    REQUIRE(rows.finish(&copies) == Status::kOk);
    return copies;
}

int largest_difference(const Image& a, const Image& b) {
    REQUIRE(a.width == b.width);
    REQUIRE(a.height == b.height);
    int largest = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
    return largest;
}

}  // namespace

TEST_CASE("a turned file's copies are those of the turned picture") {
    const synthetic::Picture stored = synthetic::fundus({1200, 900, 560, 430, 400, 400});
    for (int orientation = 1; orientation <= 8; ++orientation) {
        CAPTURE(orientation);
        const QualityCopies copies = of_rows(stored, orientation);
        const UprightRows upright_rows(stored.width, stored.height, orientation);
        Photo photo;
        REQUIRE(upright_rows.allocate(&photo.image));
        for (int y = 0; y < stored.height; ++y) upright_rows.put(stored.at(0, y), y, &photo.image);
        photo.width = 4 * stored.width;
        photo.height = 4 * stored.height - 3;
        if (orientation >= 5) std::swap(photo.width, photo.height);
        QualityCopies expected{fovea::Allocator{}};
        REQUIRE(copy_for_quality(photo, {}, &expected) == Status::kOk);
        CHECK(copies.width == expected.width);
        CHECK(copies.height == expected.height);
        CHECK(copies.photo_width == expected.photo_width);
        CHECK(copies.photo_height == expected.photo_height);
        // Other sides are rounded by 8 and by 12 bits.
        CHECK(largest_difference(copies.fine, expected.fine) <= (orientation == 1 ? 0 : 1));
        // Of columns instead of rows where it lies on its side, and of rows from the other end.
        CHECK(copies.least_changes == doctest::Approx(expected.least_changes).epsilon(orientation == 1 ? 1e-6 : 0.05));
        // Samples are rows and columns of the stored picture.
        CHECK(copies.samples.width == (orientation >= 5 ? 64 : 512));
        CHECK(copies.samples.height == (orientation >= 5 ? 512 : 64));
        int elsewhere = 0;
        for (int j = 0; j < copies.samples.height; ++j) {
            for (int i = 0; i < copies.samples.width; ++i) {
                // A position from the other end may be the next pixel's.
                const int x = QualityCopies::sample_position(i, copies.samples.width, copies.width);
                const int y = QualityCopies::sample_position(j, copies.samples.height, copies.height);
                bool is_found = false;
                for (int dy = orientation == 1 ? 0 : -1; dy <= 0; ++dy) {
                    for (int dx = orientation == 1 ? 0 : -1; dx <= 0; ++dx) {
                        const std::uint8_t* pixel = photo.image.row(y + dy) + 3 * (x + dx);
                        is_found = is_found || std::equal(pixel, pixel + 3, copies.samples.row(j) + 3 * i);
                    }
                }
                elsewhere += !is_found;
            }
        }
        CHECK(elsewhere == 0);
    }
}

TEST_CASE("pixels repeated to enlarge a picture are told from others") {
    const synthetic::Picture photo = synthetic::fundus({300, 240, 150, 120, 110, 110});
    const auto least_changes = [](const synthetic::Picture& picture) {
        QualityCopies copies{fovea::Allocator{}};
        REQUIRE(copy_for_quality(picture.view(), {}, &copies) == Status::kOk);
        return copies.least_changes;
    };
    CHECK(least_changes(photo) > 0.7f);
    for (const int times : {3, 4}) CHECK(least_changes(defects::enlarged(photo, times)) < 0.1f);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        CHECK(of_rows(defects::enlarged(photo, 3), orientation).least_changes < 0.1f);
    }
    const synthetic::Picture small = synthetic::fundus({250, 200, 125, 100, 92, 92});
    CHECK(least_changes(defects::enlarged(small, 2)) < 0.1f);
    // As much detail is left as is looked at.
    const synthetic::Picture large = synthetic::fundus({520, 400, 260, 200, 180, 180});
    for (const int times : {2, 3}) CHECK(least_changes(defects::enlarged(large, times)) > 0.6f);
    CHECK(least_changes(synthetic::flat(200, 100, 90, 60, 30)) == 1.0f);
    CHECK(least_changes(synthetic::flat(8, 8, 90, 60, 30)) == 1.0f);
}

TEST_CASE("what cannot be copied is refused") {
    QualityCopies copies{fovea::Allocator{}};
    CHECK(copy_for_quality(ImageView{}, {}, &copies) == Status::kInvalidArgument);
    QualityRows rows{fovea::Allocator{}};
    CHECK(rows.begin(0, 1, 1, 1, 1) == Status::kInvalidArgument);
}
