// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea::preprocess {

// Does this CPU, and its operating system, have vectors of 256 bits? A photo's pixels and figures are the same with them and without, so
// that nobody needs a choice: fovea_session_settings::isa is for the network, and ops/cpu_features, which knows of it, is nothing that
// preprocess/ may need. What is asked was found out when the program started.
#ifdef FOVEA_PREPROCESS_AVX2
inline bool has_avx2() {
    return __builtin_cpu_supports("avx2");
}
#endif

}  // namespace fovea::preprocess
