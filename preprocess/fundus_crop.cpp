// SPDX-License-Identifier: Apache-2.0
#include "preprocess/fundus_crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr int kBlockPixels = 64;

// One vector register of any CPU, by the vector types of GCC and Clang.
typedef std::uint8_t Bytes __attribute__((vector_size(16)));

Bytes load(const std::uint8_t* p) {
    Bytes bytes;
    std::memcpy(&bytes, p, sizeof(bytes));
    return bytes;
}

Bytes larger(Bytes a, Bytes b) {
    return a > b ? a : b;
}

struct Interval {
    int begin;
    int end;
};

// Decides "grey above the tolerance" without the shift, and whole dark blocks at once: the weights
// add up to 2^15, so a grey value never exceeds the largest channel.
class LitTest {
  public:
    LitTest(int tolerance, GrayWeights weights)
        : weights_(weights), tolerance_(tolerance), threshold_(((tolerance + 1) << 15) - 16384) {}

    bool is_lit(const std::uint8_t* p) const {
        return weights_.red * p[0] + weights_.green * p[1] + weights_.blue * p[2] >= threshold_;
    }

    // First lit pixel of row in [begin, end), or end.
    int find(const std::uint8_t* row, int begin, int end) const {
        for (int x = begin; x < end; x += kBlockPixels) {
            const int stop = std::min(x + kBlockPixels, end);
            if (is_dark(row + static_cast<std::ptrdiff_t>(x) * kChannels, stop - x)) continue;
            for (int i = x; i < stop; ++i) {
                if (is_lit(row + static_cast<std::ptrdiff_t>(i) * kChannels)) return i;
            }
        }
        return end;
    }

  private:
    // Certain that no pixel is lit: by the largest byte, else by the largest value of each channel.
    bool is_dark(const std::uint8_t* p, int pixels) const {
        std::uint8_t largest = 0;
        if (pixels < kBlockPixels) {
            for (int i = 0; i < pixels * kChannels; ++i) largest = std::max(largest, p[i]);
            return largest <= tolerance_;
        }
        // 48 bytes are whole vectors and whole pixels: lane i always holds channel i % 3.
        constexpr int kLanes = 48;
        Bytes lanes[3] = {load(p), load(p + 16), load(p + 32)};
        for (int at = kLanes; at < kBlockPixels * kChannels; at += kLanes) {
            for (int i = 0; i < 3; ++i) lanes[i] = larger(lanes[i], load(p + at + 16 * i));
        }
        const Bytes is_above = larger(larger(lanes[0], lanes[1]), lanes[2]) >
                               (Bytes{} + static_cast<std::uint8_t>(tolerance_));
        std::uint64_t halves[2];
        std::memcpy(halves, &is_above, sizeof(halves));
        if ((halves[0] | halves[1]) == 0) return true;
        std::uint8_t values[kLanes];
        std::memcpy(values, lanes, sizeof(values));
        std::uint8_t brightest[kChannels] = {};
        for (int i = 0; i < kLanes; ++i) {
            brightest[i % kChannels] = std::max(brightest[i % kChannels], values[i]);
        }
        return !is_lit(brightest);
    }

    GrayWeights weights_;
    int tolerance_;
    int threshold_;
};

// Lists the runs of zeros of flags; returns how many.
int find_unset(const std::uint8_t* flags, int count, Interval* intervals) {
    int found = 0;
    for (int i = 0; i < count; ++i) {
        if (flags[i] != 0) continue;
        const int begin = i;
        while (i < count && flags[i] == 0) ++i;
        intervals[found++] = {begin, i};
    }
    return found;
}

int list_set(const std::uint8_t* flags, int count, int* indices) {
    int found = 0;
    for (int i = 0; i < count; ++i) {
        if (flags[i] != 0) indices[found++] = i;
    }
    return found;
}

// Marks the lit pixels of row in [begin, end) as lit columns; true if there is one.
bool mark_columns(const LitTest& test, const std::uint8_t* row, int begin, int end,
                  std::uint8_t* column_lit) {
    bool any = false;
    for (int x = test.find(row, begin, end); x < end; x = test.find(row, x + 1, end)) {
        // Lit pixels come in runs: mark on without looking for dark blocks.
        do {
            column_lit[x++] = 1;
        } while (x < end && test.is_lit(row + static_cast<std::ptrdiff_t>(x) * kChannels));
        any = true;
    }
    return any;
}

}  // namespace

GrayWeights gray_weights(bool swapped) {
    GrayWeights weights;
    if (swapped) std::swap(weights.red, weights.blue);
    return weights;
}

