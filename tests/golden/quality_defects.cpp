// SPDX-License-Identifier: Apache-2.0
// Makes of good photos what must not be graded, and demands that most are refused, by a check that
// says why, while what every photo may suffer is let through. Works on the photos in the folder
// that is given: those in the repository, or every eighth of a collection under $FOVEA_DATA.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "preprocess/decode.h"
#include "preprocess/quality.h"
#include "preprocess/resize.h"
#include "tests/unit/picture_defects.h"

namespace {

namespace fs = std::filesystem;
using namespace fovea::preprocess;
using namespace defects;

struct Defect {
    const char* name;
    std::function<Picture(const Picture& photo, const Picture& other)> make;
    std::vector<QualityCheckIndex> reasons;  // at least one must have failed; none: must pass
    double least_share;                      // of the photos that must come out so; 0: known to pass, any refusal counts
};

// Smaller ones cannot be made smaller.
constexpr int kLeastSide = 160;

Picture blurred_by(const Picture& photo, int per_mille) {
    return synthetic::blurred(photo, std::max(1, photo.height * per_mille / 1000));
}

// Enlarged without smoothing from a disc of about that many pixels.
Picture blocky(const Picture& photo, int diameter) {
    const int n = std::max(2, trimmed(photo).width / diameter);
    return enlarged(shrunk(photo, n), n);
}

Picture resized(const Picture& photo, int width, int height, ResizeMethod method) {
    Image image;
    const SelectedView view(photo.view());
    Picture picture(width, height);
    if (resize(view, width, height, resize_scale(view, width, height), method, {}, &image) != Status::kOk) return {0, 0};
    std::memcpy(picture.pixels.data(), image.pixels.data(), picture.pixels.size());
    return picture;
}

// Enlarged without steps from a disc of about that many pixels.
Picture smooth(const Picture& photo, int diameter) {
    const int width = photo.width * diameter / trimmed(photo).width;
    const Picture small = resized(photo, width, photo.height * width / photo.width, ResizeMethod::kArea);
    return resized(small, photo.width, photo.height, ResizeMethod::kLinear);
}

// With what another photo has finer than 1 % of its height.
Picture textured(Picture photo, const Picture& other) {
    const Picture smoothed = blurred_by(other, 10);
    for (int y = 0; y < std::min(photo.height, other.height); ++y) {
        for (int i = 0; i < 3 * std::min(photo.width, other.width); ++i) {
            std::uint8_t& value = photo.at(0, y)[i];
            value = byte(value + other.at(0, y)[i] - smoothed.at(0, y)[i]);
        }
    }
    return photo;
}

// Large enough for two photos beside each other and below.
Picture ground_for(const Picture& a, const Picture& b, int grey) {
    return synthetic::flat(a.width + b.width, a.height + b.height, grey, grey, grey);
}

Picture overlapping_on(const Picture& photo, const Picture& other, int percent, bool below,
                       Laid how, int grey) {
    const Picture a = trimmed(photo), b = trimmed(other);
    return overlapping(a, b, percent, below, how, ground_for(a, b, grey));
}

// Half of either photo; from one half to the other it is so far across and down.
auto halves_across(int across, int down) {
    return [=](const Picture& photo, const Picture& other) {
        return joined(trimmed(photo), trimmed(other), across, down);
    };
}

const std::vector<Defect>& all_defects() {
    using P = const Picture&;
    static const std::vector<Defect> defects = {
        {"as it is", [](P p, P) { return p; }, {}, 0.9},
        {"a little noise", [](P p, P) { return noisy(p, 5); }, {}, 0.9},
        {"turned upside down",
         [](P p, P) {
             Picture q = p;
             for (int i = 0; i < p.width * p.height; ++i) {
                 std::memcpy(q.pixels.data() + 3 * i,
                             p.pixels.data() + 3 * (p.width * p.height - 1 - i), 3);
             }
             return q;
         },
         {},
         0.9},
        {"cut above and below, black there",
         [](P p, P) {
             const Picture q = trimmed(p);
             Picture cut(q.width + 40, q.height);
             const int off = q.height / 20;
             paste(synthetic::cut(q, 0, off, q.width, q.height - 2 * off), 20, off, &cut);
             return cut;
         },
         {},
         0.9},
        {"two eyes, a gap", [](P p, P o) { return beside(p, o, 12); }, {kSingleDisc}, 0.95},
        {"two eyes that touch",
         [](P p, P o) { return beside(trimmed(p), trimmed(o), 0); },
         {kSingleDisc, kDiscEdge},
         0.95},
        {"two eyes that overlap",
         [](P p, P o) { return beside(trimmed(p), trimmed(o), -trimmed(p).width / 20); },
         {kSingleDisc, kDiscEdge},
         0.95},
        {"two eyes, one half as large",
         [](P p, P o) { return beside(p, shrunk(o, 2), 0); },
         {kSingleDisc},
         0.95},
        {"two eyes, one above", [](P p, P o) { return stacked(p, o, 2); }, {kSingleDisc}, 0.95},
        {"four eyes",
         [](P p, P o) { return stacked(beside(p, o, 4), beside(o, p, 4), 4); },
         {kSingleDisc},
         0.95},
        {"an inset", [](P p, P) { return with_inset(p, 5); }, {kSingleDisc}, 0.95},
        {"in a window", [](P p, P) { return in_window(p); }, {kFundusLikeness, kSingleDisc}, 0.95},
        {"overlapping by 20 %, lighter of both",
         [](P p, P o) { return beside(trimmed(p), trimmed(o), -trimmed(p).width / 5); },
         {kSingleDisc, kDiscEdge, kInnerEdges},
         0.9},
        {"overlapping by 30 %, lighter of both",
         [](P p, P o) { return beside(trimmed(p), trimmed(o), -trimmed(p).width * 3 / 10); },
         {kSingleDisc, kInnerEdges},
         0.8},
        {"overlapping by 40 %, lighter of both",
         [](P p, P o) { return beside(trimmed(p), trimmed(o), -trimmed(p).width * 2 / 5); },
         {kSingleDisc, kInnerEdges},
         0.9},
        {"one above, overlapping by 30 %",
         [](P p, P o) { return stacked(trimmed(p), trimmed(o), -trimmed(p).height * 3 / 10); },
         {kSingleDisc, kInnerEdges},
         0.9},
        {"overlapping by 30 %, one covers",
         [](P p, P o) { return overlapping_on(p, o, 30, false, Laid::kLit, 0); },
         {kSingleDisc, kInnerEdges},
         0.9},
        {"overlapping by 40 %, one shines through",
         [](P p, P o) { return overlapping_on(p, o, 40, false, Laid::kMean, 0); },
         {kSingleDisc, kInnerEdges},
         0.9},
        {"one above, overlapping by 40 %, one covers",
         [](P p, P o) { return overlapping_on(p, o, 40, true, Laid::kLit, 0); },
         {kSingleDisc, kInnerEdges},
         0.9},
        {"overlapping by 30 %, a sheet on white",
         [](P p, P o) { return overlapping_on(p, o, 30, false, Laid::kWhole, 255); },
         {kSingleDisc, kInnerEdges, kFundusLikeness},
         0.9},
        {"overlapping by 30 %, on grey",
         [](P p, P o) { return overlapping_on(p, o, 30, false, Laid::kLit, 120); },
         {kSingleDisc, kInnerEdges, kFundusLikeness},
         0.9},
        {"one half as large over a side",
         [](P p, P o) {
             const Picture a = trimmed(p), b = shrunk(trimmed(o), 2);
             return overlapping(a, b, 30, false, Laid::kLit, ground_for(a, b, 0));
         },
         {kSingleDisc, kInnerEdges},
         0.9},
        {"a quarter as large, in a corner",
         [](P p, P o) { return with_photo_within(p, shrunk(o, 4), false, 0, Laid::kWhole); },
         {kSingleDisc, kInnerEdges, kStraightEdges},
         0.9},
        {"half as large, in a corner, framed",
         [](P p, P o) {
             return with_photo_within(p, shrunk(o, 2), false, p.height / 200, Laid::kWhole);
         },
         {kSingleDisc, kInnerEdges, kStraightEdges, kDiscEdge},
         0.9},
        {"a third as large, in the middle",
         [](P p, P o) { return with_photo_within(p, shrunk(o, 3), true, 0, Laid::kWhole); },
         {kInnerEdges, kStraightEdges},
         0.9},
        {"half as large, in the middle, framed",
         [](P p, P o) {
             return with_photo_within(p, shrunk(o, 2), true, p.height / 200, Laid::kWhole);
         },
         {kInnerEdges, kStraightEdges},
         0.9},
        {"half as large, its disc alone in the middle",
         [](P p, P o) { return with_photo_within(p, shrunk(o, 2), true, 0, Laid::kLit); },
         {kInnerEdges, kStraightEdges},
         0.6},
        {"two halves that meet, upright", halves_across(1, 0), {kInnerEdges}, 0.8},
        {"two halves that meet, 10 degrees off upright", halves_across(985, 174), {kInnerEdges}, 0.4},
        {"two halves that meet, 30 degrees off upright", halves_across(866, 500), {kInnerEdges}, 0.55},
        {"two halves that meet, 45 degrees off upright", halves_across(1, 1), {kInnerEdges}, 0.75},
        {"blurred", [](P p, P) { return blurred_by(p, 15); }, {kSharpness, kClarity}, 0.9},
        {"blurred, noise 5",
         [](P p, P) { return noisy(blurred_by(p, 15), 5); },
         {kGrain, kClarity},
         0.9},
        {"blurred, noise 10", [](P p, P) { return noisy(blurred_by(p, 15), 10); }, {kGrain}, 0.95},
        {"blurred, noise 20", [](P p, P) { return noisy(blurred_by(p, 15), 20); }, {kGrain}, 0.95},
        {"blurred, coarse noise",
         [](P p, P) { return enlarged(noisy(shrunk(blurred_by(p, 20), 2), 10), 2); },
         {kGrain, kBlocks},
         0.95},
        {"an orange disc with noise",
         [](P p, P) {
             Picture q = p;
             for (int i = 0; i < p.width * p.height; ++i) {
                 if (luma(p.pixels.data() + 3 * i) < 25) continue;
                 std::memcpy(q.pixels.data() + 3 * i, "\xbe\x5f\x28", 3);
             }
             return noisy(q, 12);
         },
         {kGrain},
         0.95},
        {"one bit", [](P p, P) { return dithered(grey(p), 2); }, {kColours}, 1},
        {"one bit a channel", [](P p, P) { return dithered(p, 2); }, {kColours}, 1},
        {"four levels, dithered", [](P p, P) { return dithered(p, 4); }, {kColours}, 1},
        {"eight levels", [](P p, P) { return posterised(p, 8); }, {kColours}, 0.95},
        {"six levels, a little noise",
         [](P p, P) { return noisy(posterised(p, 6), 2); },
         {kLevels},
         0.95},
        {"blocks, 40 pixels", [](P p, P) { return blocky(p, 40); }, {kBlocks}, 0.95},
        {"blocks, 80 pixels", [](P p, P) { return blocky(p, 80); }, {kBlocks, kStraightEdges}, 0.9},
        {"blocks, 160 rows",
         [](P p, P) { return enlarged(shrunk(p, p.height / kLeastSide), p.height / kLeastSide); },
         {kFineDetail, kBlocks},
         0.95},
        {"enlarged smoothly, 95 pixels", [](P p, P) { return smooth(p, 95); }, {kFineDetail, kSharpness, kClarity}, 0.95},
        {"enlarged smoothly, 120 pixels", [](P p, P) { return smooth(p, 120); }, {kFineDetail}, 0.8},
        {"enlarged smoothly, 145 pixels", [](P p, P) { return smooth(p, 145); }, {kFineDetail}, 0.8},
        {"blurred a little, sharpened",
         [](P p, P) { return sharpened(blurred_by(p, 5), p.height * 8 / 1000, 2); },
         {kFineDetail},
         0.9},
        {"luma sharp, colour blurred", [](P p, P) { return with_blurred_colour(p, p.height * 4 / 100); }, {kColourDetail}, 0.65},
        {"grey, tinted, colour noise",
         [](P p, P) { return with_colour_noise(tinted(p), 12); },
         {kColourSpread},
         0.9},
        {"hue turned by 45 degrees", [](P p, P) { return hue_turned(p, 45); }, {kColourOrder}, 0.9},
        // Known to pass for the most part.
        {"overlapping by 85 %, one shines through",
         [](P p, P o) { return overlapping_on(p, o, 85, false, Laid::kMean, 0); },
         {kSingleDisc, kInnerEdges},
         0},
        {"mean of two photos",
         [](P p, P o) { return overlapping_on(p, o, 100, false, Laid::kMean, 0); },
         {kSingleDisc, kInnerEdges},
         0},
        {"a twelfth as large, in a corner",
         [](P p, P o) { return with_photo_within(p, shrunk(o, 12), false, 0, Laid::kWhole); },
         {kSingleDisc, kInnerEdges, kStraightEdges},
         0},
        {"blurred, texture of another", [](P p, P o) { return textured(blurred_by(p, 15), o); }, {kGrain, kClarity}, 0},
        {"hue turned by 30 degrees", [](P p, P) { return hue_turned(p, 30); }, {kColourOrder}, 0},
        {"grey", [](P p, P) { return grey(p); }, {kColourSpread}, 1},
        {"green as grey", [](P p, P) { return green_as_grey(p); }, {kColourSpread}, 1},
        {"through a green filter",
         [](P p, P) { return through_green_filter(p); },
         {kColourOrder},
         0.95},
        {"red and blue swapped",
         [](P p, P) { return red_and_blue_swapped(p); },
         {kColourOrder},
         0.95},
        {"negative", [](P p, P) { return negative(p); }, {kColourOrder, kFundusLikeness}, 0.9},
    };
    return defects;
}

Picture read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
    Image image;
    const char* detail = "";
    if (decode_image(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), {}, {},
                     &image, &detail) != Status::kOk) {
        std::printf("%s: not read %s\n", file.c_str(), detail);
        return {0, 0};
    }
    Picture picture(image.width, image.height);
    std::memcpy(picture.pixels.data(), image.pixels.data(), picture.pixels.size());
    return picture;
}

