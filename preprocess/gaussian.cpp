// SPDX-License-Identifier: Apache-2.0
#include "preprocess/gaussian.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "preprocess/row_loops.h"

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr std::size_t kBlock = 1024;  // values at a time, so that their sums stay in the first cache

// One vector register of any CPU, by the vector types of GCC and Clang.
typedef std::uint32_t Words __attribute__((vector_size(16)));
constexpr int kWords = 4;

Words load(const std::uint32_t* p) {
    Words words;
    std::memcpy(&words, p, sizeof(words));
    return words;
}

// Reflect-101: ... 2 1 | 0 1 2 ... n-1 | n-2 ..., repeated for indices far outside.
int reflect(int i, int n) {
    if (n == 1) return 0;
    const int period = 2 * (n - 1);
    i %= period;
    if (i < 0) i += period;
    return i < n ? i : period - i;
}

// A symmetric kernel as a sum of boxes: taps that rise by `weight` within `radius`, the centre's neighbours of that
// distance included. Neighbouring taps are often alike, so there are fewer boxes than taps: 15 for 61 of sigma 10.
struct Box {
    int radius;
    int weight;  // below 0 where the rounded taps fall towards the centre
};

// Yields blurred rows from top to bottom. Sums of products are whole numbers, so they may be made in any order, and
// differences that wrap round come out right in the end:
//   down the columns, a box's sum for the next row has one row more and one less, and the weighted sum of all boxes is at
//   most 256 * 255, 16 bits;
//   along the row, a box's sum is a difference of two running totals, and the weighted sum of all is at most
//   256 * 256 * 255, 24 bits.
class RowBlur {
  public:
    explicit RowBlur(const Allocator& allocator)
        : boxes_(allocator), moves_(allocator), steps_(allocator), held_rows_(allocator), sums_(allocator), totals_(allocator) {}

    [[nodiscard]] bool prepare(int width, int height, double sigma) {
        const int size = gaussian_size(sigma);
        width_ = width;
        height_ = height;
        values_ = static_cast<std::size_t>(width) * kChannels;
        Buffer<std::uint16_t> taps(boxes_.allocator());
        if (!taps.allocate(static_cast<std::size_t>(size))) return false;
        gaussian_taps(sigma, taps.data());
        if (!list_boxes(taps.data(), size / 2)) return false;
        // The rows that a box may add next or take off.
        held_ = std::min(height, 2 * reach_ + 2);
        std::size_t held_values = 0;
        return checked_product(static_cast<std::size_t>(held_), values_, &held_values) &&
               held_rows_.allocate(held_values) && sums_.allocate(values_) &&
               totals_.allocate(values_ + (2 * static_cast<std::size_t>(reach_) + 1) * kChannels);
    }

    // Goes on to row y, which is the next one or, the first time, row 0. image gives rows that the blur has not read yet: row
    // min(y + reach, height - 1) is the last one read, so rows up to y may be overwritten before the next call. False: the
    // caller wishes to stop.
    [[nodiscard]] bool go_to_row(const ImageView& image, int y, Pace* pace) {
        const int last = std::min(height_ - 1, y + reach_);
        for (; next_ <= last; ++next_) {
            std::memcpy(held_rows_.data() + static_cast<std::size_t>(next_ % held_) * values_, image.row(next_), values_);
            if (pace->is_stopped_after(width_)) return false;
        }
        if (y > 0) {
            move_down(y);
            return !pace->is_stopped_after(work_of_boxes());
        }
        std::fill(sums_.begin(), sums_.end(), std::uint16_t{0});
        for (const Box& box : boxes_) {
            for (int d = -box.radius; d <= box.radius; ++d) {
                if (pace->is_stopped_after(width_)) return false;
                const std::uint8_t* row = held_row(d);
                for (std::size_t i = 0; i < values_; ++i) {
                    sums_[i] = static_cast<std::uint16_t>(sums_[i] + box.weight * row[i]);
                }
            }
        }
        return true;
    }

    // Of one row, down or along.
    std::int64_t work_of_boxes() const { return width_ * static_cast<std::int64_t>(1 + boxes_.size()); }

    // The blurred row that the last call went to.
    void blur_row(std::uint8_t* out) {
        run_totals();
        constexpr std::size_t kVectors = 4, kAtOnce = kVectors * kWords;
        std::size_t at = 0;
        for (; at + kAtOnce <= values_; at += kAtOnce) {
            const std::uint32_t* totals = totals_.data() + at;
            Words sums[kVectors];
            for (Words& sum : sums) sum = Words{} + kHalf;
            for (const Step* step = steps_.begin(); step != steps_.end();) {
                const std::uint32_t weight = step->weight;
                Words alike[kVectors] = {};
                for (; step != steps_.end() && step->weight == weight; ++step) {
                    const std::uint32_t* added = totals + step->added;
                    const std::uint32_t* removed = totals + step->removed;
                    for (std::size_t i = 0; i < kVectors; ++i) alike[i] += load(added + kWords * i) - load(removed + kWords * i);
                }
                for (std::size_t i = 0; i < kVectors; ++i) sums[i] += weight == 1 ? alike[i] : alike[i] * weight;
            }
            std::uint32_t words[kAtOnce];
            std::memcpy(words, sums, sizeof(words));
            for (std::size_t i = 0; i < kAtOnce; ++i) out[at + i] = static_cast<std::uint8_t>(words[i] >> 16);
        }
        for (; at < values_; ++at) {
            std::uint32_t sum = kHalf;
            for (const Step& step : steps_) sum += (totals_[at + step.added] - totals_[at + step.removed]) * step.weight;
            out[at] = static_cast<std::uint8_t>(sum >> 16);
        }
    }

