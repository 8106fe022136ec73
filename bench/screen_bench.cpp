// SPDX-License-Identifier: Apache-2.0
// The whole way from the bytes of a photo in memory to its verdict, and the parts of it, through the public header alone.
//
//   screen_bench MODEL.fovea PHOTO [PHOTO ...] [--isa NAME] [--threads N] [Google Benchmark options]
//
// For each photo: all_ms, the whole of the fastest screening; decode_ms, quality_ms, preset_ms and network_ms, the parts of that
// one as the library reports them, and other_ms, what is left of it; the median and the 90th percentile of the whole; the largest
// memory that the library held (photo and working memory; the model file lies beside it). The label says the verdict.
//
// --serve answers bench/peers/chain.py, line by line:
//   check         the score and the result of each photo
//   run N INDEX   N screenings of a photo: seconds of each, and how often the system took the core away meanwhile
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/core_peak.h"
#include "bench/emulation.h"
#include "bench/figures.h"
#include "fovea/fovea.h"

namespace {

using fovea::bench::file_name;
using fovea::bench::percentile;
using fovea::bench::seconds_now;

constexpr std::size_t kAlignment = 64;  // the largest that the library asks for; room for a block's size before it

struct MemoryCount {
    std::size_t held = 0;
    std::size_t most = 0;

    static void* allocate(void* cookie, std::size_t size, std::size_t) {
        auto* count = static_cast<MemoryCount*>(cookie);
        auto* block = static_cast<unsigned char*>(
            std::aligned_alloc(kAlignment, (size + 2 * kAlignment - 1) / kAlignment * kAlignment));
        if (block == nullptr) return nullptr;
        std::memcpy(block, &size, sizeof(size));
        count->held += size;
        count->most = std::max(count->most, count->held);
        return block + kAlignment;
    }

    static void release(void* cookie, void* pointer) {
        if (pointer == nullptr) return;
        auto* block = static_cast<unsigned char*>(pointer) - kAlignment;
        std::size_t size = 0;
        std::memcpy(&size, block, sizeof(size));
        static_cast<MemoryCount*>(cookie)->held -= size;
        std::free(block);
    }
};

bool read_file(const char* path, std::vector<unsigned char>* bytes) {
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) return false;
    unsigned char buffer[65536];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof(buffer), file)) > 0;) {
        bytes->insert(bytes->end(), buffer, buffer + n);
    }
    const bool good = std::ferror(file) == 0;
    std::fclose(file);
    return good && !bytes->empty();
}

struct Photo {
    std::string name;
    std::vector<unsigned char> bytes;
};

struct Request {
    const char* model = nullptr;
    const char* isa = nullptr;
    std::uint32_t threads = 1;
    std::vector<Photo> photos;
};

// A model with a session whose memory is counted. A photo of poor quality is screened all the same: its parts are wanted.
class Screener {
public:
    ~Screener() {
        fovea_session_close(&session_);
        fovea_model_close(&model_);
    }

    fovea_status open(const Request& request) {
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.threads = request.threads;
        settings.isa = request.isa;
        settings.allocator = {MemoryCount::allocate, MemoryCount::release, &memory_};
        fovea_screen_options_init(&options_);
        options_.force = 1;
        fovea_status status = fovea_model_load_file(request.model, nullptr, &model_);
        if (status == FOVEA_OK) status = fovea_session_create(model_, &settings, &session_);
        return status;
    }

    // screening is what a call filled; seconds, how long that took.
    fovea_status screen(const Photo& photo, double* seconds) {
        screening.size = sizeof(screening);
        const double start = seconds_now();
        const fovea_status status =
            fovea_screen_bytes(session_, photo.bytes.data(), photo.bytes.size(), &options_, &screening);
        *seconds = seconds_now() - start;
        return status;
    }

    std::size_t most_memory() const { return memory_.most; }

    fovea_screening screening{};

private:
    MemoryCount memory_;  // before what allocates from it
    fovea_screen_options options_{};
    fovea_model* model_ = nullptr;
    fovea_session* session_ = nullptr;
};

