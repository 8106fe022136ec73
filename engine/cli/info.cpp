// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>

#include "common_options.h"
#include "files.h"
#include "handles.h"
#include "json_numbers.h"
#include "output.h"
#include "text_safety.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

struct Options {
    std::string model, isa, size;
    std::uint64_t max_memory = 0;  // MiB
    std::uint32_t threads = 1;
    bool plan = false, json = false, taps = false;
};

// How a photo becomes the network's picture. A network whose input is no square has no preset of its own.
Json preprocessing(const Model& model) {
    Json json = {{"preset", model.info().preset}};
    fovea_preset preset;
    fovea_preset_init(&preset);
    if (fovea_model_preset(model.get(), &preset) != FOVEA_OK) return json;
    json["sigma"] = preset.sigma;
    json["tolerance"] = preset.tolerance;
    json["circle_mask"] = preset.circle_mask != 0;
    json["gray_swapped"] = preset.gray_swapped != 0;
    json["pad_square"] = preset.pad_square != 0;
    json["resize"] = preset.resize;
    json["scaled_decoding"] = preset.scaled_decoding;
    if (json["preset"] == "graham2015") json["graham_scale"] = preset.graham_scale;
    return json;
}

Json facts(const Model& model, const Session& session) {
    const fovea_model_info& info = model.info();
    const fovea_session_info& run = session.info();
    Json json = Json::object();
    json["file"] = model.path();
    json["name"] = info.name;
    json["sha256"] = model.sha256();
    json["file_bytes"] = info.file_size;
    json["weight_bytes"] = info.weight_bytes;
    json["dtype"] = info.dtype;
    json["target"] = info.target;
    json["classes"] = model.class_names();
    json["logits"] = info.logit_count;
    json["preset"] = info.preset;
    json["preprocessing"] = preprocessing(model);
    json["input"] = {info.input_height, info.input_width, info.input_channels};
    json["default_input"] = {info.default_input_height, info.default_input_width,
                             info.input_channels};
    json["temperature"] = info.temperature;
    json["operating_points"] = Json::array();
    for (std::uint32_t i = 0; i < info.operating_point_count; ++i) {
        double threshold = 0;
        const char* name = fovea_model_operating_point(model.get(), i, &threshold);
        json["operating_points"].push_back({{"name", name != nullptr ? name : ""},
                                            {"threshold", threshold},
                                            {"default", i == info.default_operating_point}});
    }
    double threshold = 0;
    for (std::uint32_t i = 0; const char* name = fovea_model_any_dr_point(model.get(), i, &threshold); ++i) {
        json["any_dr_operating_points"].push_back({{"name", name}, {"threshold", threshold}});
    }
    json["nodes"] = info.node_count;
    json["taps"] = info.tap_count;
    json["golden_vectors"] = info.golden_count;
    json["typicality"] = info.typicality != 0;
    json["provenance"] = Json::object();
    for (std::uint32_t i = 0; i < info.provenance_count; ++i) {
        const char* value = nullptr;
        const char* key = fovea_model_provenance(model.get(), i, &value);
        if (key != nullptr) json["provenance"][key] = value != nullptr ? value : "";
    }
    json["run"] = {{"input", {run.input_height, run.input_width, run.input_channels}},
                   {"isa", run.isa},
                   {"threads", run.threads},
                   {"multiply_adds", run.multiply_adds},
                   {"workspace_bytes", run.workspace_bytes}};
    json["engine"] = std::string("fovea ") + fovea_version();
    return json;
}

std::vector<std::string> plan_lines(Session& session) {
    struct Plan {
        std::vector<std::string> lines;
        bool is_short_of_memory = false;
    } plan;
    // No exception may pass through the library.
    const auto write = [](void* cookie, const char* line) {
        auto* taken = static_cast<Plan*>(cookie);
        try {
            taken->lines.emplace_back(line);
        } catch (const std::bad_alloc&) {
            taken->is_short_of_memory = true;
        }
    };
    const fovea_status status = fovea_session_print_plan(session.get(), write, &plan);
    if (plan.is_short_of_memory) throw std::bad_alloc();
    if (status != FOVEA_OK) throw Failure(exit_status_of(status), "plan", session.lines().cause(status));
    return plan.lines;
}

std::string shape_text(const Json& shape) {
    std::string text;
    for (const Json& size : shape) {
        text += (text.empty() ? "" : " x ") +
                (size == 0 ? std::string("any") : std::to_string(size.get<std::uint64_t>()));
    }
    return text;
}

