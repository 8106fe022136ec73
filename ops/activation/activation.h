// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// output[k] = activation(input[k]) for count contiguous elements; output may equal input. Each
// element's result depends on its value alone, never on its place. Of halves: the float32 result,
// rounded to a half; where convolutions fuse their activation in halves, as they do.
template <typename Element>
struct ActivationArgs {
    const Element* input;
    Element* output;
    std::size_t count;
    Activation activation;  // any of them
    float parameter;        // slope of kLeakyRelu, alpha of kElu
};
using ActivationFp32Args = ActivationArgs<float>;
using ActivationFp16Args = ActivationArgs<Half>;
using ActivationFp32Function = void (*)(const ActivationFp32Args&);
using ActivationFp16Function = void (*)(const ActivationFp16Args&);

void activation_fp32_scalar(const ActivationFp32Args&);
void activation_fp32_avx2(const ActivationFp32Args&);
void activation_fp32_neon(const ActivationFp32Args&);
extern const KernelTable<ActivationFp32Function> kActivationFp32;
template <>
struct TableOf<ActivationFp32Args> {
    static constexpr const auto& kTable = kActivationFp32;
};

void activation_fp16_scalar(const ActivationFp16Args&);
void activation_fp16_neon_fp16(const ActivationFp16Args&);
extern const KernelTable<ActivationFp16Function> kActivationFp16;
template <>
struct TableOf<ActivationFp16Args> {
    static constexpr const auto& kTable = kActivationFp16;
};

}  // namespace fovea::ops
