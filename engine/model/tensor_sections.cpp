// SPDX-License-Identifier: Apache-2.0
// Sections TNSR and WGHT.
#include <algorithm>

#include "engine/align.h"
#include "engine/model/sections.h"

namespace fovea {
namespace {

constexpr std::size_t kTensorEntrySize = 64;

// factor *= by; false when it does not fit.
bool multiply_in(std::uint64_t* factor, std::uint64_t by) {
    return !__builtin_mul_overflow(*factor, by, factor);
}

// Bytes of a packed tensor whose conv panels are in that many groups; false when they do not fit
// in 64 bits or the groups do not divide the channels.
bool packed_size(const Tensor& tensor, std::uint32_t groups, std::uint64_t* bytes) {
    const std::uint32_t* d = tensor.dimensions;
    std::uint64_t size = element_bytes(tensor.type);
    bool fits = true;
    switch (tensor.packing) {
        case Packing::kVector:
            fits = multiply_in(&size, round_up_8(d[0]));
            break;
        case Packing::kConvPanels:
            if (groups == 0 || d[3] % groups != 0) return false;
            fits = multiply_in(&size, groups) && multiply_in(&size, round_up_8(d[3] / groups)) &&
                   multiply_in(&size, d[0]) && multiply_in(&size, d[1]) && multiply_in(&size, d[2]);
            break;
        case Packing::kDepthwise:
            fits = multiply_in(&size, d[0]) && multiply_in(&size, d[1]) &&
                   multiply_in(&size, round_up_8(d[2]));
            break;
        case Packing::kCodePanels:
            if (groups != 1) return false;
            fits = multiply_in(&size, round_up_8(d[3])) && multiply_in(&size, d[0]) && multiply_in(&size, d[1]) &&
                   multiply_in(&size, (std::uint64_t{d[2]} + 3) / 4 * 4);
            break;
    }
    *bytes = size;
    return fits;
}

// A dense layer has no groups field; its panels are one group.
std::uint32_t panel_groups(const Node& node) {
    return std::max(node.groups, 1u);
}

// Whether lanes `lanes` to 7 of each row of 8 are zero.
template <typename Bits>
bool lanes_are_zero(const Bits* values, std::size_t rows, std::size_t lanes) {
    Bits any = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t lane = lanes; lane < 8; ++lane) any |= values[row * 8 + lane];
    }
    return any == 0;
}

template <typename Bits>
bool padding_lanes_are_zero(const Tensor& tensor, const Bits* values, std::uint32_t groups) {
    const std::uint32_t* d = tensor.dimensions;
    switch (tensor.packing) {
        case Packing::kVector:
            return d[0] % 8 == 0 || lanes_are_zero(values + d[0] / 8 * 8, 1, d[0] % 8);
        case Packing::kConvPanels: {
            const std::size_t group_channels = d[3] / groups;
            if (group_channels % 8 == 0) return true;
            const std::size_t rows = std::size_t{d[0]} * d[1] * d[2];  // of one panel
            const std::size_t panels = group_channels / 8 + 1;
            for (std::uint32_t group = 0; group < groups; ++group) {
                const std::size_t last_panel = (group + std::size_t{1}) * panels - 1;
                if (!lanes_are_zero(values + last_panel * rows * 8, rows, group_channels % 8)) {
                    return false;
                }
            }
            return true;
        }
        case Packing::kDepthwise: {
            if (d[2] % 8 == 0) return true;
            const std::size_t stride = round_up_8(d[2]);
            for (std::size_t tap = 0; tap < std::size_t{d[0]} * d[1]; ++tap) {
                const Bits* last_lanes = values + (tap + 1) * stride - 8;
                if (!lanes_are_zero(last_lanes, 1, d[2] % 8)) return false;
            }
            return true;
        }
        case Packing::kCodePanels: {
            const std::size_t quads = (std::size_t{d[2]} + 3) / 4;
            const std::size_t of_panel = std::size_t{d[0]} * d[1] * quads;
            Bits any = 0;
            for (std::size_t at = 0; at < tensor.size / sizeof(Bits); ++at) {
                const std::size_t output = at / (of_panel * 32) * 8 + at % 32 / 4;
                const std::size_t input = at / 32 % quads * 4 + at % 4;
                if (output >= d[3] || input >= d[2]) any |= values[at];
            }
            return any == 0;
        }
    }
    return false;
}

