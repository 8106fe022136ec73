// SPDX-License-Identifier: Apache-2.0
#include "preprocess/resize.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "preprocess/row_loops.h"

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr int kCoefficientScale = 2048;  // 11 fractional bits

// One output position between two source positions.
struct Tap {
    std::ptrdiff_t offset0;  // bytes from the start of the row to the first source pixel
    std::ptrdiff_t offset1;
    std::int16_t weight0;  // of the first, in 1 / kCoefficientScale
    std::int16_t weight1;
};

std::int16_t coefficient(float weight) {
    return static_cast<std::int16_t>(std::lrintf(weight * kCoefficientScale));
}

// Position and fraction of output index i; area is cv2.INTER_AREA where it enlarges.
void linear_position(int i, double scale, bool area, int* first, float* fraction) {
    if (area) {
        const double inverse = 1.0 / scale;
        *first = static_cast<int>(std::floor(i * scale));
        const auto f = static_cast<float>((i + 1) - (*first + 1) * inverse);
        *fraction = f <= 0.0F ? 0.0F : f - std::floor(f);
    } else {
        const auto f = static_cast<float>((i + 0.5) * scale - 0.5);
        *first = static_cast<int>(std::floor(f));
        *fraction = f - static_cast<float>(*first);
    }
}

// Horizontal interpolation of one source row, to 1 / 128 (11 fractional bits, 4 dropped).
void interpolate_row(const std::uint8_t* row, const Tap* taps, int count, std::int16_t* out) {
    for (int x = 0; x < count; ++x) {
        const std::uint8_t* p0 = row + taps[x].offset0;
        const std::uint8_t* p1 = row + taps[x].offset1;
        const int w0 = taps[x].weight0;
        const int w1 = taps[x].weight1;
        for (int c = 0; c < kChannels; ++c) {
            out[x * kChannels + c] = static_cast<std::int16_t>((w0 * p0[c] + w1 * p1[c]) >> 4);
        }
    }
}

// Means over whole blocks of step_x by step_y pixels, as OpenCV's fast path sums them.
Status resize_area_blocks(const SelectedView& image, int step_x, int step_y,
                          const Allocator& allocator, Image* out, const Cancel& cancel) {
    const bool halves = step_x == 2 && step_y == 2;
    const float inverse = 1.0F / static_cast<float>(step_x * step_y);
    const std::size_t values = static_cast<std::size_t>(image.image.width) * kChannels;
    Buffer<std::uint32_t> sums(allocator);  // of step_y rows
    if (!sums.allocate(values)) return Status::kOutOfMemory;
    Pace pace(cancel);
    for (int y = 0; y < out->height; ++y) {
        std::fill(sums.begin(), sums.end(), 0U);
        for (int j = 0; j < step_y; ++j) {
            const std::uint8_t* __restrict row = image.row(y * step_y + j);
            std::uint32_t* __restrict sum = sums.data();
            for (std::size_t i = 0; i < values; ++i) sum[i] += row[i];
            if (pace.is_stopped_after(image.image.width)) return Status::kCancelled;
        }
        std::uint8_t* o = out->row(y);
        for (int x = 0; x < out->width; ++x) {
            std::uint64_t total[kChannels] = {};
            for (int i = 0; i < step_x; ++i) {
                const std::uint32_t* sum = sums.data() + image.offset(x * step_x + i);
                for (int c = 0; c < kChannels; ++c) total[c] += sum[c];
            }
            for (int c = 0; c < kChannels; ++c) {
                o[x * kChannels + c] = static_cast<std::uint8_t>(
                    halves ? static_cast<long>((total[c] + 2) >> 2)
                           : std::lrintf(static_cast<float>(total[c]) * inverse));
            }
        }
    }
    return Status::kOk;
}

// The source positions first, first + 1, ... that one output position is the weighted sum of. Only the outer two can lie
// across its edge.
struct AreaSpan {
    int first;
    int count;
    float first_weight, inner_weight, last_weight;

    // Of position first + i; 0 behind the last one.
    float weight(int i) const {
        if (i >= count) return 0.0F;
        return i == 0 ? first_weight : i + 1 == count ? last_weight : inner_weight;
    }
};

