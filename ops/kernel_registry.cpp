// SPDX-License-Identifier: Apache-2.0
#include "ops/kernel_registry.h"

#include "ops/activation/activation.h"
#include "ops/activation_gradient/activation_gradient.h"
#include "ops/affine/affine.h"
#include "ops/binary/binary.h"
#include "ops/channel_reduce/channel_reduce.h"
#include "ops/codes/code_maps.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_codes.h"
#include "ops/crc32/crc32.h"
#include "ops/dense/dense.h"
#include "ops/dense/dense_fp32_w8.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"
#include "ops/gate/gate.h"
#include "ops/lrn/lrn.h"
#include "ops/pointwise_conv/pointwise_conv.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"
#include "ops/pool/global_pool_codes.h"
#include "ops/pool/pool.h"
#include "ops/product_sum/product_sum.h"
#include "ops/sha256/sha256_blocks.h"
#include "ops/stem_pixels/stem_pixels.h"
#include "ops/widen/widen.h"

namespace fovea::ops {
namespace {

template <const auto& kTable>
KernelDescription describe(std::size_t index) {
    return {kTable.variants[index].name, kTable.variants[index].required};
}

template <const auto& kTable>
OperationListing list() {
    const bool last_is_empty = kTable.variants[kTable.count - 1].function == nullptr;
    return {kTable.operation, last_is_empty ? kTable.count - 1 : kTable.count, describe<kTable>};
}

// A table of a network of codes, in a library that has any.
#if defined(FOVEA_HAVE_INT8)
#define FOVEA_LIST_OF_CODES(table) list<table>,
#else
#define FOVEA_LIST_OF_CODES(table)
#endif

// By name.
constexpr OperationListing (*kListings[])() = {
    list<kActivationFp16>,
    list<kActivationFp32>,
#if defined(FOVEA_HAVE_EXPLAIN)
    list<kActivationGradientFp32>,
#endif
    FOVEA_LIST_OF_CODES(kAddCodes)
    list<kAffineFp16>,
    list<kAffineFp32>,
    list<kAffineFp32ToFp16>,
    list<kAffinePixelsFp16>,
    list<kAffinePixelsFp32>,
    list<kBinaryFp16>,
    list<kBinaryFp32>,
    list<kChannelReduceFp16>,
    list<kChannelReduceFp32>,
    list<kConv2dFp16>,
    list<kConv2dFp32>,
    FOVEA_LIST_OF_CODES(kConv2dS16S8)
    FOVEA_LIST_OF_CODES(kConv2dU8S8)
    list<kCrc32>,
    list<kDenseFp32>,
    list<kDenseFp32W16>,
    FOVEA_LIST_OF_CODES(kDenseFp32W8)
    list<kDepthwiseConvFp16>,
    list<kDepthwiseConvFp32>,
    FOVEA_LIST_OF_CODES(kDepthwiseConvS16S8)
    FOVEA_LIST_OF_CODES(kDepthwiseConvU8S8)
    FOVEA_LIST_OF_CODES(kDequantise)
    FOVEA_LIST_OF_CODES(kGateCodes)
    list<kGateFp16>,
    list<kGateFp32>,
    FOVEA_LIST_OF_CODES(kGlobalPoolCodes)
    list<kGlobalPoolFp16ToFp32>,
    list<kGlobalPoolFp32>,
    list<kLrnFp32>,
    list<kNarrowFp16>,
    list<kPointwiseConvFp16>,
    list<kPointwiseConvFp32>,
    FOVEA_LIST_OF_CODES(kPointwiseConvS16S8)
    FOVEA_LIST_OF_CODES(kPointwiseConvU8S8)
    list<kPoolFp16>,
    list<kPoolFp32>,
#if defined(FOVEA_HAVE_EXPLAIN)
    list<kProductSumOverChannelsFp32>,
    list<kProductSumOverPixelsFp32>,
#endif
    FOVEA_LIST_OF_CODES(kQuantiseFp32)
    FOVEA_LIST_OF_CODES(kQuantisePixels)
    list<kSha256Blocks>,
    list<kStemPixelsFp16>,
    list<kStemPixelsFp32>,
    list<kWidenFp16>,
};

}  // namespace

std::size_t OperationListing::selected(CpuFeatureSet features) const {
    std::size_t index = 0;
    while (index < count && (variant(index).required & ~features) != 0) ++index;
    return index;
}

std::size_t operation_count() {
    return sizeof(kListings) / sizeof(kListings[0]);
}

OperationListing operation_listing(std::size_t index) {
    return kListings[index]();
}

}  // namespace fovea::ops
