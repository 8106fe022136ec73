// SPDX-License-Identifier: Apache-2.0
// Kernels of codes: every variant gives the bits of the formulas, which are written down here a second time: sums in 64 bits, the
// rest as single float operations.
#include "ops/codes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "kernel_check.h"
#include "ops/codes/code_maps.h"
#include "ops/conv2d/conv2d_codes.h"
#include "ops/dense/dense_fp32_w8.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"
#include "ops/pool/global_pool_codes.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_pointwise_u8(kPointwiseConvU8S8), compares_pointwise_s16(kPointwiseConvS16S8),
    compares_depthwise_u8(kDepthwiseConvU8S8), compares_depthwise_s16(kDepthwiseConvS16S8), compares_conv2d_u8(kConv2dU8S8),
    compares_conv2d_s16(kConv2dS16S8), compares_add(kAddCodes), compares_gate(kGateCodes), compares_quantise(kQuantiseFp32),
    compares_pixels(kQuantisePixels), compares_dequantise(kDequantise), compares_pool(kGlobalPoolCodes),
    compares_dense(kDenseFp32W8);

// Codes anywhere, or those that make the largest sums.
enum class Codes { kAny, kExtreme };

int lowest(CodeType type) {
    return type == CodeType::kU8 ? 0 : -32768;
}
int highest(CodeType type) {
    return type == CodeType::kU8 ? 255 : 32767;
}
std::size_t bytes_of(CodeType type) {
    return type == CodeType::kU8 ? 1 : 2;
}

int random_code(Random& random, CodeType type, Codes kind) {
    if (kind == Codes::kExtreme) return random.between(0, 3) == 0 ? lowest(type) : highest(type);
    return random.between(lowest(type), highest(type));
}

// A map of codes of either type that ends at a guard page.
struct Map {
    Map(std::size_t pixels, std::size_t channels, std::size_t stride, CodeType type)
        : type_(type), stride_(stride), memory_(((pixels - 1) * stride + channels) * bytes_of(type)) {}
    void fill(Random& random, Codes kind) {
        for (std::size_t i = 0; i < memory_.size() / bytes_of(type_); ++i) set(i, random_code(random, type_, kind));
        memory_.make_read_only();
    }
    void set(std::size_t element, int code) {
        if (type_ == CodeType::kU8) {
            memory_[element] = static_cast<std::uint8_t>(code);
        } else {
            const auto word = static_cast<std::int16_t>(code);
            std::memcpy(&memory_[element * 2], &word, 2);
        }
    }
    int at(std::size_t pixel, std::size_t channel) const {
        const std::size_t element = pixel * stride_ + channel;
        if (type_ == CodeType::kU8) return memory_[element];
        std::int16_t word;
        std::memcpy(&word, &memory_[element * 2], 2);
        return word;
    }
    CodeMap view() const { return {memory_.data(), type_, static_cast<std::ptrdiff_t>(stride_)}; }
    template <typename Code>
    const Code* codes() const {
        return reinterpret_cast<const Code*>(memory_.data());
    }

    CodeType type_;
    std::size_t stride_;
    GuardedArray<std::uint8_t> memory_;
};

// An output: what lies before it, between its rows and up to the guard page must stay.
struct Output {
    static constexpr std::size_t kMargin = 64;

    Output(std::size_t pixels, std::size_t channels, std::size_t stride, CodeType type)
        : pixels_(pixels), channels_(channels), map_(pixels, channels, stride, type),
          memory_(kMargin + map_.memory_.size()) {
        std::memset(memory_.data(), 0xA5, memory_.size());
    }
    CodeOutput view() { return {memory_.data() + kMargin, map_.type_, static_cast<std::ptrdiff_t>(map_.stride_)}; }
    // wanted: [pixels][channels]
    void compare(Checker& checker, const std::vector<int>& wanted) {
        std::vector<std::uint8_t> expected(memory_.size(), 0xA5);
        for (std::size_t p = 0; p < pixels_; ++p) {
            for (std::size_t c = 0; c < channels_; ++c) {
                const auto word = static_cast<std::uint16_t>(wanted[p * channels_ + c]);
                std::memcpy(&expected[kMargin + (p * map_.stride_ + c) * bytes_of(map_.type_)], &word, bytes_of(map_.type_));
            }
        }
        for (std::size_t i = 0; i < expected.size(); ++i) checker.compare_value(i, memory_[i], expected[i]);
    }

    std::size_t pixels_, channels_;
    Map map_;
    GuardedArray<std::uint8_t> memory_;
};

std::size_t round_up(std::size_t n, std::size_t to) {
    return (n + to - 1) / to * to;
}

// Constants by channel, padded with zeros as the file has them.
template <typename T>
struct Vector : GuardedArray<T> {
    explicit Vector(std::size_t channels) : GuardedArray<T>(round_up(channels, 8)) {
        std::fill_n(this->data(), this->size(), T(0));
    }
};

