// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>
#include <new>

#include "common_options.h"
#include "files.h"
#include "handles.h"
#include "inputs.h"
#include "ordered_jobs.h"
#include "progress.h"
#include "report.h"
#include "sha256.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

struct Options {
    std::vector<std::string> files;
    std::string model, format = "text", isa, operating_point, images_folder, shard, output;
    std::uint64_t max_memory = 0;  // MiB
    std::uint32_t threads = 1;
    unsigned jobs = 0;
    bool force = false, no_timings = false;
};

struct Counts {
    std::size_t signs = 0, no_signs = 0, not_gradable = 0, errors = 0;
};

// The index of the operating point asked for; the model's default for an empty name.
std::uint32_t find_operating_point(const Model& model, const std::string& name) {
    const fovea_model_info& info = model.info();
    if (name.empty()) return info.default_operating_point;
    std::string known;
    for (std::uint32_t i = 0; i < info.operating_point_count; ++i) {
        double threshold = 0;
        const char* candidate = fovea_model_operating_point(model.get(), i, &threshold);
        if (candidate == nullptr) continue;
        if (name == candidate) return i;
        known += (known.empty() ? "" : ", ") + std::string(candidate);
    }
    throw Failure(kWrongUsage, "--operating-point " + name,
                  "the model has no such point; it has: " + (known.empty() ? "none" : known));
}

ReportContext make_context(const Model& model, const Session& session, const Options& options) {
    const fovea_model_info& info = model.info();
    ReportContext context;
    context.target = info.target;
    context.classes = model.class_names();
    const std::uint32_t point = find_operating_point(model, options.operating_point);
    const char* name = fovea_model_operating_point(model.get(), point, &context.threshold);
    if (name != nullptr) context.operating_point = name;
    context.temperature = info.temperature;
    context.model_name = info.name;
    context.model_sha256 = model.sha256();
    context.dtype = info.dtype;
    context.preset = info.preset;
    context.input_height = session.info().input_height;
    context.input_width = session.info().input_width;
    context.input_channels = session.info().input_channels;
    context.engine = std::string("fovea ") + fovea_version() + " " + session.info().isa;
    context.timings = !options.no_timings;
    return context;
}

void require_screening_model(const Model& model) {
    const std::string target = model.info().target;
    if (target != "any_dr" && target != "referable_dr" && target != "grade5") {
        throw Failure(kBadModel, model.path(),
                      "its target is \"" + target +
                          "\": it is no detector of diabetic retinopathy (use fovea run)");
    }
    if (model.info().class_count > FOVEA_MAX_CLASSES) {
        throw Failure(kBadModel, model.path(),
                      "it has " + std::to_string(model.info().class_count) +
                          " classes; screening takes at most " + std::to_string(FOVEA_MAX_CLASSES));
    }
}

bool finite_scores(const fovea_screening& screening) {
    const auto finite = [](float value) { return std::isfinite(value); };
    return screening.has_scores == 0 ||
           (std::all_of(screening.logits, screening.logits + screening.logit_count, finite) &&
            std::all_of(screening.probabilities, screening.probabilities + screening.class_count,
                        finite));
}

PhotoReport screen_photo(const Input& input, Session& session,
                         const fovea_screen_options& screen_options) {
    PhotoReport report;
    report.file = input.file;
    report.error_code = input.problem.code;
    report.error_message = input.problem.message;
    if (!report.error_code.empty()) return report;
    std::vector<unsigned char> bytes;
    FileError error;
    if (!read_file(input.file, kMaxPhotoBytes, bytes, error)) {
        report.error_code = error.code;
        report.error_message = error.message;
        return report;
    }
    report.sha256 = sha256(bytes.data(), bytes.size());
    session.lines().clear();
    fovea_status status = fovea_screen_bytes(session.get(), bytes.data(), bytes.size(),
                                             &screen_options, &report.screening);
    report.warnings = session.lines().warnings();
    if (status != FOVEA_OK) {
        report.error_code = status_code(status);
        report.error_message = session.lines().cause(status);
        report.bad_model =
            status == FOVEA_ERROR_BAD_MODEL || status == FOVEA_ERROR_UNSUPPORTED_MODEL;
        return report;
    }
    if (!finite_scores(report.screening)) {
        report.error_code = "not_finite";
        report.error_message = "the model's results are not finite numbers";
        report.bad_model = true;
        return report;
    }
    const bool gradable = report.screening.result != FOVEA_RESULT_NOT_GRADABLE;
    report.status = gradable ? PhotoStatus::kOk : PhotoStatus::kNotGradable;
    if (report.screening.forced != 0) {
        report.warnings.emplace_back("forced: the photo's quality is reject");
    }
    return report;
}

// Writes reports one after another in the format asked for.
class Writer {
  public:
    Writer(Output& output, const std::string& format, const ReportContext& context)
        : output_(output), format_(format), context_(context) {
        if (format_ == "csv") output_.write(csv_header(context_));
        if (format_ == "json") output_.write("[");
    }
    void add(const PhotoReport& report) {
        if (format_ == "text") output_.write(photo_text(report, context_));
        if (format_ == "csv") output_.write(csv_row(report, context_));
        if (format_ == "jsonl") output_.write(dump(photo_json(report, context_)) + "\n");
        if (format_ == "json") {
            output_.write((first_ ? "\n" : ",\n") + dump(photo_json(report, context_)));
        }
        first_ = false;
    }
    void finish() {
        if (format_ == "text") output_.write(kResearchUse);
        if (format_ == "json") output_.write("\n]\n");
        output_.close();
    }

  private:
    Output& output_;
    const std::string& format_;
    const ReportContext& context_;
    bool first_ = true;
};

