// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>
#include <new>
#include <set>
#include <sstream>

#include "common_options.h"
#include "files.h"
#include "handles.h"
#include "json_numbers.h"
#include "network_input.h"
#include "npy.h"
#include "output.h"
#include "progress.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

struct Options {
    std::vector<std::string> files;
    std::string model, isa, size, dump;
    std::uint64_t max_memory = 0;  // MiB
    std::string taps;  // names with commas between
    std::uint32_t threads = 1;
};

// A layer's name as a file's: no folders, nothing hidden, no two alike.
std::string dump_name(const std::string& layer, std::set<std::string>& taken) {
    std::string base;
    for (const char character : layer) {
        const bool plain = (character >= 'a' && character <= 'z') ||
                           (character >= 'A' && character <= 'Z') ||
                           (character >= '0' && character <= '9') || character == '_' ||
                           character == '-' || (character == '.' && !base.empty());
        base += plain ? character : '_';
    }
    if (base.empty()) base = "_";
    if (base.size() > 200) base.resize(200);
    std::string name = base + ".npy";
    for (int i = 2; !taken.insert(name).second; ++i) {
        name = base + "~" + std::to_string(i) + ".npy";
    }
    return name;
}

void dump_taps(const std::string& folder, const std::string& file, Session& session,
               const std::vector<std::string>& taps) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw Failure(kFailure, folder, "cannot be created: " + error.message());
    Json index = Json::object();
    index["input"] = file;
    index["taps"] = Json::array();
    std::set<std::string> taken = {"index.json"};
    for (const std::string& tap : taps) {
        fovea_tensor tensor{};
        tensor.size = sizeof(tensor);
        const fovea_status status = fovea_session_tap(session.get(), tap.c_str(), &tensor);
        if (status != FOVEA_OK) {
            throw Failure(kFailure, "tap " + tap, session.lines().cause(status));
        }
        const std::string name = dump_name(tap, taken);
        const std::vector<std::size_t> shape = {tensor.height, tensor.width, tensor.channels};
        const std::vector<unsigned char> bytes = make_npy(tensor.data, shape);
        write_file((std::filesystem::path(folder) / name).string(), bytes.data(), bytes.size());
        index["taps"].push_back({{"name", tap}, {"file", name}, {"shape", shape}});
    }
    const std::string text = dump_indented(index);
    write_file((std::filesystem::path(folder) / "index.json").string(), text.data(), text.size());
}

class Runner {
  public:
    explicit Runner(const Options& options) : options_(options), model_(options.model) {
        require_isa(options.isa);
        if (!options.size.empty()) parse_size(options.size, wanted_height_, wanted_width_);
        if (!options.taps.empty() && options.dump.empty()) {
            throw Failure(kWrongUsage, "--taps", "needs --dump DIR, where the tensors are written");
        }
        if (options.dump.empty()) return;
        const std::vector<std::string> names = model_.tap_names();
        if (options.taps.empty() || options.taps == "all") {
            taps_ = names;
            return;
        }
        const std::set<std::string> known(names.begin(), names.end());
        std::istringstream list(options.taps);
        for (std::string tap; std::getline(list, tap, ',');) {
            if (!known.contains(tap)) {
                throw Failure(kWrongUsage, "--taps " + tap,
                              "the model has no layer of that name (see fovea info --taps)");
            }
            if (std::find(taps_.begin(), taps_.end(), tap) == taps_.end()) taps_.push_back(tap);
        }
    }

