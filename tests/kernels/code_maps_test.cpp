// SPDX-License-Identifier: Apache-2.0
// Sums and gates of codes, and what makes codes of floats and bytes, and back.
#include "ops/codes/code_maps.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "code_check.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_add(kAddCodes), compares_gate(kGateCodes), compares_quantise(kQuantiseFp32), compares_pixels(kQuantisePixels),
    compares_dequantise(kDequantise);

}  // namespace

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
