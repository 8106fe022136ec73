// SPDX-License-Identifier: Apache-2.0
// C entry points: model.
#include "engine/api/common.h"
#include "engine/model/model.h"
#include "engine/model/model_file.h"

using namespace fovea;

namespace {

const char* target_name(Target target) {
    switch (target) {
        case Target::kOther:
            return "other";
        case Target::kAnyDr:
            return "any_dr";
        case Target::kReferableDr:
            return "referable_dr";
        case Target::kGrade5:
            return "grade5";
    }
    return "other";
}

// Makes a model and lets open bring its bytes; half-made ones are taken down.
template <typename Open>
fovea_status load(const fovea_model_settings* given, fovea_model** model, const Open& open) {
    if (model == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    *model = nullptr;
    const DefaultFloats floats;
    fovea_model_settings settings;
    fovea_model_settings_init(&settings);
    const char* problem = read_struct(given, &settings);
    const Log log(settings.log);
    if (problem == nullptr && !is_valid(settings.allocator)) {
        problem = "allocator needs both allocate and release, or neither";
    }
    if (problem != nullptr) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "model settings: %s", problem);
    }
    const Allocator allocator = to_internal(settings.allocator);
    auto* made = create<fovea_model>(allocator, allocator, log);
    if (made == nullptr) return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a model");
    fovea_status status = open(&made->source, log);
    if (status == FOVEA_OK) {
        status =
            read_model_file(made->source.data(), made->source.size(), allocator, log, &made->file);
    }
    if (status != FOVEA_OK) {
        destroy(allocator, made);
        return status;
    }
    *model = made;
    return FOVEA_OK;
}

}  // namespace

void fovea_model_settings_init_sized(fovea_model_settings* settings, size_t size) {
    set_defaults({}, settings, size);
}

fovea_status fovea_model_load_file(const char* path, const fovea_model_settings* settings,
                                   fovea_model** model) {
    return load(settings, model, [&](ModelSource* source, const Log& log) {
        if (path == nullptr) return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "path is null");
        return source->open_file(path, log);
    });
}

fovea_status fovea_model_load_descriptor(int descriptor, uint64_t offset, uint64_t length,
                                         const fovea_model_settings* settings,
                                         fovea_model** model) {
    return load(settings, model, [&](ModelSource* source, const Log& log) {
        return source->open_descriptor(descriptor, offset, length, log);
    });
}

fovea_status fovea_model_load_memory(const void* data, size_t data_size, fovea_ownership ownership,
                                     const fovea_model_settings* settings, fovea_model** model) {
    return load(settings, model, [&](ModelSource* source, const Log& log) {
        if (data == nullptr) return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "data is null");
        if (ownership == FOVEA_COPY) return source->copy(data, data_size, log);
        if (ownership != FOVEA_BORROW) {
            return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "unknown ownership %d",
                            static_cast<int>(ownership));
        }
        if (reinterpret_cast<std::uintptr_t>(data) % kMemoryAlignment != 0) {
            return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "borrowed data is not 64-byte aligned");
        }
        source->borrow(data, data_size);
        return FOVEA_OK;
    });
}

void fovea_model_close(fovea_model** model) {
    if (model == nullptr || *model == nullptr) return;
    fovea_model* const closing = *model;
    *model = nullptr;  // first: the allocator's callback may call, too
    const Allocator allocator = closing->allocator;
    destroy(allocator, closing);
}

fovea_status fovea_model_describe(const fovea_model* model, fovea_model_info* info) {
    if (model == nullptr || !can_be_filled(info)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const ModelFile& file = model->file;
    const Graph& graph = file.graph;
    const char* name = file.provenance_value("model_name");
    fovea_model_info made = {};
    made.name = name != nullptr ? name : "";
    made.dtype = graph.type_name();
    made.target = target_name(file.labels.target);
    made.preset = fovea_preset_name(static_cast<std::uint32_t>(file.preprocessing.settings.preset));
    made.input_height = graph.input_height;
    made.input_width = graph.input_width;
    made.input_channels = graph.input_channels;
    made.default_input_height = graph.default_height;
    made.default_input_width = graph.default_width;
    made.class_count = file.labels.class_count();
    made.logit_count = file.labels.logit_count();
    made.temperature = file.calibration.temperature;
    made.operating_point_count = file.calibration.count;
    made.default_operating_point = file.calibration.default_point;
    made.node_count = graph.node_count();
    made.tap_count = static_cast<std::uint32_t>(graph.names.size());
    made.provenance_count = static_cast<std::uint32_t>(file.provenance.size());
    made.golden_count = file.golden.count;
    made.typicality = file.typicality.tap_count != 0 ? 1 : 0;
    made.file_size = file.file_size;
    made.weight_bytes = file.weight_bytes;
    fill_struct(made, info);
    return FOVEA_OK;
}

const char* fovea_model_class_name(const fovea_model* model, uint32_t index) {
    if (model == nullptr || index >= model->file.labels.class_count()) return nullptr;
    return model->file.labels.classes[index];
}

const char* fovea_model_tap_name(const fovea_model* model, uint32_t index) {
    if (model == nullptr || index >= model->file.graph.names.size()) return nullptr;
    return model->file.graph.names[index].text;
}

const char* fovea_model_operating_point(const fovea_model* model, uint32_t index,
                                        double* threshold) {
    if (model == nullptr || index >= model->file.calibration.count) return nullptr;
    const OperatingPoint& point = model->file.calibration.points[index];
    if (threshold != nullptr) *threshold = point.threshold;
    return point.name;
}

const char* fovea_model_any_dr_point(const fovea_model* model, uint32_t index, double* threshold) {
    if (model == nullptr || index >= model->file.calibration.any_dr_count) return nullptr;
    const OperatingPoint& point = model->file.calibration.any_dr_points[index];
    if (threshold != nullptr) *threshold = point.threshold;
    return point.name;
}

const char* fovea_model_provenance(const fovea_model* model, uint32_t index, const char** value) {
    if (model == nullptr || index >= model->file.provenance.size()) return nullptr;
    const ProvenanceEntry& entry = model->file.provenance[index];
    if (value != nullptr) *value = entry.value;
    return entry.key;
}
