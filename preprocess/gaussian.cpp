// SPDX-License-Identifier: Apache-2.0
#include "preprocess/gaussian.h"

#include <algorithm>
#include <cmath>

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr int kBlock =
    96;  // values at a time, so that the sums stay in registers or the first cache

// Reflect-101: ... 2 1 | 0 1 2 ... n-1 | n-2 ..., repeated for indices far outside.
int reflect(int i, int n) {
    if (n == 1) return 0;
    const int period = 2 * (n - 1);
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

// Yields blurred rows from top to bottom. A horizontal sum is at most 256 * 255 and is kept as two
// bytes, high and low: then the vertical sums of either fit 16 bits too, and every product is a
// 16-bit one. Only as many rows as the kernel reaches are held.
class RowBlur {
  public:
    explicit RowBlur(const Allocator& allocator)
        : taps_(allocator), padded_(allocator), high_(allocator), low_(allocator) {}

    [[nodiscard]] bool prepare(int width, int height, double sigma) {
        const int size = gaussian_size(sigma);
        radius_ = size / 2;
        width_ = width;
        height_ = height;
        values_ = static_cast<std::size_t>(width) * kChannels;
        held_ = std::min(height, size);
        std::size_t held_values = 0;
        if (!checked_product(static_cast<std::size_t>(held_), values_, &held_values) ||
            !taps_.allocate(static_cast<std::size_t>(size)) ||
            !padded_.allocate(values_ + static_cast<std::size_t>(radius_) * 2 * kChannels) ||
            !high_.allocate(held_values) || !low_.allocate(held_values)) {
            return false;
        }
        gaussian_taps(sigma, taps_.data());
        // Taps that rounded to zero at the ends cost nothing.
        reach_ = radius_;
        while (reach_ > 0 && taps_[radius_ - reach_] == 0) --reach_;
        return true;
    }

    // The blurred row y, in row order. image gives rows that the blur has not read yet: row
    // min(y + radius, height - 1) is the last one read, so rows up to y may already be overwritten.
    void blur_row(const ImageView& image, int y, std::uint8_t* out) {
        const int last = std::min(height_ - 1, y + radius_);
        for (; next_ <= last; ++next_) sum_horizontally(image.row(next_), next_ % held_);
        std::uint16_t high[kBlock];
        std::uint16_t low[kBlock];
        const std::uint16_t centre = taps_[radius_];
        for (std::size_t begin = 0; begin < values_; begin += kBlock) {
            const int count = static_cast<int>(std::min<std::size_t>(kBlock, values_ - begin));
            const std::uint8_t* h = held_row(high_, y) + begin;
            const std::uint8_t* l = held_row(low_, y) + begin;
            for (int i = 0; i < count; ++i) {
                high[i] = static_cast<std::uint16_t>(h[i] * centre);
                low[i] = static_cast<std::uint16_t>(l[i] * centre);
            }
            for (int d = 1; d <= reach_; ++d) {
                const std::uint16_t tap = taps_[radius_ - d];
                const int above = reflect(y - d, height_);
                const int below = reflect(y + d, height_);
                const std::uint8_t* ha = held_row(high_, above) + begin;
                const std::uint8_t* hb = held_row(high_, below) + begin;
                const std::uint8_t* la = held_row(low_, above) + begin;
                const std::uint8_t* lb = held_row(low_, below) + begin;
                if (count == kBlock) {
                    add_pair(ha, hb, tap, high);
                    add_pair(la, lb, tap, low);
                } else {
                    for (int i = 0; i < count; ++i) {
                        high[i] = static_cast<std::uint16_t>(high[i] + (ha[i] + hb[i]) * tap);
                        low[i] = static_cast<std::uint16_t>(low[i] + (la[i] + lb[i]) * tap);
                    }
                }
            }
            for (int i = 0; i < count; ++i) {
                const std::uint32_t sum = (std::uint32_t{high[i]} << 8) + low[i];
                out[begin + i] = static_cast<std::uint8_t>((sum + 32768) >> 16);
            }
        }
    }

  private:
    const std::uint8_t* held_row(const Buffer<std::uint8_t>& rows, int y) const {
        return rows.data() + static_cast<std::size_t>(y % held_) * values_;
    }

    static void add_pair(const std::uint8_t* a, const std::uint8_t* b, std::uint16_t tap,
                         std::uint16_t* sums) {
        for (int i = 0; i < kBlock; ++i) {
            const auto pair = static_cast<std::uint16_t>(a[i] + b[i]);
            sums[i] = static_cast<std::uint16_t>(sums[i] + static_cast<std::uint16_t>(pair * tap));
        }
    }

    void sum_horizontally(const std::uint8_t* row, int slot) {
        const std::ptrdiff_t border = static_cast<std::ptrdiff_t>(radius_) * kChannels;
        std::uint16_t* middle = padded_.data() + border;
        for (std::size_t i = 0; i < values_; ++i) middle[i] = row[i];
        for (int x = 1; x <= radius_; ++x) {
            const int left = reflect(-x, width_) * kChannels;
            const int right = reflect(width_ - 1 + x, width_) * kChannels;
            for (int c = 0; c < kChannels; ++c) {
                middle[-x * kChannels + c] = row[left + c];
                middle[(width_ - 1 + x) * kChannels + c] = row[right + c];
            }
        }
        std::uint8_t* high = high_.data() + static_cast<std::size_t>(slot) * values_;
        std::uint8_t* low = low_.data() + static_cast<std::size_t>(slot) * values_;
        std::uint16_t sums[kBlock];
        const std::uint16_t centre = taps_[radius_];
        for (std::size_t begin = 0; begin < values_; begin += kBlock) {
            const int count = static_cast<int>(std::min<std::size_t>(kBlock, values_ - begin));
            const std::uint16_t* p = middle + begin;
            for (int i = 0; i < count; ++i) sums[i] = static_cast<std::uint16_t>(p[i] * centre);
            for (int d = 1; d <= reach_; ++d) {
                const std::uint16_t tap = taps_[radius_ - d];
                const std::uint16_t* a = p - d * kChannels;
                const std::uint16_t* b = p + d * kChannels;
                if (count == kBlock) {
                    for (int i = 0; i < kBlock; ++i) {
                        const auto pair = static_cast<std::uint16_t>(a[i] + b[i]);
                        sums[i] = static_cast<std::uint16_t>(
                            sums[i] + static_cast<std::uint16_t>(pair * tap));
                    }
                } else {
                    for (int i = 0; i < count; ++i) {
                        sums[i] = static_cast<std::uint16_t>(sums[i] + (a[i] + b[i]) * tap);
                    }
                }
            }
            for (int i = 0; i < count; ++i) {
                high[begin + i] = static_cast<std::uint8_t>(sums[i] >> 8);
                low[begin + i] = static_cast<std::uint8_t>(sums[i] & 255);
            }
        }
    }

    Buffer<std::uint16_t> taps_;
    Buffer<std::uint16_t> padded_;  // one row with its reflected borders
    Buffer<std::uint8_t> high_;  // horizontal sums of the last held_ rows, row y in slot y % held_
    Buffer<std::uint8_t> low_;
    std::size_t values_ = 0;
    int width_ = 0;
    int height_ = 0;
    int radius_ = 0;
    int reach_ = 0;  // distance of the outermost tap that is not zero
    int held_ = 0;
    int next_ = 0;  // first row not summed yet
};

bool is_valid_sigma(double sigma) {
    return sigma > 0.0 && sigma <= kMaxSigma;
}

}  // namespace

