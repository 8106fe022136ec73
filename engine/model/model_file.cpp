// SPDX-License-Identifier: Apache-2.0
#include "engine/model/model_file.h"

#include "engine/model/sections.h"
#include "ops/cpu_features.h"
#include "ops/crc32/crc32.h"

namespace fovea {
namespace {

constexpr std::uint8_t kMagic[8] = {0x46, 0x4F, 0x56, 0x45, 0x41, 0x0D, 0x0A, 0x1A};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kTableEntrySize = 32;
constexpr std::uint32_t kMaxSections = 64;
constexpr std::uint32_t kFlagRequired = 1;

enum KnownSection { kStrs, kGrph, kTnsr, kWght, kPrep, kLabl, kProv, kOppt, kGold, kTypi, kQunt };
constexpr const char* kKnownTags[] = {"STRS", "GRPH", "TNSR", "WGHT", "PREP",
                                      "LABL", "PROV", "OPPT", "GOLD", "TYPI", "QUNT"};
constexpr int kKnownCount = 11;
constexpr int kRequiredCount = 7;  // the first ones of the list

struct Container {
    const std::uint8_t* data;
    std::size_t size;
    ops::Crc32Function crc32;
    const Log& log;
    Section sections[kKnownCount];

    fovea_status check_header(std::uint32_t* section_count) const;
    fovea_status read_table(std::uint32_t section_count);
    fovea_status read_entry(std::uint32_t index, const std::uint8_t* entry, std::uint64_t* end);
};

fovea_status Container::check_header(std::uint32_t* section_count) const {
    if (size < kHeaderSize || std::memcmp(data, kMagic, sizeof(kMagic)) != 0) {
        return log.fail(FOVEA_ERROR_NOT_A_MODEL,
                        "not a fovea model: the first bytes are not those "
                        "of a .fovea file");
    }
    if (crc32(0, data, 60) != load_u32(data + 60)) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "header: wrong checksum");
    }
    const std::uint32_t version = load_u32(data + 8);
    if (version != kVersion) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                        "header: format version %u, this build reads version %u", version,
                        kVersion);
    }
    if (load_u32(data + 12) != kHeaderSize) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "header: header size is %u, not 64",
                        load_u32(data + 12));
    }
    if (load_u64(data + 16) != size) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "header: the file size should be %llu, it is %llu",
                        static_cast<unsigned long long>(load_u64(data + 16)),
                        static_cast<unsigned long long>(size));
    }
    *section_count = load_u32(data + 24);
    if (*section_count < 1 || *section_count > kMaxSections) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "header: section count %u is outside 1 to 64",
                        *section_count);
    }
    if (!all_zero(data + 32, 28)) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "header: reserved bytes are not zero");
    }
    if (size < kHeaderSize + *section_count * kTableEntrySize) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section table: the file ends inside it");
    }
    if (crc32(0, data + kHeaderSize, *section_count * kTableEntrySize) != load_u32(data + 28)) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section table: wrong checksum");
    }
    return FOVEA_OK;
}

