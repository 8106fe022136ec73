// SPDX-License-Identifier: Apache-2.0
// channel_reduce_neon.h for floats.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/channel_reduce/channel_reduce_neon.h"

namespace fovea::ops {

void channel_reduce_fp32_neon(const ChannelReduceFp32Args& args) {
    channel_reduce_neon(args);
}

}  // namespace fovea::ops
