// SPDX-License-Identifier: Apache-2.0
// What planning asks of an operation. Each has a file of its own in this folder, which emits its steps and runs them.
#pragma once

#include "engine/model/graph.h"
#include "engine/steps/step_writer.h"
#include "ops/binary/binary.h"
#include "ops/pool/pool.h"

namespace fovea {

// The types and shapes of a node's operands, for the rule of its result's type.
struct TypeQuestion {
    const Graph& graph;
    const Node& node;
    const Buffer<Shape>& shapes;       // by value
    const Buffer<ElementType>& types;  // by value

    ElementType operand(std::uint32_t i) const { return types[graph.operand(node, i)]; }
    const Shape& shape(std::uint32_t i) const { return shapes[graph.operand(node, i)]; }
    bool all_alike() const {
        for (std::uint32_t i = 1; i < node.operand_count; ++i) {
            if (operand(i) != operand(0)) return false;
        }
        return true;
    }
};

struct Operation {
    // The type of the result's elements where maps are not floats; false where no kernel has such operands.
    bool (*result_type)(const TypeQuestion& question, ElementType* type);
    // Adds the node's step, and says which activation it does itself.
    ops::Activation (*emit)(StepWriter& writer, std::uint32_t node);
};

const Operation& operation_of(NodeKind kind);

// The rules that several operations share: the type of the first operand, of all operands alike, and of maps alone.
bool type_of_first(const TypeQuestion& question, ElementType* type);
bool type_of_all(const TypeQuestion& question, ElementType* type);
bool type_of_map(const TypeQuestion& question, ElementType* type);
// Of what there are only kernels of floats for.
bool type_of_floats(const TypeQuestion& question, ElementType* type);

// Steps that are no node's own:
// the network's input made elements, for nodes that cannot read the caller's pixels;
void emit_input(StepWriter& writer);
// the rows of a map pooled as they are made, for the global pool `node`;
void emit_row_pool(StepWriter& writer, std::uint32_t node, std::uint32_t map, std::uint32_t rows);
// an activation that no kernel does, or on a value of its own;
void emit_activation(StepWriter& writer, std::uint32_t node, std::uint32_t value);
// an addition or product of two values, for the work of that node.
void emit_binary(StepWriter& writer, std::uint32_t node, std::uint32_t output, std::uint32_t left, std::uint32_t right,
                 ops::BinaryKind kind);

// Whether a node makes codes, or floats of codes, or floats with 8-bit weights: then this adds its step instead of its operation.
bool makes_or_takes_codes(const StepWriter& writer, std::uint32_t node);
ops::Activation emit_codes(StepWriter& writer, std::uint32_t node);
// A pool of the rows or of the whole of a map of codes.
void use_code_pool(StepWriter& writer, Step& step, ops::PoolKind kind, bool by_rows);

// The floats of a value of the shorter type: its pixels, or, of what becomes a vector, its channels.
void use_widening(StepWriter& writer, Step& step);

// The kinds of convolution whose kernels are others: a matrix product over the pixels, and one of a vector.
ops::Activation emit_pointwise_conv(StepWriter& writer, std::uint32_t node);
ops::Activation emit_dense(StepWriter& writer, std::uint32_t node);

#define FOVEA_DECLARE_OPERATION(number, kind, text, operation) extern const Operation operation##_operation;
FOVEA_NODE_KINDS(FOVEA_DECLARE_OPERATION)
#undef FOVEA_DECLARE_OPERATION

}  // namespace fovea
