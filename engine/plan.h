// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/arena.h"
#include "engine/cancel.h"
#include "engine/graph.h"
#include "engine/log.h"
#include "ops/activation.h"
#include "ops/activation/activation.h"
#include "ops/affine/affine.h"
#include "ops/binary/binary.h"
#include "ops/channel_reduce/channel_reduce.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_rescaled.h"
#include "ops/cpu_features.h"
#include "ops/dense/dense.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/gate/gate.h"
#include "ops/half.h"
#include "ops/pointwise_conv/pointwise_conv.h"
#include "ops/pool/pool.h"
#include "ops/widen/widen.h"
#include "preprocess/memory.h"

namespace fovea {

// What a step calls. Kinds of nodes map to these by their geometry.
enum class StepKind {
    kInput,  // the network's input as floats, for nodes that cannot read the caller's pixels
    kPointwise,
    kConv2d,
    kDepthwise,
    kDense,
    kPool,
    kRowPool,  // each row of a map to one pixel: the first half of a global pool
    kGlobalPool,
    kChannelReduce,
    kConcat,
    kBinary,
    kAffine,
    kActivation,
    kSoftmax,
    kPad,
    kWiden,  // a map of halves as a vector of floats
};

// The variant of each operation on maps that the instruction-set cap allows; a map's elements are
// floats or halves. Global pools of both give floats.
template <typename Element>
struct MapKernels {
    explicit MapKernels(ops::CpuFeatureSet features);

    template <typename Args>
    using Variant = ops::KernelVariant<void (*)(const Args&)>;

    Variant<ops::PointwiseConvArgs<Element>> pointwise;
    Variant<ops::Conv2dArgs<Element>> conv2d;
    Variant<ops::Conv2dRescaledArgs<std::uint8_t, Element>> conv2d_u8;
    Variant<ops::DepthwiseConvArgs<Element>> depthwise;
    Variant<ops::PoolArgs<Element>> pool;
    Variant<ops::GlobalPoolArgs<Element>> global_pool;
    Variant<ops::GateArgs<Element>> gate;
    Variant<ops::ChannelReduceArgs<Element>> channel_reduce;
    Variant<ops::AffineArgs<Element, Element>> affine;
    Variant<ops::AffineArgs<float, Element>> affine_floats;
    Variant<ops::AffineArgs<std::uint8_t, Element>> affine_u8;
    Variant<ops::ActivationArgs<Element>> activation;
};

struct Kernels {
    explicit Kernels(ops::CpuFeatureSet features);

    MapKernels<float> floats;
    MapKernels<ops::Half> halves;
    ops::KernelVariant<ops::BinaryFp32Function> binary;
    ops::KernelVariant<ops::BinaryFp16Function> binary_halves;
    ops::KernelVariant<ops::DenseFp32Function> dense;
    ops::KernelVariant<ops::DenseFp16Function> dense_halves;  // weights that are halves
    ops::KernelVariant<ops::WidenFp16Function> widen;
    ops::KernelVariant<ops::NarrowFp16Function> narrow;

    template <typename Element>
    const MapKernels<Element>& of() const {
        if constexpr (sizeof(Element) == sizeof(ops::Half)) {
            return halves;
        } else {
            return floats;
        }
    }
    // Whether the CPU computes with halves: there is more than the specification.
    bool has_half_arithmetic() const {
        return halves.pointwise.required != ops::kFeatureNone &&
               halves.conv2d.required != ops::kFeatureNone &&
               halves.depthwise.required != ops::kFeatureNone;
    }
};

// How a step's work is cut for threads and bands: its units are independent and every cut gives the
// same bits.
enum class StepUnit { kRow, kPixel, kPanel, kChannel, kWhole };

// Which rows of a step's operands its output rows need. Operands that are one vector for all pixels
// aside, all have `height` rows and the same map.
struct RowMap {
    std::uint32_t stride = 1, pad = 0;  // pad: rows of zeros above the operand
    std::uint64_t extent = 1;           // operand rows from the first to the last of a window
    std::uint32_t height = 0;

