// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>

#include "common_options.h"
#include "descriptors.h"
#include "files.h"
#include "handles.h"
#include "inputs.h"
#include "interruption.h"
#include "ordered_jobs.h"
#include "png_write.h"
#include "progress.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

struct Options {
    std::vector<std::string> files;
    std::string out_folder, images_folder, shard, model;
    std::string preset = "kaggle_ben_color", resize = "cv_linear";
    std::uint32_t size = 512, tolerance = 7, scaled_decoding = 0;
    double sigma = 0, graham_scale = 300;
    bool no_circle_mask = false, gray_swapped = false, pad_square = false;
    unsigned jobs = 0;
};

struct Result {
    std::string cause = {};      // empty: the picture has been written
    bool output_failed = false;  // the cause is the output's, and every other photo's too
    bool out_of_memory = false;
    std::vector<std::string> warnings = {};
};

struct Job {
    Input input;
    std::string output;
};

// The library knows what a preset's numbers may be; asked with a picture of one pixel, it says so before the first photo.
void require_preset(const fovea_preset& preset) {
    constexpr std::array<std::uint8_t, 3> kPixel = {128, 128, 128};
    fovea_pixels pixels{};
    pixels.size = sizeof(pixels);
    pixels.format = FOVEA_RGB;
    pixels.width = pixels.height = 1;
    pixels.planes[0] = kPixel.data();
    pixels.strides[0] = kPixel.size();
    LogLines lines;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.log = lines.log();
    Image picture;
    const fovea_status status = fovea_preprocess(&pixels, &preset, &settings, picture.get());
    if (status == FOVEA_ERROR_INVALID_ARGUMENT) {
        throw Failure(kWrongUsage, "preprocess", lines.cause(status));
    }
}

fovea_preset make_preset(const Options& options, const Model* model) {
    fovea_preset preset;
    fovea_preset_init(&preset);
    if (model != nullptr) {
        const fovea_status status = fovea_model_preset(model->get(), &preset);
        if (status != FOVEA_OK) {
            throw Failure(kBadModel, model->path(), fovea_status_string(status));
        }
        return preset;
    }
    preset.name = options.preset.c_str();
    preset.output_size = options.size;
    preset.sigma = options.sigma;
    preset.tolerance = options.tolerance;
    preset.circle_mask = options.no_circle_mask ? 0 : 1;
    preset.gray_swapped = options.gray_swapped ? 1 : 0;
    preset.pad_square = options.pad_square ? 1 : 0;
    preset.resize = options.resize.c_str();
    preset.graham_scale = options.graham_scale;
    preset.scaled_decoding = options.scaled_decoding;
    require_preset(preset);
    return preset;
}

Result preprocess_photo(const Job& job, const fovea_preset& preset) {
    if (!job.input.problem.code.empty()) return {.cause = job.input.problem.message};
    std::vector<unsigned char> bytes;
    FileError error;
    if (!read_file(job.input.file, kMaxPhotoBytes, bytes, error)) return {.cause = error.message};
    LogLines lines;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.log = lines.log();
    settings.cancel = [](void*) { return interruption() != 0 ? 1 : 0; };
    const auto failed = [&lines](fovea_status status) {
        return Result{.cause = lines.cause(status), .out_of_memory = status == FOVEA_ERROR_OUT_OF_MEMORY, .warnings = lines.warnings()};
    };
    std::vector<unsigned char> png;
    {
        Image picture;
        const fovea_status status = fovea_preprocess_bytes(bytes.data(), bytes.size(), &preset, &settings, picture.get());
        if (status != FOVEA_OK) return failed(status);
        png = make_png(picture->data, picture->width, picture->height);
    }
    try {
        write_file(job.output, png.data(), png.size());
    } catch (const Failure& failure) {
        return {.cause = failure.what(), .output_failed = true};
    }
    return {.warnings = lines.warnings()};
}

