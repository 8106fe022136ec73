// SPDX-License-Identifier: Apache-2.0
#include "preprocess/row_loops.h"

#include "preprocess/larger_vectors.h"
#include "preprocess/row_loops_body.h"

namespace fovea::preprocess {

const RowLoops& row_loops_baseline() {
    return kRowLoops;
}

const RowLoops& row_loops() {
#ifdef FOVEA_PREPROCESS_AVX2
    if (has_avx2()) return row_loops_avx2();
#endif
    return kRowLoops;
}

}  // namespace fovea::preprocess
