// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/model_builder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>

namespace model_builder {
namespace {

struct Writer {
    Bytes bytes;

    void u8(std::uint8_t v) { bytes.push_back(v); }
    void u16(std::uint16_t v) {
        u8(static_cast<std::uint8_t>(v));
        u8(static_cast<std::uint8_t>(v >> 8));
    }
    void u32(std::uint32_t v) {
        for (int i = 0; i < 4; ++i) u8(static_cast<std::uint8_t>(v >> (8 * i)));
    }
    void u64(std::uint64_t v) {
        u32(static_cast<std::uint32_t>(v));
        u32(static_cast<std::uint32_t>(v >> 32));
    }
    void f32(float v) {
        std::uint32_t bits;
        std::memcpy(&bits, &v, sizeof(bits));
        u32(bits);
    }
    void f64(double v) {
        std::uint64_t bits;
        std::memcpy(&bits, &v, sizeof(bits));
        u64(bits);
    }
    void zeros(std::size_t n) { bytes.insert(bytes.end(), n, 0); }
    void align(std::size_t to) {
        while (bytes.size() % to != 0) u8(0);
    }
};

std::size_t r8(std::size_t n) {
    return (n + 7) / 8 * 8;
}

// Of a number that half precision has.
std::uint16_t half_bits(float value) {
    const int sign = std::signbit(value) ? 0x8000 : 0;
    int exponent = 0;
    const double fraction = std::frexp(std::fabs(static_cast<double>(value)), &exponent);  // 0.5 to 1
    int bits = 0;
    if (value != 0 && exponent >= -13) {
        bits = ((exponent + 14) << 10) + static_cast<int>(std::ldexp(fraction, 11)) - 1024;
    } else {
        bits = static_cast<int>(std::ldexp(fraction, exponent + 24));
    }
    return static_cast<std::uint16_t>(sign | bits);
}

// The string table and the tensors while they grow.
struct Pools {
    std::vector<std::string> strings;
    std::map<std::string, std::uint32_t> index;
    Writer table;
    Writer weights;
    std::uint32_t tensor_count = 0;
    bool half_weights = false;
    bool whole_weights = false;  // of the node that is written
    bool whole_bias = false;

    std::uint32_t string(const std::string& text) {
        const auto [at, fresh] = index.emplace(text, static_cast<std::uint32_t>(strings.size()));
        if (fresh) strings.push_back(text);
        return at->second;
    }

    std::uint32_t tensor(std::uint32_t packing, const std::vector<std::uint32_t>& dimensions,
                         const std::vector<float>& packed) {
        const bool half = half_weights && packing != 0;
        const bool byte = whole_weights && packing != 0;
        const bool word = whole_bias && packing == 0;
        weights.align(64);
        table.u32(half ? 1 : byte ? 2 : word ? 3 : 0);
        table.u32(packing);
        for (int i = 0; i < 4; ++i) {
            table.u32(static_cast<std::size_t>(i) < dimensions.size() ? dimensions[i] : 1);
        }
        table.u64(weights.bytes.size());
        table.u64(packed.size() * (half ? 2 : byte ? 1 : 4));
        table.zeros(24);
        for (const float v : packed) {
            if (half) {
                weights.u16(half_bits(v));
            } else if (byte) {
                weights.u8(static_cast<std::uint8_t>(static_cast<std::int8_t>(v)));
            } else if (word) {
                weights.u32(static_cast<std::uint32_t>(static_cast<std::int32_t>(v)));
            } else {
                weights.f32(v);
            }
        }
        return tensor_count++;
    }

    std::uint32_t vector(const std::vector<float>& values) {
        std::vector<float> packed(values);
        packed.resize(r8(values.size()), 0.0f);
        return tensor(0, {static_cast<std::uint32_t>(values.size())}, packed);
    }

    std::uint32_t integers(const std::vector<float>& values) {
        whole_bias = true;
        const std::uint32_t index_of = vector(values);
        whole_bias = false;
        return index_of;
    }
    // None for an empty one.
    std::uint32_t some_vector(const std::vector<float>& values) { return values.empty() ? kNone : vector(values); }

    // Panels of 8 outputs x 4 inputs.
    std::uint32_t code_panels(std::uint32_t kh, std::uint32_t kw, std::uint32_t in, std::uint32_t out,
                              const std::vector<float>& logical) {
        const std::size_t taps = std::size_t{kh} * kw, quads = (in + 3) / 4;
        std::vector<float> packed(r8(out) * taps * quads * 4, 0.0f);
        for (std::size_t tap = 0; tap < taps; ++tap) {
            for (std::size_t i = 0; i < in; ++i) {
                for (std::size_t o = 0; o < out; ++o) {
                    packed[((((o / 8) * taps + tap) * quads + i / 4) * 8 + o % 8) * 4 + i % 4] = logical.at((tap * in + i) * out + o);
                }
            }
        }
        return tensor(3, {kh, kw, in, out}, packed);
    }

