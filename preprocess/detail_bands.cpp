// SPDX-License-Identifier: Apache-2.0
#include "preprocess/detail_bands.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "preprocess/mask_bounds.h"
#include "preprocess/row_loops.h"

namespace fovea::preprocess {
namespace {

constexpr int kLargestHole = 1 << (kDetailBandCount - 1);
// So far from the mask do its pixels come in any smoothing that another is made of.
constexpr int kReach = 2 * (kLargestHole - 1);
constexpr int kMargin = 2 * kLargestHole;  // zeros on either side of a row

// Columns [begin, end) of a row.
struct Columns {
    int begin, end;

    bool is_empty() const { return begin >= end; }
    // Those whose neighbours, `reach` to the left and right, belong to it, too.
    Columns within(int reach) const { return {begin + reach, end - reach}; }
    Columns common(Columns other) const {
        return {std::max(begin, other.begin), std::min(end, other.end)};
    }
    // Calls for what is left of a row on either side.
    template <typename Function>
    void outside(int width, const Function& function) const {
        if (is_empty()) return function(0, width);
        function(0, begin);
        function(end, width - end);
    }
};

// The longest run of ones.
Columns longest_run(const std::uint8_t* mask, int width) {
    const auto find = [&](int from, int value) {
        const void* found = std::memchr(mask + from, value, static_cast<std::size_t>(width - from));
        return found == nullptr ? width : static_cast<int>(static_cast<const std::uint8_t*>(found) - mask);
    };
    Columns longest = {0, 0};
    for (Columns run = {find(0, 1), 0}; run.begin < width; run.begin = find(run.end, 1)) {
        run.end = find(run.begin, 0);
        if (run.end - run.begin > longest.end - longest.begin) longest = run;
    }
    return longest;
}

// Where no pixel of the mask is near, both are 0 and nobody looks at the quotient, but a host may
// have made 0 / 0 a signal. Smoothed weights are so far above that where they are not 0 that it
// does not change them.
constexpr float kLeastWeight = 1e-30f;

constexpr float kFloor = 4.0f;  // keeps quotients of nearly black pixels tame

// Rows of numbers that are added up have zeros behind their last number up to a multiple of this.
constexpr int kLanes = kRowLanes;

double total(const float (&sums)[kLanes]) {
    double sum = 0;
    for (const float lane : sums) sum += double{lane};
    return sum;
}

struct Moments {
    double first = 0, second = 0, third = 0, fourth = 0;

    void add(const float* row, int count) {
        float sums[4][kLanes];
        row_loops().sum_powers(row, count, sums);
        first += total(sums[0]);
        second += total(sums[1]);
        third += total(sums[2]);
        fourth += total(sums[3]);
    }
};

// A row on its way to be smoothed: values and weights have zeros on either side, kMargin of them.
struct Row {
    float* values;
    float* weights;
    float* quotients;  // of these two: the smoothed picture
    Columns even;      // where the weights are 1

    void divide_by_weights(int width) const {
        std::memcpy(quotients, values, static_cast<std::size_t>(width) * sizeof(float));
        even.outside(width, [&](int x, int count) {
            row_loops().divide(values + x, weights + x, kLeastWeight, count, quotients + x);
        });
    }
};

// One smoothing. It holds the rows around the one that it makes, smoothed along, and the quotients
// of those for which it is still to make one.
class Level {
  public:
    static constexpr std::size_t floats_of(int hole, std::size_t width) {
        const auto holes = static_cast<std::size_t>(hole);
        return 2 * (width + 2 * kMargin) + (2 * (4 * holes + 1) + 2 * holes + 1) * width;
    }

    void begin(int hole, int width, int height, const float* zeros, float* memory) {
        hole_ = hole;
        width_ = width;
        height_ = height;
        zeros_ = zeros;
        const std::ptrdiff_t padded = std::ptrdiff_t{width} + 2 * kMargin;
        values_ = memory + kMargin;
        weights_ = values_ + padded;
        rings_[0] = memory + 2 * padded;
        rings_[1] = rings_[0] + std::ptrdiff_t{rows()} * width;
        quotients_ = rings_[1] + std::ptrdiff_t{rows()} * width;
    }

    // Where the next row is to be put before take().
    Row inlet() const { return {values_, weights_, quotients(taken_), {0, 0}}; }

