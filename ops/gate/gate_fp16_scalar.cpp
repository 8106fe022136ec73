// SPDX-License-Identifier: Apache-2.0
// weights [panels][in_channels][8], gate [in_channels], output [panels][in_channels][8]
//   output[n][i][lane] = weights[n][i][lane] * the half nearest to gate[i]
#include "ops/gate/gate.h"
#include "ops/half_scalar.h"

namespace fovea::ops {

void gate_fp16_scalar(const GateFp16Args& args) {
    for (std::size_t row = 0; row < args.panels * args.in_channels; ++row) {
        Half gate;
        store_element(gate, args.gate[row % args.in_channels]);
        for (std::size_t lane = 0; lane < 8; ++lane) {
            const std::size_t i = row * 8 + lane;
            store_element(args.output[i], load_element(args.weights[i]) * load_element(gate));
        }
    }
}

}  // namespace fovea::ops