void bench_screen(benchmark::State& state, const Request& request, const Photo& photo) {
    Screener screener;
    fovea_status status = screener.open(request);
    double unused = 0.0;
    if (status == FOVEA_OK) status = screener.screen(photo, &unused);  // into the warm state
    std::vector<double> all;
    fovea_screening fastest{};
    double best = 0.0;
    for (auto _ : state) {
        double seconds = 0.0;
        if (status == FOVEA_OK) status = screener.screen(photo, &seconds);
        if (status != FOVEA_OK) {
            state.SkipWithError(fovea_status_string(status));
            return;
        }
        if (all.empty() || seconds < best) {
            best = seconds;
            fastest = screener.screening;
        }
        all.push_back(seconds);
    }
    const double parts = fastest.decode_ms + fastest.quality_ms + fastest.preprocess_ms + fastest.infer_ms;
    state.counters["all_ms"] = best * 1e3;
    state.counters["decode_ms"] = fastest.decode_ms;
    state.counters["quality_ms"] = fastest.quality_ms;
    state.counters["preset_ms"] = fastest.preprocess_ms;
    state.counters["network_ms"] = fastest.infer_ms;
    state.counters["other_ms"] = best * 1e3 - parts;
    state.counters["p50_ms"] = percentile(all, 0.5) * 1e3;
    state.counters["p90_ms"] = percentile(all, 0.9) * 1e3;
    state.counters["memory_MiB"] = static_cast<double>(screener.most_memory()) / (1 << 20);
    state.counters["megapixels"] = fastest.image_width * 1e-6 * fastest.image_height;
    state.SetLabel(std::string(fovea_quality_string(fastest.quality)) + ", " + fovea_result_string(fastest.result));
}

long taken_away() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

// One line of JSON, and gone.
void answer(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

int fail(const std::string& cause) {
    answer("{\"error\": \"" + cause + "\"}");
    return 1;
}

std::string joined(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) {
        char number[32];
        std::snprintf(number, sizeof(number), "%s%.9g", text.empty() ? "" : ", ", value);
        text += number;
    }
    return "[" + text + "]";
}

int serve(const Request& request) {
    Screener screener;
    const fovea_status opened = screener.open(request);
    if (opened != FOVEA_OK) return fail(fovea_status_string(opened));
    answer(std::string("{\"version\": \"") + fovea_version() + "\"}");
    char line[64];
    while (std::fgets(line, sizeof(line), stdin) != nullptr) {
        unsigned long count = 0, index = 0;
        double seconds = 0.0;
        if (std::strcmp(line, "check\n") == 0) {
            std::vector<double> scores, found;
            for (const Photo& photo : request.photos) {
                const fovea_status status = screener.screen(photo, &seconds);
                if (status != FOVEA_OK) return fail(photo.name + ": " + fovea_status_string(status));
                scores.push_back(screener.screening.positive_score);
                found.push_back(screener.screening.result == FOVEA_RESULT_DR_SIGNS_FOUND ? 1.0 : 0.0);
            }
            answer("{\"scores\": " + joined(scores) + ", \"found\": " + joined(found) + "}");
        } else if (std::sscanf(line, "run %lu %lu", &count, &index) == 2 && index < request.photos.size()) {
            std::vector<double> all;
            const long before = taken_away();
            for (unsigned long i = 0; i < count; ++i) {
                const fovea_status status = screener.screen(request.photos[index], &seconds);
                if (status != FOVEA_OK) return fail(request.photos[index].name + ": " + fovea_status_string(status));
                all.push_back(seconds);
            }
            answer("{\"seconds\": " + joined(all) + ", \"interruptions\": " + std::to_string(taken_away() - before) + "}");
        } else {
            return fail("neither check nor run N INDEX");
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("screen_bench")) return 1;
    benchmark::Initialize(&argc, argv);
    Request request;
    bool serves = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            request.isa = argv[++i];
        } else if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
            request.threads = static_cast<std::uint32_t>(std::strtoul(argv[++i], nullptr, 10));
        } else if (std::strcmp(argv[i], "--serve") == 0) {
            serves = true;
        } else if (argv[i][0] == '-') {
            std::fprintf(stderr, "screen_bench: unknown option %s\n", argv[i]);
            return 2;
        } else if (request.model == nullptr) {
            request.model = argv[i];
        } else {
            Photo photo{file_name(argv[i]), {}};
            if (!read_file(argv[i], &photo.bytes)) {
                std::fprintf(stderr, "screen_bench: %s: cannot be read\n", argv[i]);
                return 1;
            }
            request.photos.push_back(std::move(photo));
        }
    }
    if (request.photos.empty()) {
        std::fprintf(stderr, "usage: screen_bench MODEL.fovea PHOTO [PHOTO ...] [--isa NAME] [--threads N]\n");
        return 2;
    }
    if (serves) return serve(request);
    {
        Screener screener;
        const fovea_status status = screener.open(request);
        if (status != FOVEA_OK) {
            std::fprintf(stderr, "screen_bench: %s: %s\n", request.model, fovea_status_string(status));
            return 1;
        }
    }
    for (const Photo& photo : request.photos) {
        benchmark::RegisterBenchmark(photo.name.c_str(),
                                     [&](benchmark::State& state) { bench_screen(state, request, photo); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
