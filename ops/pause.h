// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea::ops {

// For a loop that waits by looking: lets the core save power and a sibling thread go ahead, for some tens of
// cycles.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

}  // namespace fovea::ops