  private:
    static constexpr std::uint32_t kHalf = 32768;  // of what is rounded off: the taps add up to 256 both ways

    // From the taps, which are symmetric; taps that rounded to zero at the ends cost nothing.
    [[nodiscard]] bool list_boxes(const std::uint16_t* taps, int half) {
        const auto rise = [&](int distance) {
            return int{taps[half - distance]} - (distance < half ? int{taps[half - distance - 1]} : 0);
        };
        std::size_t count = 0;
        for (int distance = 0; distance <= half; ++distance) count += rise(distance) != 0;
        if (!boxes_.allocate(count) || !moves_.allocate(count) || !steps_.allocate(count)) return false;
        std::size_t next = 0;
        for (int distance = 0; distance <= half; ++distance) {
            if (rise(distance) == 0) continue;
            boxes_[next++] = {distance, rise(distance)};
            reach_ = distance;
        }
        for (std::size_t i = 0; i < count; ++i) {
            const Box& box = boxes_[i];
            const auto after = static_cast<std::size_t>(reach_ + box.radius + 1) * kChannels;
            const auto before = static_cast<std::size_t>(reach_ - box.radius) * kChannels;
            steps_[i] = box.weight > 0 ? Step{after, before, static_cast<std::uint32_t>(box.weight)}
                                       : Step{before, after, static_cast<std::uint32_t>(-box.weight)};
        }
        // By their weights. There are a few dozen, and the standard sort takes 2 KB of a phone's program.
        for (std::size_t i = 1; i < count; ++i) {
            for (std::size_t k = i; k > 0 && steps_[k].weight < steps_[k - 1].weight; --k) std::swap(steps_[k], steps_[k - 1]);
        }
        return true;
    }

    // A box along the row: which running totals its sum lies between, in values from its centre. A box that weighs less than
    // nothing has them exchanged. Those that weigh alike stand together.
    struct Step {
        std::size_t added;
        std::size_t removed;
        std::uint32_t weight;
    };

    const std::uint8_t* held_row(int y) const {
        return held_rows_.data() + static_cast<std::size_t>(reflect(y, height_) % held_) * values_;
    }

    // The columns' sums of row y from those of the row above.
    void move_down(int y) {
        for (std::size_t b = 0; b < boxes_.size(); ++b) {
            moves_[b] = {held_row(y + boxes_[b].radius), held_row(y - 1 - boxes_[b].radius),
                         static_cast<std::uint16_t>(boxes_[b].weight)};
        }
        for (std::size_t begin = 0; begin < values_; begin += kBlock) {
            const std::size_t count = std::min(kBlock, values_ - begin);
            for (const Move& move : moves_) {
                row_loops().add_difference(move.added + begin, move.removed + begin, move.weight, count, sums_.data() + begin);
            }
        }
    }

    // A row that a box takes in and one that it leaves.
    struct Move {
        const std::uint8_t* added;
        const std::uint8_t* removed;
        std::uint16_t weight;  // wraps round, as the sums do
    };

    // totals_[x] is the sum of the columns before x - reach, reflected at the ends.
    void run_totals() {
        std::uint32_t total[kChannels] = {};
        std::uint32_t* next = totals_.data();
        const auto add = [&](int x) {
            const std::uint16_t* sum = sums_.data() + static_cast<std::ptrdiff_t>(x) * kChannels;
            for (int c = 0; c < kChannels; ++c) {
                *next++ = total[c];
                total[c] += sum[c];
            }
        };
        for (int x = -reach_; x < 0; ++x) add(reflect(x, width_));
        for (int x = 0; x < width_; ++x) add(x);
        for (int x = width_; x < width_ + reach_; ++x) add(reflect(x, width_));
        for (int c = 0; c < kChannels; ++c) *next++ = total[c];
    }

    Buffer<Box> boxes_;
    Buffer<Move> moves_;              // of each box, from one row to the next
    Buffer<Step> steps_;              // of each box, along a row
    Buffer<std::uint8_t> held_rows_;  // row y in slot y % held_
    Buffer<std::uint16_t> sums_;      // down the columns, of the row that it has gone to
    Buffer<std::uint32_t> totals_;    // of sums_, along the row
    std::size_t values_ = 0;
    int width_ = 0;
    int height_ = 0;
    int reach_ = 0;  // the largest radius
    int held_ = 0;
    int next_ = 0;  // first row not read yet
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

Status gaussian_blur(const ImageView& image, double sigma, const Allocator& allocator, Image* out, const Cancel& cancel) {
    if (!is_valid_sigma(sigma) || image.width < 1 || image.height < 1) {
        return Status::kInvalidArgument;
    }
    RowBlur blur(allocator);
    if (!out->allocate(image.width, image.height) ||
        !blur.prepare(image.width, image.height, sigma)) {
        return Status::kOutOfMemory;
    }
    Pace pace(cancel);
    for (int y = 0; y < image.height; ++y) {
        if (!blur.go_to_row(image, y, &pace)) return Status::kCancelled;
        blur.blur_row(out->row(y));
        if (pace.is_stopped_after(blur.work_of_boxes())) return Status::kCancelled;
    }
    return Status::kOk;
}

Status normalise_colour(Image* image, double sigma, const std::uint8_t* rows, const Allocator& allocator, const Cancel& cancel) {
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
    Pace pace(cancel);
    for (int y = 0; y < image->height; ++y) {
        if (!blur.go_to_row(image->view(), y, &pace)) return Status::kCancelled;
        if (rows != nullptr && rows[y] == 0) continue;
        blur.blur_row(blurred.data());
        if (pace.is_stopped_after(blur.work_of_boxes())) return Status::kCancelled;
        row_loops().stretch_difference(blurred.data(), values, image->row(y));
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