// The bits of floats and halves.
constexpr std::uint32_t kFloatExponent = 0x7F800000u;
constexpr std::uint16_t kHalfExponent = 0x7C00u;

// Finite means that the exponent bits are not all ones: integer work that the compiler can
// vectorise.
template <typename Bits>
bool all_finite(const Bits* values, std::size_t count, Bits exponent) {
    // An exponent of all ones, and no other, carries into the sign's place.
    const Bits lowest = exponent & static_cast<Bits>(-exponent);
    Bits carries = 0;
    for (std::size_t i = 0; i < count; ++i) {
        carries |= static_cast<Bits>((values[i] & exponent) + lowest);
    }
    return (carries & static_cast<Bits>(exponent + lowest)) == 0;
}

// Null, or what is wrong with the values of a tensor of floats or halves.
template <typename Bits>
const char* fault_of_values(const Tensor& tensor, Bits exponent, std::uint32_t groups) {
    const auto* values = reinterpret_cast<const Bits*>(tensor.data);
    if (!all_finite(values, tensor.size / sizeof(Bits), exponent)) {
        return "holds a NaN or an infinity";
    }
    return padding_lanes_are_zero(tensor, values, groups) ? nullptr : "padding lanes are not zero";
}

const char* fault_of_whole_numbers(const Tensor& tensor, std::uint32_t groups) {
    const bool zero = tensor.type == ElementType::kI8
                          ? padding_lanes_are_zero(tensor, reinterpret_cast<const std::uint8_t*>(tensor.data), groups)
                          : padding_lanes_are_zero(tensor, reinterpret_cast<const std::uint32_t*>(tensor.data), groups);
    return zero ? nullptr : "padding lanes are not zero";
}

}  // namespace

fovea_status read_tensors(const Section& table, const Section& weights, const Log& log,
                          Buffer<Tensor>* tensors) {
    if (table.size < 8) return log.fail(FOVEA_ERROR_BAD_MODEL, "section TNSR: too short");
    const std::uint32_t count = load_u32(table.data);
    if (load_u32(table.data + 4) != 0) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section TNSR: reserved bytes are not zero");
    }
    if (table.size != 8 + std::uint64_t{count} * kTensorEntrySize) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section TNSR: wrong size");
    }
    if (!tensors->allocate(count)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for %u tensors", count);
    }
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint8_t* p = table.data + 8 + i * kTensorEntrySize;
        const auto bad = [&](const char* what) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section TNSR: tensor %u: %s", i, what);
        };
        const std::uint32_t type = load_u32(p);
        const std::uint32_t packing = load_u32(p + 4);
        if (type > static_cast<std::uint32_t>(ElementType::kI32)) return bad("unknown type");
        if (packing > static_cast<std::uint32_t>(Packing::kCodePanels))
            return bad("unknown packing");
        Tensor& tensor = (*tensors)[i];
        tensor.type = static_cast<ElementType>(type);
        tensor.packing = static_cast<Packing>(packing);
        for (int side = 0; side < 4; ++side) {
            tensor.dimensions[side] = load_u32(p + 8 + side * 4);
            if (tensor.dimensions[side] < 1) return bad("a dimension is 0");
        }
        const std::uint32_t* d = tensor.dimensions;
        if ((tensor.packing == Packing::kVector && (d[1] != 1 || d[2] != 1 || d[3] != 1)) ||
            (tensor.packing == Packing::kDepthwise && d[3] != 1)) {
            return bad("an unused dimension is not 1");
        }
        const std::uint64_t offset = load_u64(p + 24);
        const std::uint64_t size = load_u64(p + 32);
        if (offset % 64 != 0) return bad("offset is not a multiple of 64");
        if (offset > weights.size || size > weights.size - offset) {
            return bad("reaches past the end of section WGHT");
        }
        if (offset < end || offset - end >= 64) return bad("is not at the next multiple of 64");
        if (!all_zero(weights.data + end, offset - end))
            return bad("the gap before it is not zero");
        if (!all_zero(p + 40, 24)) return bad("reserved bytes are not zero");
        tensor.data = weights.data + offset;
        tensor.size = static_cast<std::size_t>(size);
        end = offset + size;
    }
    if (end != weights.size) {
        return log.fail(FOVEA_ERROR_BAD_MODEL, "section WGHT: does not end with the last tensor");
    }
    return FOVEA_OK;
}

