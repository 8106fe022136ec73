// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstring>

namespace fovea::bench {

// An emulator's times say nothing about the emulated CPU. qemu-user (7.2) passes the host's
// /proc/cpuinfo through: an AArch64 program that finds no ARM CPU there is being emulated. Newer
// ones make up an ARM file, so builds that are meant for an emulator also define FOVEA_EMULATED.
inline bool refuse_under_emulation(const char* program) {
#if defined(FOVEA_EMULATED)
    const bool arm = false;
#elif defined(__aarch64__) && defined(__linux__)
    std::FILE* file = std::fopen("/proc/cpuinfo", "r");
    if (file == nullptr) return false;
    char line[512];
    bool arm = false;
    while (std::fgets(line, sizeof(line), file) != nullptr) {
        if (std::strncmp(line, "CPU implementer", 15) == 0) arm = true;
    }
    std::fclose(file);
#else
    const bool arm = true;  // not ARM at all: a native build
#endif
    if (arm) return false;
    std::fprintf(stderr, "%s: this is an emulator; its times mean nothing, none are printed\n", program);
    return true;
}

}  // namespace fovea::bench
