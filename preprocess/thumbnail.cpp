// SPDX-License-Identifier: Apache-2.0
#include "preprocess/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "preprocess/row_loops.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr int kVerticalBits = 8;
constexpr int kHorizontalBits = 12;
constexpr int kBits = kVerticalBits + kHorizontalBits;
// 16 bits hold a column's sum, 255 << kVerticalBits. It is kept less this, so that it is a factor with sign.
constexpr int kMiddle = 1 << 15;
// What that takes off a pixel, and half of a level.
constexpr std::int32_t kOffset = (kMiddle << kHorizontalBits) + (1 << (kBits - 1));
// A vector of eight columns' values begins at any column.
constexpr std::size_t kRoom = 8;

// Differences of these round in such a way that they always add up to 1 << bits.
std::int64_t cumulated_weight(const ThumbnailSide& side, std::int64_t position, int index, int bits) {
    const std::int64_t length = side.source - 2 * side.margin;
    const std::int64_t begin = index * side.source + side.margin;
    const std::int64_t covered = std::clamp<std::int64_t>(position * side.output - begin, 0, length);
    return ((covered << bits) + length / 2) / length;
}

// Three channels of a pixel and, of no account, one more: sums of columns' values by their weights.
#ifdef __SSE2__
class PixelSums {
  public:
    void add_pair(const std::uint16_t* values, const std::int16_t* weights) {
        const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
        const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + kChannels));
        const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights));
        sums_ = _mm_add_epi32(sums_, _mm_madd_epi16(_mm_unpacklo_epi16(first, second), pairs));
    }
    std::uint32_t bytes() const {
        const __m128i levels = _mm_srli_epi32(_mm_add_epi32(sums_, _mm_set1_epi32(kOffset)), kBits);
        const __m128i words = _mm_packs_epi32(levels, levels);
        return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
    }

  private:
    __m128i sums_ = _mm_setzero_si128();
};
#else
class PixelSums {
  public:
    void add_pair(const std::uint16_t* values, const std::int16_t* weights) {
        sums_ += load(values) * weights[0] + load(values + kChannels) * weights[1];
    }
    std::uint32_t bytes() const {
        const Bytes levels = __builtin_convertvector((sums_ + kOffset) >> kBits, Bytes);
        std::uint32_t four;
        std::memcpy(&four, &levels, sizeof(four));
        return four;
    }

  private:
    typedef std::int16_t Values __attribute__((vector_size(8)));
    typedef std::int32_t Sums __attribute__((vector_size(16)));
    typedef std::uint8_t Bytes __attribute__((vector_size(4)));

    static Sums load(const std::uint16_t* values) {
        Values four;
        std::memcpy(&four, values, sizeof(four));
        return __builtin_convertvector(four, Sums);
    }

    Sums sums_ = {};
};
#endif

// kPairs of columns a pixel; 0: as many as `pairs` says.
template <int kPairs>
void make_row(const std::uint16_t* sums, const int* first_columns, const ThumbnailColumns* weights, int pairs, int width,
              std::uint8_t* out) {
    const int count = kPairs > 0 ? kPairs : pairs;
    const auto make = [&](int x) {
        const std::uint16_t* values = sums + std::ptrdiff_t{kChannels} * first_columns[x];
        const ThumbnailColumns* pair = weights + std::ptrdiff_t{x} * count;
        PixelSums pixel;
        for (int i = 0; i < count; ++i) pixel.add_pair(values + std::ptrdiff_t{2} * kChannels * i, pair[i].weights);
        return pixel.bytes();
    };
    // The fourth byte is the next pixel's.
    for (int x = 0; x + 1 < width; ++x, out += kChannels) {
        const std::uint32_t bytes = make(x);
        std::memcpy(out, &bytes, sizeof(bytes));
    }
    const std::uint32_t bytes = make(width - 1);
    std::memcpy(out, &bytes, kChannels);
}

}  // namespace

// What is left to be taken is shorter where a decoder took means over a source pixel's length, so that both together spread as far as
// one mean of the photo would (the squares of lengths add up).
ThumbnailSide ThumbnailSide::divide(int source, int output, bool is_reduced) {
    ThumbnailSide side;
    side.source = source;
    side.output = output;
    if (is_reduced && source > output) {
        const double square = static_cast<double>(side.source * side.source - side.output * side.output);
        side.margin = (source - static_cast<std::int64_t>(std::sqrt(square))) / 2;
    }
    return side;
}

ThumbnailSide::Span ThumbnailSide::span(int index) const {
    const std::int64_t begin = index * source + margin, end = (index + std::int64_t{1}) * source - margin;
    return {static_cast<int>(begin / output), static_cast<int>((end - 1) / output)};
}