AreaSpan area_span(int index, int source_size, double scale) {
    constexpr double kNegligible = 1e-3;
    const double begin = index * scale;
    const double end = begin + scale;
    const double width = std::min(scale, source_size - begin);
    const int last = std::min(static_cast<int>(std::floor(end)), source_size - 1);
    const int first = std::min(static_cast<int>(std::ceil(begin)), last);
    const auto inner = static_cast<float>(1.0 / width);
    AreaSpan span{first, last - first, inner, inner, inner};
    if (first - begin > kNegligible) {
        span.first_weight = static_cast<float>((first - begin) / width);
        --span.first;
        ++span.count;
    }
    if (end - last > kNegligible) {
        span.last_weight = static_cast<float>(std::min(std::min(end - last, 1.0), width) / width);
        ++span.count;
        if (span.count == 1) span.first_weight = span.last_weight;
    }
    return span;
}

void store_means(const float* sums, int count, std::uint8_t* out) {
    for (int i = 0; i < count; ++i) {
        out[i] = static_cast<std::uint8_t>(std::clamp(std::lrintf(sums[i]), 0L, 255L));
    }
}

// One vector register of any CPU, by the vector types of GCC and Clang.
typedef float Floats __attribute__((vector_size(16)));

Floats load(const float* p) {
    Floats floats;
    std::memcpy(&floats, p, sizeof(floats));
    return floats;
}

// Neighbouring columns that are neighbours in the picture too.
struct ColumnRun {
    std::ptrdiff_t offset;  // bytes from the start of the row
    int values;
};

bool begins_run(const SelectedView& image, int x) {
    return x == 0 || image.offset(x) != image.offset(x - 1) + kChannels;
}

[[nodiscard]] bool list_column_runs(const SelectedView& image, Buffer<ColumnRun>* runs) {
    std::size_t count = 0;
    for (int x = 0; x < image.width; ++x) count += begins_run(image, x);
    if (!runs->allocate(count)) return false;
    std::size_t next = 0;
    for (int x = 0; x < image.width; ++x) {
        if (begins_run(image, x)) (*runs)[next++] = {image.offset(x), 0};
        (*runs)[next - 1].values += kChannels;
    }
    return true;
}

void widen_row(const std::uint8_t* row, const Buffer<ColumnRun>& runs, float* out) {
    for (const ColumnRun& run : runs) {
        row_loops().to_floats(row + run.offset, run.values, out);
        out += run.values;
    }
}

// Spans of one length: those that are shorter have weights of 0 behind their last position, which change no sum.
struct AreaTable {
    explicit AreaTable(const Allocator& allocator) : offsets(allocator), weights(allocator) {}

    [[nodiscard]] bool build(int count, int source_size, double scale) {
        length = 1;
        for (int x = 0; x < count; ++x) length = std::max(length, area_span(x, source_size, scale).count);
        const auto outputs = static_cast<std::size_t>(count);
        if (!offsets.allocate(outputs) || !weights.allocate(outputs * static_cast<std::size_t>(length))) return false;
        Floats* weight = weights.data();
        for (int x = 0; x < count; ++x) {
            const AreaSpan span = area_span(x, source_size, scale);
            offsets[static_cast<std::size_t>(x)] = kChannels * span.first;
            for (int i = 0; i < length; ++i) *weight++ = Floats{} + span.weight(i);
        }
        return true;
    }

    int length = 1;
    Buffer<int> offsets;     // of the first position's values
    Buffer<Floats> weights;  // the same one in all lanes
};

// The weighted sums of one row's pixels, each rounded in the order in which OpenCV adds them. A vector holds the three
// channels and, unused, the first of the next pixel: sums has room for one value more, row for a span. kLength: of a span, 0 = the table's.
template <int kLength>
void sum_spans(const float* row, const AreaTable& table, int count, float* sums) {
    const int length = kLength > 0 ? kLength : table.length;
    const int* const offsets = table.offsets.data();
    const Floats* weight = table.weights.data();
    for (int x = 0; x < count; ++x, weight += length, sums += kChannels) {
        const float* const p = row + offsets[x];
        Floats sum = load(p) * weight[0];
        for (int i = 1; i < length; ++i) sum += load(p + std::ptrdiff_t{kChannels} * i) * weight[i];
        std::memcpy(sums, &sum, sizeof(sum));
    }
}