    bool is_identity() const { return stride == 1 && pad == 0 && extent == 1; }
    // The first operand row that output row y and those after it need, at most `height`.
    std::uint64_t first(std::uint64_t y) const { return clamp(y * stride); }
    // One past the last operand row that the output rows before `end` need.
    std::uint64_t end(std::uint64_t end) const {
        return end == 0 ? 0 : clamp((end - 1) * stride + extent);
    }

  private:
    std::uint64_t clamp(std::uint64_t padded_row) const {
        if (padded_row <= pad) return 0;
        return padded_row - pad < height ? padded_row - pad : height;
    }
};

struct Step {
    StepKind kind;
    std::uint32_t node;           // kNone for kInput
    const char* kernel;           // name of the variant
    std::uint32_t first_operand;  // into Plan::operands
    std::uint32_t operand_count;
    bool reads_caller_input;   // kAffine or kConv2d of value 0
    bool half;                 // its kernel is one of maps of halves
    std::uint32_t residual;    // value added by kPointwise, or kNone
    std::uint32_t gate;        // vector that multiplies the input of kPointwise, or kNone
    std::uint32_t output;      // value
    std::uint32_t overwrites;  // value whose storage the output takes, or kNone
    Shape input_shape, output_shape;
    Padding padding;  // resolved
    RowMap rows;
    ops::Activation activation;  // applied by the kernel
    float activation_parameter;
    const float* weights;         // in the model file, or null
    // In the model file, where it holds these weights in half precision; or null.
    const ops::Half* half_weights;
    std::uint32_t groups;        // of kConv2d, kPointwise and kDense, as are the next two
    std::uint64_t group_panels;  // weight panels of 8 output channels in a group
    std::uint64_t panel_floats;  // weights of a panel
    const float* scale;          // of a kConv2d that rescales what it reads, in the model file;
    const float* offset;         // or null
    const float* bias;           // in the model file, or null: then at bias_constant
    // Floats from the start of the constants; the bias of a convolution of halves is halves there.
    std::uint64_t bias_constant;
    const float* file_bias;  // what is at bias_constant, as the file has it: without gaps
    std::uint32_t bias_channels;
    std::uint64_t weight_bytes;
    std::uint64_t multiply_adds;
    StepUnit unit;
    std::uint64_t unit_count;
    std::uint64_t granule;  // cuts fall on multiples of this many units
    std::uint32_t threads;  // that share the step
    ops::PoolKind pool;     // of kPool, kRowPool and kGlobalPool
    // Room for weights made from those of the file (weight_parts.h): block kNone if it needs none.
    std::uint32_t scratch_block;
    std::uint64_t scratch_bytes;  // of one thread
};

// Steps that run together, in one of two ways.
//
// Whole tensors (band 0, one step): the step makes its whole output, threads share its units.
//
// Streamed: the steps take turns, each making the rows that the next band of the last one's output
// needs (band_walk.h). What they hand to each other lies in ring buffers of a few rows; only what
// steps outside the segment read is stored whole. Threads share the rows of the last output, each
// with rings of its own; rows near the border between two are made by both.
struct Segment {
    std::uint32_t first_step, step_count;
    std::uint32_t band;  // rows of the last step's output, or 0
    std::uint32_t threads;
};
inline constexpr std::uint32_t kMaxSegmentSteps = 64;

// Where the rows of a value lie: row y of a ring at y % rows, each thread with a ring of its own;
// 0 rows = the whole value, once.
struct Ring {
    std::uint32_t rows;
    std::uint64_t thread_bytes;
};

// What maps are made of. Halves, if the file's weights are: there then are few bytes to move and
// many elements in a register. Vectors (gates, dense layers, logits) are floats all the same.
enum class Arithmetic {
    kBest,   // halves if the CPU computes with them
    kFloat,  // for tests: floats
    kHalf,   // for tests: halves if the graph allows it, by the specification where nothing is better
};

struct PlanRequest {
    std::uint32_t height, width;
    std::uint32_t threads;
    const std::uint32_t* kept;  // values that stay until the next run, beside the outputs
    std::size_t kept_count;
    std::uint32_t band =
        0;  // for tests: the rows of a band in every streamed segment; 0 = the best
    // For benches: null, or by step the rows of a band in the streamed segment that begins with it;
    // 0 = as chosen. Changes no choice of what is streamed together.
    const std::uint32_t* band_of = nullptr;
    Arithmetic arithmetic = Arithmetic::kBest;
    // Below this many multiply-adds (or elements, weighted) a thread's share does not pay for
    // waking it: some 17 microseconds of work for a core of 60 GMAC/s, about what a wake-up takes
    // there.
    std::uint64_t work_per_thread = 1000000;
    Cancel cancel = {};  // asked as planning goes on
};

// How to run a graph at one input size: the steps in order, and where every value lies. Values are
// those of the graph and, after them, the rows that global pools are made of.
//
// Workspace: constants (made once per session), row pointers (a list a thread), the arena, then the
// copies as floats of those kept values that are halves.
struct Plan {
    Plan(const Allocator& allocator, ops::CpuFeatureSet features)
        : kernels(features),
          shapes(allocator),
          element_bytes(allocator),
          copies(allocator),
          steps(allocator),
          operands(allocator),
          producers(allocator),
          segments(allocator),
          rings(allocator),
          blocks(allocator),
          block_of(allocator) {}

