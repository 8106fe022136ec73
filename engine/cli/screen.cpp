// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <memory>
#include <new>

#include "common_options.h"
#include "descriptors.h"
#include "files.h"
#include "handles.h"
#include "inputs.h"
#include "interruption.h"
#include "network_input.h"
#include "ordered_jobs.h"
#include "output.h"
#include "photo_list.h"
#include "progress.h"
#include "report.h"
#include "result_writer.h"
#include "screening_maps.h"
#include "text_safety.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

constexpr const char* kOutOfMemory = "out_of_memory";  // as status_code(FOVEA_ERROR_OUT_OF_MEMORY)

struct Options {
    std::vector<std::string> files;
    std::string model, format = "text", isa, operating_point, images_folder, shard, output;
    MapOptions maps;
    std::uint64_t max_memory = 0, photo_memory = 0;  // MiB
    std::uint32_t threads = 1, views = 1;
    unsigned jobs = 0;
    bool force = false, no_timings = false, resume = false, bom = false;
};

// Whether the results name files by their hashes, which text does not show.
bool has_hashes(const Options& options) {
    return options.format != "text";
}

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

// What five grades say at the operating point of the context: of any DR too, where the model has such a point for it.
std::vector<Question> questions(const Model& model, const ReportContext& context) {
    std::vector<Question> asked;
    double threshold = 0;
    for (std::uint32_t i = 0; const char* name = fovea_model_any_dr_point(model.get(), i, &threshold); ++i) {
        if (context.operating_point == name) asked.push_back({"any_dr", name, threshold});
    }
    asked.push_back({"referable_dr", context.operating_point, context.threshold});
    return asked;
}