std::vector<Job> plan_jobs(const Options& options, LeftOut& left_out) {
    std::vector<Job> jobs;
    if (options.out_folder.empty()) {
        if (options.files.size() != 2) {
            throw Failure(kWrongUsage, "preprocess",
                          "give one photo and OUT.png, or --out-dir DIR for many");
        }
        const std::string& file = options.files.front();
        std::error_code ignored;
        if (std::filesystem::is_directory(file, ignored)) {
            throw Failure(kWrongUsage, file, "it is a folder: give --out-dir DIR");
        }
        if (is_list_name(file)) throw Failure(kWrongUsage, file, "it is a list: give --out-dir DIR");
        const std::string& output = options.files.back();
        if (output.empty()) throw Failure(kWrongUsage, "OUT.png", "the value is empty");
        const std::string extension = std::filesystem::path(output).extension().string();
        // Two photos without --out-dir: the second is most likely no output.
        if (extension != ".png" && extension != ".PNG" &&
            (extension != "" || std::filesystem::is_regular_file(output, ignored))) {
            throw Failure(kWrongUsage, output,
                          "the output must end in .png (or give --out-dir DIR for many photos)");
        }
        return {{expand_inputs({file}, "").photos.front(), output}};
    }
    Inputs expanded = expand_inputs(options.files, options.images_folder);
    left_out = expanded.left_out;
    std::vector<Input>& inputs = expanded.photos;
    if (!options.shard.empty()) keep_shard(inputs, parse_shard(options.shard));
    std::set<std::filesystem::path> folders;
    for (Input& input : inputs) {
        auto output = std::filesystem::path(options.out_folder) / input.relative;
        output.replace_extension(".png");
        if (folders.insert(output.parent_path()).second) create_parent_folders(output.string());
        jobs.push_back({std::move(input), output.string()});
    }
    return jobs;
}

// A photo is never overwritten, and no two photos end up in one file.
void refuse_collisions(std::vector<Job>& jobs) {
    std::set<FileIdentity> sources;
    for (const Job& job : jobs) {
        FileIdentity identity;
        if (identify(job.input.file, identity) == 0) sources.insert(identity);
    }
    std::map<std::string, std::string> taken;
    for (Job& job : jobs) {
        if (!job.input.problem.code.empty()) continue;
        FileIdentity identity;
        const int cause = identify(job.output, identity);
        if (cause != 0 && cause != ENOENT) {
            job.input.problem = {"not_writable", "the output " + job.output + ": " + error_text(cause)};
            continue;
        }
        if (cause == 0 && sources.contains(identity)) {
            job.input.problem = {"collision",
                                 "the output " + job.output + " would overwrite a photo"};
            continue;
        }
        const auto [other, is_new] = taken.emplace(job.output, job.input.file);
        if (!is_new && other->second != job.input.file) {
            job.input.problem = {
                "collision", "the output " + job.output + " is already that of " + other->second};
        }
    }
}

ExitStatus preprocess(const Options& options) {
    std::optional<Model> model;
    if (!options.model.empty()) model.emplace(options.model);
    const fovea_preset preset = make_preset(options, model ? &*model : nullptr);
    LeftOut left_out;
    std::vector<Job> jobs = plan_jobs(options, left_out);
    refuse_collisions(jobs);
    const auto work = [&](unsigned, std::size_t index) -> Result {
        try {
            return preprocess_photo(jobs[index], preset);
        } catch (const std::bad_alloc&) {
            return {.cause = "there is not enough memory", .out_of_memory = true};
        }
    };
    Progress progress(jobs.size());
    std::size_t failures = 0, done = 0;
    bool out_of_memory = false;
    const auto emit = [&](std::size_t index, const Result& result) {
        // What was being worked on then is cancelled.
        if (interruption() != 0) throw Interrupted{interruption()};
        ++done;
        out_of_memory = out_of_memory || result.out_of_memory;
        if (result.output_failed) throw Failure(kFailure, jobs[index].output, result.cause);
        if (!result.cause.empty() || !result.warnings.empty()) progress.clear();
        for (const std::string& warning : result.warnings) complain(jobs[index].input.file, "warning: " + warning);
        if (!result.cause.empty()) {
            ++failures;
            complain(jobs[index].input.file, result.cause);
        }
        progress.update(index + 1);
    };
    heed_interruptions();
    try {
        run_in_order<Result>(jobs.size(), worker_count(options.jobs, jobs.size()), work, emit);
    } catch (const Interrupted&) {
        progress.clear();
        complain("interrupted", std::to_string(done) + " of " + amount(jobs.size(), "photo") + " done");
        throw;
    }
    progress.clear();
    if (jobs.size() > 1 || left_out.is_any()) {
        say(amount(jobs.size(), "photo") + ": " + std::to_string(jobs.size() - failures) +
            " written, " + std::to_string(failures) + " failed; " + left_out.text() +
            rate(jobs.size(), progress.seconds()) + "\n");
    }
    if (out_of_memory) return kFailure;
    return failures == 0 ? kDone : kInputsFailed;
}

}  // namespace