Status resize_area(const SelectedView& image, ResizeScale scale, const Allocator& allocator,
                   Image* out, const Cancel& cancel) {
    const int values = out->width * kChannels;
    AreaTable table(allocator);
    Buffer<float> source(allocator), row(allocator), total(allocator);
    Buffer<ColumnRun> runs(allocator);
    if (!list_column_runs(image, &runs) || !table.build(out->width, image.width, scale.x) ||
        !source.allocate(static_cast<std::size_t>(image.width + table.length) * kChannels + 1) ||
        !row.allocate(static_cast<std::size_t>(values) + 1) ||
        !total.allocate(static_cast<std::size_t>(values))) {
        return Status::kOutOfMemory;
    }
    Pace pace(cancel);
    std::fill(source.begin() + std::ptrdiff_t{kChannels} * image.width, source.end(), 0.0F);
    auto* sum = table.length == 4 ? &sum_spans<4> : table.length == 5 ? &sum_spans<5> : &sum_spans<0>;
    int summed = -1;  // the source row that row is of: neighbours share one
    for (int y = 0; y < out->height; ++y) {
        const AreaSpan rows = area_span(y, image.height, scale.y);
        std::fill(total.begin(), total.end(), 0.0F);
        for (int j = 0; j < rows.count; ++j) {
            if (summed != rows.first + j) {
                summed = rows.first + j;
                widen_row(image.row(summed), runs, source.data());
                sum(source.data(), table, out->width, row.data());
            }
            if (pace.is_stopped_after(2 * std::int64_t{image.width})) return Status::kCancelled;
            row_loops().add_weighed_floats(row.data(), rows.weight(j), values, total.data());
        }
        store_means(total.data(), values, out->row(y));
    }
    return Status::kOk;
}

bool is_whole(double scale, int* whole) {
    *whole = static_cast<int>(std::lrint(scale));
    return std::abs(scale - *whole) < DBL_EPSILON;
}

// What OpenCV does for a method depends on the scale.
enum class Filter { kCopy, kBlockMeans, kAreaMeans, kLinear, kLinearByArea };

struct FilterChoice {
    Filter filter;
    int step_x;  // of kBlockMeans
    int step_y;
};

FilterChoice choose_filter(const SelectedView& image, int width, int height, ResizeScale scale,
                           ResizeMethod method) {
    FilterChoice choice{Filter::kCopy, 1, 1};
    if (width == image.width && height == image.height) return choice;
    const bool whole = is_whole(scale.x, &choice.step_x) && is_whole(scale.y, &choice.step_y);
    const bool blocks_fit = whole && choice.step_x >= 1 && choice.step_y >= 1 &&
                            width <= image.width / choice.step_x &&
                            height <= image.height / choice.step_y;
    if (method == ResizeMethod::kLinear) {
        // The mean of 2 x 2 for an exact half.
        const bool is_half = blocks_fit && choice.step_x == 2 && choice.step_y == 2;
        choice.filter = is_half ? Filter::kBlockMeans : Filter::kLinear;
    } else if (scale.x >= 1.0 && scale.y >= 1.0) {
        choice.filter = blocks_fit ? Filter::kBlockMeans : Filter::kAreaMeans;
    } else {
        choice.filter = Filter::kLinearByArea;
    }
    return choice;
}

// The two source rows that an output row lies between, and how far it is from the first.
struct LinearRows {
    int rows[2];
    float fraction;
};

LinearRows linear_rows(int y, int source_height, double scale, bool area) {
    int first;
    LinearRows found;
    linear_position(y, scale, area, &first, &found.fraction);
    found.rows[0] = std::clamp(first, 0, source_height - 1);
    found.rows[1] = std::clamp(first + 1, 0, source_height - 1);
    return found;
}