int gaussian_size(double sigma) {
    return static_cast<int>(std::lrint(sigma * 6.0 + 1.0)) | 1;
}

void gaussian_taps(double sigma, std::uint16_t* taps) {
    const int size = gaussian_size(sigma);
    const int half = size / 2;
    const double exponent = -0.5 / (sigma * sigma);
    double sum = 1.0;  // the centre
    for (int i = 0; i < half; ++i) {
        const double x = i - half;
        sum += 2.0 * std::exp(exponent * x * x);
    }
    double error = 0.0;
    int total = 0;
    for (int i = 0; i < half; ++i) {
        const double x = i - half;
        const double wanted = std::exp(exponent * x * x) / sum * 256.0 + error;
        const auto tap = static_cast<int>(std::lrint(wanted));
        error = wanted - tap;
        taps[i] = taps[size - 1 - i] = static_cast<std::uint16_t>(tap);
        total += 2 * tap;
    }
    taps[half] = static_cast<std::uint16_t>(256 - total);
}

Status gaussian_blur(const ImageView& image, double sigma, const Allocator& allocator, Image* out) {
    if (!is_valid_sigma(sigma) || image.width < 1 || image.height < 1) {
        return Status::kInvalidArgument;
    }
    RowBlur blur(allocator);
    if (!out->allocate(image.width, image.height) ||
        !blur.prepare(image.width, image.height, sigma)) {
        return Status::kOutOfMemory;
    }
    for (int y = 0; y < image.height; ++y) blur.blur_row(image, y, out->row(y));
    return Status::kOk;
}

Status normalise_colour(Image* image, double sigma, const Allocator& allocator) {
    if (!is_valid_sigma(sigma) || image->width < 1 || image->height < 1) {
        return Status::kInvalidArgument;
    }
    RowBlur blur(allocator);
    Buffer<std::uint8_t> blurred(allocator);
    const int values = image->width * kChannels;
    if (!blurred.allocate(static_cast<std::size_t>(values)) ||
        !blur.prepare(image->width, image->height, sigma)) {
        return Status::kOutOfMemory;
    }
    for (int y = 0; y < image->height; ++y) {
        blur.blur_row(image->view(), y, blurred.data());
        std::uint8_t* row = image->row(y);
        const std::uint8_t* mean = blurred.data();
        for (int i = 0; i < values; ++i) {
            const int value = 4 * (row[i] - mean[i]) + 128;
            row[i] = static_cast<std::uint8_t>(std::min(std::max(value, 0), 255));
        }
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