// *end is where the previous section (or the table) ended and receives where this one ends.
fovea_status Container::read_entry(std::uint32_t index, const std::uint8_t* entry,
                                   std::uint64_t* end) {
    char tag[5] = {};
    std::memcpy(tag, entry, 4);
    for (int i = 0; i < 4; ++i) {
        if (tag[i] < 'A' || tag[i] > 'Z') {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section %u: the tag is not four capitals",
                            index);
        }
    }
    const std::uint32_t flags = load_u32(entry + 4);
    const std::uint64_t offset = load_u64(entry + 8);
    const std::uint64_t length = load_u64(entry + 16);
    if ((flags & ~kFlagRequired) != 0 || load_u32(entry + 28) != 0) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: reserved bits are not zero", tag);
    }
    if (offset % 64 != 0) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: offset is not a multiple of 64", tag);
    }
    if (offset > size || length > size - offset) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: reaches past the end of the file", tag);
    }
    if (offset < *end) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: overlaps what is before it", tag);
    }
    if (offset - *end >= 64 || !all_zero(data + *end, offset - *end)) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: the gap before it is not padding", tag);
    }
    for (std::uint32_t i = 0; i < index; ++i) {
        if (std::memcmp(data + kHeaderSize + i * kTableEntrySize, tag, 4) == 0) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: occurs twice", tag);
        }
    }
    *end = offset + length;
    if (crc32(0, data + offset, length) != load_u32(entry + 24)) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: wrong checksum", tag);
    }
    for (int known = 0; known < kKnownCount; ++known) {
        if (std::strcmp(tag, kKnownTags[known]) != 0) continue;
        // Without the quantisation the graph would mean something else.
        if ((known < kRequiredCount || known == kQunt) && flags != kFlagRequired) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: not flagged required", tag);
        }
        sections[known].data = data + offset;
        sections[known].size = length;
        std::memcpy(sections[known].tag, tag, sizeof(tag));
        return FOVEA_OK;
    }
    if (flags == kFlagRequired) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                        "section %s: required, but this build does not know it", tag);
    }
    return FOVEA_OK;
}

fovea_status Container::read_table(std::uint32_t section_count) {
    std::uint64_t end = kHeaderSize + section_count * kTableEntrySize;
    for (std::uint32_t i = 0; i < section_count; ++i) {
        const fovea_status status = read_entry(i, data + kHeaderSize + i * kTableEntrySize, &end);
        if (status != FOVEA_OK) return status;
    }
    if (end != size) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "file: bytes follow the last section");
    }
    for (int known = 0; known < kRequiredCount; ++known) {
        if (sections[known].data == nullptr) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section %s: missing", kKnownTags[known]);
        }
    }
    return FOVEA_OK;
}

fovea_status check_typicality(const ModelFile& model, const Log& log) {
    const Graph& graph = model.graph;
    const Typicality& typicality = model.typicality;
    const auto bad = [&](const char* what) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section TYPI: %s", what);
    };
    const bool size_fits = (graph.input_height == 0 || graph.input_height == typicality.height) &&
                           (graph.input_width == 0 || graph.input_width == typicality.width);
    if (!size_fits) return bad("its input size is not the network's");
    Buffer<Shape> shapes(graph.nodes.allocator());
    const fovea_status status = infer_shapes(graph, typicality.height, typicality.width,
                                             FOVEA_ERROR_BAD_MODEL, log, &shapes);
    if (status != FOVEA_OK) return status;
    for (std::uint32_t i = 0; i < typicality.tap_count; ++i) {
        const FeatureStatistics& tap = typicality.taps[i];
        if (tap.value == 0 || tap.value > graph.nodes.size()) return bad("a tap is no node's value");
        if (shapes[tap.value].channels != tap.dimension) {
            return bad("a tap has another number of channels than its statistics");
        }
    }
    return FOVEA_OK;
}

// What holds between sections.
fovea_status check_together(const ModelFile& model, const Log& log) {
    const Graph& graph = model.graph;
    Buffer<Shape> shapes(graph.nodes.allocator());
    const fovea_status status = infer_shapes(graph, graph.default_height, graph.default_width,
                                             FOVEA_ERROR_BAD_MODEL, log, &shapes);
    if (status != FOVEA_OK) return status;
    if (shapes[graph.logits].channels != model.labels.logit_count()) {
        return log.fail(FOVEA_ERROR_BAD_MODEL,
                        "section LABL: the labels are for %u outputs, the network has %u",
                        model.labels.logit_count(), shapes[graph.logits].channels);
    }
    if (graph.probabilities != graph.logits) {
        const Node& last = graph.nodes[graph.probabilities - 1];
        const bool softmax = model.labels.form == OutputForm::kSoftmax;
        const bool kind_fits = softmax ? last.kind == NodeKind::kSoftmax
                                       : last.kind == NodeKind::kActivation &&
                                             last.activation == ops::Activation::kSigmoid;
        if (!kind_fits || graph.operand(last, 0) != graph.logits) {
            return log.fail(FOVEA_ERROR_BAD_MODEL,
                            "section GRPH: the probabilities are not the %s of the logits",
                            softmax ? "softmax" : "sigmoid");
        }
    }
    const Golden& golden = model.golden;
    if (golden.count != 0) {
        if (golden.output_count != model.labels.logit_count()) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section GOLD: %u outputs, the network has %u",
                            golden.output_count, model.labels.logit_count());
        }
        const bool size_fits = golden.channels == graph.input_channels &&
                               (graph.input_height == 0 || graph.input_height == golden.height) &&
                               (graph.input_width == 0 || graph.input_width == golden.width);
        if (!size_fits) {
            return log.fail(FOVEA_ERROR_BAD_MODEL,
                            "section GOLD: pictures of %u x %u x %u do not fit the network",
                            golden.height, golden.width, golden.channels);
        }
    }
    return model.typicality.tap_count == 0 ? FOVEA_OK : check_typicality(model, log);
}

}  // namespace