int code_of(float value, int zero, CodeType type, bool relu) {
    if (std::isnan(value)) return relu ? zero : lowest(type);
    const double rounded = std::nearbyint(static_cast<double>(value)) + zero;
    return static_cast<int>(std::clamp(rounded, static_cast<double>(relu ? zero : lowest(type)), static_cast<double>(highest(type))));
}

// How sums become codes, so that most of the range is used and both ends saturate.
struct Epilogue {
    Epilogue(Random& random, int channels, CodeType type, Activation activation, double largest_sum)
        : activation_(activation), type_(type), multiplier_(static_cast<std::size_t>(channels)),
          swish_(static_cast<std::size_t>(channels)), zero_(static_cast<std::size_t>(channels)) {
        const bool lowest_zeros = random.between(0, 1) == 0;  // as relu's are in what fovea-quantize makes
        for (int c = 0; c < channels; ++c) {
            const auto at = static_cast<std::size_t>(c);
            const double range = activation == Activation::kHardSwish ? 12 : highest(type) - lowest(type);
            multiplier_[at] = static_cast<float>(range * 1.5 / largest_sum * (1 + 0.5 * random.uniform()));
            swish_[at] = static_cast<float>((highest(type) - lowest(type)) / 40.0 * (1 + 0.5 * random.uniform()));
            zero_[at] = !lowest_zeros && random.between(0, 4) == 0 ? random.between(lowest(type), highest(type)) : lowest(type);
        }
    }
    Requantisation args() const {
        return {multiplier_.data(), activation_ == Activation::kHardSwish ? swish_.data() : nullptr, zero_.data(), activation_};
    }
    int code(std::int64_t sum, std::size_t channel) const {
        REQUIRE(sum >= std::numeric_limits<std::int32_t>::min());
        REQUIRE(sum <= std::numeric_limits<std::int32_t>::max());
        float value = static_cast<float>(sum) * multiplier_[channel];
        if (activation_ == Activation::kHardSwish) {
            const float t = std::min(std::max(value + 3.0f, 0.0f), 6.0f);
            const float product = value * t;
            value = product * swish_[channel];
        }
        return code_of(value, zero_[channel], type_, activation_ == Activation::kRelu);
    }

    Activation activation_;
    CodeType type_;
    Vector<float> multiplier_, swish_;
    Vector<std::int32_t> zero_;
};

constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu, Activation::kHardSwish};
constexpr CodeType kTypes[] = {CodeType::kU8, CodeType::kS16};
constexpr Codes kKinds[] = {Codes::kAny, Codes::kExtreme};

template <typename Input>
constexpr CodeType kInputType = sizeof(Input) == 1 ? CodeType::kU8 : CodeType::kS16;

// Weights [taps][in][out] in panels of 8 x 4. Pairs of inputs that 8-bit codes are multiplied with add up to 128 at the most;
// extreme ones reach it.
struct Panels {
    Panels(Random& random, int taps, int inputs, int outputs, Codes kind, bool pair_rule)
        : taps_(taps), inputs_(inputs),
          bytes_(round_up(static_cast<std::size_t>(outputs), 8) * static_cast<std::size_t>(taps) *
                 round_up(static_cast<std::size_t>(inputs), 4)) {
        std::fill_n(bytes_.data(), bytes_.size(), std::int8_t{0});
        for (int o = 0; o < outputs; ++o) {
            for (int tap = 0; tap < taps; ++tap) {
                for (int i = 0; i < inputs; ++i) {
                    const int most = pair_rule ? 64 : 127;
                    int weight = random.between(-127, 127);
                    if (kind == Codes::kExtreme) weight = o % 2 == 0 ? most : -most;
                    // The second of a pair takes what the first leaves.
                    if (pair_rule && kind == Codes::kAny && i % 2 == 1) {
                        const int first = at(tap, i - 1, o);
                        weight = std::clamp(weight, -128 - std::min(first, 0), 128 - std::max(first, 0));
                    }
                    bytes_[place(tap, i, o)] = static_cast<std::int8_t>(weight);
                }
            }
        }
        bytes_.make_read_only();
    }
    std::size_t place(int tap, int i, int o) const {
        const int quads = (inputs_ + 3) / 4;
        return static_cast<std::size_t>((((o / 8 * taps_ + tap) * quads + i / 4) * 8 + o % 8) * 4 + i % 4);
    }
    int at(int tap, int i, int o) const { return bytes_[place(tap, i, o)]; }

    int taps_, inputs_;
    GuardedArray<std::int8_t> bytes_;
};

Vector<std::int32_t>* random_bias(Random& random, int channels) {
    auto* const bias = new Vector<std::int32_t>(static_cast<std::size_t>(channels));
    for (int c = 0; c < channels; ++c) (*bias)[static_cast<std::size_t>(c)] = random.between(-300000, 300000);
    return bias;
}