int ThumbnailSide::weight(int position, int index, int bits) const {
    return static_cast<int>(cumulated_weight(*this, position + std::int64_t{1}, index, bits) -
                            cumulated_weight(*this, position, index, bits));
}

Status ThumbnailRows::begin(int width, int height, int photo_width, int photo_height, int longest_side) {
    if (width < 1 || height < 1 || longest_side < 1) return Status::kInvalidArgument;
    const int longer = std::max(width, height);
    const auto shrunk = [&](int side) {
        if (longer <= longest_side) return side;
        const std::int64_t rounded = (std::int64_t{side} * longest_side + longer / 2) / longer;
        return static_cast<int>(std::max<std::int64_t>(rounded, 1));
    };
    width_ = width;
    pairs_ = 0;
    next_row_ = made_ = 0;
    const int new_width = shrunk(width), new_height = shrunk(height);
    if (!thumbnail_.allocate(new_width, new_height)) return Status::kOutOfMemory;
    if (new_width == width && new_height == height) return Status::kOk;

    const ThumbnailSide across = ThumbnailSide::divide(width, new_width, photo_width > width);
    down_ = ThumbnailSide::divide(height, new_height, photo_height > height);
    int most = 0;
    for (int x = 0; x < new_width; ++x) {
        const ThumbnailSide::Span span = across.span(x);
        most = std::max(most, span.last - span.first + 1);
    }
    pairs_ = (most + 1) / 2;
    const auto columns = static_cast<std::size_t>(new_width);
    // The last pixel may look at a pair's columns behind the picture, without weight.
    const std::size_t values = kChannels * (static_cast<std::size_t>(width) + 2 * static_cast<std::size_t>(pairs_)) + kRoom;
    if (!sums_.allocate(values) || !first_columns_.allocate(columns) ||
        !weights_.allocate(columns * static_cast<std::size_t>(pairs_))) {
        return Status::kOutOfMemory;
    }
    std::fill(sums_.begin(), sums_.end(), std::uint16_t{0});
    ThumbnailColumns* pair = weights_.data();
    for (int x = 0; x < new_width; ++x) {
        const ThumbnailSide::Span span = across.span(x);
        first_columns_[static_cast<std::size_t>(x)] = span.first;
        for (int i = 0; i < pairs_; ++i, ++pair) {
            for (int k = 0; k < 8; ++k) {
                const int column = span.first + 2 * i + k % 2;
                pair->weights[k] = static_cast<std::int16_t>(
                    column <= span.last ? across.weight(column, x, kHorizontalBits) : 0);
            }
        }
    }
    return Status::kOk;
}

void ThumbnailRows::take(const std::uint8_t* row) {
    const int y = next_row_++;
    if (pairs_ == 0) {
        std::memcpy(thumbnail_.row(y), row, kChannels * static_cast<std::size_t>(width_));
        return;
    }
    // A row may be the last of one of the thumbnail's and the first of the next one.
    while (made_ < thumbnail_.height) {
        const ThumbnailSide::Span span = down_.span(made_);
        if (y < span.first) return;
        add_up(row, down_.weight(y, made_, kVerticalBits), y == span.first);
        if (y < span.last) return;
        finish_row();
    }
}

void ThumbnailRows::add_up(const std::uint8_t* row, int weight, bool is_first) {
    const int count = kChannels * width_;
    const auto factor = static_cast<std::uint16_t>(weight);
    if (is_first) {
        row_loops().weigh_bytes(row, factor, kMiddle, count, sums_.data());
    } else if (weight != 0) {
        row_loops().add_weighed_bytes(row, factor, count, sums_.data());
    }
}

void ThumbnailRows::finish_row() {
    std::uint8_t* row = thumbnail_.row(made_++);
    auto* make = pairs_ == 1 ? &make_row<1> : pairs_ == 2 ? &make_row<2> : &make_row<0>;
    make(sums_.data(), first_columns_.data(), weights_.data(), pairs_, thumbnail_.width, row);
}

Status make_thumbnail(const PhotoView& photo, int longest_side, const Allocator& allocator,
                      Image* thumbnail, const Cancel& cancel) {
    const ImageView& source = photo.image;
    if (source.pixels == nullptr) return Status::kInvalidArgument;
    ThumbnailRows rows(allocator);
    const Status status = rows.begin(source.width, source.height, photo.width, photo.height, longest_side);
    if (status != Status::kOk) return status;
    Pace pace(cancel);
    for (int y = 0; y < source.height; ++y) {
        if (pace.is_stopped_after(source.width)) return Status::kCancelled;
        rows.take(source.row(y));
    }
    *thumbnail = rows.thumbnail();
    return Status::kOk;
}

}  // namespace fovea::preprocess
