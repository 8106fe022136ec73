// SPDX-License-Identifier: Apache-2.0
// Feeds wrong kernels to the check that real kernels pass, and demands that each is caught.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "pointwise_conv_check.h"

namespace {

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::PointwiseConvFp32Args;

const auto right =
    fovea::ops::kPointwiseConvFp32.variants[fovea::ops::kPointwiseConvFp32.count - 1];

std::size_t failures_of(void (*function)(const PointwiseConvFp32Args&), const char* name,
                        std::string* message = nullptr) {
    Checker checker(Checker::Mode::kCollect);
    for (const int out_channels : {8, 13}) {
        for (const int pixels : {1, 7}) {
            for (const int offset : {0, 1}) {
                PointwiseConvCase c{pixels, 5, out_channels, Activation::kHardSwish};
                c.offset = offset;
                c.padding = offset * 2;
                check_pointwise_conv(checker, c, {{name, function, fovea::ops::kFeatureNone}});
            }
        }
    }
    CHECK_FALSE(checker.checked_nothing());
    if (message != nullptr) *message = checker.first_failure();
    return checker.failures();
}

}  // namespace

TEST_CASE("the right kernel passes") {
    CHECK(failures_of(right.function, "right") == 0);
}

TEST_CASE("a bad tail is caught: the last lanes of the last panel are left out") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  PointwiseConvFp32Args wrong = args;
                  wrong.out_channels = std::max(1, args.out_channels / 8 * 8);
                  right.function(wrong);
              },
              "bad_tail") > 0);
}

TEST_CASE("a write one element past a row is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  right.function(args);
                  args.output[static_cast<std::ptrdiff_t>(args.pixels - 1) * args.output_stride +
                              args.out_channels] = 0.0f;
              },
              "writes_past_the_end") > 0);
}

TEST_CASE("a write between rows is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  right.function(args);
                  if (args.output_stride > args.out_channels) {
                      args.output[args.output_stride - 1] = 0.0f;
                  }
              },
              "writes_between_rows") > 0);
}

TEST_CASE("a write before the first element is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  right.function(args);
                  args.output[-1] = 0.0f;
              },
              "writes_before_the_start") > 0);
}

TEST_CASE("a sum that is off by one term is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  PointwiseConvFp32Args wrong = args;
                  wrong.in_channels -= 1;
                  if (args.out_channels <= 8)
                      right.function(wrong);  // one panel: same layout
                  else
                      right.function(args);
              },
              "off_by_one") > 0);
}

TEST_CASE("a stale accumulator is caught: what was in the output is added") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  PointwiseConvFp32Args wrong = args;
                  wrong.residual = args.output;
                  wrong.residual_stride = args.output_stride;
                  right.function(wrong);
              },
              "stale_accumulator") > 0);
}

TEST_CASE("a wrong activation is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  PointwiseConvFp32Args wrong = args;
                  wrong.activation = Activation::kRelu;
                  right.function(wrong);
              },
              "wrong_activation") > 0);
}

TEST_CASE("a read one element past an input is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  right.function(args);
                  const volatile float* input = args.input;
                  (void)input[static_cast<std::ptrdiff_t>(args.pixels - 1) * args.input_stride +
                              args.in_channels];
              },
              "reads_past_the_end") > 0);
}

TEST_CASE("a write to an input is caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  right.function(args);
                  const_cast<float*>(args.input)[0] = 0.0f;
              },
              "writes_an_input") > 0);
}

TEST_CASE("bits that depend on how the pixels are split are caught") {
    CHECK(failures_of(
              [](const PointwiseConvFp32Args& args) {
                  right.function(args);
                  float& first = args.output[0];
                  if (args.pixels == 7) first += first * 6e-8f * 2;  // a rounding error, no more
              },
              "splits_differ") > 0);
}

TEST_CASE("a difference just outside the bound is caught, and one inside is not") {
    Checker checker(Checker::Mode::kCollect);
    OutputRows output(1, 1, 1);
    const double bound = kErrorFactor * 1.1920929e-7 * 10.0 * 4.0;
    output.at(0, 0) = static_cast<float>(1.0 + 0.9 * bound);
    CHECK(checker.run("inside", [] {}));
    checker.compare(output, {{1.0, 4.0}}, 10);
    CHECK(checker.failures() == 0);
    output.at(0, 0) = static_cast<float>(1.0 + 1.1 * bound);
    checker.compare(output, {{1.0, 4.0}}, 10);
    CHECK(checker.failures() == 1);
}

TEST_CASE("a failure names the kernel, the shape, both values and the command that repeats it") {
    std::string message;
    failures_of(
        [](const PointwiseConvFp32Args& args) {
            right.function(args);
            args.output[0] = 100.0f;
        },
        "named_kernel", &message);
    for (const char* part :
         {"named_kernel {pixels=1 in=5 out=8", "row 0, column 0: got 100, expected", "offset=0",
          "repeat: FOVEA_SEED=", "--test-case="}) {
        CAPTURE(part);
        CHECK(message.find(part) != std::string::npos);
    }
}

TEST_CASE("equal seeds and shapes give equal data, others do not") {
    Checker checker(Checker::Mode::kCollect);
    checker.shape("a=%d", 1);
    const std::uint64_t first = checker.random().bits();
    CHECK(checker.random().bits() == first);
    checker.shape("a=%d", 2);
    CHECK(checker.random().bits() != first);
}

TEST_CASE("a test that compares nothing knows it") {
    Checker checker(Checker::Mode::kCollect);
    CHECK(checker.checked_nothing());
    CHECK(checker.run("idle", [] {}));
    CHECK(checker.checked_nothing());
    checker.compare_value(0, 1, 1);
    CHECK_FALSE(checker.checked_nothing());
    CHECK(checker.failures() == 0);
    checker.compare_value(0, 1, 2);
    CHECK(checker.failures() == 1);
}

#if defined(FOVEA_CHECK_ASSEMBLY)
extern "C" {
struct ClobberSample {
    void (*function)();
    const char* name;
};
extern const ClobberSample clobber_samples[];
void well_behaved_sample();
void call_checked(void (*function)(), const char* name);
extern std::uint64_t assembly_calls;
}

TEST_CASE("assembly that does not keep a register for its caller is caught, whichever it is") {
    int samples = 0;
    for (const ClobberSample* sample = clobber_samples; sample->function != nullptr; ++sample, ++samples) {
        Checker checker(Checker::Mode::kCollect);
        CHECK(checker.run("sample", [&] { call_checked(sample->function, "sample"); }));
        CHECK(checker.failures() == 1);
        const std::string wanted = std::string("the assembly function sample did not keep ") + sample->name + "\n";
        CHECK_MESSAGE(checker.first_failure().find(wanted) != std::string::npos, checker.first_failure());
    }
    CHECK(samples == 21);
    Checker checker(Checker::Mode::kCollect);
    checker.run("sample", [&] { call_checked(well_behaved_sample, "sample"); });
    CHECK_MESSAGE(checker.failures() == 0, checker.first_failure());
}

TEST_CASE("the kernels' own assembly is called through the check") {
    // panel_tile_*: a pointwise convolution of neon is made of it.
    Checker checker(Checker::Mode::kCollect);
    const std::uint64_t before = assembly_calls;
    const auto& kernel = fovea::ops::kPointwiseConvFp32.select(fovea::ops::kFeatureNeon);
    check_pointwise_conv(checker, PointwiseConvCase{7, 16, 16, Activation::kNone}, {kernel});
    CHECK(checker.failures() == 0);
    CHECK(assembly_calls > before);
}
#endif
