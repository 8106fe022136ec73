// SPDX-License-Identifier: Apache-2.0
// The specification of the pools of whole maps of codes; the formula is in global_pool_codes.h.
#include "ops/codes_scalar.h"
#include "ops/pool/global_pool_codes.h"

namespace fovea::ops {

void global_pool_codes_scalar(const GlobalPoolCodesArgs& args) {
    for (int c = args.channel_begin; c < args.channel_end; ++c) {
        std::int64_t sum = 0;
        std::int32_t most = lowest_code(args.input.type);
        for (std::size_t p = 0; p < args.pixels; ++p) {
            const std::int32_t code = code_at(args.input, p, c);
            sum += code - args.zero[c];
            most = code > most ? code : most;
        }
        args.output[c] = args.kind == PoolKind::kAverage
                             ? static_cast<float>(sum) / static_cast<float>(args.pixels) * args.scale[c]
                             : static_cast<float>(most - args.zero[c]) * args.scale[c];
    }
}

}  // namespace fovea::ops