void add_preprocess(CommandLine& program) {
    const auto options = std::make_shared<Options>();
    Verb verb = program.add_verb("preprocess", "Write the picture that the network sees, as a PNG");
    verb.add_option("files", options->files,
                    "PHOTO OUT.png; or with --out-dir any number of photos, folders and lists")
        .required();
    verb.add_option("--out-dir", options->out_folder,
                    "Write each picture here, under its photo's name (and folder) with .png");
    verb.add_option("--images", options->images_folder,
                    "The folder of the photos that lists name (default: the list's own, then the current one)");
    verb.add_option("--shard", options->shard, "i/n: only part i of n of the photos");
    const Option model = verb.add_option("--model,-m", options->model, "Take the preset and its numbers from this model");
    std::string names;
    for (std::uint32_t i = 0; const char* name = fovea_preset_name(i); ++i) {
        names += (i == 0 ? "" : ", ") + std::string(name);
    }
    const auto own = [&](Option option) { option.excludes(model); };
    own(verb.add_option("--preset", options->preset, "One of " + names)
            .check([](const std::string& name) {
                for (std::uint32_t i = 0; const char* known = fovea_preset_name(i); ++i) {
                    if (name == known) return std::string();
                }
                return "there is no preset " + name;
            })
            .show_default());
    own(verb.add_option("--size", options->size,
                        "Side of the square result in pixels; 0 = native, but not of none and "
                        "kaggle_ben_color")
            .show_default());
    own(verb.add_option("--sigma", options->sigma, "Of the blur; 0 = the preset's own")
            .show_default());
    own(verb.add_option("--tolerance", options->tolerance,
                        "Grey level above which a pixel is not background")
            .show_default());
    own(verb.add_option("--graham-scale", options->graham_scale,
                        "graham2015: radius of the disc in pixels")
            .show_default());
    own(verb.add_flag("--no-circle-mask", options->no_circle_mask,
                      "kaggle_ben_color: leave the corners"));
    own(verb.add_flag("--gray-swapped", options->gray_swapped,
                      "Red and blue weights of grey swapped, as in popular BGR notebooks"));
    own(verb.add_flag("--pad-square", options->pad_square,
                      "Pad the cropped picture to a square instead of stretching it"));
    own(verb.add_option("--resize", options->resize, "cv_linear or cv_area")
            .show_default());
    own(verb.add_option("--scaled-decoding", options->scaled_decoding,
                        "Decode a JPEG at 1/2, 1/4 or 1/8 of its size, and keep half of what is still large, where what is cut "
                        "out then still has this many times --size pixels; 0 = always at full size")
            .show_default());
    add_jobs_option(verb, options->jobs,
                    "its photo's file, what decoding that takes (at most 1 GiB), and a copy of the decoded photo, "
                    "of which presets that filter at full size make two more");
    verb.footer(
        "Examples:\n"
        "  fovea preprocess --model small224.fovea photo.jpg network.png\n"
        "  fovea preprocess --model small224.fovea --out-dir pictures photos/ list.csv\n"
        "  fovea preprocess --preset kaggle_circle --size 224 --out-dir pictures photos/");
    verb.action([options] { return preprocess(*options); });
}

}  // namespace fovea::cli