    std::uint32_t conv_panels(std::uint32_t kh, std::uint32_t kw, std::uint32_t in_group,
                              std::uint32_t out, std::uint32_t groups,
                              const std::vector<float>& logical) {
        const std::size_t out_group = out / groups;
        const std::size_t panels = r8(out_group) / 8;
        std::vector<float> packed(groups * panels * kh * kw * in_group * 8, 0.0f);
        for (std::size_t tap = 0; tap < std::size_t{kh} * kw; ++tap) {
            for (std::size_t i = 0; i < in_group; ++i) {
                for (std::size_t o = 0; o < out; ++o) {
                    const std::size_t group = o / out_group, lane = o % out_group;
                    const std::size_t panel = group * panels + lane / 8;
                    packed[((panel * kh * kw + tap) * in_group + i) * 8 + lane % 8] =
                        logical.at((tap * in_group + i) * out + o);
                }
            }
        }
        return tensor(1, {kh, kw, in_group, out}, packed);
    }

    std::uint32_t depthwise(std::uint32_t kh, std::uint32_t kw, std::uint32_t channels,
                            const std::vector<float>& logical) {
        std::vector<float> packed(std::size_t{kh} * kw * r8(channels), 0.0f);
        for (std::size_t tap = 0; tap < std::size_t{kh} * kw; ++tap) {
            for (std::size_t c = 0; c < channels; ++c) {
                packed[tap * r8(channels) + c] = logical.at(tap * channels + c);
            }
        }
        return tensor(2, {kh, kw, channels}, packed);
    }
};

void write_node(const NodeSpec& node, std::uint32_t first_operand, Pools* pools, Writer* out) {
    std::uint32_t weights = kNone, bias = kNone;
    pools->whole_weights = node.codes.present && node.kind != kAffine;
    switch (node.kind) {
        case kConvolution: {
            const std::size_t taps = std::size_t{node.kernel_height} * node.kernel_width;
            const auto in_group =
                static_cast<std::uint32_t>(node.weights.size() / taps / node.output_channels);
            weights = node.codes.type != 0
                          ? pools->code_panels(node.kernel_height, node.kernel_width, in_group, node.output_channels, node.weights)
                          : pools->conv_panels(node.kernel_height, node.kernel_width, in_group,
                                               node.output_channels, node.groups, node.weights);
            break;
        }
        case kDense:
            weights = pools->conv_panels(
                1, 1, static_cast<std::uint32_t>(node.weights.size() / node.output_channels),
                node.output_channels, 1, node.weights);
            break;
        case kDepthwise:
            weights = pools->depthwise(node.kernel_height, node.kernel_width, node.output_channels,
                                       node.weights);
            break;
        case kAffine:
        case kLrn:
            weights = pools->vector(node.weights);
            break;
        default:
            break;
    }
    pools->whole_weights = false;
    const bool whole_bias = node.codes.type != 0 && node.kind != kAffine;
    if (!node.bias.empty()) bias = whole_bias ? pools->integers(node.bias) : pools->vector(node.bias);
    const std::size_t begin = out->bytes.size();
    out->u32(node.kind);
    out->u32(node.activation);
    out->f32(node.parameter);
    out->u32(first_operand);
    out->u32(static_cast<std::uint32_t>(node.inputs.size()));
    out->u32(weights);
    out->u32(bias);
    for (const std::uint32_t v :
         {node.kernel_height, node.kernel_width, node.stride_y, node.stride_x, node.dilation_y,
          node.dilation_x, node.same_padding ? 1u : 0u, node.top, node.left, node.bottom,
          node.right, node.groups, node.output_channels, node.variant}) {
        out->u32(v);
    }
    out->zeros(128 - (out->bytes.size() - begin));
}

Bytes write_graph(const ModelSpec& spec, Pools* pools) {
    Writer nodes, operands, names;
    std::uint32_t operand_count = 0, name_count = 0;
    for (std::uint32_t i = 0; i < spec.nodes.size(); ++i) {
        const NodeSpec& node = spec.nodes[i];
        write_node(node, operand_count, pools, &nodes);
        for (const std::uint32_t value : node.inputs) operands.u32(value);
        operand_count += static_cast<std::uint32_t>(node.inputs.size());
        if (!node.name.empty()) {
            names.u32(pools->string(node.name));
            names.u32(i);
            ++name_count;
        }
    }
    Writer out;
    for (const std::uint32_t v :
         {static_cast<std::uint32_t>(spec.nodes.size()), operand_count, name_count,
          spec.input_height, spec.input_width, spec.input_channels, spec.default_height,
          spec.default_width, spec.logits, spec.probabilities}) {
        out.u32(v);
    }
    out.zeros(24);
    for (const Writer* part : {&nodes, &operands, &names}) {
        out.bytes.insert(out.bytes.end(), part->bytes.begin(), part->bytes.end());
    }
    return out.bytes;
}

// Empty where no node has codes.
Bytes write_quantisation(const ModelSpec& spec, Pools* pools) {
    Writer records;
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < spec.nodes.size(); ++i) {
        const CodesSpec& codes = spec.nodes[i].codes;
        if (!codes.present) continue;
        ++count;
        records.u32(i);
        records.u32(codes.type);
        records.u32(pools->some_vector(codes.scale));
        records.u32(codes.zero.empty() ? kNone : pools->integers(codes.zero));
        records.u32(pools->some_vector(codes.multiplier));
        records.u32(pools->some_vector(codes.second_multiplier));
        records.u32(pools->some_vector(codes.offset));
        records.zeros(36);
    }
    if (count == 0) return {};
    Writer out;
    out.u32(count);
    out.u32(0);
    out.bytes.insert(out.bytes.end(), records.bytes.begin(), records.bytes.end());
    return out.bytes;
}

Bytes write_strings(const Pools& pools) {
    Writer out;
    out.u32(static_cast<std::uint32_t>(pools.strings.size()));
    std::size_t offset = 8 + 4 * pools.strings.size();
    out.u32(static_cast<std::uint32_t>(offset));
    for (const std::string& text : pools.strings) {
        offset += text.size() + 1;
        out.u32(static_cast<std::uint32_t>(offset));
    }
    for (const std::string& text : pools.strings) {
        out.bytes.insert(out.bytes.end(), text.begin(), text.end());
        out.u8(0);
    }
    return out.bytes;
}

Bytes write_golden(const ModelSpec& spec) {
    Writer out;
    out.u32(static_cast<std::uint32_t>(spec.golden.size()));
    out.u32(spec.default_height);
    out.u32(spec.default_width);
    out.u32(spec.input_channels);
    out.u32(static_cast<std::uint32_t>(spec.golden[0].second.size()));
    out.f32(spec.golden_tolerance);
    out.zeros(8);
    for (const auto& [pixels, logits] : spec.golden) {
        for (const float v : logits) out.f32(v);
        out.bytes.insert(out.bytes.end(), pixels.begin(), pixels.end());
        out.align(4);
    }
    return out.bytes;
}

}  // namespace

