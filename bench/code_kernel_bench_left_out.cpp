// SPDX-License-Identifier: Apache-2.0
// In the place of code_kernel_bench.cpp in a build without networks of 8-bit integers.
#include "bench/kernel_measure.h"

namespace fovea::bench {

void register_code_kernels() {}

}  // namespace fovea::bench