void protect_sources(const Options& options, const std::vector<Input>& inputs) {
    FileIdentity output;
    if (options.output.empty() || !identify(options.output, output)) return;
    std::vector<std::string> sources = {options.model};
    sources.insert(sources.end(), options.files.begin(), options.files.end());
    for (const Input& input : inputs) sources.push_back(input.file);
    for (const std::string& source : sources) {
        FileIdentity identity;
        if (identify(source, identity) && identity == output) {
            throw Failure(kWrongUsage, "--output " + options.output, "would overwrite an input");
        }
    }
}

void count(const PhotoReport& report, Counts& counts) {
    if (report.status == PhotoStatus::kError) {
        ++counts.errors;
    } else if (report.screening.result == FOVEA_RESULT_NOT_GRADABLE) {
        ++counts.not_gradable;
    } else if (report.screening.result == FOVEA_RESULT_DR_SIGNS_FOUND) {
        ++counts.signs;
    } else {
        ++counts.no_signs;
    }
}

ExitStatus screen(const Options& options) {
    require_isa(options.isa);
    const Shard shard = options.shard.empty() ? Shard{} : parse_shard(options.shard);
    const Model model(options.model);
    require_screening_model(model);
    std::vector<Input> inputs = expand_inputs(options.files, options.images_folder);
    protect_sources(options, inputs);
    keep_shard(inputs, shard);

    const unsigned workers = worker_count(options.jobs, inputs.size());
    std::vector<std::unique_ptr<Session>> sessions;
    for (unsigned i = 0; i < workers; ++i) {
        sessions.push_back(std::make_unique<Session>(
            model, SessionRequest{0, 0, options.threads, options.isa, {}, options.max_memory}));
        sessions.back()->require(model.path());
    }
    ReportContext context = make_context(model, *sessions.front(), options);
    fovea_screen_options screen_options;
    fovea_screen_options_init(&screen_options);
    screen_options.force = options.force ? 1 : 0;
    screen_options.operating_point =
        context.operating_point.empty() ? nullptr : context.operating_point.c_str();

    Output output(options.output);
    const bool shares_terminal = output.is_terminal();
    context.colours = options.format == "text" && shares_terminal;
    Writer writer(output, options.format, context);
    Progress progress(inputs.size());
    Counts counts;
    bool bad_model = false;
    const auto work = [&](unsigned worker, std::size_t index) {
        try {
            return screen_photo(inputs[index], *sessions[worker], screen_options);
        } catch (const std::bad_alloc&) {
            PhotoReport report;
            report.file = inputs[index].file;
            report.error_code = "out_of_memory";
            report.error_message = "there is not enough memory";
            return report;
        }
    };
    const auto emit = [&](std::size_t index, const PhotoReport& report) {
        if (shares_terminal || report.status == PhotoStatus::kError) progress.clear();
        writer.add(report);
        count(report, counts);
        bad_model = bad_model || report.bad_model;
        if (report.status == PhotoStatus::kError) complain(report.file, report.error_message);
        progress.update(index + 1);
    };
    run_in_order<PhotoReport>(inputs.size(), workers, work, emit);
    progress.clear();
    writer.finish();
    if (inputs.size() > 1) {
        std::fprintf(
            stderr,
            "%zu photos: %zu with DR signs, %zu without, %zu not gradable, %zu errors; %s\n",
            inputs.size(), counts.signs, counts.no_signs, counts.not_gradable, counts.errors,
            rate(inputs.size(), progress.seconds()).c_str());
    }
    if (bad_model) return kBadModel;
    return counts.errors == 0 ? kDone : kInputsFailed;
}

}  // namespace

void add_screen(CLI::App& program, Action& chosen) {
    const auto options = std::make_shared<Options>();
    CLI::App* verb = program.add_subcommand(
        "screen", "Screen photos: quality, signs of diabetic retinopathy, confidence");
    add_model_option(*verb, options->model);
    verb->add_option("photos", options->files,
                     "JPEG and PNG files; folders (with the folders in them); CSV lists with a "
                     "column file, path, image or id_code")
        ->required();
    verb->add_option("--format,-f", options->format,
                     "text; json (one array); jsonl (one object a line); csv")
        ->check(CLI::IsMember({"text", "json", "jsonl", "csv"}))
        ->capture_default_str();
    verb->add_option("--output,-o", options->output, "Write the results to this file");
    verb->add_option("--operating-point", options->operating_point,
                     "Decide by this threshold of the model (see fovea info)");
    verb->add_flag("--force", options->force,
                   "Give a result, marked, for photos of too poor quality too");
    verb->add_option("--images", options->images_folder,
                     "The folder of the photos that CSV lists name (default: the list's own)");
    verb->add_option(
        "--shard", options->shard,
        "i/n: only part i of n of the photos; the parts' results in order are the whole's");
    verb->add_flag("--no-timings", options->no_timings,
                   "Leave the times out, so that equal runs give equal bytes");
    add_jobs_option(*verb, options->jobs);
    add_threads_option(*verb, options->threads);
    add_isa_option(*verb, options->isa);
    add_max_memory_option(*verb, options->max_memory);
    verb->footer(
        "Examples:\n"
        "  fovea screen --model small224.fovea photo.jpg\n"
        "  fovea screen --model small224.fovea --format csv --output results.csv photos/\n"
        "  fovea screen --model small224.fovea --format jsonl --images photos list.csv\n"
        "  fovea screen --model small224.fovea --format jsonl --shard 2/8 photos/ > part2.jsonl\n"
        "For research use. Not a medical device.");
    verb->callback([&chosen, options] { chosen = [options] { return screen(*options); }; });
}

}  // namespace fovea::cli
