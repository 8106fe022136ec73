// SPDX-License-Identifier: Apache-2.0
// Section TYPI: how the features of the photos were distributed that the network knows.
#include <cmath>

#include "engine/finite.h"
#include "engine/model/sections.h"

namespace fovea {
namespace {

constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kTapSize = 32;
constexpr std::uint32_t kMaxScores = 65536;
constexpr std::uint32_t kMaxDimension = 8192;
constexpr std::uint32_t kMaxStatisticsClasses = 16;

// Takes arrays of floats off the section's rest, one after the other; once one does not fit, no later one does.
class FloatArrays {
  public:
    FloatArrays(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

    const float* take(std::uint64_t count) {
        if (!fits_ || count > left_ / sizeof(float)) {
            fits_ = false;
            return nullptr;
        }
        const auto* array = reinterpret_cast<const float*>(data_);
        data_ += count * sizeof(float);
        left_ -= static_cast<std::size_t>(count) * sizeof(float);
        return array;
    }
    bool all_taken() const { return fits_ && left_ == 0; }

  private:
    const std::uint8_t* data_;
    std::size_t left_;
    bool fits_ = true;
};

bool all_positive(const float* values, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!(values[i] > 0)) return false;
    }
    return true;
}

bool is_sorted_finite(const float* values, std::uint32_t count) {
    if (!all_finite(values, count)) return false;
    for (std::uint32_t i = 1; i < count; ++i) {
        if (values[i] < values[i - 1]) return false;
    }
    return true;
}

}  // namespace

fovea_status read_typicality(const Section& section, const Log& log, Typicality* typicality) {
    const auto bad = [&](const char* what) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section TYPI: %s", what);
    };
    if (section.size < kHeaderSize) return bad("too short");
    const std::uint8_t* p = section.data;
    const std::uint32_t tap_count = load_u32(p);
    typicality->score_count = load_u32(p + 4);
    typicality->height = load_u32(p + 8);
    typicality->width = load_u32(p + 12);
    typicality->atypical_below = load_f64(p + 16);
    typicality->reject_below = load_f64(p + 24);
    if (!all_zero(p + 32, 32)) return bad("reserved bytes are not zero");
    if (tap_count < 1 || tap_count > kMaxTypicalityTaps) return bad("tap count is outside 1 to 4");
    if (typicality->score_count < 20 || typicality->score_count > kMaxScores) {
        return bad("score count is outside 20 to 65536");
    }
    if (typicality->height < 1 || typicality->height > kMaxInputSide || typicality->width < 1 ||
        typicality->width > kMaxInputSide) {
        return bad("the input size is outside its range");
    }
    // Written so that a NaN is refused.
    if (!(typicality->reject_below >= 0 && typicality->reject_below <= typicality->atypical_below &&
          typicality->atypical_below <= 1)) {
        return bad("the limits are not 0 <= reject <= atypical <= 1");
    }
    if (section.size < kHeaderSize + tap_count * kTapSize) return bad("too short");
    const std::size_t tables_end = kHeaderSize + tap_count * kTapSize;
    FloatArrays arrays(p + tables_end, section.size - tables_end);
    const std::uint32_t scores = typicality->score_count;
    typicality->sorted_shares = arrays.take(scores);
    for (std::uint32_t i = 0; i < tap_count; ++i) {
        const std::uint8_t* entry = p + kHeaderSize + i * kTapSize;
        FeatureStatistics& tap = typicality->taps[i];
        tap.value = load_u32(entry);
        tap.dimension = load_u32(entry + 4);
        tap.class_count = load_u32(entry + 8);
        tap.direction_count = load_u32(entry + 12);
        tap.rest_variance = load_f32(entry + 16);
        if (!all_zero(entry + 20, 12)) return bad("reserved bytes are not zero");
        if (tap.dimension < 1 || tap.dimension > kMaxDimension) {
            return bad("a tap's dimension is outside 1 to 8192");
        }
        if (tap.class_count < 1 || tap.class_count > kMaxStatisticsClasses) {
            return bad("a tap's class count is outside 1 to 16");
        }
        if (tap.direction_count > tap.dimension) return bad("a tap has more directions than dimensions");
        if (!(tap.rest_variance > 0 && std::isfinite(tap.rest_variance))) {
            return bad("a tap's variance is not a number > 0");
        }
        const std::uint64_t mean_count = std::uint64_t{tap.class_count} * tap.dimension;
        const std::uint64_t direction_values = std::uint64_t{tap.direction_count} * tap.dimension;
        tap.sorted_scores = arrays.take(scores);
        tap.means = arrays.take(mean_count);
        tap.variances = arrays.take(tap.direction_count);
        tap.directions = arrays.take(direction_values);
        if (tap.directions == nullptr) return bad("wrong size");
        if (!is_sorted_finite(tap.sorted_scores, scores)) {
            return bad("a tap's scores are not finite and in rising order");
        }
        if (!all_finite(tap.means, mean_count) || !all_finite(tap.directions, direction_values) ||
            !all_finite(tap.variances, tap.direction_count)) {
            return bad("a statistic is not finite");
        }
        if (!all_positive(tap.variances, tap.direction_count)) {
            return bad("a tap's variance is not a number > 0");
        }
    }
    if (!arrays.all_taken()) return bad("wrong size");
    if (!is_sorted_finite(typicality->sorted_shares, scores) || typicality->sorted_shares[0] < 0 ||
        typicality->sorted_shares[scores - 1] > 1) {
        return bad("the shares are not from 0 to 1 and in rising order");
    }
    typicality->tap_count = tap_count;
    return FOVEA_OK;
}

}  // namespace fovea
