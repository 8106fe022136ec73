// SPDX-License-Identifier: Apache-2.0
#ifndef __AVX2__
#error "compile this file with -mavx2"
#endif

#include "preprocess/row_loops_body.h"

namespace fovea::preprocess {

const RowLoops& row_loops_avx2() {
    return kRowLoops;
}

}  // namespace fovea::preprocess