    Kernels kernels;
    Buffer<Shape> shapes;  // by value
    // By value: of a float or of a half.
    Buffer<std::uint8_t> element_bytes;
    // By value of the graph: bytes from the start of the workspace to its copy as floats, or 0.
    Buffer<std::uint64_t> copies;
    bool half = false;                      // maps are halves
    const char* arithmetic = "float32";     // in words
    std::uint32_t float_because_of = kNone;  // the node for which they are not, although they could
    Buffer<Step> steps;
    std::size_t step_count = 0;      // steps.size() is the room made for them
    Buffer<std::uint32_t> operands;  // values read by the steps
    // By operand: the step that makes it row by row in the same segment, or kNone.
    Buffer<std::uint32_t> producers;
    Buffer<Segment> segments;  // in the order of their steps
    std::size_t segment_count = 0;
    Buffer<Ring> rings;  // by value
    Buffer<ArenaBlock> blocks;
    std::size_t block_count = 0;
    Buffer<std::uint32_t> block_of;  // by value; kNone = has no place (not made by any step)
    std::uint32_t threads = 1;
    std::uint64_t constant_floats = 0;
    std::uint64_t zero_floats = 0;          // the constants begin with these, then kOnes ones
    std::uint64_t row_pointers = 0;         // of one thread
    std::uint64_t row_pointers_offset = 0;  // bytes from the start of the workspace
    std::uint64_t arena_offset = 0;
    std::uint64_t arena_size = 0;
    std::uint64_t workspace_size = 0;
    std::uint64_t multiply_adds = 0;

    static constexpr std::uint64_t kOnes = 8;

    std::uint32_t value_count() const { return static_cast<std::uint32_t>(shapes.size()); }
    bool is_half(std::uint32_t value) const { return element_bytes[value] == sizeof(ops::Half); }
    std::uint64_t row_bytes(std::uint32_t value) const {
        return std::uint64_t{shapes[value].width} * shapes[value].channels * element_bytes[value];
    }
    std::uint64_t bytes(std::uint32_t value) const {
        return row_bytes(value) * shapes[value].height;
    }
};

// Plans a checked graph (see model_file.h). FOVEA_ERROR_INPUT_SIZE, with the layer's name in the
// log, when the network cannot run at that size; FOVEA_ERROR_CANCELLED.
fovea_status make_plan(const Graph& graph, const PlanRequest& request, const Log& log, Plan* plan);

// Fills the constants at the start of a workspace; needed once before the first run in it.
void write_constants(const Plan& plan, std::uint8_t* workspace);

// The plan as lines of text.
void print_plan(const Graph& graph, const Plan& plan, void (*write)(void* cookie, const char* line),
                void* cookie);

}  // namespace fovea