double largest_sum(CodeType type, int terms, Codes kind) {
    return 300000.0 + highest(type) * (kind == Codes::kExtreme ? 64.0 * terms : 40.0 * std::sqrt(terms));
}

template <typename Input>
void check_pointwise(Checker& checker, const KernelTable<void (*)(const PointwiseConvCodesArgs<Input>&)>& table, int pixels,
                     int inputs, int outputs, CodeType type, Activation activation, Codes kind) {
    checker.shape("pixels=%d in=%d out=%d output=%d activation=%d kind=%d", pixels, inputs, outputs, static_cast<int>(type),
                  static_cast<int>(activation), static_cast<int>(kind));
    Random random = checker.random();
    const auto count = static_cast<std::size_t>(pixels);
    const auto out = static_cast<std::size_t>(outputs);
    Map input(count, static_cast<std::size_t>(inputs), static_cast<std::size_t>(inputs) + 3, kInputType<Input>);
    input.fill(random, kind);
    const Panels weights(random, 1, inputs, outputs, kind, sizeof(Input) == 1);
    const std::unique_ptr<Vector<std::int32_t>> bias(random_bias(random, outputs));
    const Epilogue epilogue(random, outputs, type, activation, largest_sum(kInputType<Input>, inputs, kind));
    std::vector<int> wanted;
    for (std::size_t p = 0; p < count; ++p) {
        for (int o = 0; o < outputs; ++o) {
            std::int64_t sum = (*bias)[static_cast<std::size_t>(o)];
            for (int i = 0; i < inputs; ++i) {
                sum += std::int64_t{input.at(p, static_cast<std::size_t>(i))} * weights.at(0, i, o);
            }
            wanted.push_back(epilogue.code(sum, static_cast<std::size_t>(o)));
        }
    }
    for (const auto& kernel : runnable_variants(table)) {
        Output output(count, out, out + 5, type);
        const bool ran = checker.run(kernel.name, [&] {
            kernel.function({input.codes<Input>(), inputs + 3, output.view(), weights.bytes_.data(), bias->data(), epilogue.args(),
                             count, inputs, outputs});
        });
        if (ran) output.compare(checker, wanted);
    }
}

template <typename Input>
void check_all_pointwise(const KernelTable<void (*)(const PointwiseConvCodesArgs<Input>&)>& table) {
    Checker checker;
    for (const int inputs : {1, 3, 4, 6, 16, 72, 129}) {
        for (const int outputs : {1, 8, 11, 16, 24, 40}) {
            for (const int pixels : {1, 3, 4, 6}) {
                for (const Codes kind : kKinds) {
                    const auto type = kTypes[(inputs + pixels) % 2];
                    check_pointwise<Input>(checker, table, pixels, inputs, outputs, type, kActivations[(outputs + pixels) % 3], kind);
                }
            }
        }
    }
    // Around the tiles of kernels that take more panels or pixels at once.
    int turn = 0;
    for (const int outputs : {32, 48, 56, 64, 70, 72, 80, 88, 104, 136}) {
        for (const int pixels : {2, 5, 7, 8, 13, 18, 25}) {
            const CodeType type = kTypes[turn++ % 2];
            const Activation activation = kActivations[turn % 3];
            check_pointwise<Input>(checker, table, pixels, turn % 2 == 0 ? 24 : 13, outputs, type, activation, kKinds[turn / 2 % 2]);
        }
    }
    for (const CodeType type : kTypes) {
        for (const Activation activation : kActivations) {
            check_pointwise<Input>(checker, table, 9, 20, 19, type, activation, Codes::kAny);
        }
    }
}

// A window over a picture of codes, one output row.
struct WindowShape {
    int width, kernel_height, kernel_width, stride, dilation, pad_left;
    int output_width() const { return (width + 2 * pad_left - (kernel_width - 1) * dilation - 1) / stride + 1; }
};
constexpr WindowShape kWindows[] = {
    {5, 3, 3, 1, 1, 1}, {9, 3, 3, 2, 1, 1}, {13, 5, 5, 1, 1, 2}, {12, 5, 5, 2, 1, 1}, {1, 3, 3, 1, 1, 1},
    {7, 1, 4, 1, 2, 0}, {16, 2, 2, 3, 1, 0}, {6, 7, 7, 1, 1, 3}, {33, 3, 3, 2, 1, 0}, {31, 3, 3, 1, 1, 1},
    {7, 3, 3, 1, 1, 1}, {14, 5, 5, 1, 1, 2},
    {28, 3, 3, 2, 1, 0}, {29, 4, 3, 1, 1, 1}, {11, 1, 5, 1, 1, 2}, {129, 3, 3, 1, 1, 1}, {131, 5, 5, 2, 1, 2}, {3, 2, 3, 1, 1, 1},
};

