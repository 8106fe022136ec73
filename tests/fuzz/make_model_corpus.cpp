// SPDX-License-Identifier: Apache-2.0
// Writes the model reader's corpus: make_model_corpus FOLDER. Needed again when the format changes.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/unit/model_builder.h"

namespace {

using namespace model_builder;

// One node of every kind, for any input size.
ModelSpec every_kind() {
    ModelSpec spec;
    spec.input_height = spec.input_width = 0;
    spec.default_height = 3;
    spec.default_width = 2;
    spec.input_channels = 2;
    const auto window = [](NodeSpec node) {
        node.kernel_height = 2;
        node.kernel_width = 3;
        node.stride_y = 2;
        node.stride_x = 1;
        if (node.kind != kPool) node.dilation_y = node.dilation_x = 1;
        node.same_padding = true;
        return node;
    };
    spec.add({.kind = kPad, .inputs = {0}, .top = 1, .right = 2, .name = "pad"});
    spec.add({.kind = kAffine,
              .inputs = {1},
              .weights = {0.01f, 0.02f},
              .bias = {-1, 1},
              .name = "affine"});
    spec.add(window({.kind = kConvolution,
                     .inputs = {2},
                     .activation = kSwish,
                     .weights = std::vector<float>(6 * 1 * 4, 0.25f),
                     .bias = {1, 2, 3, 4},
                     .groups = 2,
                     .output_channels = 4,
                     .name = "grouped"}));
    spec.add(window({.kind = kDepthwise,
                     .inputs = {3},
                     .activation = kHardSwish,
                     .weights = std::vector<float>(6 * 4, 0.5f),
                     .output_channels = 4,
                     .name = "depthwise"}));
    spec.add(window({.kind = kPool, .inputs = {4}, .variant = 1, .name = "pool"}));
    spec.add({.kind = kChannelReduce, .inputs = {5}, .name = "reduce"});
    spec.add({.kind = kMultiply, .inputs = {5, 6}, .name = "multiply"});
    spec.add({.kind = kConcat, .inputs = {7, 6, 5}, .name = "concat"});
    spec.add({.kind = kAdd, .inputs = {8, 6}, .activation = kRelu, .name = "add"});
    spec.add({.kind = kGlobalPool, .inputs = {9}, .variant = 1, .name = "top"});
    spec.add({.kind = kReshape, .inputs = {10}, .name = "flat"});
    spec.add({.kind = kActivation,
              .inputs = {11},
              .activation = kElu,
              .parameter = 0.5f,
              .name = "elu"});
    spec.logits = spec.add({.kind = kDense,
                            .inputs = {12},
                            .weights = std::vector<float>(9 * 2, 0.1f),
                            .bias = {0.5f, -0.5f},
                            .output_channels = 2,
                            .name = "logits"});
    spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}, .name = "softmax"});
    return spec;
}

bool write(const std::string& path, const ModelSpec& spec) {
    const Bytes bytes = build(spec);
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return file.good();
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: make_model_corpus FOLDER\n");
        return 2;
    }
    const std::string folder = arguments[1];
    return write(folder + "/tiny.fovea", tiny_spec()) &&
                   write(folder + "/every_kind.fovea", every_kind())
               ? 0
               : 1;
}