float nearest_half(float value) {
    int exponent = 0;
    std::frexp(value, &exponent);
    const int lowest = std::max(exponent, -13) - 11;  // of the 11 bits, or of the subnormals
    return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(value, -lowest)), lowest));
}

ModelSpec with_rounded_weights(ModelSpec spec) {
    for (NodeSpec& node : spec.nodes) {
        if (node.kind == kAffine || node.kind == kLrn) continue;
        for (float& weight : node.weights) weight = nearest_half(weight);
    }
    return spec;
}

ModelSpec with_half_weights(ModelSpec spec) {
    spec = with_rounded_weights(std::move(spec));
    spec.half_weights = true;
    return spec;
}

Bytes build(const ModelSpec& spec) {
    Pools pools;
    pools.half_weights = spec.half_weights;
    std::vector<std::pair<std::string, Bytes>> sections(7);
    sections[1] = {"GRPH", write_graph(spec, &pools)};
    const Bytes quantisation = write_quantisation(spec, &pools);

    Writer tensors;
    tensors.u32(pools.tensor_count);
    tensors.u32(0);
    tensors.bytes.insert(tensors.bytes.end(), pools.table.bytes.begin(), pools.table.bytes.end());
    sections[2] = {"TNSR", tensors.bytes};
    sections[3] = {"WGHT", pools.weights.bytes};

    Writer prep;
    prep.u32(spec.preset);
    prep.u32(spec.preset_flags);
    prep.f32(spec.sigma);
    prep.u32(7);
    prep.u32(0);
    prep.f32(spec.preset == 4 ? 300.0f : 0.0f);
    prep.u32(spec.default_height);
    prep.u32(spec.default_width);
    prep.zeros(32);
    sections[4] = {"PREP", prep.bytes};

    Writer labels;
    labels.u32(spec.target);
    labels.u32(spec.output_form);
    labels.u32(static_cast<std::uint32_t>(spec.classes.size()));
    labels.u32(0);
    for (const std::string& name : spec.classes) labels.u32(pools.string(name));
    sections[5] = {"LABL", labels.bytes};

    Writer provenance;
    provenance.u32(static_cast<std::uint32_t>(spec.provenance.size()));
    provenance.u32(0);
    for (const auto& [key, value] : spec.provenance) {
        provenance.u32(pools.string(key));
        provenance.u32(pools.string(value));
    }
    sections[6] = {"PROV", provenance.bytes};

    if (spec.with_calibration) {
        Writer points;
        points.f64(spec.temperature);
        points.u32(static_cast<std::uint32_t>(spec.points.size() + spec.any_dr_points.size()));
        points.u32(spec.points.empty() ? kNone : spec.default_point);
        for (std::uint32_t question = 0; question < 2; ++question) {
            for (const auto& [name, threshold] : question == 0 ? spec.points : spec.any_dr_points) {
                points.u32(pools.string(name));
                points.u32(question);
                points.f64(threshold);
            }
        }
        sections.push_back({"OPPT", points.bytes});
    }
    if (!quantisation.empty()) sections.push_back({"QUNT", quantisation});
    if (!spec.golden.empty()) sections.push_back({"GOLD", write_golden(spec)});
    if (!spec.typicality.empty()) sections.push_back({"TYPI", spec.typicality});
    sections[0] = {"STRS", write_strings(pools)};  // last: it holds what the others named

    Writer out;
    out.zeros(64 + 32 * sections.size());
    std::size_t entry = 64;
    for (const auto& [tag, bytes] : sections) {
        out.align(64);
        std::memcpy(&out.bytes[entry], tag.data(), 4);
        const bool optional = tag == "OPPT" || tag == "GOLD" || tag == "TYPI";
        put_u32(&out.bytes, entry + 4, optional ? 0 : 1);
        put_u64(&out.bytes, entry + 8, out.bytes.size());
        put_u64(&out.bytes, entry + 16, bytes.size());
        out.bytes.insert(out.bytes.end(), bytes.begin(), bytes.end());
        entry += 32;
    }
    const std::uint8_t magic[8] = {0x46, 0x4F, 0x56, 0x45, 0x41, 0x0D, 0x0A, 0x1A};
    std::memcpy(out.bytes.data(), magic, sizeof(magic));
    put_u32(&out.bytes, 8, 1);
    put_u32(&out.bytes, 12, 64);
    put_u64(&out.bytes, 16, out.bytes.size());
    put_u32(&out.bytes, 24, static_cast<std::uint32_t>(sections.size()));
    refresh_checksums(out.bytes.data(), out.bytes.size());
    return out.bytes;
}