ReportContext make_context(const Model& model, const Session& session, const Options& options) {
    const fovea_model_info& info = model.info();
    ReportContext context;
    context.target = info.target;
    context.classes = model.class_names();
    const std::uint32_t point = find_operating_point(model, options.operating_point);
    const char* name = fovea_model_operating_point(model.get(), point, &context.threshold);
    if (name != nullptr) context.operating_point = name;
    if (context.target == "grade5") context.questions = questions(model, context);
    context.temperature = info.temperature;
    context.views = options.views;
    context.model_name = info.name;
    if (has_hashes(options)) context.model_sha256 = model.sha256();
    context.dtype = info.dtype;
    context.typicality = info.typicality != 0;
    context.preset = info.preset;
    context.input_height = session.info().input_height;
    context.input_width = session.info().input_width;
    context.input_channels = session.info().input_channels;
    context.engine = std::string("fovea ") + fovea_version() + " " + session.info().isa;
    context.explains = !options.maps.folder.empty();
    context.timings = !options.no_timings;
    context.byte_order_mark = options.bom;
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

// What one thread screens with; no explainer where no maps are asked for.
struct Worker {
    std::unique_ptr<Session> session;
    std::shared_ptr<fovea_explainer> explainer;
};

PhotoReport screen_photo(const Input& input, Worker& worker, fovea_screen_options screen_options, bool is_hashed, const ScreeningMaps& maps,
                         const Model& model) {
    Session& session = *worker.session;
    fovea_explanation explanation{};
    explanation.size = sizeof(explanation);
    screen_options.explainer = worker.explainer.get();
    screen_options.explanation = &explanation;
    PhotoReport report;
    report.file = input.file;
    if (!is_utf8(input.file)) {
        report.warnings.emplace_back("the name is not valid UTF-8: bytes of it are replaced in these results");
    }
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
    if (is_hashed) report.sha256 = sha256(bytes.data(), bytes.size());
    session.lines().clear();
    report.screening.size = sizeof(report.screening);
    fovea_status status = fovea_screen_bytes(session.get(), bytes.data(), bytes.size(),
                                             &screen_options, &report.screening);
    const std::vector<std::string>& warnings = session.lines().warnings();
    report.warnings.insert(report.warnings.end(), warnings.begin(), warnings.end());
    if (status != FOVEA_OK) {
        report.error_code = status_code(status);
        report.error_message = session.lines().cause(status);
        report.bad_model =
            status == FOVEA_ERROR_BAD_MODEL || status == FOVEA_ERROR_UNSUPPORTED_MODEL;
        return report;
    }
    const bool gradable = report.screening.result != FOVEA_RESULT_NOT_GRADABLE;
    report.status = gradable ? PhotoStatus::kOk : PhotoStatus::kNotGradable;
    if (report.screening.forced != 0) {
        report.warnings.emplace_back(kForcedWarning);
    }
    if (explanation.map == nullptr) return report;
    try {
        report.explanation = maps.write(input, bytes, explanation, model);
    } catch (const InputProblem& problem) {
        report.status = PhotoStatus::kError;
        report.error_code = problem.code;
        report.error_message = problem.message;
    }
    return report;
}

void protect_sources(const Options& options, const std::string& output,
                     const std::vector<Input>& inputs) {
    FileIdentity written;
    if (output.empty()) return;
    const int cause = identify(output, written);
    if (cause == ENOENT) return;
    if (cause != 0) throw Failure(kFailure, output, "cannot be written: " + error_text(cause));
    std::vector<std::string> sources = {options.model};
    sources.insert(sources.end(), options.files.begin(), options.files.end());
    for (const Input& input : inputs) sources.push_back(input.file);
    for (const std::string& source : sources) {
        FileIdentity identity;
        if (identify(source, identity) == 0 && identity == written) {
            throw Failure(kWrongUsage, "--output " + options.output, "would overwrite an input");
        }
    }
}

void count(const PhotoReport& report, Counts& counts) {
    if (report.status == PhotoStatus::kError) {
        ++counts.errors;
        counts.bad_model = counts.bad_model || report.bad_model;
        counts.out_of_memory = counts.out_of_memory || report.error_code == kOutOfMemory;
    } else if (report.screening.result == FOVEA_RESULT_NOT_GRADABLE) {
        ++counts.not_gradable;
    } else if (report.screening.result == FOVEA_RESULT_DR_SIGNS_FOUND) {
        ++counts.signs;
    } else {
        ++counts.no_signs;
    }
}

void check_together(const Options& options) {
    if (options.resume && options.output.empty()) {
        throw Failure(kWrongUsage, "--resume", "needs --output FILE, which it continues");
    }
    if (options.resume && options.format == "text") {
        throw Failure(kWrongUsage, "--resume", "cannot continue --format text; use json, jsonl or csv");
    }
    if (options.bom && options.format != "csv") {
        throw Failure(kWrongUsage, "--bom", "is for --format csv");
    }
}

// The rows that are there already; the output is ready for the next one.
EarlierRows continue_output(Output& output, const Options& options, const ReportContext& context,
                            const std::vector<Input>& inputs) {
    if (!options.resume) {
        if (output.has_leftovers()) {
            complain(output.part_path(),
                     "an interrupted run left it; it is begun anew (--resume would continue it)");
        }
        output.keep({});
        return {};
    }
    if (output.part_path().empty()) {
        throw Failure(kWrongUsage, "--resume", options.output + " is not a file that can be continued");
    }
    const std::string text = output.earlier_results();
    const EarlierRows earlier =
        read_earlier_rows(text, options.format, context, inputs, options.force, options.output);
    output.keep(std::string_view(text).substr(0, earlier.bytes));
    return earlier;
}

void tell_interruption(const Options& options, const Output& output, std::size_t done,
                       std::size_t total) {
    std::string text = std::to_string(done) + " of " + amount(total, "photo") + " done";
    if (!output.part_path().empty()) {
        text += "; what there is lies in " + output.part_path();
        if (options.format != "text") text += "; the same command with --resume continues";
    }
    complain("interrupted", text);
}

ExitStatus screen(const Options& options) {
    check_together(options);
    require_isa(options.isa);
    const Shard shard = options.shard.empty() ? Shard{} : parse_shard(options.shard);
    const Model model(options.model);
    require_screening_model(model);
    Inputs expanded = expand_inputs(options.files, options.images_folder);
    std::vector<Input>& inputs = expanded.photos;
    protect_sources(options, options.output, inputs);
    const ScreeningMaps maps(options.maps, options.photo_memory, inputs);
    keep_shard(inputs, shard);

    std::vector<Worker> workers(worker_count(options.jobs, inputs.size()));
    const SessionRequest request{0, 0, options.threads, options.isa, {}, options.max_memory, options.photo_memory};
    for (Worker& worker : workers) {
        worker.session = std::make_unique<Session>(model, request);
        worker.session->require(model.path());
        worker.explainer = maps.make_explainer(model, request, worker.session->lines());
    }
    ReportContext context = make_context(model, *workers.front().session, options);
    fovea_screen_options screen_options;
    fovea_screen_options_init(&screen_options);
    screen_options.force = options.force ? 1 : 0;
    screen_options.views = options.views;
    screen_options.operating_point =
        context.operating_point.empty() ? nullptr : context.operating_point.c_str();

    heed_interruptions();
    Output output(options.output);
    protect_sources(options, output.part_path(), inputs);
    const bool shares_terminal = output.is_terminal();
    context.colours = options.format == "text" && shares_terminal;
    const EarlierRows earlier = continue_output(output, options, context, inputs);
    ResultWriter writer(output, options.format, context, earlier.count > 0);
    const std::size_t left = inputs.size() - earlier.count;
    Progress progress(left);
    Counts counts = earlier.counts;
    std::size_t done = earlier.count;
    const auto work = [&](unsigned worker, std::size_t index) {
        const Input& input = inputs[earlier.count + index];
        try {
            return screen_photo(input, workers[worker], screen_options, has_hashes(options), maps, model);
        } catch (const std::bad_alloc&) {
            PhotoReport report;
            report.file = input.file;
            report.error_code = kOutOfMemory;
            report.error_message = "there is not enough memory";
            return report;
        }
    };
    const auto emit = [&](std::size_t index, const PhotoReport& report) {
        // What was being worked on then is cancelled, and no result.
        if (interruption() != 0) throw Interrupted{interruption()};
        if (shares_terminal || report.status == PhotoStatus::kError) progress.clear();
        writer.add(report);
        ++done;
        count(report, counts);
        if (report.status == PhotoStatus::kError) complain(report.file, report.error_message);
        progress.update(index + 1);
    };
    try {
        run_in_order<PhotoReport>(left, static_cast<unsigned>(workers.size()), work, emit);
    } catch (const Interrupted&) {
        progress.clear();
        writer.interrupt();
        tell_interruption(options, output, done, inputs.size());
        throw;
    }
    progress.clear();
    writer.finish();
    if (inputs.size() > 1 || expanded.left_out.is_any()) {
        say(amount(inputs.size(), "photo") + ": " + std::to_string(counts.signs) +
            " with DR signs, " + std::to_string(counts.no_signs) + " without, " +
            std::to_string(counts.not_gradable) + " not gradable, " +
            amount(counts.errors, "error") + "; " + expanded.left_out.text() + rate(left, progress.seconds()) + "\n");
    }
    if (counts.bad_model) return kBadModel;
    if (counts.out_of_memory) return kFailure;
    return counts.errors == 0 ? kDone : kInputsFailed;
}

}  // namespace

