// SPDX-License-Identifier: Apache-2.0
// The specification: output[n][i][lane] = weights[n][i][lane] * gate[i].
#include "ops/gate/gate.h"

namespace fovea::ops {

void gate_fp32_scalar(const GateFp32Args& args) {
    constexpr std::size_t kLanes = 8;
    for (std::size_t n = 0; n < args.panels; ++n) {
        for (std::size_t i = 0; i < args.in_channels; ++i) {
            const std::size_t at = (n * args.in_channels + i) * kLanes;
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                args.output[at + lane] = args.weights[at + lane] * args.gate[i];
            }
        }
    }
}

}  // namespace fovea::ops
