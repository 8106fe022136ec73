// SPDX-License-Identifier: Apache-2.0
// Are the planner's bands the fast ones? Measures each streamed segment of a network in every band
// height that the planner compares, beside the cycles of its cost model (engine/segment_cost.cpp),
// on one thread:
//
//   taskset -c 1 band_bench MODEL.fovea [--isa NAME] [--seconds S]
//
// Every plan of a round runs the whole network, with other bands in all segments; rounds follow one
// another, and each segment's best time in each band counts. At the end the network runs turn by
// turn with the chosen bands and with the fastest of each segment.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/core_peak.h"
#include "bench/emulation.h"
#include "engine/run/executor.h"
#include "engine/model/model_file.h"
#include "engine/model/source.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/plan/segment_measures.h"
#include "engine/plan/segments.h"
#include "ops/cpu_features.h"

namespace {

using fovea::bench::seconds_now;

// Times that differ by less than this part say nothing about which band is faster.
constexpr double kSameTime = 0.03;

struct FreeDelete {
    void operator()(void* memory) const { std::free(memory); }
};

// The network with a plan of its own. The executor asks before each turn whether to go on; that is
// where the time is taken when a segment has had all its turns: a clock that is read at every turn
// would cost the lower bands more.
class Runner {
  public:
    Runner(const fovea::Graph& graph, fovea::ops::CpuFeatureSet features,
           const std::vector<std::uint32_t>& band_of)
        : plan(fovea::Allocator{}, features) {
        const fovea::PlanRequest request{.height = graph.default_height,
                                         .width = graph.default_width,
                                         .threads = 1,
                                         .kept = nullptr,
                                         .kept_count = 0,
                                         .band_of = band_of.empty() ? nullptr : band_of.data()};
        if (fovea::make_plan(graph, request, {}, &plan) != FOVEA_OK) return;
        workspace_.reset(static_cast<std::uint8_t*>(
            std::aligned_alloc(64, (plan.workspace_size + 63) / 64 * 64)));
        if (workspace_ == nullptr) return;
        fovea::write_constants(plan, workspace_.get());
        pixels_.resize(plan.values[0].shape.count());
        for (std::size_t i = 0; i < pixels_.size(); ++i)
            pixels_[i] = static_cast<std::uint8_t>(i * 2654435761u >> 25);
        for (std::size_t g = 0; g < plan.segment_count; ++g)
            turns_.push_back(turns(plan.segments[g]));
        seconds_.resize(plan.segment_count);
        executor_ = std::make_unique<fovea::Executor>(plan, pool_, workspace_.get());
    }

    // The seconds of each segment and, in `whole`, of the run without the taking of times in
    // between; empty if it went wrong.
    const std::vector<double>& run(double* whole) {
        if (executor_ == nullptr) return seconds_;
        executor_->set_cancel({});
        const double start = seconds_now();
        bool good = executor_->run({pixels_.data(), FOVEA_U8}) == FOVEA_OK;
        *whole = seconds_now() - start;
        executor_->set_cancel(
            {[](void* cookie) { return static_cast<Runner*>(cookie)->turn(); }, this});
        segment_ = 0;
        left_ = turns_[0];
        lap_ = seconds_now();
        good = good && executor_->run({pixels_.data(), FOVEA_U8}) == FOVEA_OK &&
               segment_ + 1 == turns_.size() && left_ == 0;
        if (!good) {
            seconds_.clear();
            return seconds_;
        }
        seconds_[segment_] = seconds_now() - lap_;
        return seconds_;
    }

    fovea::Plan plan;

  private:
    std::uint64_t turns(const fovea::Segment& segment) const {
        if (segment.band == 0) return 1;
        const std::uint64_t rows =
            plan.steps[segment.first_step + segment.step_count - 1].output_shape.height;
        return (rows + segment.band - 1) / segment.band * segment.step_count;
    }

    int turn() {
        if (left_ == 0) {
            if (segment_ + 1 == turns_.size()) return 1;  // other turns than the plan says
            const double now = seconds_now();
            seconds_[segment_] = now - lap_;
            lap_ = now;
            left_ = turns_[++segment_];
        }
        --left_;
        return 0;
    }