void add_screen(CommandLine& program) {
    const auto options = std::make_shared<Options>();
    Verb verb = program.add_verb(
        "screen", "Screen photos: quality, signs of diabetic retinopathy, confidence");
    add_model_option(verb, options->model);
    verb.add_option("photos", options->files,
                    std::string("JPEG and PNG files, whatever they are called; folders, with the folders and links in them: a picture that "
                    "cannot be read gets an error; what is no picture is counted, and so is what is hidden, whose name begins with a "
                    "dot; lists: .csv or .tsv with a column ") +
                        std::string(kPhotoColumnNames) + ", .json, .jsonl, results of an earlier run")
        .required();
    verb.add_option("--format,-f", options->format,
                    "text; json (one array); jsonl (one object a line); csv")
        .one_of({"text", "json", "jsonl", "csv"})
        .show_default();
    verb.add_option("--output,-o", options->output, "Write the results to this file; until they are whole it is called FILE.part");
    verb.add_flag("--resume", options->resume,
                  "Continue what an interrupted run of the same command left for --output");
    verb.add_option("--operating-point", options->operating_point,
                    "Decide by this threshold of the model (see fovea info)");
    verb.add_flag("--force", options->force,
                  "Give a result, marked, for photos of too poor quality too");
    verb.add_option("--views", options->views,
                    "Decide by the mean of the network's logits over so many views of the photo: 1, as it is; 2, mirrored too; 4, in its "
                    "four turns; 8, in these and mirrored, so that turning a photo changes no answer. Takes as many network runs")
        .one_of({1, 2, 4, 8})
        .show_default();
    verb.add_option("--images", options->images_folder,
                    "The folder of the photos that lists name (default: the list's own, then the current one)");
    verb.add_option(
        "--shard", options->shard,
        "i/n: only part i of n of the photos; the parts' results in order are the whole's");
    add_map_options(verb, options->maps);
    verb.add_flag("--no-timings", options->no_timings,
                  "Leave the times out, so that equal runs give equal bytes");
    verb.add_flag("--bom", options->bom,
                  "csv: begin with a byte-order mark, by which spreadsheets know UTF-8");
    add_jobs_option(verb, options->jobs,
                    "its photo's file, what decoding that takes (at most --photo-memory), 8 MiB, and one network's working "
                    "memory (fovea info)");
    verb.add_option("--photo-memory", options->photo_memory,
                    "MiB that decoding one photo may take, the decoded photo included (default: 1024); a photo that needs more "
                    "gets an error")
        .range(1, 1 << 24);
    add_threads_option(verb, options->threads);
    add_isa_option(verb, options->isa);
    add_max_memory_option(verb, options->max_memory);
    verb.footer(
        "Examples:\n"
        "  fovea screen --model small224.fovea photo.jpg\n"
        "  fovea screen --model small224.fovea --format csv --output results.csv photos/\n"
        "  fovea screen --model small224.fovea --format jsonl --images photos list.csv\n"
        "  fovea screen --model small224.fovea --format jsonl --explain maps --output results.jsonl photos/\n"
        "  fovea screen --model small224.fovea --views 8 --format csv photos/\n"
        "  fovea screen --model small224.fovea --format jsonl --shard 2/8 photos/ > part2.jsonl\n"
        "For research use. Not a medical device.");
    verb.action([options] { return screen(*options); });
}

}  // namespace fovea::cli
