// SPDX-License-Identifier: Apache-2.0
// Which steps a plan has: what is left out, what another step takes over, and what is made where it is joined.
#include <string>

#include "tests/unit/planned_network.h"

using fovea::Segment;
using fovea::Step;
using fovea::Value;
using namespace planned_network;

TEST_CASE("what nothing needs is not run") {
    model_builder::ModelSpec spec = model_builder::tiny_spec();
    const Planned whole(spec, {});
    spec.add({.kind = model_builder::kActivation,
              .inputs = {1},
              .activation = model_builder::kTanh,
              .name = "aside"});
    const Planned same(spec, {});
    CHECK(same.plan.step_count == whole.plan.step_count);
    const Planned tapped(spec, {9});  // and the rescaling for it, otherwise done by the stem
    CHECK(tapped.plan.step_count == whole.plan.step_count + 2);
}

TEST_CASE(
    "the first convolution reads the caller's pixels and rescales them if only it wants that") {
    using namespace model_builder;
    struct Found {
        bool reads, rescales;
        std::size_t steps;
    };
    const auto find = [](const ModelSpec& spec, const std::vector<std::uint32_t>& kept) {
        const Planned planned(spec, kept);
        Found found = {false, false, planned.plan.step_count};
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            if (!begins(step.kernel, "conv2d_") && !begins(step.kernel, "stem_pixels_")) continue;
            CHECK(step.reads_caller_input == begins(step.kernel, "stem_pixels_fp32_"));
            found.reads = step.reads_caller_input;
            found.rescales = rescales(planned.model.graph, step);
        }
        return found;
    };
    const ModelSpec spec = tiny_spec();
    const Found fused = find(spec, {});
    CHECK(fused.reads);
    CHECK(fused.rescales);
    const auto apart = [&](const ModelSpec& changed, const std::vector<std::uint32_t>& kept) {
        const Found found = find(changed, kept);
        CHECK_FALSE(found.reads);
        CHECK_FALSE(found.rescales);
        CHECK(found.steps > fused.steps);
    };
    apart(spec, {1});  // the rescaled pixels are tapped
    ModelSpec used_twice = spec;
    used_twice.add({.kind = kActivation, .inputs = {1}, .activation = kTanh});
    apart(used_twice, {9});
    CHECK(find(used_twice, {}).rescales);  // but that one is for nothing
    ModelSpec activated = spec;
    activated.nodes[0].activation = kRelu;
    apart(activated, {});
    ModelSpec wide = spec;
    wide.nodes[1].kernel_height = 17;
    wide.nodes[1].weights.resize(17 * 3 * 3 * 5);
    apart(wide, {});
    ModelSpec as_it_is = spec;  // nothing rescales
    as_it_is.nodes[1].inputs = {0};
    const Found plain = find(as_it_is, {});
    CHECK(plain.reads);
    CHECK_FALSE(plain.rescales);
    CHECK(plain.steps == fused.steps);
    as_it_is.add({.kind = kActivation, .inputs = {0}, .activation = kTanh});
    apart(as_it_is, {9});  // another node needs the input as floats
}

TEST_CASE("an add is made by its convolution only when nobody else wants that") {
    using namespace model_builder;
    const auto residuals = [](const ModelSpec& spec, const std::vector<std::uint32_t>& kept) {
        const Planned planned(spec, kept);
        int count = 0;
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            count += has_residual(planned.plan.steps[s]) ? 1 : 0;
        }
        return count;
    };
    const ModelSpec spec = tiny_spec();
    CHECK(residuals(spec, {}) == 1);
    CHECK(residuals(spec, {4}) == 0);  // the projection is tapped
    CHECK(residuals(spec, {5}) == 1);  // the sum may be
    ModelSpec swapped = spec;
    std::swap(swapped.nodes[4].inputs[0], swapped.nodes[4].inputs[1]);
    CHECK(residuals(swapped, {}) == 1);
    ModelSpec activated = spec;
    activated.nodes[3].activation = kRelu;
    CHECK(residuals(activated, {}) == 0);
    ModelSpec used_twice = spec;
    used_twice.nodes[5].inputs[0] =
        4;  // the pool reads the projection: the add is then for nothing
    CHECK(residuals(used_twice, {5}) == 0);
    ModelSpec relu_after = spec;
    relu_after.nodes[4].activation = kRelu;
    CHECK(residuals(relu_after, {}) == 1);
    ModelSpec tanh_after = spec;
    tanh_after.nodes[4].activation = kTanh;  // not one that kernels fuse
    CHECK(residuals(tanh_after, {}) == 0);
}