Status find_lit(const ImageView& image, int tolerance, GrayWeights weights,
                const Allocator& allocator, LitSelection* selection, const Cancel& cancel) {
    const int width = image.width;
    const int height = image.height;
    Buffer<std::uint8_t> row_lit(allocator);
    Buffer<std::uint8_t> column_lit(allocator);
    Buffer<Interval> intervals(allocator);
    if (!row_lit.allocate(static_cast<std::size_t>(height)) ||
        !column_lit.allocate(static_cast<std::size_t>(width)) ||
        !intervals.allocate(static_cast<std::size_t>(width) / 2 + 1) ||
        !selection->rows.allocate(static_cast<std::size_t>(height)) ||
        !selection->columns.allocate(static_cast<std::size_t>(width))) {
        return Status::kOutOfMemory;
    }
    std::memset(row_lit.data(), 0, row_lit.size());
    std::memset(column_lit.data(), 0, column_lit.size());
    const LitTest test(tolerance, weights);

    // A few rows through the disc settle nearly all columns. After that a row is read only at the
    // columns still open and, unless its middle is lit, until its first lit pixel.
    const int probes[] = {height / 2, height / 4, height - 1 - height / 4};
    for (const int y : probes) {
        if (mark_columns(test, image.row(y), 0, width, column_lit.data())) row_lit[y] = 1;
    }
    Pace pace(cancel);
    constexpr int kRefreshRows = 32;
    int open = 0;
    for (int y = 0; y < height; ++y) {
        if (y % kRefreshRows == 0) open = find_unset(column_lit.data(), width, intervals.data());
        const std::uint8_t* row = image.row(y);
        bool lit = row_lit[y] != 0;
        for (int i = 0; i < open; ++i) {
            lit |= mark_columns(test, row, intervals[i].begin, intervals[i].end, column_lit.data());
        }
        if (!lit) {
            lit = test.is_lit(row + static_cast<std::ptrdiff_t>(width / 2) * kChannels) ||
                  test.find(row, 0, width) < width;
        }
        row_lit[y] = lit ? 1 : 0;
        if (pace.is_stopped_after(width)) return Status::kCancelled;
    }
    selection->row_count = list_set(row_lit.data(), height, selection->rows.data());
    selection->column_count = list_set(column_lit.data(), width, selection->columns.data());
    return Status::kOk;
}

SelectedView select_lit(const ImageView& image, const LitSelection& selection) {
    if (selection.is_empty()) return image;
    const int* rows = selection.rows.data();
    const int* columns = selection.columns.data();
    SelectedView view;
    view.width = selection.column_count;
    view.height = selection.row_count;
    view.image = image;
    // Where none is missing between the first and the last, a plain part of the picture will do.
    if (rows[view.height - 1] - rows[0] + 1 == view.height &&
        columns[view.width - 1] - columns[0] + 1 == view.width) {
        view.image = {image.row(rows[0]) + static_cast<std::ptrdiff_t>(columns[0]) * kChannels,
                      view.width, view.height, image.stride};
    } else {
        view.rows = rows;
        view.columns = columns;
    }
    return view;
}

void fill_outside_disc(Image* image, int cx, int cy, int radius, std::uint8_t value) {
    const std::int64_t radius2 = static_cast<std::int64_t>(radius) * radius;
    for (int y = 0; y < image->height; ++y) {
        const std::int64_t dy = y - cy;
        const std::int64_t rest = radius2 - dy * dy;
        std::uint8_t* row = image->row(y);
        int begin = image->width;  // the chord [begin, end)
        int end = image->width;
        if (rest >= 0) {
            auto reach = static_cast<std::int64_t>(std::sqrt(static_cast<double>(rest)));
            while (reach * reach > rest) --reach;
            while ((reach + 1) * (reach + 1) <= rest) ++reach;
            const std::int64_t width = image->width;
            begin = static_cast<int>(std::clamp<std::int64_t>(cx - reach, 0, width));
            end = static_cast<int>(std::clamp<std::int64_t>(cx + reach + 1, begin, width));
        }
        std::memset(row, value, static_cast<std::size_t>(begin) * kChannels);
        std::memset(row + static_cast<std::ptrdiff_t>(end) * kChannels, value,
                    static_cast<std::size_t>(image->width - end) * kChannels);
    }
}

void mask_circle(Image* image) {
    const int cx = image->width / 2;
    const int cy = image->height / 2;
    fill_outside_disc(image, cx, cy, std::min(cx, cy), 0);
}

}  // namespace fovea::preprocess
