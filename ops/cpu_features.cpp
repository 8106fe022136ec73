// SPDX-License-Identifier: Apache-2.0
#include "ops/cpu_features.h"

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace fovea::ops {
namespace {

// Those that this build has kernels of.
constexpr IsaLevel kLevels[] = {
    {"scalar", kFeatureNone, kFeatureNone},
#if defined(FOVEA_HAVE_AVX2)
    {"avx2", kFeatureAvx2Fma | kFeaturePclmul | kFeatureVpclmul | kFeatureShaNi, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_AVX512)
    {"avx512", kFeatureAvx512 | kFeatureAvx512Vnni | kFeatureAvx2Fma | kFeaturePclmul | kFeatureVpclmul | kFeatureShaNi,
     kFeatureAvx512 | kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"neon", kFeatureNeon | kFeatureArmCrc | kFeatureArmSha2, kFeatureNeon},
    {"neon_fp16", kFeatureNeon | kFeatureArmCrc | kFeatureArmSha2 | kFeatureNeonFp16 | kFeatureNeonDotprod | kFeatureNeonI8mm,
     kFeatureNeon | kFeatureNeonFp16},
#endif
};
constexpr int kLevelCount = static_cast<int>(sizeof(kLevels) / sizeof(kLevels[0]));

}  // namespace

CpuFeatureSet detect_cpu_features() {
    CpuFeatureSet features = kFeatureNone;
#if defined(__x86_64__)
    // __builtin_cpu_supports also checks that the operating system saves the registers.
    __builtin_cpu_init();
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    // Not every compiler's __builtin_cpu_supports knows the name "f16c".
    const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && f16c) {
        features |= kFeatureAvx2Fma;
    }
    if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
        features |= kFeaturePclmul;
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq")) {
            features |= kFeatureVpclmul;
        }
    }
    // Nor "sha". Its registers are those of 128 bits, which every operating system keeps.
    if (__builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0) {
        features |= kFeatureShaNi;
    }
    if ((features & kFeatureAvx2Fma) != 0 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        features |= kFeatureAvx512;
        if (__builtin_cpu_supports("avx512vnni")) features |= kFeatureAvx512Vnni;
    }
#elif defined(__aarch64__)
    features |= kFeatureNeon;
#if defined(__linux__)
    const unsigned long capabilities = getauxval(AT_HWCAP);
    const unsigned long capabilities2 = getauxval(AT_HWCAP2);
    if (capabilities & HWCAP_CRC32) features |= kFeatureArmCrc;
    if (capabilities & HWCAP_SHA2) features |= kFeatureArmSha2;
    if (capabilities & HWCAP_ASIMDHP) features |= kFeatureNeonFp16;
    if (capabilities & HWCAP_ASIMDDP) features |= kFeatureNeonDotprod;
    if (capabilities2 & HWCAP2_I8MM) features |= kFeatureNeonI8mm;
#endif
#endif
    return features;
}

const IsaLevel* isa_levels(int* count) {
    *count = kLevelCount;
    return kLevels;
}

const IsaLevel* find_isa_level(const char* name) {
    for (const IsaLevel& level : kLevels) {
        if (std::strcmp(level.name, name) == 0) return &level;
    }
    return nullptr;
}

const IsaLevel* best_isa_level(CpuFeatureSet features) {
    const IsaLevel* best = &kLevels[0];
    for (const IsaLevel& level : kLevels) {
        if ((level.needed & ~features) == 0) best = &level;
    }
    return best;
}

}  // namespace fovea::ops
