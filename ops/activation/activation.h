// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/activation.h"
#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::ops {

// output[k] = activation(input[k]) for count contiguous floats; output may equal input.
// Each element's result depends on its value alone, never on its place.
struct ActivationFp32Args {
    const float* input;
    float* output;
    std::size_t count;
    Activation activation;  // any of them
    float parameter;        // slope of kLeakyRelu, alpha of kElu
};
using ActivationFp32Function = void (*)(const ActivationFp32Args&);

void activation_fp32_scalar(const ActivationFp32Args&);
void activation_fp32_avx2(const ActivationFp32Args&);
void activation_fp32_neon(const ActivationFp32Args&);
extern const KernelTable<ActivationFp32Function> kActivationFp32;

// The same of halves: the float32 result of the same instruction set, rounded to a half.
struct ActivationFp16Args {
    const Half* input;
    Half* output;
    std::size_t count;
    Activation activation;
    float parameter;
};
using ActivationFp16Function = void (*)(const ActivationFp16Args&);

void activation_fp16_scalar(const ActivationFp16Args&);
void activation_fp16_neon(const ActivationFp16Args&);
extern const KernelTable<ActivationFp16Function> kActivationFp16;

}  // namespace fovea::ops