std::string mebibytes(std::uint64_t bytes) {
    char text[48];
    std::snprintf(text, sizeof(text), "%.2f MiB", static_cast<double>(bytes) / (1 << 20));
    return text;
}

std::string plain(const Json& value) {
    return value.is_string() ? printable(value.get_ref<const std::string&>()) : dump(value);
}

std::string facts_text(const Json& json) {
    std::string text;
    const auto line = [&text](std::string label, const std::string& value) {
        label.resize(std::max<std::size_t>(label.size() + 2, 18), ' ');
        text += label + value + "\n";
    };
    line("name", plain(json["name"]));
    line("file", plain(json["file"]) + ", " + mebibytes(json["file_bytes"]) + ", of it " +
                     mebibytes(json["weight_bytes"]) + " weights");
    line("sha256", plain(json["sha256"]));
    line("numbers", plain(json["dtype"]));
    line("target", plain(json["target"]));
    std::string classes;
    for (const Json& name : json["classes"]) {
        classes += (classes.empty() ? "" : ", ") + plain(name);
    }
    line("classes", classes);
    std::string steps = plain(json["preset"]);
    for (const auto& [key, value] : json["preprocessing"].items()) {
        if (key == "preset" || value == false || value == 0) continue;
        steps += ", " + key + (value == true ? "" : " " + plain(value));
    }
    line("preprocessing", steps);
    line("input",
         shape_text(json["input"]) + " (trained at " + shape_text(json["default_input"]) + ")");
    line("temperature", dump(json["temperature"]));
    for (const Json& point : json["operating_points"]) {
        line("operating point", plain(point["name"]) + ", threshold " + dump(point["threshold"]) +
                                    (point["default"] == true ? " (default)" : ""));
    }
    for (const Json& point : json.value("any_dr_operating_points", Json::array())) {
        line("for any DR", plain(point["name"]) + ", threshold " + dump(point["threshold"]));
    }
    line("graph", dump(json["nodes"]) + " nodes, " + dump(json["taps"]) + " layer names");
    line("golden vectors", dump(json["golden_vectors"]));
    line("typicality", json["typicality"].get<bool>() ? "statistics are there" : "no statistics");
    for (const auto& [key, value] : json["provenance"].items()) {
        line(printable(key), plain(value));
    }
    const Json& run = json["run"];
    char work[64];
    std::snprintf(work, sizeof(work), "%.3f million multiply-adds",
                  run["multiply_adds"].get<double>() / 1e6);
    line("one run", "at " + shape_text(run["input"]) + " on " + plain(run["isa"]) + ": " + work +
                        ", " + dump(run["workspace_bytes"]) + " bytes of workspace");
    return text;
}

ExitStatus info(const Options& options) {
    require_isa(options.isa);
    const Model model(options.model);
    SessionRequest request;
    if (!options.size.empty()) parse_size(options.size, request.height, request.width);
    request.threads = options.threads;
    request.isa = options.isa;
    request.max_memory_mib = options.max_memory;
    request.only_runs = true;
    Session session(model, request);
    session.require(model.path());
    Json json = facts(model, session);
    Output output("");
    if (options.json) {
        if (options.plan) json["plan"] = plan_lines(session);
        if (options.taps) json["tap_names"] = model.tap_names();
        output.write(dump_indented(json));
        return kDone;
    }
    std::string text = facts_text(json);
    if (options.plan) {
        text += "\n";
        for (const std::string& line : plan_lines(session)) text += printable(line) + "\n";
    }
    if (options.taps) {
        text += "\n";
        for (const std::string& tap : model.tap_names()) text += printable(tap) + "\n";
    }
    output.write(text);
    return kDone;
}

}  // namespace

void add_info(CommandLine& program) {
    const auto options = std::make_shared<Options>();
    Verb verb = program.add_verb("info", "Tell what a model is and what running it takes");
    verb.add_option("model", options->model, "The model, a .fovea file").required();
    verb.add_flag("--plan", options->plan,
                  "Also the plan: segments, bands, kernels, shapes, places in the workspace");
    verb.add_flag("--taps", options->taps, "Also the names of the layers that run --taps takes");
    verb.add_flag("--json", options->json, "As JSON");
    verb.add_option("--size", options->size,
                    "HEIGHTxWIDTH to plan for (default: the model's own)");
    add_threads_option(verb, options->threads);
    add_isa_option(verb, options->isa);
    add_max_memory_option(verb, options->max_memory);
    verb.footer(
        "Examples:\n"
        "  fovea info small224.fovea\n"
        "  fovea info --plan --size 224x224 small224.fovea");
    verb.action([options] { return info(*options); });
}

}  // namespace fovea::cli
