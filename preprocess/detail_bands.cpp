// SPDX-License-Identifier: Apache-2.0
#include "preprocess/detail_bands.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kLargestHole = 1 << (kDetailBandCount - 1);
constexpr int kMargin = 2 * kLargestHole;  // zeros on either side of a row

// output[i] = input[i - 2 * hole .. i + 2 * hole] * (1 4 6 4 1) / 16.
void smooth(const float* a, const float* b, const float* c, const float* d, const float* e,
            int count, float* __restrict output) {
    for (int i = 0; i < count; ++i) {
        output[i] = (a[i] + e[i] + 4.0f * (b[i] + d[i]) + 6.0f * c[i]) * (1.0f / 16.0f);
    }
}

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

// A plane of floats that is smoothed in place from the top down; outside is zero.
class Smoothing {
  public:
    // padded: width + 2 * kMargin floats whose margins are zero; zeros: width zeros; ring:
    // kRingRows rows, the plane's rows around the current one, smoothed along.
    Smoothing(float* values, int width, int height, int hole, float* padded, const float* zeros,
              float* ring)
        : values_(values),
          width_(width),
          height_(height),
          hole_(hole),
          padded_(padded),
          zeros_(zeros),
          ring_(ring) {}

    static constexpr int kRingRows = 4 * kLargestHole + 1;

    float* row(int y) const { return values_ + std::ptrdiff_t{y} * width_; }

    // Smooths row y; the rows above it must be done. Until then it is what it was. even, or null: of
    // each row, where the plane is 1, and will be 1 again in what of them comes back by shrink().
    void smooth_row(int y, const Columns* even) {
        for (; along_ < height_ && along_ <= y + 2 * hole_; ++along_) {
            float* const middle = padded_ + kMargin;
            float* const output = ring_row(along_);
            const std::size_t bytes = static_cast<std::size_t>(width_) * sizeof(float);
            std::memcpy(middle, row(along_), bytes);
            if (even != nullptr) std::memcpy(output, middle, bytes);
            columns(even, along_).outside(width_, [&](int x, int count) {
                const float* const at = middle + x;
                smooth(at - 2 * hole_, at - hole_, at, at + hole_, at + 2 * hole_, count,
                       output + x);
            });
        }
        shrunk(even, y).outside(width_, [&](int x, int count) {
            smooth(smoothed_along(y - 2 * hole_) + x, smoothed_along(y - hole_) + x,
                   smoothed_along(y) + x, smoothed_along(y + hole_) + x,
                   smoothed_along(y + 2 * hole_) + x, count, row(y) + x);
        });
    }

    // Where row y is still 1 when all around it is smoothed.
    Columns shrunk(const Columns* even, int y) const {
        if (y < 2 * hole_ || y + 2 * hole_ >= height_) return {0, 0};
        Columns result = columns(even, y);
        for (const int d : {-2 * hole_, -hole_, hole_, 2 * hole_}) {
            result = result.common(columns(even, y + d));
        }
        return result;
    }

  private:
    Columns columns(const Columns* even, int y) const {
        return even == nullptr ? Columns{0, 0} : even[y].within(2 * hole_);
    }
    float* ring_row(int y) const { return ring_ + std::ptrdiff_t{y % kRingRows} * width_; }
    const float* smoothed_along(int y) const {
        return y < 0 || y >= height_ ? zeros_ : ring_row(y);
    }

    float* const values_;
    const int width_, height_, hole_;
    float* const padded_;
    const float* const zeros_;
    float* const ring_;
    int along_ = 0;  // rows that have gone into the ring
};

// The longest run of ones.
Columns longest_run(const std::uint8_t* mask, int width) {
    Columns longest = {0, 0}, run = {0, 0};
    for (int x = 0; x < width; ++x) {
        if (mask[x] == 0) run.begin = x + 1;
        run.end = x + 1;
        if (run.end - run.begin > longest.end - longest.begin) longest = run;
    }
    return longest;
}

// Where no pixel of the mask is near, both are 0 and nobody looks at the quotient, but a host may
// have made 0 / 0 a signal. Smoothed weights are so far above that where they are not 0 that it
// does not change them.
void divide(const float* values, const float* weights, int count, float* __restrict quotients) {
    constexpr float kLeastWeight = 1e-30f;
    for (int i = 0; i < count; ++i) quotients[i] = values[i] / (weights[i] + kLeastWeight);
}

// even: where the weights are 1.
void divide_row(const float* values, const float* weights, Columns even, int width,
                float* __restrict quotients) {
    std::memcpy(quotients, values, static_cast<std::size_t>(width) * sizeof(float));
    even.outside(width, [&](int x, int count) {
        divide(values + x, weights + x, count, quotients + x);
    });
}

constexpr float kFloor = 4.0f;  // keeps quotients of nearly black pixels tame

// What `values` have beyond `level`, as parts of it; 0 outside the mask.
void relative_difference(const float* values, const float* level, const std::uint8_t* mask,
                         int count, float* __restrict differences) {
    for (int i = 0; i < count; ++i) {
        const auto inside = static_cast<float>(mask[i]);
        differences[i] = inside * ((values[i] - level[i]) / (level[i] + kFloor));
    }
}

void keep_inside(const std::uint8_t* mask, int count, float* values) {
    for (int i = 0; i < count; ++i) values[i] *= static_cast<float>(mask[i]);
}