ModelSpec tiny_spec() {
    // Weights that are easy to tell apart and neither large nor all alike.
    const auto ramp = [](std::size_t count, float from) {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = from + 0.03f * static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
        }
        return values;
    };
    ModelSpec spec;
    const std::uint32_t scaled = spec.add({.kind = kAffine,
                                           .inputs = {0},
                                           .weights = {1 / 127.5f, 1 / 127.5f, 1 / 127.5f},
                                           .bias = {-1, -1, -1},
                                           .name = "rescaling"});
    const std::uint32_t stem = spec.add({.kind = kConvolution,
                                         .inputs = {scaled},
                                         .activation = kHardSwish,
                                         .weights = ramp(3 * 3 * 3 * 5, 0.01f),
                                         .bias = ramp(5, 0.1f),
                                         .kernel_height = 3,
                                         .kernel_width = 3,
                                         .stride_y = 2,
                                         .stride_x = 2,
                                         .dilation_y = 1,
                                         .dilation_x = 1,
                                         .same_padding = true,
                                         .groups = 1,
                                         .output_channels = 5,
                                         .name = "stem"});
    const std::uint32_t depthwise = spec.add({.kind = kDepthwise,
                                              .inputs = {stem},
                                              .activation = kRelu,
                                              .weights = ramp(9 * 5, 0.02f),
                                              .bias = ramp(5, 0),
                                              .kernel_height = 3,
                                              .kernel_width = 3,
                                              .stride_y = 1,
                                              .stride_x = 1,
                                              .dilation_y = 1,
                                              .dilation_x = 1,
                                              .top = 1,
                                              .left = 1,
                                              .bottom = 1,
                                              .right = 1,
                                              .output_channels = 5,
                                              .name = "depthwise"});
    const std::uint32_t project = spec.add({.kind = kConvolution,
                                            .inputs = {depthwise},
                                            .weights = ramp(5 * 5, 0.05f),
                                            .kernel_height = 1,
                                            .kernel_width = 1,
                                            .stride_y = 1,
                                            .stride_x = 1,
                                            .dilation_y = 1,
                                            .dilation_x = 1,
                                            .groups = 1,
                                            .output_channels = 5,
                                            .name = "project"});
    const std::uint32_t sum = spec.add({.kind = kAdd, .inputs = {stem, project}, .name = "add"});
    const std::uint32_t pooled = spec.add({.kind = kGlobalPool, .inputs = {sum}, .name = "gap"});
    spec.logits = spec.add({.kind = kDense,
                            .inputs = {pooled},
                            .weights = ramp(5 * 2, 0.3f),
                            .bias = {0.1f, -0.1f},
                            .output_channels = 2,
                            .name = "logits"});
    spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}, .name = "softmax"});
    spec.with_calibration = true;
    std::vector<std::uint8_t> pixels(4 * 4 * 3);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 5);
    spec.golden = {{pixels, {0.25f, -0.5f}}};
    return spec;
}