Status resize_linear(const SelectedView& image, ResizeScale scale, bool area,
                     const Allocator& allocator, Image* out, const Cancel& cancel) {
    const int values = out->width * kChannels;
    Buffer<Tap> taps(allocator);
    Buffer<std::int16_t> rows(allocator);
    if (!taps.allocate(static_cast<std::size_t>(out->width)) ||
        !rows.allocate(std::size_t{2} * values)) {
        return Status::kOutOfMemory;
    }
    for (int x = 0; x < out->width; ++x) {
        int first;
        float fraction;
        linear_position(x, scale.x, area, &first, &fraction);
        if (first < 0 || first >= image.width - 1) fraction = 0.0F;
        first = std::clamp(first, 0, image.width - 1);
        taps[x].offset0 = image.offset(first);
        taps[x].offset1 = image.offset(std::min(first + 1, image.width - 1));
        taps[x].weight0 = coefficient(1.0F - fraction);
        taps[x].weight1 = coefficient(fraction);
    }
    Pace pace(cancel);
    // Consecutive output rows often share source rows: the last two interpolated ones are kept.
    std::int16_t* slot[2] = {rows.data(), rows.data() + values};
    int held[2] = {-1, -1};
    for (int y = 0; y < out->height; ++y) {
        const LinearRows source = linear_rows(y, image.height, scale.y, area);
        const std::int32_t weight0 = coefficient(1.0F - source.fraction);
        const std::int32_t weight1 = coefficient(source.fraction);
        const auto& wanted = source.rows;
        if (held[1] == wanted[0]) {
            std::swap(slot[0], slot[1]);
            std::swap(held[0], held[1]);
        }
        for (int i = 0; i < 2; ++i) {
            if (held[i] == wanted[i]) continue;
            if (i == 1 && held[0] == wanted[1]) {
                std::memcpy(slot[1], slot[0], static_cast<std::size_t>(values) * sizeof(*slot[0]));
            } else {
                interpolate_row(image.row(wanted[i]), taps.data(), out->width, slot[i]);
            }
            held[i] = wanted[i];
        }
        const std::int16_t* h0 = slot[0];
        const std::int16_t* h1 = slot[1];
        std::uint8_t* o = out->row(y);
        for (int i = 0; i < values; ++i) {
            o[i] = static_cast<std::uint8_t>(
                (((weight0 * h0[i]) >> 16) + ((weight1 * h1[i]) >> 16) + 2) >> 2);
        }
        if (pace.is_stopped_after(4 * std::int64_t{out->width})) return Status::kCancelled;
    }
    return Status::kOk;
}

}  // namespace

ResizeScale resize_scale(const SelectedView& image, int width, int height) {
    return {1.0 / (static_cast<double>(width) / image.width),
            1.0 / (static_cast<double>(height) / image.height)};
}

void mark_rows_read(const SelectedView& image, int width, int height, ResizeScale scale,
                    ResizeMethod method, std::uint8_t* rows) {
    const Filter filter = choose_filter(image, width, height, scale, method).filter;
    const bool samples = filter == Filter::kLinear || filter == Filter::kLinearByArea;
    std::fill(rows, rows + image.height, samples ? std::uint8_t{0} : std::uint8_t{1});
    if (!samples) return;
    for (int y = 0; y < height; ++y) {
        for (const int row : linear_rows(y, image.height, scale.y, filter == Filter::kLinearByArea).rows) {
            rows[row] = 1;
        }
    }
}

Status resize(const SelectedView& image, int width, int height, ResizeScale scale,
              ResizeMethod method, const Allocator& allocator, Image* out, const Cancel& cancel) {
    if (image.width < 1 || image.height < 1 || width < 1 || height < 1) {
        return Status::kInvalidArgument;
    }
    if (!out->allocate(width, height)) return Status::kOutOfMemory;
    const FilterChoice choice = choose_filter(image, width, height, scale, method);
    switch (choice.filter) {
        case Filter::kCopy:
            return copy_selected(image, out->pixels.data(), std::ptrdiff_t{kChannels} * width, cancel) ? Status::kOk
                                                                                                     : Status::kCancelled;
        case Filter::kBlockMeans:
            return resize_area_blocks(image, choice.step_x, choice.step_y, allocator, out, cancel);
        case Filter::kAreaMeans:
            return resize_area(image, scale, allocator, out, cancel);
        case Filter::kLinear:
            return resize_linear(image, scale, false, allocator, out, cancel);
        case Filter::kLinearByArea:
            return resize_linear(image, scale, true, allocator, out, cancel);
    }
    return Status::kInvalidArgument;
}

}  // namespace fovea::preprocess