TEST_CASE("a gate is taken over by the weights only where there are fewer of them, tapped or not") {
    using namespace model_builder;
    ModelSpec spec = tiny_spec();  // value 5 is a sum of 5 channels
    spec.golden.clear();           // made for another size
    spec.input_height = spec.input_width = 0;
    const std::uint32_t gate = spec.add({.kind = kGlobalPool, .inputs = {5}});
    const std::uint32_t product = spec.add({.kind = kMultiply, .inputs = {5, gate}});
    NodeSpec convolution = spec.nodes[3];
    convolution.name = "gated";
    convolution.inputs = {product};
    NodeSpec dense = spec.nodes[6];
    dense.name = "gated logits";
    dense.inputs = {spec.add({.kind = kGlobalPool, .inputs = {spec.add(convolution)}})};
    spec.logits = spec.add(dense);
    spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}});
    const auto gates = [&](const ModelSpec& changed, const std::vector<std::uint32_t>& kept) {
        const Planned planned(changed, kept);
        int count = 0;
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            if (!has_gate(step)) continue;
            CHECK(planned.plan.operand(step, step.operand_count - 1) == gate);
            CHECK(planned.plan.operand(step, 0) == 5);
            ++count;
        }
        return count;
    };
    spec.default_height = spec.default_width = 6;  // 3 x 3 pixels, 5 output channels
    CHECK(gates(spec, {}) == 1);
    CHECK(gates(spec, {product}) == 1);  // made for the tap alone
    ModelSpec small = spec;
    small.default_height = small.default_width = 4;  // 2 x 2 pixels
    CHECK(gates(small, {}) == 0);
    ModelSpec activated = spec;
    activated.nodes[product - 1].activation = kRelu;
    CHECK(gates(activated, {}) == 0);
    ModelSpec used_twice = spec;
    used_twice.add({.kind = kActivation, .inputs = {product}, .activation = kTanh});
    CHECK(gates(used_twice, {}) == 0);
}

