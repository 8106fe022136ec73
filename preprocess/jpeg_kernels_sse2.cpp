// SPDX-License-Identifier: Apache-2.0
#ifndef __SSE2__
#error "compile this file for x86-64"
#endif

#include "preprocess/jpeg_vectors_sse2.h"
#include "preprocess/larger_vectors.h"

namespace fovea::preprocess {

const JpegKernels& jpeg_kernels_baseline() {
    return VectorJpeg<Sse2>::kTable;
}

const JpegKernels& jpeg_kernels() {
#ifdef FOVEA_PREPROCESS_AVX2
    if (has_avx2()) return jpeg_kernels_avx2();
#endif
    return jpeg_kernels_baseline();
}

}  // namespace fovea::preprocess