    void take(Columns even) {
        const int slot = taken_++ % rows();
        even_[slot] = even.within(2 * hole_);
        smooth_along(values_, {0, 0}, rings_[0] + std::ptrdiff_t{slot} * width_);
        smooth_along(weights_, even_[slot], rings_[1] + std::ptrdiff_t{slot} * width_);
    }

    bool is_ready() const {
        return made_ < taken_ && (made_ + 2 * hole_ < taken_ || taken_ == height_);
    }

    // The next row, smoothed. Gives its number.
    int make(Row* row) {
        const int y = made_++;
        row->even = even_around(y);
        smooth_down(0, y, {0, 0}, row->values);
        if (!row->even.is_empty()) {
            std::fill(row->weights + row->even.begin, row->weights + row->even.end, 1.0f);
        }
        smooth_down(1, y, row->even, row->weights);
        row->divide_by_weights(width_);
        return y;
    }

    float* quotients(int y) const {
        return quotients_ + std::ptrdiff_t{y % (2 * hole_ + 1)} * width_;
    }

  private:
    static constexpr int kMostRows = 4 * kLargestHole + 1;

    int rows() const { return 4 * hole_ + 1; }

    void smooth_along(const float* row, Columns even, float* output) const {
        if (!even.is_empty()) std::fill(output + even.begin, output + even.end, 1.0f);
        even.outside(width_, [&](int x, int count) {
            const float* const at = row + x;
            row_loops().smooth(at - 2 * hole_, at - hole_, at, at + hole_, at + 2 * hole_, count, output + x);
        });
    }

    void smooth_down(int which, int y, Columns even, float* output) const {
        const float* from[5];
        for (int i = 0; i < 5; ++i) {
            const int at = y + (i - 2) * hole_;
            const bool is_inside = at >= 0 && at < height_;
            from[i] = is_inside ? rings_[which] + std::ptrdiff_t{at % rows()} * width_ : zeros_;
        }
        even.outside(width_, [&](int x, int count) {
            row_loops().smooth(from[0] + x, from[1] + x, from[2] + x, from[3] + x, from[4] + x, count, output + x);
        });
    }

    // Where row y is 1 because all around it is.
    Columns even_around(int y) const {
        if (y < 2 * hole_ || y + 2 * hole_ >= height_) return {0, 0};
        Columns result = even_[y % rows()];
        for (const int d : {-2 * hole_, -hole_, hole_, 2 * hole_}) {
            result = result.common(even_[(y + d) % rows()]);
        }
        return result;
    }

    int hole_ = 1, width_ = 0, height_ = 0;
    const float* zeros_ = nullptr;
    float* values_ = nullptr;
    float* weights_ = nullptr;
    float* rings_[2] = {};  // of values and weights
    float* quotients_ = nullptr;
    Columns even_[kMostRows] = {};
    int taken_ = 0, made_ = 0;
};

// All smoothings one behind the other: a row goes as far as the rows below it allow. Of a picture whose rows lie `pitch` apart, as
// those of the mask and the contrast do.
class Cascade {
  public:
    Cascade(const std::uint8_t* pixels, const std::uint8_t* mask, std::ptrdiff_t pitch, int width, int height,
            std::int16_t* contrast, const Allocator& allocator)
        : pixels_(pixels),
          mask_(mask),
          pitch_(pitch),
          width_(width),
          height_(height),
          contrast_(contrast),
          memory_(allocator) {}

    bool allocate() {
        const auto columns = static_cast<std::size_t>(width_);
        const std::size_t last = 2 * (columns + 2 * kMargin) + columns;
        std::size_t size = columns + kLanes + columns + last;
        for (int j = 0; j < kDetailBandCount; ++j) size += Level::floats_of(1 << j, columns);
        if (!memory_.allocate(size)) return false;
        std::fill(memory_.begin(), memory_.end(), 0.0f);
        detail_ = memory_.data();
        const float* const zeros = detail_ + columns + kLanes;
        float* next = detail_ + columns + kLanes + columns;
        last_ = {next + kMargin, next + columns + 3 * kMargin, next + 2 * (columns + 2 * kMargin),
                 {0, 0}};
        next += last;
        for (int j = 0; j < kDetailBandCount; ++j) {
            levels_[j].begin(1 << j, width_, height_, zeros, next);
            next += Level::floats_of(1 << j, columns);
        }
        return true;
    }

