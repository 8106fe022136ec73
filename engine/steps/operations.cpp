// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/operations.h"

namespace fovea {

const Operation& operation_of(NodeKind kind) {
    switch (kind) {
#define FOVEA_OPERATION_CASE(number, kind, text, operation) \
    case NodeKind::kind:                                    \
        return operation##_operation;
        FOVEA_NODE_KINDS(FOVEA_OPERATION_CASE)
#undef FOVEA_OPERATION_CASE
    }
    return activation_operation;  // a checked graph has no other kind
}

bool type_of_first(const TypeQuestion& question, ElementType* type) {
    *type = question.operand(0);
    return true;
}

bool type_of_all(const TypeQuestion& question, ElementType* type) {
    *type = question.operand(0);
    return question.all_alike();
}

bool type_of_map(const TypeQuestion& question, ElementType* type) {
    *type = question.operand(0);
    return *type != ElementType::kF32;
}

bool type_of_floats(const TypeQuestion& question, ElementType* type) {
    *type = ElementType::kF32;
    return question.operand(0) == ElementType::kF32;
}

}  // namespace fovea
