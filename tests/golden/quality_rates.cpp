// SPDX-License-Identifier: Apache-2.0
// Counts the quality verdicts of the photo collections under $FOVEA_DATA and fails below the rates
// that the limits were set for. Exit status 77 (skipped) without the collections.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "preprocess/decode.h"
#include "preprocess/quality.h"

namespace {

namespace fs = std::filesystem;
using namespace fovea::preprocess;

struct Collection {
    const char* folder;
    double least_gradable;  // share of good or usable photos
    double most_gradable;
};

constexpr Collection kCollections[] = {
    {"aptos224/images", 0.98, 1},
    {"idrid640/images", 0.98, 1},
    {"eyepacs-small/images", 0.97, 1},
    {"photos", 1, 1},
    {"natural", 0, 0},
};

std::vector<fs::path> photos_in(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        // Frames through a hand-held lens, and a WebP file that is there to be refused: not what
        // the rate of full-size photos is about.
        if (name.starts_with("smartphone") || name.starts_with("webp")) continue;
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

bool check(const fs::path& root, const Collection& collection) {
    int verdicts[3] = {}, unread = 0, failed_checks[kQualityCheckCount][3] = {};
    const char* names[kQualityCheckCount] = {};
    const std::vector<fs::path> files = photos_in(root / collection.folder);
    for (const fs::path& file : files) {
        std::ifstream stream(file, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
        Image image;
        QualityReport report;
        const char* detail = "";
        if (decode_image(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), {}, {},
                         &image, &detail) != Status::kOk ||
            assess_quality(image.view(), {}, &report) != Status::kOk) {
            std::printf("  %s: not read %s\n", file.c_str(), detail);
            ++unread;
            continue;
        }
        ++verdicts[static_cast<int>(report.verdict)];
        for (int i = 0; i < kQualityCheckCount; ++i) {
            names[i] = report.checks[i].name;
            if (!report.checks[i].passed) {
                ++failed_checks[i][static_cast<int>(report.checks[i].failure_verdict)];
            }
        }
    }
    const int read = verdicts[0] + verdicts[1] + verdicts[2];
    const double gradable = read > 0 ? double(verdicts[0] + verdicts[1]) / read : -1;
    const bool passed = read > 0 && unread == 0 && gradable >= collection.least_gradable &&
                        gradable <= collection.most_gradable;
    std::printf("%-20s %4d photos: good %d, usable %d, reject %d; gradable %.2f %% %s\n",
                collection.folder, read, verdicts[0], verdicts[1], verdicts[2], 100 * gradable,
                passed ? "ok" : "FAILED");
    for (int i = 0; i < kQualityCheckCount && read > 0; ++i) {
        std::printf("    %-16s usable %d, reject %d\n", names[i], failed_checks[i][1],
                    failed_checks[i][2]);
    }
    return passed;
}

}  // namespace

int main() {
    const char* data = std::getenv("FOVEA_DATA");
    if (data == nullptr || !fs::is_directory(fs::path(data) / "natural")) {
        std::puts("SKIP: FOVEA_DATA does not name the photo collections");
        return 77;
    }
    bool passed = true;
    for (const Collection& collection : kCollections) passed &= check(data, collection);
    return passed ? 0 : 1;
}