// Rows of which one is padding, or none, with columns that lie apart or beside each other.
template <typename Input>
struct Rows {
    Rows(Random& random, const WindowShape& shape, int channels, Codes kind)
        : stride_(channels + (random.between(0, 1) == 0 ? 0 : 2)), zero_(static_cast<std::size_t>(channels)), width_(shape.width) {
        const auto count = static_cast<std::size_t>(channels);
        const int missing = random.between(0, 1) == 0 ? -1 : random.between(0, shape.kernel_height - 1);
        for (int a = 0; a < shape.kernel_height; ++a) {
            maps_.push_back(
                std::make_unique<Map>(static_cast<std::size_t>(shape.width), count, static_cast<std::size_t>(stride_), kInputType<Input>));
            maps_.back()->fill(random, kind);
            pointers_.push_back(a == missing ? nullptr : maps_.back()->template codes<Input>());
        }
        for (std::size_t c = 0; c < count; ++c) zero_[c] = random_code(random, kInputType<Input>, Codes::kAny);
    }
    int at(int a, int column, int channel) const {
        const auto index = static_cast<std::size_t>(a);
        const bool inside = pointers_[index] != nullptr && column >= 0 && column < width_;
        return inside ? maps_[index]->at(static_cast<std::size_t>(column), static_cast<std::size_t>(channel))
                      : zero_[static_cast<std::size_t>(channel)];
    }

    int stride_;
    std::vector<std::unique_ptr<Map>> maps_;
    std::vector<const Input*> pointers_;
    Vector<std::int32_t> zero_;
    int width_;
};

template <typename Input>
void check_conv2d(Checker& checker, const KernelTable<void (*)(const Conv2dCodesArgs<Input>&)>& table, const WindowShape& shape,
                  int inputs, int outputs, CodeType type, Activation activation, Codes kind) {
    checker.shape("width=%d kernel=%dx%d stride=%d in=%d out=%d output=%d kind=%d", shape.width, shape.kernel_height,
                  shape.kernel_width, shape.stride, inputs, outputs, static_cast<int>(type), static_cast<int>(kind));
    Random random = checker.random();
    const Rows<Input> rows(random, shape, inputs, kind);
    const int taps = shape.kernel_height * shape.kernel_width;
    const Panels weights(random, taps, inputs, outputs, kind, sizeof(Input) == 1);
    const std::unique_ptr<Vector<std::int32_t>> bias(random_bias(random, outputs));
    const Epilogue epilogue(random, outputs, type, activation, largest_sum(kInputType<Input>, taps * inputs, kind));
    std::vector<int> wanted;
    for (int x = 0; x < shape.output_width(); ++x) {
        for (int o = 0; o < outputs; ++o) {
            std::int64_t sum = (*bias)[static_cast<std::size_t>(o)];
            for (int tap = 0; tap < taps; ++tap) {
                const int column = x * shape.stride + tap % shape.kernel_width * shape.dilation - shape.pad_left;
                for (int i = 0; i < inputs; ++i) {
                    sum += std::int64_t{rows.at(tap / shape.kernel_width, column, i)} * weights.at(tap, i, o);
                }
            }
            wanted.push_back(epilogue.code(sum, static_cast<std::size_t>(o)));
        }
    }
    const auto out = static_cast<std::size_t>(outputs);
    for (const auto& kernel : runnable_variants(table)) {
        Output output(static_cast<std::size_t>(shape.output_width()), out, out + 1, type);
        const bool ran = checker.run(kernel.name, [&] {
            kernel.function({rows.pointers_.data(), rows.stride_, output.view(), weights.bytes_.data(), bias->data(), rows.zero_.data(),
                             epilogue.args(), shape.width, shape.output_width(), inputs, outputs, shape.kernel_height,
                             shape.kernel_width, shape.stride, shape.dilation, shape.pad_left});
        });
        if (ran) output.compare(checker, wanted);
    }
}

