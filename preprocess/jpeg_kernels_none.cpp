// SPDX-License-Identifier: Apache-2.0
// A build without vectors.
#include "preprocess/jpeg_kernels.h"

namespace fovea::preprocess {

const JpegKernels& jpeg_kernels_baseline() {
    return kScalarJpegKernels;
}

const JpegKernels& jpeg_kernels() {
    return jpeg_kernels_baseline();
}

}  // namespace fovea::preprocess