    // The JSON of one input, and its tensors in `folder` if that is not empty.
    Json run(const std::string& file, const std::string& folder) {
        NetworkInput input;
        read_input(file, input);
        if (input.channels != model_.info().input_channels) {
            throw InputProblem{"input_size", "it has " + amount(input.channels, "channel") + "; the model takes " +
                                                 std::to_string(model_.info().input_channels)};
        }
        const std::string doubt = doubt_about(input);
        if (!doubt.empty()) complain(file, "warning: " + doubt);
        const std::string size = std::to_string(input.height) + "x" + std::to_string(input.width);
        if (wanted_height_ != 0 &&
            (input.height != wanted_height_ || input.width != wanted_width_)) {
            throw InputProblem{"input_size", "it is " + size + ", not " + options_.size};
        }
        if (session_ == nullptr || session_->info().input_height != input.height ||
            session_->info().input_width != input.width) {
            session_.reset();
            auto session = std::make_unique<Session>(
                model_,
                SessionRequest{input.height, input.width, options_.threads, options_.isa, taps_,
                               options_.max_memory, 0, true});
            if (session->status() == FOVEA_ERROR_MEMORY_LIMIT) {
                throw InputProblem{"memory_limit", "at " + size + " " + session->cause() + "; --max-memory raises it"};
            }
            if (session->status() == FOVEA_ERROR_INPUT_SIZE) {
                throw InputProblem{"input_size",
                                   "the model cannot run at " + size + ": " + session->cause()};
            }
            session->require(model_.path());
            session_ = std::move(session);
        }
        std::vector<float> logits(model_.info().logit_count);
        std::vector<float> probabilities(model_.info().class_count);
        session_->lines().clear();
        const fovea_status status = fovea_run(session_->get(), input.values, input.dtype,
                                              logits.data(), probabilities.data());
        if (status == FOVEA_ERROR_INVALID_ARGUMENT) {
            throw InputProblem{"not_finite", session_->lines().cause(status)};
        }
        if (status != FOVEA_OK) {
            throw Failure(exit_status_of(status), model_.path(), file + ": " + session_->lines().cause(status));
        }
        if (!folder.empty()) dump_taps(folder, file, *session_, taps_);
        return {{"logits", float_json(logits.data(), logits.size())},
                {"probabilities", float_json(probabilities.data(), probabilities.size())}};
    }

  private:
    const Options& options_;
    Model model_;
    std::uint32_t wanted_height_ = 0, wanted_width_ = 0;
    std::vector<std::string> taps_;
    std::unique_ptr<Session> session_;
};

ExitStatus run_inputs(const Options& options) {
    Runner runner(options);
    Output output("");
    const bool single = options.files.size() == 1;
    bool failed = false;
    for (std::size_t i = 0; i < options.files.size(); ++i) {
        const std::string& file = options.files[i];
        std::string folder = options.dump;
        if (!folder.empty() && !single) {
            // Numbered: inputs in different folders may have the same name.
            const auto name = std::to_string(i) + "_" + std::filesystem::path(file).stem().string();
            folder = (std::filesystem::path(folder) / name).string();
        }
        Json json = Json::object();
        if (!single) json["file"] = file;
        try {
            json.update(runner.run(file, folder));
        } catch (const InputProblem& problem) {
            failed = true;
            complain(file, problem.message);
            if (single) continue;
            json["logits"] = nullptr;
            json["probabilities"] = nullptr;
            json["error"] = {{"code", problem.code}, {"message", problem.message}};
        }
        output.write(dump(json) + "\n");
    }
    return failed ? kInputsFailed : kDone;
}

}  // namespace

void add_run(CommandLine& program) {
    const auto options = std::make_shared<Options>();
    Verb verb = program.add_verb(
        "run", "Run the network on pixels as they are: no crop, no resize, no quality checks");
    add_model_option(verb, options->model);
    verb.add_option(
            "inputs", options->files,
            "A .npy file (uint8 or float32, values 0 to 255, height x width x channels) or "
            "a PNG or JPEG of the network's size; several give a JSON line each. Whatever rescaling "
            "the network needs is part of it: values below 0, above 255, all from 0 to 1, or fractions "
            "up to 16 alone bring a warning; those that are not finite are refused, and those so far "
            "out that the results are not")
        .required();
    verb.add_option("--size", options->size,
                    "HEIGHTxWIDTH that the inputs must have (default: each input's own)");
    verb.add_option("--taps", options->taps,
                    "Names of layers, with commas between, whose outputs --dump writes; or all");
    verb.add_option("--dump", options->dump,
                    "Write the layers' outputs here as .npy files (height, width, channels), "
                    "with index.json; all layers without --taps");
    add_threads_option(verb, options->threads);
    add_isa_option(verb, options->isa);
    add_max_memory_option(verb, options->max_memory);
    verb.footer(
        "Examples:\n"
        "  fovea run --model small224.fovea network.png\n"
        "  fovea run --model small224.fovea input.npy --taps all --dump tensors");
    verb.action([options] { return run_inputs(*options); });
}

}  // namespace fovea::cli
