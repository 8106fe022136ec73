// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea::ops {

// What a kernel may need of the CPU, one bit each.
using CpuFeatureSet = std::uint32_t;
enum CpuFeature : CpuFeatureSet {
    kFeatureNone = 0,
    kFeatureAvx2Fma = 1u << 0,     // AVX2, FMA and F16C together
    kFeatureAvx512 = 1u << 1,      // F, CD, BW, DQ, VL and kFeatureAvx2Fma together
    kFeatureAvx512Vnni = 1u << 2,
    kFeatureNeon = 1u << 3,        // ASIMD: every AArch64 CPU
    kFeatureNeonFp16 = 1u << 4,    // ARMv8.2 half-precision arithmetic
    kFeatureNeonDotprod = 1u << 5,
    kFeatureNeonI8mm = 1u << 6,
    kFeaturePclmul = 1u << 7,      // PCLMULQDQ and SSE4.1 together
    kFeatureArmCrc = 1u << 8,      // the CRC32 instructions of ARMv8
    kFeatureVpclmul = 1u << 9,     // VPCLMULQDQ and AVX2 together
    kFeatureShaNi = 1u << 10,      // SHA and SSE4.1 together
    kFeatureArmSha2 = 1u << 11,    // the SHA-256 instructions of ARMv8's cryptography extension
};

// What this CPU (and its operating system) has. Cheap enough to ask for every model; no state.
CpuFeatureSet detect_cpu_features();

// An instruction-set level that a user can name. Levels are cumulative within an architecture:
// a cap of "avx2" allows kernels that need kFeatureAvx2Fma or nothing.
struct IsaLevel {
    const char* name;         // "scalar", "avx2", "avx512", "neon", "neon_fp16"
    CpuFeatureSet allowed;    // features that kernels under this cap may use
    CpuFeatureSet needed;     // features that the CPU must have for the name to be accepted
};

// All levels that this build has kernels of, weakest first. *count receives how many.
const IsaLevel* isa_levels(int* count);

// The level of that name, or null for a name this build does not know.
const IsaLevel* find_isa_level(const char* name);

// The strongest level that these features satisfy: what a screening reports as its ISA.
const IsaLevel* best_isa_level(CpuFeatureSet features);

}  // namespace fovea::ops
