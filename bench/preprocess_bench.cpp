// SPDX-License-Identifier: Apache-2.0
// Times from a photograph of 12 MP to the network's pixels, decoding apart. Without arguments on a
// picture drawn here; FOVEA_PHOTO=file.jpg adds that file, with its decoding.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "preprocess/decode.h"
#include "preprocess/fundus_crop.h"
#include "preprocess/gaussian.h"
#include "preprocess/preset.h"
#include "preprocess/quality.h"
#include "preprocess/scaled_decode.h"

namespace {

using namespace fovea;
using namespace fovea::preprocess;

constexpr int kWidth = 4288;
constexpr int kHeight = 2848;

// A bright disc on the nearly black, noisy ground of a fundus camera, cut at top and bottom.
Image draw_fundus() {
    Image image;
    if (!image.allocate(kWidth, kHeight)) std::abort();
    std::uint32_t noise = 1;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            noise = noise * 1664525U + 1013904223U;
            const auto grain = static_cast<int>(noise >> 30);
            const long dx = x - kWidth / 2;
            const long dy = y - kHeight / 2;
            const bool is_inside = dx * dx + dy * dy < 1750L * 1750;
            std::uint8_t* p = image.row(y) + 3 * x;
            p[0] = static_cast<std::uint8_t>(is_inside ? 150 + 8 * grain : grain);
            p[1] = static_cast<std::uint8_t>(is_inside ? 80 + 8 * grain : grain);
            p[2] = static_cast<std::uint8_t>(is_inside ? 40 + 8 * grain : grain);
        }
    }
    return image;
}

const Image& fundus() {
    static const Image image = draw_fundus();
    return image;
}

// The shipped detectors reduce by the means of areas.
constexpr ResizeMethod kShipped = ResizeMethod::kArea;

void run_preset(benchmark::State& state, const Image& image, Preset preset, ResizeMethod method) {
    PresetSettings settings;
    settings.preset = preset;
    settings.resize = method;
    settings.output_size = static_cast<int>(state.range(0));
    for (auto _ : state) {
        Image out;
        if (apply_preset(image.view(), settings, Allocator(), &out, nullptr) != Status::kOk) {
            state.SkipWithError("apply_preset failed");
        }
        benchmark::DoNotOptimize(out.pixels.data());
    }
}

void find_lit_12mp(benchmark::State& state) {
    for (auto _ : state) {
        LitSelection selection{Allocator()};
        benchmark::DoNotOptimize(
            find_lit(fundus().view(), 7, gray_weights(false), Allocator(), &selection));
    }
}
BENCHMARK(find_lit_12mp)->Unit(benchmark::kMillisecond);

void resize_12mp(benchmark::State& state, ResizeMethod method) {
    const auto size = static_cast<int>(state.range(0));
    for (auto _ : state) {
        Image out;
        const ImageView view = fundus().view();
        benchmark::DoNotOptimize(resize(view, size, size, resize_scale(view, size, size), method,
                                        Allocator(), &out));
    }
}
BENCHMARK_CAPTURE(resize_12mp, cv_area, ResizeMethod::kArea)
    ->Arg(224)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(resize_12mp, cv_linear, ResizeMethod::kLinear)
    ->Arg(224)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);

void judge(benchmark::State& state, const Image& image) {
    for (auto _ : state) {
        QualityReport report;
        benchmark::DoNotOptimize(assess_quality(image.view(), Allocator(), &report));
    }
}

void assess_quality_12mp(benchmark::State& state) {
    judge(state, fundus());
}
BENCHMARK(assess_quality_12mp)->Unit(benchmark::kMillisecond);

void normalise_colour_of_square(benchmark::State& state) {
    const auto size = static_cast<int>(state.range(0));
    Image image;
    const ImageView view = fundus().view();
    if (resize(view, size, size, resize_scale(view, size, size), ResizeMethod::kLinear, Allocator(),
               &image) != Status::kOk) {
        state.SkipWithError("resize failed");
    }
    for (auto _ : state) benchmark::DoNotOptimize(normalise_colour(&image, 10.0, nullptr, Allocator()));
}
BENCHMARK(normalise_colour_of_square)->Arg(224)->Arg(512)->Unit(benchmark::kMillisecond);