    void run() {
        for (int y = 0; y < height_; ++y) {
            const std::ptrdiff_t at = y * pitch_;
            Row row = levels_[0].inlet();
            row_loops().to_floats(mask_ + at, width_, row.weights);
            row_loops().to_floats_inside(pixels_ + at, mask_ + at, width_, row.values);
            row.even = longest_run(mask_ + at, width_);
            row.divide_by_weights(width_);
            take(0, row.even);
        }
    }

    double squares[kDetailBandCount] = {};
    Moments all, coarse;

  private:
    void take(int j, Columns even) {
        Level& level = levels_[j];
        level.take(even);
        while (level.is_ready()) {
            const bool is_last = j + 1 == kDetailBandCount;
            Row row = is_last ? last_ : levels_[j + 1].inlet();
            const int y = level.make(&row);
            row_loops().relative_difference(level.quotients(y), row.quotients, mask_row(y), kFloor, width_, detail_);
            float sums[kLanes];
            row_loops().sum_squares(detail_, width_, sums);
            squares[j] += total(sums);
            if (is_last) {
                add_up(y, row.quotients);
            } else {
                take(j + 1, row.even);
            }
        }
    }

    void add_up(int y, float* smoothed) {
        const std::ptrdiff_t at = y * pitch_;
        float* const picture = last_.values;
        row_loops().to_floats(pixels_ + at, width_, picture);
        row_loops().relative_difference(picture, smoothed, mask_row(y), kFloor, width_, detail_);
        all.add(detail_, width_);
        if (contrast_ != nullptr) row_loops().to_thousandths(detail_, float{kLargestContrast}, width_, contrast_ + at);
        std::memcpy(detail_, smoothed, static_cast<std::size_t>(width_) * sizeof(float));
        row_loops().keep_inside(mask_row(y), width_, detail_);
        coarse.add(detail_, width_);
    }

    const std::uint8_t* mask_row(int y) const { return mask_ + y * pitch_; }

    const std::uint8_t* const pixels_;
    const std::uint8_t* const mask_;
    const std::ptrdiff_t pitch_;
    const int width_, height_;
    std::int16_t* const contrast_;
    Buffer<float> memory_;
    float* detail_ = nullptr;  // a row of a band, or of all; zeros behind it
    Row last_ = {};
    Level levels_[kDetailBandCount];
};

}  // namespace

Status measure_detail(const std::uint8_t* pixels, int width, int height, const std::uint8_t* mask,
                      const Allocator& allocator, DetailBands* bands, std::int16_t* contrast) {
    *bands = DetailBands{};
    std::size_t count = 0;
    if (width < 1 || height < 1 ||
        !checked_product(static_cast<std::size_t>(width), static_cast<std::size_t>(height),
                         &count)) {
        return Status::kInvalidArgument;
    }
    if (contrast != nullptr) std::memset(contrast, 0, count * sizeof(std::int16_t));
    std::size_t inside = 0;
    for (std::size_t i = 0; i < count; ++i) inside += mask[i];
    if (inside == 0) return Status::kOk;
    // What lies farther from the mask is 0 all the way, and changes nothing. Sums keep their lanes.
    const Bounds bounds = bounds_of(mask, width, height);
    const int left = std::max(bounds.left - kReach, 0) / kLanes * kLanes, top = std::max(bounds.top - kReach, 0);
    const int right = std::min(bounds.right + kReach, width), bottom = std::min(bounds.bottom + kReach, height);
    const std::ptrdiff_t first = std::ptrdiff_t{top} * width + left;
    Cascade cascade(pixels + first, mask + first, width, right - left, bottom - top,
                    contrast == nullptr ? nullptr : contrast + first, allocator);
    if (!cascade.allocate()) return Status::kOutOfMemory;
    cascade.run();

    const double n = static_cast<double>(inside);
    for (int j = 0; j < kDetailBandCount; ++j) {
        bands->rms[j] = static_cast<float>(std::sqrt(cascade.squares[j] / n));
    }
    const Moments &all = cascade.all, &coarse = cascade.coarse;
    const double second = all.second / n;
    if (second > 1e-12) {
        bands->skewness = static_cast<float>(all.third / n / (second * std::sqrt(second)));
        bands->kurtosis = static_cast<float>(all.fourth / n / (second * second));
    }
    const double mean = coarse.first / n;
    const double variance = std::max(0.0, coarse.second / n - mean * mean);
    bands->illumination = static_cast<float>(std::sqrt(variance) / (mean + double{kFloor}));
    return Status::kOk;
}

}  // namespace fovea::preprocess
