// SPDX-License-Identifier: Apache-2.0
// Stands in for a fuzz engine: runs a fuzz target on files, so that the corpus is a normal test.
//   TARGET [--mutate N] FILE|FOLDER ...
// --mutate 1 also runs every shorter beginning of a file and every change of one of its bits, --mutate N every Nth of those.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

std::size_t run_count = 0;

void run(const Bytes& bytes) {
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++run_count;
}

void run_mutations(Bytes bytes, std::size_t step) {
    for (std::size_t size = 0; size < bytes.size(); size += step) {
        run(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    }
    for (std::size_t i = 0; i < bytes.size() * 8; i += step) {
        const auto bit = static_cast<std::uint8_t>(1 << (i % 8));
        bytes[i / 8] ^= bit;
        run(bytes);
        bytes[i / 8] ^= bit;
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t step = 0;  // none
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--mutate") == 0 && i + 1 < argc) {
            step = std::strtoul(argv[++i], nullptr, 10);
        } else if (std::filesystem::is_directory(argv[i])) {
            for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
                if (entry.is_regular_file()) files.push_back(entry.path());
            }
        } else {
            files.emplace_back(argv[i]);
        }
    }
    std::sort(files.begin(), files.end());
    if (files.empty()) {
        std::fprintf(stderr, "no files to replay\n");
        return 1;
    }
    for (const auto& file : files) {
        std::ifstream stream(file, std::ios::binary);
        if (!stream) {
            std::fprintf(stderr, "cannot read %s\n", file.c_str());
            return 1;
        }
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);  // the last line names the file of a crash
        const Bytes bytes{std::istreambuf_iterator<char>(stream), {}};
        run(bytes);
        if (step > 0) run_mutations(bytes, step);
    }
    std::printf("%zu files, %zu runs\n", files.size(), run_count);
    return 0;
}