fovea_status check_tensors(const Graph& graph, const Log& log) {
    // The node that a message names: the first that uses the tensor.
    Buffer<std::uint32_t> users(graph.tensors.allocator());
    if (!users.allocate(graph.tensors.size())) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the tensors' check");
    }
    std::fill(users.begin(), users.end(), kNone);
    for (std::uint32_t i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.nodes[i];
        const Quantisation codes = graph.quantisation_of(i + 1);
        for (const std::uint32_t tensor : {codes.scale, codes.zero, codes.multiplier, codes.second_multiplier, codes.offset}) {
            if (tensor != kNone && users[tensor] == kNone) users[tensor] = i;
        }
        for (const std::uint32_t tensor : {node.weights, node.bias}) {
            if (tensor == kNone) continue;
            const bool first = users[tensor] == kNone;
            if (first) users[tensor] = i;
            // Groups shape the packing, so that two users must agree on them.
            if (graph.tensors[tensor].packing == Packing::kConvPanels &&
                panel_groups(graph.nodes[users[tensor]]) != panel_groups(node)) {
                return log.fail(FOVEA_ERROR_BAD_MODEL,
                                "section GRPH: %s: shares weights with a node of other groups",
                                NodeLabel(graph, i).text);
            }
        }
    }
    for (std::uint32_t t = 0; t < graph.tensors.size(); ++t) {
        const Tensor& tensor = graph.tensors[t];
        if (users[t] == kNone) {
            return log.fail(FOVEA_ERROR_BAD_MODEL, "section TNSR: tensor %u: used by no node", t);
        }
        const NodeLabel label(graph, users[t]);
        const auto refuse = [&](fovea_status status, const char* what) {
            return log.fail(status, "section TNSR: tensor %u of %s: %s", t, label.text, what);
        };
        const std::uint32_t groups = panel_groups(graph.nodes[users[t]]);
        std::uint64_t size = 0;
        if (!packed_size(tensor, groups, &size) || size != tensor.size) {
            return refuse(FOVEA_ERROR_BAD_MODEL, "its size is not what its dimensions give");
        }
        const bool half = tensor.type == ElementType::kF16;
        const bool whole = tensor.type == ElementType::kI8 || tensor.type == ElementType::kI32;
        if (whole && !graph.has_codes()) {
            return refuse(FOVEA_ERROR_BAD_MODEL, "whole numbers, in a file without section QUNT");
        }
        if (tensor.type == ElementType::kI8 ? tensor.packing == Packing::kVector : tensor.packing == Packing::kCodePanels) {
            return refuse(FOVEA_ERROR_BAD_MODEL, "a type that its packing cannot have");
        }
        if (tensor.type == ElementType::kI32 && tensor.packing != Packing::kVector) {
            return refuse(FOVEA_ERROR_BAD_MODEL, "weights in i32; they are f32, f16 or i8");
        }
        if (half && tensor.packing == Packing::kVector) {
            return refuse(FOVEA_ERROR_BAD_MODEL, "a vector in f16; vectors are f32");
        }
        const char* const fault = half    ? fault_of_values(tensor, kHalfExponent, groups)
                                  : whole ? fault_of_whole_numbers(tensor, groups)
                                          : fault_of_values(tensor, kFloatExponent, groups);
        if (fault != nullptr) return refuse(FOVEA_ERROR_BAD_MODEL, fault);
    }
    return FOVEA_OK;
}

}  // namespace fovea