void preset_12mp(benchmark::State& state, Preset preset, ResizeMethod method) {
    run_preset(state, fundus(), preset, method);
}
BENCHMARK_CAPTURE(preset_12mp, kaggle_ben_color_cv_area, Preset::kKaggleBenColor, kShipped)
    ->Arg(224)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(preset_12mp, kaggle_ben_color_cv_linear, Preset::kKaggleBenColor,
                  ResizeMethod::kLinear)
    ->Arg(224)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(preset_12mp, kaggle_circle_cv_area, Preset::kKaggleCircle, ResizeMethod::kArea)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(preset_12mp, kaggle_circle_cv_linear, Preset::kKaggleCircle,
                  ResizeMethod::kLinear)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);

std::vector<std::uint8_t> read_file(const char* path) {
    std::vector<std::uint8_t> bytes;
    if (std::FILE* file = std::fopen(path, "rb")) {
        std::uint8_t buffer[65536];
        for (std::size_t n; (n = std::fread(buffer, 1, sizeof(buffer), file)) > 0;) {
            bytes.insert(bytes.end(), buffer, buffer + n);
        }
        std::fclose(file);
    }
    return bytes;
}

// From the file's bytes to the network's pixels and the quality, as a detector with scaled decoding does.
void scaled_photo(benchmark::State& state, const std::vector<std::uint8_t>& bytes) {
    PresetSettings settings;
    settings.resize = kShipped;
    settings.output_size = static_cast<int>(state.range(0));
    settings.scaled_decoding = 2;
    for (auto _ : state) {
        Photo photo;
        Image picture;
        QualityReport report;
        const char* detail = "";
        QualityRows rows{Allocator()};
        QualityCopies copies{Allocator()};
        if (decode_for_preset(bytes.data(), bytes.size(), DecodeLimits(), settings, kLeastScaledSide, Allocator(), &photo, &rows,
                              &detail) != Status::kOk ||
            rows.finish(&copies) != Status::kOk || assess_quality(std::move(copies), Allocator(), &report) != Status::kOk ||
            apply_preset(photo.image.view(), settings, Allocator(), &picture, nullptr) != Status::kOk) {
            state.SkipWithError(detail);
        }
        state.counters["scale"] = static_cast<double>(photo.width) / std::max(photo.image.width, 1);
    }
}

void register_photo(const char* path) {
    static const std::vector<std::uint8_t> bytes = read_file(path);
    static Image photo;
    const char* detail = "";
    if (decode_image(bytes.data(), bytes.size(), DecodeLimits(), Allocator(), &photo, &detail) !=
        Status::kOk) {
        std::fprintf(stderr, "%s: %s\n", path, detail);
        std::exit(2);
    }
    benchmark::RegisterBenchmark("photo_decode", [](benchmark::State& state) {
        for (auto _ : state) {
            Image out;
            benchmark::DoNotOptimize(decode_image(bytes.data(), bytes.size(), DecodeLimits(),
                                                  Allocator(), &out, nullptr));
        }
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("photo_scaled_all", [](benchmark::State& state) {
        scaled_photo(state, bytes);
    })->Arg(224)->Arg(512)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("photo_find_lit", [](benchmark::State& state) {
        for (auto _ : state) {
            LitSelection selection{Allocator()};
            benchmark::DoNotOptimize(
                find_lit(photo.view(), 7, gray_weights(false), Allocator(), &selection));
        }
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("photo_assess_quality", [](benchmark::State& state) {
        judge(state, photo);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("photo_kaggle_ben_color_cv_area", [](benchmark::State& state) {
        run_preset(state, photo, Preset::kKaggleBenColor, kShipped);
    })->Arg(224)->Arg(512)->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
    if (const char* path = std::getenv("FOVEA_PHOTO")) register_photo(path);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