ModelSpec overflowing_spec(float scale) {
    ModelSpec spec = tiny_spec();
    spec.input_height = spec.input_width = 0;
    spec.nodes.clear();
    spec.golden.clear();
    spec.add({.kind = kAffine, .inputs = {0}, .weights = {scale, scale, scale}, .bias = {0, 0, 0}, .name = "scaled"});
    spec.add({.kind = kGlobalPool, .inputs = {1}});
    spec.logits = spec.add({.kind = kDense, .inputs = {2}, .weights = {2, -2, 2, -2, 2, -2}, .output_channels = 2});
    spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}});
    return spec;
}

std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
    std::uint32_t crc = 0xFFFFFFFFu;
    for (std::size_t i = 0; i < size; ++i) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0u);
    }
    return ~crc;
}

void refresh_checksums(std::uint8_t* data, std::size_t size) {
    const auto get32 = [&](std::size_t at) {
        return static_cast<std::uint32_t>(data[at]) |
               static_cast<std::uint32_t>(data[at + 1]) << 8 |
               static_cast<std::uint32_t>(data[at + 2]) << 16 |
               static_cast<std::uint32_t>(data[at + 3]) << 24;
    };
    const auto put32 = [&](std::size_t at, std::uint32_t v) {
        for (int i = 0; i < 4; ++i) data[at + i] = static_cast<std::uint8_t>(v >> (8 * i));
    };
    if (size < 64) return;
    const std::uint32_t count = get32(24);
    if (count <= 64 && 64 + std::size_t{count} * 32 <= size) {
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::size_t entry = 64 + std::size_t{i} * 32;
            const std::uint64_t offset = get32(entry + 8) | std::uint64_t{get32(entry + 12)} << 32;
            const std::uint64_t length = get32(entry + 16) | std::uint64_t{get32(entry + 20)} << 32;
            if (offset <= size && length <= size - offset) {
                put32(entry + 24, crc32(data + offset, length));
            }
        }
        put32(28, crc32(data + 64, std::size_t{count} * 32));
    }
    put32(60, crc32(data, 60));
}

SectionPlace find_section(const Bytes& file, const char* tag) {
    for (std::uint32_t i = 0; i < get_u32(file, 24); ++i) {
        const std::size_t entry = 64 + std::size_t{i} * 32;
        if (std::memcmp(&file[entry], tag, 4) == 0) {
            return {entry, static_cast<std::size_t>(get_u64(file, entry + 8)),
                    static_cast<std::size_t>(get_u64(file, entry + 16))};
        }
    }
    std::abort();
}

void put_u32(Bytes* file, std::size_t offset, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) file->at(offset + i) = static_cast<std::uint8_t>(value >> (8 * i));
}
void put_u64(Bytes* file, std::size_t offset, std::uint64_t value) {
    put_u32(file, offset, static_cast<std::uint32_t>(value));
    put_u32(file, offset + 4, static_cast<std::uint32_t>(value >> 32));
}
void put_f32(Bytes* file, std::size_t offset, float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    put_u32(file, offset, bits);
}
void put_f64(Bytes* file, std::size_t offset, double value) {
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    put_u64(file, offset, bits);
}
std::uint32_t get_u32(const Bytes& file, std::size_t offset) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value |= std::uint32_t{file.at(offset + i)} << (8 * i);
    return value;
}
std::uint64_t get_u64(const Bytes& file, std::size_t offset) {
    return get_u32(file, offset) | std::uint64_t{get_u32(file, offset + 4)} << 32;
}

}  // namespace model_builder