template <typename Input>
void check_depthwise(Checker& checker, const KernelTable<void (*)(const DepthwiseConvCodesArgs<Input>&)>& table,
                     const WindowShape& shape, int channels, CodeType type, Activation activation, Codes kind) {
    checker.shape("width=%d kernel=%dx%d stride=%d channels=%d output=%d kind=%d", shape.width, shape.kernel_height,
                  shape.kernel_width, shape.stride, channels, static_cast<int>(type), static_cast<int>(kind));
    Random random = checker.random();
    const Rows<Input> rows(random, shape, channels, kind);
    const int taps = shape.kernel_height * shape.kernel_width;
    const std::size_t padded = round_up(static_cast<std::size_t>(channels), 8);
    GuardedArray<std::int8_t> weights(static_cast<std::size_t>(taps) * padded);
    std::fill_n(weights.data(), weights.size(), std::int8_t{0});
    for (int tap = 0; tap < taps; ++tap) {
        for (int c = 0; c < channels; ++c) {
            const int weight = kind == Codes::kExtreme ? (c % 2 == 0 ? 127 : -127) : random.between(-127, 127);
            weights[static_cast<std::size_t>(tap) * padded + static_cast<std::size_t>(c)] = static_cast<std::int8_t>(weight);
        }
    }
    weights.make_read_only();
    const std::unique_ptr<Vector<std::int32_t>> bias(random_bias(random, channels));
    const Epilogue epilogue(random, channels, type, activation, largest_sum(kInputType<Input>, taps, kind));
    std::vector<int> wanted;
    for (int x = 0; x < shape.output_width(); ++x) {
        for (int c = 0; c < channels; ++c) {
            std::int64_t sum = (*bias)[static_cast<std::size_t>(c)];
            for (int tap = 0; tap < taps; ++tap) {
                const int column = x * shape.stride + tap % shape.kernel_width * shape.dilation - shape.pad_left;
                sum += std::int64_t{rows.at(tap / shape.kernel_width, column, c)} *
                       weights[static_cast<std::size_t>(tap) * padded + static_cast<std::size_t>(c)];
            }
            wanted.push_back(epilogue.code(sum, static_cast<std::size_t>(c)));
        }
    }
    const auto count = static_cast<std::size_t>(channels);
    for (const auto& kernel : runnable_variants(table)) {
        Output output(static_cast<std::size_t>(shape.output_width()), count, count + 3, type);
        const bool ran = checker.run(kernel.name, [&] {
            kernel.function({rows.pointers_.data(), rows.stride_, output.view(), weights.data(), bias->data(), rows.zero_.data(),
                             epilogue.args(), shape.width, shape.output_width(), channels, shape.kernel_height, shape.kernel_width,
                             shape.stride, shape.dilation, shape.pad_left});
        });
        if (ran) output.compare(checker, wanted);
    }
}

// Constants of elementwise kernels, by channel.
struct Constants {
    Constants(Random& random, int channels, float scale, CodeType type)
        : first_(static_cast<std::size_t>(channels)), second_(static_cast<std::size_t>(channels)),
          offset_(static_cast<std::size_t>(channels)), zero_(static_cast<std::size_t>(channels)) {
        for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
            first_[c] = scale * (1 + random.uniform() / 2);
            second_[c] = scale * random.uniform();
            offset_[c] = static_cast<float>(highest(type)) * random.uniform();
            zero_[c] = random_code(random, type, Codes::kAny);
        }
    }
    Vector<float> first_, second_, offset_;
    Vector<std::int32_t> zero_;
};

constexpr int kChannelCounts[] = {1, 2, 3, 4, 8, 13, 16, 40, 64, 121};

}  // namespace

TEST_CASE("pointwise_conv of codes: every kernel, sizes around its tiles, extremes") {
    check_all_pointwise<std::uint8_t>(kPointwiseConvU8S8);
    check_all_pointwise<std::int16_t>(kPointwiseConvS16S8);
}

TEST_CASE("pointwise_conv of codes: the most inputs that a layer of the detectors has, all at their ends") {
    Checker checker;
    check_pointwise<std::uint8_t>(checker, kPointwiseConvU8S8, 5, 960, 24, CodeType::kU8, Activation::kNone, Codes::kExtreme);
    check_pointwise<std::int16_t>(checker, kPointwiseConvS16S8, 5, 240, 24, CodeType::kS16, Activation::kNone, Codes::kExtreme);
}

TEST_CASE("pointwise_conv of codes: more inputs, outputs and pixels than kernels take at once") {
    Checker checker;
    for (const Activation activation : kActivations) {
        check_pointwise<std::uint8_t>(checker, kPointwiseConvU8S8, 6, 4133, 17, CodeType::kU8, activation, Codes::kAny);
        check_pointwise<std::int16_t>(checker, kPointwiseConvS16S8, 6, 2081, 17, CodeType::kS16, activation, Codes::kAny);
        check_pointwise<std::uint8_t>(checker, kPointwiseConvU8S8, 5, 5, 1045, CodeType::kU8, activation, Codes::kExtreme);
        check_pointwise<std::int16_t>(checker, kPointwiseConvS16S8, 5, 5, 1045, CodeType::kU8, activation, Codes::kExtreme);
        check_pointwise<std::uint8_t>(checker, kPointwiseConvU8S8, 99, 200, 24, CodeType::kS16, activation, Codes::kAny);
        check_pointwise<std::int16_t>(checker, kPointwiseConvS16S8, 99, 200, 24, CodeType::kU8, activation, Codes::kAny);
    }
}

TEST_CASE("conv2d of codes: every kernel, windows, strides, padding that holds the code of 0") {
    Checker checker;
    int turn = 0;
    for (const WindowShape& shape : kWindows) {
        for (const int inputs : {1, 2, 3, 4, 7, 20}) {
            for (const int outputs : {1, 8, 13, 16, 24, 72}) {
                for (const Codes kind : kKinds) {
                    const CodeType type = kTypes[turn++ % 2];
                    const Activation activation = kActivations[turn % 3];
                    check_conv2d<std::uint8_t>(checker, kConv2dU8S8, shape, inputs, outputs, type, activation, kind);
                    check_conv2d<std::int16_t>(checker, kConv2dS16S8, shape, inputs, outputs, type, activation, kind);
                }
            }
        }
    }
}