const char* ModelFile::provenance_value(const char* key) const {
    for (const ProvenanceEntry& entry : provenance) {
        if (std::strcmp(entry.key, key) == 0) return entry.value;
    }
    return nullptr;
}

fovea_status read_model_file(const std::uint8_t* data, std::size_t size, const Allocator& allocator,
                             const Log& log, ModelFile* model) {
    const auto crc32 = ops::kCrc32.select(ops::detect_cpu_features()).function;
    Container container{data, size, crc32, log, {}};
    std::uint32_t section_count = 0;
    fovea_status status = container.check_header(&section_count);
    if (status == FOVEA_OK) status = container.read_table(section_count);
    if (status != FOVEA_OK) return status;

    const Section* sections = container.sections;
    Graph& graph = model->graph;
    graph.nodes = Buffer<Node>(allocator);
    graph.operands = Buffer<std::uint32_t>(allocator);
    graph.names = Buffer<LayerName>(allocator);
    graph.names_by_text = Buffer<std::uint32_t>(allocator);
    graph.tensors = Buffer<Tensor>(allocator);
    graph.quantisations = Buffer<Quantisation>(allocator);
    model->labels.classes = Buffer<const char*>(allocator);
    model->provenance = Buffer<ProvenanceEntry>(allocator);
    Strings strings{Buffer<const char*>(allocator)};

    status = read_strings(sections[kStrs], log, &strings);
    if (status == FOVEA_OK) {
        status = read_tensors(sections[kTnsr], sections[kWght], log, &graph.tensors);
    }
    if (status == FOVEA_OK) status = read_graph(sections[kGrph], strings, log, &graph);
    if (status == FOVEA_OK && sections[kQunt].data != nullptr) {
        status = read_quantisation(sections[kQunt], log, &graph);
    }
    if (status == FOVEA_OK) status = check_tensors(graph, log);
    if (status == FOVEA_OK) status = check_codes(graph, log);
    if (status == FOVEA_OK) {
        status = read_preprocessing(sections[kPrep], log, &model->preprocessing);
    }
    if (status == FOVEA_OK) status = read_labels(sections[kLabl], strings, log, &model->labels);
    if (status == FOVEA_OK && sections[kOppt].data != nullptr) {
        status = read_calibration(sections[kOppt], strings, model->labels, log, &model->calibration);
    }
    if (status == FOVEA_OK && sections[kGold].data != nullptr) {
        status = read_golden(sections[kGold], log, &model->golden);
    }
    if (status == FOVEA_OK && sections[kTypi].data != nullptr) {
        status = read_typicality(sections[kTypi], log, &model->typicality);
    }
    if (status == FOVEA_OK) {
        status = read_provenance(sections[kProv], strings, log, &model->provenance);
    }
    if (status == FOVEA_OK) status = check_together(*model, log);
    model->file_size = size;
    model->weight_bytes = sections[kWght].size;
    return status;
}

}  // namespace fovea