    fovea::ThreadPool pool_{fovea::Allocator{}};
    std::unique_ptr<std::uint8_t, FreeDelete> workspace_;
    std::vector<std::uint8_t> pixels_;
    std::unique_ptr<fovea::Executor> executor_;
    std::vector<std::uint64_t> turns_;
    std::vector<double> seconds_;
    std::size_t segment_ = 0;
    std::uint64_t left_ = 0;
    double lap_ = 0.0;
};

struct Option {
    std::uint32_t band;
    std::uint64_t cycles, ring_bytes;
    double seconds;
};

struct Streamed {
    std::size_t number;  // of the segment in the plan
    std::uint32_t first_step, chosen;
    std::vector<Option> options;

    const Option& best() const {
        return *std::min_element(
            options.begin(), options.end(),
            [](const Option& a, const Option& b) { return a.seconds < b.seconds; });
    }
};

// The streamed segments of a plan for one thread, with the heights that the planner compared.
std::vector<Streamed> streamed_segments(const fovea::Plan& plan) {
    std::vector<Streamed> found;
    for (std::size_t g = 0; g < plan.segment_count; ++g) {
        const fovea::Segment& segment = plan.segments[g];
        if (segment.band == 0) continue;
        Streamed streamed = {g, segment.first_step, segment.band, {}};
        const std::uint64_t rows =
            plan.steps[segment.first_step + segment.step_count - 1].output_shape.height;
        for (std::uint64_t bands = std::min(fovea::kMostBands, rows); bands >= 1;
             bands = fovea::fewer_bands(bands)) {
            const auto band = static_cast<std::uint32_t>((rows + bands - 1) / bands);
            if (streamed.options.empty() || streamed.options.back().band != band)
                streamed.options.push_back({band, 0, 0, 1e9});
        }
        found.push_back(streamed);
    }
    return found;
}

struct Comparison {
    long pairs = 0, as_modelled = 0;
};

// Pairs of bands of one segment that clearly differ in time, and how many of them the model puts in
// that order.
Comparison compare_orders(const std::vector<Streamed>& segments) {
    Comparison result;
    for (const Streamed& segment : segments) {
        for (const Option& a : segment.options) {
            for (const Option& b : segment.options) {
                if (a.seconds * (1.0 + kSameTime) >= b.seconds) continue;
                ++result.pairs;
                result.as_modelled += a.cycles < b.cycles;
            }
        }
    }
    return result;
}

void print_table(const std::vector<Streamed>& segments, const fovea::Graph& graph,
                 const fovea::Plan& plan) {
    std::printf(
        "| segment | layers | band | chosen | modelled cycles | rings KiB | us | rank | %% above "
        "the best |\n");
    std::printf("|--|--|--:|--|--:|--:|--:|--:|--:|\n");
    for (const Streamed& segment : segments) {
        const fovea::Segment& steps = plan.segments[segment.number];
        const fovea::Step& last = plan.steps[steps.first_step + steps.step_count - 1];
        const char* const layer = graph.name_of(last.node);
        const char* const name = layer != nullptr ? layer : "?";
        for (const Option& option : segment.options) {
            const auto rank = 1 + std::count_if(segment.options.begin(), segment.options.end(),
                                                [&](const Option& other) {
                                                    return other.seconds < option.seconds;
                                                });
            std::printf("| %zu | %u to %.40s | %u | %s | %llu | %.0f | %.1f | %ld | %.1f |\n",
                        segment.number, steps.step_count, name, option.band,
                        option.band == segment.chosen ? "*" : "",
                        static_cast<unsigned long long>(option.cycles),
                        static_cast<double>(option.ring_bytes) / 1024.0, option.seconds * 1e6,
                        static_cast<long>(rank),
                        100.0 * (option.seconds / segment.best().seconds - 1.0));
        }
    }
}

bool measure(const fovea::Graph& graph, fovea::ops::CpuFeatureSet features, double seconds) {
    Runner chosen(graph, features, {});
    double whole = 0.0;
    if (chosen.run(&whole).empty()) return false;
    std::vector<Streamed> segments = streamed_segments(chosen.plan);
    std::size_t most = 0;
    for (const Streamed& segment : segments) most = std::max(most, segment.options.size());
    std::vector<std::unique_ptr<Runner>> runners;
    const auto option_at = [](Streamed& segment, std::size_t i) -> Option& {
        return segment.options[i % segment.options.size()];
    };
    for (std::size_t i = 0; i < most; ++i) {
        std::vector<std::uint32_t> bands(chosen.plan.step_count, 0);
        for (Streamed& segment : segments) bands[segment.first_step] = option_at(segment, i).band;
        runners.push_back(std::make_unique<Runner>(graph, features, bands));
        if (runners.back()->run(&whole).empty()) return false;
        for (Streamed& segment : segments) {
            const fovea::Plan& plan = runners.back()->plan;
            Option& option = option_at(segment, i);
            option.cycles = fovea::segment_cost(plan, plan.segments[segment.number]).cycles();
            option.ring_bytes = fovea::ring_bytes(plan, plan.segments[segment.number]);
        }
    }
    const double end = seconds_now() + seconds;
    for (int round = 0; round < 5 || seconds_now() < end; ++round) {
        for (std::size_t i = 0; i < most; ++i) {
            const std::vector<double>& times = runners[i]->run(&whole);
            if (times.empty()) return false;
            for (Streamed& segment : segments) {
                Option& option = option_at(segment, i);
                option.seconds = std::min(option.seconds, times[segment.number]);
            }
        }
    }
    print_table(segments, graph, chosen.plan);

    std::vector<std::uint32_t> bands(chosen.plan.step_count, 0);
    for (const Streamed& segment : segments) bands[segment.first_step] = segment.best().band;
    Runner fastest(graph, features, bands);
    double best_chosen = 1e9, best_fastest = 1e9;
    const double last = seconds_now() + seconds / 2;
    for (int round = 0; round < 20 || seconds_now() < last; ++round) {
        for (Runner* runner : {&chosen, &fastest}) {
            if (runner->run(&whole).empty()) return false;
            double& best = runner == &chosen ? best_chosen : best_fastest;
            best = std::min(best, whole);
        }
    }
    const Comparison orders = compare_orders(segments);
    const double agreement = orders.pairs == 0 ? 1.0
                                               : static_cast<double>(orders.as_modelled) /
                                                     static_cast<double>(orders.pairs);
    std::printf(
        "\nchosen bands: %.3f ms, workspace %llu bytes\nfastest band of each segment: %.3f ms, "
        "workspace %llu bytes\n",
        best_chosen * 1e3, static_cast<unsigned long long>(chosen.plan.workspace_size),
        best_fastest * 1e3, static_cast<unsigned long long>(fastest.plan.workspace_size));
    std::printf("the chosen bands take %.1f %% longer\n",
                100.0 * (best_chosen / best_fastest - 1.0));
    std::printf(
        "of %ld pairs of bands that differ by more than %.0f %%, the model orders %.0f %% as "
        "measured: rank correlation %.2f\n",
        orders.pairs, 100.0 * kSameTime, 100.0 * agreement, 2.0 * agreement - 1.0);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("band_bench")) return 1;
    const char* path = nullptr;
    const char* isa = nullptr;
    double seconds = 5.0;
    bool usable = true;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            isa = argv[++i];
        } else if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            seconds = std::atof(argv[++i]);
        } else {
            usable = usable && path == nullptr && argv[i][0] != '-';
            path = argv[i];
        }
    }
    if (!usable || path == nullptr || !(seconds > 0.0)) {
        std::fprintf(stderr, "usage: band_bench MODEL.fovea [--isa NAME] [--seconds S]\n");
        return 2;
    }
    const fovea::ops::CpuFeatureSet features = fovea::ops::detect_cpu_features();
    const fovea::ops::IsaLevel* const level =
        isa == nullptr ? fovea::ops::best_isa_level(features) : fovea::ops::find_isa_level(isa);
    if (level == nullptr || (level->needed & ~features) != 0) {
        std::fprintf(stderr, "band_bench: --isa %s: this CPU or build has no such thing\n", isa);
        return 1;
    }
    fovea::ModelSource source{fovea::Allocator{}};
    fovea::ModelFile model;
    if (source.open_file(path, {}) != FOVEA_OK ||
        fovea::read_model_file(source.data(), source.size(), {}, {}, &model) != FOVEA_OK) {
        std::fprintf(stderr, "band_bench: %s: cannot be read\n", path);
        return 1;
    }
    if (!measure(model.graph, level->allowed & features, seconds)) {
        std::fprintf(
            stderr, "band_bench: %s: a run failed, or took other turns than its plan says\n", path);
        return 1;
    }
    return 0;
}