TEST_CASE("depthwise_conv of codes: every kernel, windows, strides, padding that holds the code of 0") {
    Checker checker;
    int turn = 0;
    for (const WindowShape& shape : kWindows) {
        for (const int channels : {1, 7, 8, 9, 16, 24, 27, 40, 63, 64, 72, 91, 120}) {
            for (const Codes kind : kKinds) {
                const CodeType type = kTypes[turn++ % 2];
                const Activation activation = kActivations[turn % 3];
                check_depthwise<std::uint8_t>(checker, kDepthwiseConvU8S8, shape, channels, type, activation, kind);
                check_depthwise<std::int16_t>(checker, kDepthwiseConvS16S8, shape, channels, type, activation, kind);
            }
        }
    }
}

TEST_CASE("add_codes: every kernel, all pairs of types, and into one of its operands") {
    Checker checker;
    for (const int channels : kChannelCounts) {
        for (int types = 0; types < 8; ++types) {
            const CodeType left_type = kTypes[types & 1], right_type = kTypes[types >> 1 & 1], type = kTypes[types >> 2];
            for (const Codes kind : kKinds) {
                checker.shape("channels=%d types=%d kind=%d", channels, types, static_cast<int>(kind));
                Random random = checker.random();
                const auto count = static_cast<std::size_t>(channels);
                Map left(5, count, count + 1, left_type), right(5, count, count, right_type);
                left.fill(random, kind);
                right.fill(random, kind);
                const Constants with(random, channels, static_cast<float>(highest(type)) / static_cast<float>(highest(left_type)), type);
                std::vector<int> wanted;
                for (std::size_t p = 0; p < 5; ++p) {
                    for (std::size_t c = 0; c < count; ++c) {
                        const float one = static_cast<float>(left.at(p, c)) * with.first_[c];
                        const float other = static_cast<float>(right.at(p, c)) * with.second_[c];
                        const float sum = one + other;
                        wanted.push_back(code_of(sum + with.offset_[c], with.zero_[c], type, false));
                    }
                }
                for (const auto& kernel : runnable_variants(kAddCodes)) {
                    Output output(5, count, left.stride_, type);
                    const bool in_place = type == left_type;
                    if (in_place) {
                        for (std::size_t p = 0; p < 5; ++p) {  // what lies between the rows stays as it was
                            const std::size_t row = p * left.stride_ * bytes_of(type);
                            std::memcpy(output.memory_.data() + Output::kMargin + row, left.memory_.data() + row,
                                        count * bytes_of(type));
                        }
                    }
                    const CodeOutput view = output.view();
                    const CodeMap from = in_place ? CodeMap{view.data, view.type, view.stride} : left.view();
                    const bool ran = checker.run(kernel.name, [&] {
                        kernel.function({from, right.view(), view, with.first_.data(), with.second_.data(), with.offset_.data(),
                                         with.zero_.data(), 5, channels});
                    });
                    if (ran) output.compare(checker, wanted);
                }
            }
        }
    }
}

TEST_CASE("gate_codes: every kernel, all pairs of types, gates that saturate or are no numbers") {
    Checker checker;
    for (const int channels : kChannelCounts) {
        for (int types = 0; types < 4; ++types) {
            const CodeType input_type = kTypes[types & 1], type = kTypes[types >> 1];
            checker.shape("channels=%d types=%d", channels, types);
            Random random = checker.random();
            const auto count = static_cast<std::size_t>(channels);
            Map input(6, count, count + 2, input_type);
            input.fill(random, Codes::kAny);
            const Constants with(random, channels, static_cast<float>(highest(type)) / static_cast<float>(highest(input_type)), type);
            Vector<std::int32_t> input_zero(count);
            GuardedArray<float> gate(count);
            for (std::size_t c = 0; c < count; ++c) {
                input_zero[c] = random_code(random, input_type, Codes::kAny);
                gate[c] = std::abs(random.uniform());
            }
            gate[0] = std::numeric_limits<float>::quiet_NaN();
            gate[count - 1] = 1e30f;
            gate.make_read_only();
            std::vector<int> wanted;
            for (std::size_t p = 0; p < 6; ++p) {
                for (std::size_t c = 0; c < count; ++c) {
                    const float factor = gate[c] * with.first_[c];
                    const float code = static_cast<float>(input.at(p, c) - input_zero[c]);
                    wanted.push_back(code_of(code * factor, with.zero_[c], type, false));
                }
            }
            for (const auto& kernel : runnable_variants(kGateCodes)) {
                Output output(6, count, count + 1, type);
                const bool ran = checker.run(kernel.name, [&] {
                    kernel.function({input.view(), output.view(), gate.data(), input_zero.data(), with.first_.data(),
                                     with.zero_.data(), 6, channels});
                });
                if (ran) output.compare(checker, wanted);
            }
        }
    }
}