void to_floats(const std::uint8_t* bytes, int count, float* __restrict values) {
    for (int i = 0; i < count; ++i) values[i] = static_cast<float>(bytes[i]);
}

// Rows of numbers that are added up have this many sums beside each other, whatever the CPU, and
// zeros behind their last number up to a multiple of it.
constexpr int kLanes = 8;

struct Lanes {
    float values[kLanes] = {};

    double total() const {
        double sum = 0;
        for (const float value : values) sum += double{value};
        return sum;
    }
};

double sum_of_squares(const float* row, int count) {
    Lanes sum;
    for (int i = 0; i < count; i += kLanes) {
        for (int l = 0; l < kLanes; ++l) sum.values[l] += row[i + l] * row[i + l];
    }
    return sum.total();
}

struct Moments {
    double first = 0, second = 0, third = 0, fourth = 0;

    void add(const float* row, int count) {
        Lanes one, two, three, four;
        for (int i = 0; i < count; i += kLanes) {
            for (int l = 0; l < kLanes; ++l) {
                const float value = row[i + l], square = value * value;
                one.values[l] += value;
                two.values[l] += square;
                three.values[l] += square * value;
                four.values[l] += square * square;
            }
        }
        first += one.total();
        second += two.total();
        third += three.total();
        fourth += four.total();
    }
};

void to_thousandths(const float* values, int count, std::int16_t* __restrict thousandths) {
    constexpr float kLargest = kLargestContrast;
    for (int i = 0; i < count; ++i) {
        thousandths[i] =
            static_cast<std::int16_t>(std::clamp(values[i] * 1000.0f, -kLargest, kLargest));
    }
}

}  // namespace

Status measure_detail(const std::uint8_t* pixels, int width, int height, const std::uint8_t* mask,
                      const Allocator& allocator, DetailBands* bands, std::int16_t* contrast) {
    *bands = DetailBands{};
    if (width < 1 || height < 1) return Status::kInvalidArgument;
    const auto columns = static_cast<std::size_t>(width);
    std::size_t count = 0;
    if (!checked_product(columns, static_cast<std::size_t>(height), &count)) {
        return Status::kInvalidArgument;
    }
    // value and weight are smoothed; their quotient is the smoothed picture.
    Buffer<float> value(allocator), weight(allocator), scratch(allocator);
    Buffer<Columns> even(allocator), next_even(allocator);  // of each row, where the weight is 1
    const std::size_t ring_size = Smoothing::kRingRows * columns;
    const std::size_t scratch_size = columns + 2 * kMargin + 4 * columns + kLanes + 2 * ring_size;
    if (!value.allocate(count) || !weight.allocate(count) || !scratch.allocate(scratch_size) ||
        !even.allocate(static_cast<std::size_t>(height)) ||
        !next_even.allocate(static_cast<std::size_t>(height))) {
        return Status::kOutOfMemory;
    }
    float* padded = scratch.data();
    float* zeros = padded + columns + 2 * kMargin;
    float* level = zeros + columns;  // a row of the last quotient, and of the next one
    float* next = level + columns;
    float* detail = next + columns;  // of a band, or of all; zeros behind it
    float* ring = detail + columns + kLanes;
    std::fill(scratch.begin(), scratch.end(), 0.0f);

    std::size_t inside = 0;
    for (int y = 0; y < height; ++y) {
        const std::ptrdiff_t row = std::ptrdiff_t{y} * width;
        to_floats(mask + row, width, weight.data() + row);
        to_floats(pixels + row, width, value.data() + row);
        keep_inside(mask + row, width, value.data() + row);
        for (int x = 0; x < width; ++x) inside += mask[row + x];
        even[static_cast<std::size_t>(y)] = longest_run(mask + row, width);
    }
    if (contrast != nullptr) std::memset(contrast, 0, count * sizeof(std::int16_t));
    if (inside == 0) return Status::kOk;

    const double n = static_cast<double>(inside);
    for (int j = 0; j < kDetailBandCount; ++j) {
        const int hole = 1 << j;
        Smoothing values(value.data(), width, height, hole, padded, zeros, ring);
        Smoothing weights(weight.data(), width, height, hole, padded, zeros, ring + ring_size);
        double square = 0;
        for (int y = 0; y < height; ++y) {
            const auto row = static_cast<std::size_t>(y);
            divide_row(values.row(y), weights.row(y), even[row], width, level);
            values.smooth_row(y, nullptr);
            weights.smooth_row(y, even.data());
            next_even[row] = weights.shrunk(even.data(), y);
            divide_row(values.row(y), weights.row(y), next_even[row], width, next);
            relative_difference(level, next, mask + std::ptrdiff_t{y} * width, width, detail);
            square += sum_of_squares(detail, width);
        }
        std::copy(next_even.begin(), next_even.end(), even.begin());
        bands->rms[j] = static_cast<float>(std::sqrt(square / n));
    }

    Moments all, coarse;
    for (int y = 0; y < height; ++y) {
        const std::ptrdiff_t row = std::ptrdiff_t{y} * width;
        divide_row(value.data() + row, weight.data() + row, even[static_cast<std::size_t>(y)], width,
                   level);
        to_floats(pixels + row, width, next);
        relative_difference(next, level, mask + row, width, detail);
        all.add(detail, width);
        if (contrast != nullptr) to_thousandths(detail, width, contrast + row);
        std::memcpy(detail, level, columns * sizeof(float));
        keep_inside(mask + row, width, detail);
        coarse.add(detail, width);
    }
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
