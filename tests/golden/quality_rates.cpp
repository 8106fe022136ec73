// SPDX-License-Identifier: Apache-2.0
// Counts the quality verdicts of the photo collections under $FOVEA_DATA, and beside EyeQ's grades
// (Fu et al. 2019) where it has them, and fails below the rates that the limits were set for. Exit
// status 77 (skipped) without the collections.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
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
    {"messidor2/images", 0.98, 1},
    // Screening photos of all qualities: a tenth to a fifth cannot be graded.
    {"odir5k/images", 0.92, 1},
    {"eyepacs-small/images", 0.8, 0.93},
    {"eyepacs-more/images", 0.85, 0.95},
    // Each channel equalised: not the colours of any camera.
    {"eyepacs-equalised/images", 0, 0.15},
    {"photos", 1, 1},
    {"natural", 0, 0},
    {"ood/images", 0, 0.03},
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

// Verdicts of photos that EyeQ has graded: [its grade: good, usable, reject][ours].
struct GradedVerdicts {
    int counts[3][3] = {};

    int of(int grade) const { return counts[grade][0] + counts[grade][1] + counts[grade][2]; }
    double refused(int grade) const { return double(counts[grade][2]) / std::max(of(grade), 1); }
    double marked(int grade) const {
        return double(counts[grade][1] + counts[grade][2]) / std::max(of(grade), 1);
    }
};

// Name of a photo without its ending -> EyeQ's grade. Lines: index,image,quality,DR_grade.
std::map<std::string, int> read_grades(const fs::path& root) {
    std::map<std::string, int> grades;
    for (const char* name : {"Label_EyeQ_train.csv", "Label_EyeQ_test.csv"}) {
        std::ifstream stream(root / "eyepacs-labels" / name);
        for (std::string line; std::getline(stream, line);) {
            const std::size_t image = line.find(',') + 1, dot = line.find('.', image);
            const std::size_t comma = line.find(',', image);
            if (dot == std::string::npos || comma == std::string::npos) continue;
            grades[line.substr(image, dot - image)] = line[comma + 1] - '0';
        }
    }
    return grades;
}

bool check_grades(const GradedVerdicts& verdicts) {
    constexpr const char* kGrades[] = {"good", "usable", "reject"};
    std::puts("EyeQ's grade of natural EyePACS photos, beside the verdicts");
    for (int grade = 0; grade < 3; ++grade) {
        const int(&c)[3] = verdicts.counts[grade];
        std::printf(
            "    %-7s %3d photos: good %d, usable %d, reject %d; refused %.1f %%, marked %.1f %%\n",
            kGrades[grade], verdicts.of(grade), c[0], c[1], c[2], 100 * verdicts.refused(grade),
            100 * verdicts.marked(grade));
    }
    const bool passed = verdicts.of(0) > 300 && verdicts.of(2) > 90 &&
                        verdicts.refused(2) >= 0.57 && verdicts.marked(2) >= 0.85 &&
                        verdicts.refused(0) <= 0.02;
    std::puts(passed ? "    ok" : "    FAILED");
    return passed;
}

bool check(const fs::path& root, const Collection& collection,
           const std::map<std::string, int>& grades, GradedVerdicts* graded) {
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
        // The equalised photos are not those that were graded.
        const auto grade = grades.find(file.stem().string());
        const std::string folder = collection.folder;
        if (grade != grades.end() &&
            (folder == "eyepacs-small/images" || folder == "eyepacs-more/images")) {
            ++graded->counts[grade->second][static_cast<int>(report.verdict)];
        }
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
    const std::map<std::string, int> grades = read_grades(data);
    GradedVerdicts graded;
    for (const Collection& collection : kCollections) {
        passed &= check(data, collection, grades, &graded);
    }
    passed &= check_grades(graded);
    return passed ? 0 : 1;
}