TEST_CASE("quantise and dequantise: every kernel, from floats and from bytes, and back") {
    Checker checker;
    for (const int channels : kChannelCounts) {
        for (const CodeType type : kTypes) {
            checker.shape("channels=%d type=%d", channels, static_cast<int>(type));
            Random random = checker.random();
            const auto count = static_cast<std::size_t>(channels);
            const Constants with(random, channels, static_cast<float>(highest(type)) / 200.0f, type);
            GuardedArray<float> floats(7 * count);
            GuardedArray<std::uint8_t> bytes(7 * count);
            for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = 300.0f * random.uniform();
            random.fill(bytes.data(), bytes.size());
            floats[0] = std::numeric_limits<float>::quiet_NaN();
            const auto expected = [&](const auto& input) {
                std::vector<int> wanted;
                for (std::size_t i = 0; i < input.size(); ++i) {
                    const std::size_t c = i % count;
                    const float product = static_cast<float>(input[i]) * with.first_[c];
                    wanted.push_back(code_of(product + with.offset_[c], with.zero_[c], type, false));
                }
                return wanted;
            };
            for (const auto& kernel : runnable_variants(kQuantiseFp32)) {
                Output output(7, count, count + 4, type);
                const bool ran = checker.run(kernel.name, [&] {
                    kernel.function({floats.data(), output.view(), with.first_.data(), with.offset_.data(), with.zero_.data(), 7,
                                     channels});
                });
                if (ran) output.compare(checker, expected(floats));
            }
            for (const auto& kernel : runnable_variants(kQuantisePixels)) {
                Output gaps(7, count, count + 2, type);
                const bool made = checker.run(kernel.name, [&] {
                    kernel.function({bytes.data(), gaps.view(), with.first_.data(), with.offset_.data(), with.zero_.data(), 7,
                                     channels});
                });
                if (made) gaps.compare(checker, expected(bytes));
                Output output(7, count, count, type);
                const bool ran = checker.run(kernel.name, [&] {
                    kernel.function({bytes.data(), output.view(), with.first_.data(), with.offset_.data(), with.zero_.data(), 7,
                                     channels});
                });
                if (ran) output.compare(checker, expected(bytes));
            }
            Map codes(7, count, count + 1, type);
            codes.fill(random, Codes::kAny);
            std::vector<float> wanted;
            for (std::size_t p = 0; p < 7; ++p) {
                for (std::size_t c = 0; c < count; ++c) {
                    wanted.push_back(static_cast<float>(codes.at(p, c) - with.zero_[c]) * with.first_[c]);
                }
            }
            for (const auto& kernel : runnable_variants(kDequantise)) {
                OutputRows output(7, count, count + 2);
                const bool ran = checker.run(kernel.name, [&] {
                    kernel.function({codes.view(), output.data(), static_cast<std::ptrdiff_t>(count) + 2, with.first_.data(),
                                     with.zero_.data(), 7, channels});
                });
                if (ran) checker.compare_equal(output, wanted.data(), static_cast<std::ptrdiff_t>(count));
            }
        }
    }
}

TEST_CASE("quantise_pixels: constants that are whole numbers, whose codes nothing rounds, and that just fit, or do not") {
    Checker checker;
    struct Whole {
        float multiplier, offset;
        int zero;
    };
    constexpr Whole kWholes[] = {{2, -255, 0},       {128, -32768, 0}, {128, 100, 27},       {128, 100, 28},
                                 {255, -40000, 7232}, {256, -32768, 0}, {2, -255.5f, 0},      {2, -254.999985f, 0},
                                 {255, 0.24f, -32768}, {3, -7.26f, 5},  {-2, 255, 0},         {1, -32768, -1}};
    for (const Whole& whole : kWholes) {
        for (const int channels : {1, 3, 5, 8}) {
            for (const std::size_t pixels : {1, 7, 8, 100}) {
                checker.shape("multiplier=%g offset=%g zero=%d channels=%d pixels=%zu", static_cast<double>(whole.multiplier),
                              static_cast<double>(whole.offset), whole.zero, channels, pixels);
                Random random = checker.random();
                const auto count = static_cast<std::size_t>(channels);
                Vector<float> multiplier(count), offset(count);
                Vector<std::int32_t> zero(count);
                GuardedArray<std::uint8_t> input(pixels * count);
                random.fill(input.data(), input.size());
                input[0] = 255;
                input[input.size() - 1] = 0;
                std::vector<int> wanted;
                for (std::size_t c = 0; c < count; ++c) {
                    multiplier[c] = whole.multiplier;
                    offset[c] = whole.offset;
                    zero[c] = whole.zero;
                }
                for (std::size_t i = 0; i < input.size(); ++i) {
                    const float product = static_cast<float>(input[i]) * whole.multiplier;
                    wanted.push_back(code_of(product + whole.offset, whole.zero, CodeType::kS16, false));
                }
                for (const auto& kernel : runnable_variants(kQuantisePixels)) {
                    Output output(pixels, count, count, CodeType::kS16);
                    const bool ran = checker.run(kernel.name, [&] {
                        kernel.function({input.data(), output.view(), multiplier.data(), offset.data(), zero.data(), pixels, channels});
                    });
                    if (ran) output.compare(checker, wanted);
                }
            }
        }
    }
}