TEST_CASE("what is joined is made where it is joined, unless somebody wants it otherwise") {
    using namespace model_builder;
    struct Counts {
        int slices = 0, copies = 0;
        bool operator==(const Counts&) const = default;
    };
    // The padded map is kept, beside which all others are small, so that memory never speaks for copies.
    const auto count = [](const ModelSpec& spec, std::vector<std::uint32_t> kept) {
        for (std::uint32_t i = 0; i < spec.nodes.size(); ++i) {
            if (spec.nodes[i].kind == kPad) kept.push_back(i + 1);
        }
        const Planned planned(spec, kept, 1);
        Counts counts;
        for (const Value& value : planned.plan.values) counts.slices += value.is_slice();
        for (std::size_t s = 0; s < planned.plan.step_count; ++s) {
            const Step& step = planned.plan.steps[s];
            counts.copies += step.joins && std::string(step.kernel) == "copy";
        }
        return counts;
    };
    const auto pool = [](std::uint32_t input) {
        NodeSpec node = {.kind = kPool, .inputs = {input}, .kernel_height = 3, .kernel_width = 3};
        node.stride_y = node.stride_x = 1;
        node.same_padding = true;
        return node;
    };
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 20;
    const std::uint32_t map = spec.add(pool(0));
    const std::uint32_t mean = spec.add({.kind = kChannelReduce, .inputs = {map}});
    const std::uint32_t most = spec.add({.kind = kChannelReduce, .inputs = {map}, .variant = 1});
    const std::uint32_t joined = spec.add({.kind = kConcat, .inputs = {mean, most}});
    const auto with_head = [&pool](ModelSpec body, std::uint32_t value) {
        NodeSpec pad = {.kind = kPad, .inputs = {body.add(pool(value))}};
        pad.top = pad.left = pad.bottom = pad.right = 40;
        const std::uint32_t pooled = body.add({.kind = kGlobalPool, .inputs = {body.add(pad)}});
        const std::uint32_t channel = body.add({.kind = kChannelReduce, .inputs = {pooled}});
        body.logits = body.probabilities =
            body.add({.kind = kDense, .inputs = {channel}, .weights = {0.5f, -0.5f}, .output_channels = 2});
        return body;
    };
    const ModelSpec plain = with_head(spec, joined);
    CHECK(count(plain, {}) == Counts{2, 0});
    CHECK(count(plain, {mean}) == Counts{1, 1});    // seen, and so alone
    CHECK(count(plain, {joined}) == Counts{2, 0});  // as this is
    CHECK(count(plain, {mean, most}) == Counts{0, 1});
    ModelSpec twice = spec;
    twice.nodes[joined - 1].inputs.push_back(mean);  // it can be in one place only
    CHECK(count(with_head(twice, joined), {}) == Counts{2, 1});
    ModelSpec viewed = spec;
    viewed.add({.kind = kReshape, .inputs = {mean}});
    CHECK(count(with_head(viewed, joined), {joined + 1}) == Counts{1, 1});
    ModelSpec nested = spec;
    const std::uint32_t again = nested.add({.kind = kConcat, .inputs = {map, joined}});
    CHECK(count(with_head(nested, again), {}) == Counts{4, 0});
    // An activation of what is joined, done where it lies, changes its parts: those that nobody else reads may be slices.
    ModelSpec activated = spec;
    activated.nodes[joined - 1].activation = kTanh;
    CHECK(count(with_head(activated, joined), {}) == Counts{2, 0});
    const std::uint32_t other = activated.add({.kind = kAdd, .inputs = {mean, joined}});
    activated.nodes[other - 1].inputs = {mean, most};
    CHECK(count(with_head(activated, joined), {other}) == Counts{0, 1});
    activated.nodes[joined - 1].activation = 0;
    CHECK(count(with_head(activated, joined), {other}) == Counts{2, 0});
    // The input is made elements by a step that packs them.
    ModelSpec of_input = spec;
    of_input.nodes[joined - 1].inputs = {0, mean};
    CHECK(count(with_head(of_input, joined), {}) == Counts{1, 1});
}

TEST_CASE("a global pool takes the rows of its map as they are made") {
    using namespace model_builder;
    const auto row_pools = [](const ModelSpec& spec) {
        const Planned planned(spec, {}, 1);
        int count = 0;
        for (std::size_t g = 0; g < planned.plan.segment_count; ++g) {
            const Segment& segment = planned.plan.segments[g];
            for (std::uint32_t i = 1; i < segment.step_count; ++i) {
                count += planned.plan.steps[segment.first_step + i].sums_rows;
            }
        }
        return count;
    };
    ModelSpec spec = tiny_spec();
    spec.golden.clear();  // made for another size
    spec.input_height = spec.input_width = 0;
    spec.default_height = spec.default_width = 12;
    CHECK(row_pools(spec) == 1);
    ModelSpec window = spec;  // of the map's size: as good as global
    window.nodes[5].kind = kPool;
    window.nodes[5].kernel_height = window.nodes[5].kernel_width = 6;
    window.nodes[5].stride_y = window.nodes[5].stride_x = 1;
    CHECK(row_pools(window) == 1);
    spec.default_height = spec.default_width = 2;  // one pixel
    CHECK(row_pools(spec) == 0);
}
