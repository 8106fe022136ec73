// SPDX-License-Identifier: Apache-2.0
// Matrix products of codes.
#include "ops/pointwise_conv/pointwise_conv_codes.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "code_sums.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_u8(kPointwiseConvU8S8), compares_s16(kPointwiseConvS16S8);

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
    const std::unique_ptr<Vector<std::int32_t>> bias = random_bias(random, outputs);
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
