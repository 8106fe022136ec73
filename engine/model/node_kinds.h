// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one list of the kinds of nodes: its number in models/FORMAT.md, its name in the code and in messages, and the
// operation in steps/ that makes its steps. What a kind's shape is stands in graph.cpp, what a file may say of it
// in graph_section.cpp; nothing else asks for kinds.
#define FOVEA_NODE_KINDS(X)                               \
    X(1, kConvolution, "convolution", convolution)        \
    X(2, kDepthwise, "depthwise convolution", depthwise)  \
    X(3, kDense, "dense", dense)                          \
    X(4, kPool, "pool", pool)                             \
    X(5, kGlobalPool, "global pool", pool)                \
    X(6, kChannelReduce, "channel reduce", channel_reduce) \
    X(7, kConcat, "concat", concat)                       \
    X(8, kAdd, "add", binary)                             \
    X(9, kMultiply, "multiply", binary)                   \
    X(10, kAffine, "affine", affine)                      \
    X(11, kActivation, "activation", activation)          \
    X(12, kSoftmax, "softmax", softmax)                   \
    X(13, kReshape, "reshape", reshape)                   \
    X(14, kPad, "pad", pad)                               \
    X(15, kLrn, "local response normalisation", lrn)
