// SPDX-License-Identifier: Apache-2.0
// channel_reduce_scalar.h for halves.
#include "ops/channel_reduce/channel_reduce_scalar.h"

namespace fovea::ops {

void channel_reduce_fp16_scalar(const ChannelReduceFp16Args& args) {
    channel_reduce_scalar(args);
}

}  // namespace fovea::ops
