// SPDX-License-Identifier: Apache-2.0
#include "common_options.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "exit_status.h"

namespace fovea::cli {
namespace {

constexpr unsigned kDefaultMaxJobs = 4;

}  // namespace

void add_model_option(Verb& verb, std::string& path) {
    verb.add_option("--model,-m", path, "The model, a .fovea file").required();
}

void add_isa_option(Verb& verb, std::string& isa) {
    verb.add_option("--isa", isa,
                    "Use no better instruction set than this one, as `fovea kernels` names them; "
                    "an error when this CPU lacks it")
        .environment("FOVEA_ISA");
}

void add_max_memory_option(Verb& verb, std::uint64_t& mebibytes) {
    verb.add_option("--max-memory", mebibytes,
                    "MiB that one network run may take for its working memory (default: 1024); "
                    "a model that needs more is refused")
        .range(1, 1 << 24);
}

void add_threads_option(Verb& verb, std::uint32_t& threads) {
    verb.add_option("--threads,-t", threads, "Threads for one network run; changes no result")
        .range(1, 64)
        .show_default();
}

void add_jobs_option(Verb& verb, unsigned& jobs, const std::string& memory) {
    verb.add_option("--jobs,-j", jobs,
                    "Photos worked on at the same time; changes no result "
                    "(default: one a core, at most 4). Memory of each: " + memory)
        .range(1, 256);
}

unsigned worker_count(unsigned requested, std::size_t photos) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const unsigned wanted = requested != 0 ? requested : std::min(cores, kDefaultMaxJobs);
    return static_cast<unsigned>(std::clamp<std::size_t>(photos, 1, wanted));
}

void parse_size(const std::string& text, std::uint32_t& height, std::uint32_t& width) {
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data(), end, height);
    bool good = error == std::errc() && height > 0;
    width = height;
    if (good && stop != end) {
        good = *stop == 'x';
        if (good) {
            const auto second = std::from_chars(stop + 1, end, width);
            good = second.ec == std::errc() && second.ptr == end && width > 0;
        }
    }
    if (!good) {
        throw Failure(kWrongUsage, "--size " + text,
                      "must be HEIGHTxWIDTH in pixels, as in 512x512");
    }
}

}  // namespace fovea::cli
