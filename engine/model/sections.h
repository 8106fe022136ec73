// SPDX-License-Identifier: Apache-2.0
// The parts of the model file's reader; model_file.cpp puts them together.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/model/contents.h"

namespace fovea {

// Weights and golden logits are used in place.
static_assert(std::endian::native == std::endian::little, "the model file is little-endian");

inline std::uint32_t load_u32(const std::uint8_t* p) {
    std::uint32_t value;
    std::memcpy(&value, p, sizeof(value));
    return value;
}
inline std::uint64_t load_u64(const std::uint8_t* p) {
    std::uint64_t value;
    std::memcpy(&value, p, sizeof(value));
    return value;
}
inline float load_f32(const std::uint8_t* p) {
    return std::bit_cast<float>(load_u32(p));
}
inline double load_f64(const std::uint8_t* p) {
    return std::bit_cast<double>(load_u64(p));
}

bool all_zero(const std::uint8_t* data, std::size_t size);

// The bytes of one section; data null when the file has none of that tag.
struct Section {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    char tag[5] = "";
};

// Section STRS: null-terminated texts by index.
struct Strings {
    Buffer<const char*> texts;

    const char* get(std::uint32_t index) const {
        return index < texts.size() ? texts[index] : nullptr;
    }
};

fovea_status read_strings(const Section& section, const Log& log, Strings* strings);
fovea_status read_preprocessing(const Section& section, const Log& log, Preprocessing* out);
fovea_status read_labels(const Section& section, const Strings& strings, const Log& log,
                         Labels* labels);
fovea_status read_calibration(const Section& section, const Strings& strings, const Labels& labels,
                              const Log& log, Calibration* calibration);
fovea_status read_golden(const Section& section, const Log& log, Golden* golden);
fovea_status read_typicality(const Section& section, const Log& log, Typicality* typicality);
fovea_status read_provenance(const Section& section, const Strings& strings, const Log& log,
                             Buffer<ProvenanceEntry>* entries);

// Section TNSR with the places of the tensors in WGHT; sizes that depend on a node's groups are
// checked by read_graph.
fovea_status read_tensors(const Section& table, const Section& weights, const Log& log,
                          Buffer<Tensor>* tensors);
// Section GRPH; graph->tensors must have been read.
fovea_status read_graph(const Section& section, const Strings& strings, const Log& log,
                        Graph* graph);
// Gives the indices of texts, which lie bytes_apart from each other, in the order of the texts. One sort for all that is named.
void sort_by_text(const char* const* texts, std::size_t bytes_apart, Buffer<std::uint32_t>* order);
// Section QUNT; the graph must have been read.
fovea_status read_quantisation(const Section& section, const Log& log, Graph* graph);
// Of a graph with codes: that each node can do with the kind of operands that it has, and that no sum of codes can overflow.
fovea_status check_codes(const Graph& graph, const Log& log);
// That each tensor is used, has exactly the size that its node gives it, is of a type that its packing may have (f32, of
// weights f16 and i8, of codes i32), finite, and zero in its padding lanes.
fovea_status check_tensors(const Graph& graph, const Log& log);

}  // namespace fovea