TEST_CASE("global_pool_codes: every kernel, parts of the channels, more pixels than 32 bits hold at their ends") {
    Checker checker;
    for (const int channels : kChannelCounts) {
        for (const std::size_t pixels : {1, 7, 49, 600, 70000}) {
            if (pixels > 1000 && channels != 3) continue;
            for (const CodeType type : kTypes) {
                for (const PoolKind pool : {PoolKind::kAverage, PoolKind::kMax}) {
                    checker.shape("channels=%d pixels=%zu type=%d pool=%d", channels, pixels, static_cast<int>(type),
                                  static_cast<int>(pool));
                    Random random = checker.random();
                    const auto count = static_cast<std::size_t>(channels);
                    Map input(pixels, count, count + 1, type);
                    input.fill(random, pixels > 100 ? Codes::kExtreme : Codes::kAny);
                    const Constants with(random, channels, 0.01f, type);
                    std::vector<float> wanted;
                    const int begin = channels > 8 ? 8 : 0;
                    for (std::size_t c = static_cast<std::size_t>(begin); c < count; ++c) {
                        std::int64_t sum = 0;
                        int most = lowest(type);
                        for (std::size_t p = 0; p < pixels; ++p) {
                            sum += input.at(p, c) - with.zero_[c];
                            most = std::max(most, input.at(p, c));
                        }
                        const float mean = static_cast<float>(sum) / static_cast<float>(pixels);
                        wanted.push_back((pool == PoolKind::kAverage ? mean : static_cast<float>(most - with.zero_[c])) *
                                         with.first_[c]);
                    }
                    for (const auto& kernel : runnable_variants(kGlobalPoolCodes)) {
                        OutputRows output(1, wanted.size(), wanted.size());
                        const bool ran = checker.run(kernel.name, [&] {
                            kernel.function({input.view(), output.data() - begin, with.first_.data(), with.zero_.data(), pixels, begin,
                                             channels, pool});
                        });
                        if (ran) checker.compare_equal(output, wanted.data(), static_cast<std::ptrdiff_t>(wanted.size()));
                    }
                }
            }
        }
    }
}

TEST_CASE("dense_fp32_w8: every kernel adds in the order of its contract, whatever part of the panels it makes") {
    Checker checker;
    for (const int inputs : {1, 3, 4, 7, 64, 577}) {
        for (const int outputs : {1, 8, 13, 40}) {
            for (const Fill fill : kAllFills) {
                checker.shape("in=%d out=%d fill=%s", inputs, outputs, name_of(fill));
                Random random = checker.random();
                const auto in = static_cast<std::size_t>(inputs), out = static_cast<std::size_t>(outputs);
                const int panels = (outputs + 7) / 8;
                GuardedArray<float> input(in);
                random.fill(input.data(), in, fill);
                GuardedArray<std::int8_t> weights(static_cast<std::size_t>(panels) * in * 8);
                Vector<float> scale(out), bias(out);
                for (std::size_t o = 0; o < weights.size(); ++o) {
                    const bool lane = o / (in * 8) * 8 + o % 8 < out;
                    weights[o] = static_cast<std::int8_t>(lane ? random.between(-127, 127) : 0);
                }
                for (std::size_t o = 0; o < out; ++o) {
                    scale[o] = 0.01f * random.uniform();
                    bias[o] = random.uniform();
                }
                std::vector<float> wanted;
                for (std::size_t o = 0; o < out; ++o) {
                    float sums[4] = {};
                    for (std::size_t i = 0; i < in; ++i) {
                        const float product = input[i] * static_cast<float>(weights[(o / 8 * in + i) * 8 + o % 8]);
                        sums[i % 4] = sums[i % 4] + product;
                    }
                    const float low = sums[0] + sums[1], high = sums[2] + sums[3];
                    const float scaled = (low + high) * scale[o];
                    wanted.push_back(scaled + bias[o]);
                }
                for (const auto& kernel : runnable_variants(kDenseFp32W8)) {
                    for (const int part : {1, panels}) {
                        OutputRows output(1, out, out);
                        const bool ran = checker.run(kernel.name, [&] {
                            for (int begin = 0; begin < panels; begin += part) {
                                kernel.function({input.data(), output.data(), weights.data(), scale.data(), bias.data(), inputs, outputs,
                                                 begin, begin + part});
                            }
                        });
                        if (ran) checker.compare_equal(output, wanted.data(), static_cast<std::ptrdiff_t>(out));
                    }
                }
            }
        }
    }
}