bool comes_out(const Defect& defect, const Picture& picture) {
    QualityReport report;
    if (assess_quality(picture.view(), {}, &report) != Status::kOk) return false;
    if (defect.reasons.empty()) return report.verdict != QualityVerdict::kReject;
    return report.verdict == QualityVerdict::kReject &&
           (defect.least_share == 0 || std::any_of(defect.reasons.begin(), defect.reasons.end(), [&](QualityCheckIndex i) {
               return !report.checks[i].passed && report.checks[i].advice[0] != '\0';
           }));
}

}  // namespace

int main(int argc, char** argv) {
    fs::path folder;
    std::size_t step = 1;
    if (argc == 2 && std::string(argv[1]) == "--collection") {
        const char* data = std::getenv("FOVEA_DATA");
        folder = fs::path(data == nullptr ? "" : data) / "idrid640/images";
        step = 8;
        if (data == nullptr || !fs::is_directory(folder)) {
            std::puts("SKIP: FOVEA_DATA does not name the photo collections");
            return 77;
        }
    } else if (argc == 2) {
        folder = argv[1];
    } else {
        std::puts("usage: quality_defects FOLDER | --collection");
        return 2;
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() == ".jpg") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<Picture> photos;
    for (std::size_t i = 0; i < files.size(); i += step) {
        Picture photo = read(files[i]);
        if (photo.width == 0) return 1;
        const Picture disc = trimmed(photo);
        if (std::min(disc.width, disc.height) < kLeastSide) {
            std::printf("%s: passed over, its disc is less than %d pixels\n", files[i].c_str(), kLeastSide);
            continue;
        }
        photos.push_back(std::move(photo));
    }
    if (photos.size() < 2) {
        std::puts("too few photos");
        return 1;
    }
    bool passed = true;
    for (const Defect& defect : all_defects()) {
        std::size_t right = 0;
        for (std::size_t i = 0; i < photos.size(); ++i) {
            right += comes_out(defect, defect.make(photos[i], photos[(i + 1) % photos.size()]));
        }
        const bool enough =
            static_cast<double>(right) >= defect.least_share * static_cast<double>(photos.size());
        std::printf("%-28s %s %3zu of %zu %s\n", defect.name,
                    defect.reasons.empty() ? "passed " : "refused", right, photos.size(),
                    enough ? "ok" : "FAILED");
        passed &= enough;
    }
    return passed ? 0 : 1;
}
