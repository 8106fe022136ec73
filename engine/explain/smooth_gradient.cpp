// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/align.h"
#include "engine/explain/explainer.h"

namespace fovea {
namespace {

// splitmix64: the same numbers on every machine.
class Uniform {
  public:
    explicit Uniform(std::uint64_t seed) : state_(seed) {}

    // In (0, 1].
    double next() {
        state_ += 0x9E3779B97F4A7C15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        z ^= z >> 31;
        return (static_cast<double>(z >> 11) + 1.0) * 0x1p-53;
    }

  private:
    std::uint64_t state_;
};

// Two normal numbers a turn (Box and Muller).
class Normal {
  public:
    explicit Normal(std::uint64_t seed) : uniform_(seed) {}

    double next() {
        if (has_second_) {
            has_second_ = false;
            return second_;
        }
        constexpr double kTwoPi = 6.28318530717958647692;
        const double radius = std::sqrt(-2.0 * std::log(uniform_.next()));
        const double angle = kTwoPi * uniform_.next();
        second_ = radius * std::sin(angle);
        has_second_ = true;
        return radius * std::cos(angle);
    }

  private:
    Uniform uniform_;
    double second_ = 0;
    bool has_second_ = false;
};

}  // namespace

// Noise where the picture shows something: what is black in all channels, as outside the eye, stays so.
fovea_status smooth_gradient(fovea_explainer& explainer, const void* input, fovea_dtype dtype, const float** map) {
    const std::size_t count = explainer.input_count();
    const std::size_t channels = explainer.session.input_shape().channels;
    float* const noisy = explainer.extra();
    float* const sum = noisy + align_up(count * sizeof(float)) / sizeof(float);
    float least = input_value(input, dtype, 0), most = least;
    for (std::size_t i = 1; i < count; ++i) {
        least = std::min(least, input_value(input, dtype, i));
        most = std::max(most, input_value(input, dtype, i));
    }
    const double deviation = explainer.settings.noise * (static_cast<double>(most) - static_cast<double>(least));
    std::fill_n(sum, count, 0.0f);
    Normal normal(explainer.settings.seed);
    for (std::uint32_t n = 0; n < explainer.settings.samples; ++n) {
        for (std::size_t p = 0; p < count; p += channels) {
            bool lit = false;
            for (std::size_t c = p; c < p + channels; ++c) lit = lit || input_value(input, dtype, c) != 0.0f;
            for (std::size_t c = p; c < p + channels; ++c) {
                const double noise = lit ? normal.next() * deviation : 0.0;
                noisy[c] = static_cast<float>(input_value(input, dtype, c) + noise);
            }
        }
        const fovea_status status = explainer.run(noisy, FOVEA_F32, true);
        if (status != FOVEA_OK) return status;
        const float* const gradient = explainer.gradient_of(0);
        for (std::size_t i = 0; i < count; ++i) sum[i] += gradient[i];
    }
    const float part = 1.0f / static_cast<float>(explainer.settings.samples);
    for (std::size_t i = 0; i < count; ++i) sum[i] *= part;
    *map = sum;
    return FOVEA_OK;
}

}  // namespace fovea
