// SPDX-License-Identifier: Apache-2.0
// What a plan is made of: steps that stand alone, and the values between them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "engine/model/graph.h"
#include "engine/range.h"
#include "engine/steps/value.h"
#include "ops/cpu_features.h"
#include "preprocess/memory.h"

namespace fovea {

// How a step's work is cut for threads and bands: its units are independent and every cut gives the
// same bits.
enum class Unit : std::uint8_t { kRow, kPixel, kPanel, kChannel, kWhole };

// Which rows of a step's operands its output rows need. Operands that are one vector for all pixels
// aside, all have `height` rows and the same map: output row y needs the rows r with
//
//   y * multiply - before <= r * divide <= y * multiply - before + extent - 1
//
// A window that moves `stride` rows down from one output row to the next has multiply = stride, divide = 1, and before = the
// rows of padding above. Its transpose, of which each row is made of those whose window it lay under, has
// multiply = 1, divide = stride and before = extent - 1 - padding.
struct RowMap {
    std::uint32_t multiply = 1, divide = 1;
    std::int64_t before = 0;
    std::uint64_t extent = 1;
    std::uint32_t height = 0;

    static RowMap window(std::uint32_t stride, std::uint32_t pad, std::uint64_t extent, std::uint32_t height) {
        return {stride, 1, pad, extent, height};
    }
    static RowMap transposed_window(std::uint32_t stride, std::uint32_t pad, std::uint64_t extent,
                                    std::uint32_t height) {
        return {1, stride, static_cast<std::int64_t>(extent) - 1 - pad, extent, height};
    }

    bool is_identity() const { return multiply == 1 && divide == 1 && before == 0 && extent == 1; }
    // The first operand row that output row y and those after it need, at most `height`.
    std::uint64_t first(std::uint64_t y) const {
        const std::int64_t scaled = static_cast<std::int64_t>(y * multiply) - before;
        if (scaled <= 0) return 0;
        const std::int64_t row = divide == 1 ? scaled : (scaled + divide - 1) / divide;
        return std::min<std::uint64_t>(static_cast<std::uint64_t>(row), height);
    }
    // One past the last operand row that the output rows before `end` need.
    std::uint64_t end(std::uint64_t end) const {
        if (end == 0) return 0;
        const std::int64_t scaled = static_cast<std::int64_t>((end - 1) * multiply + extent) - before - 1;
        if (scaled < 0) return 0;
        const std::int64_t row = divide == 1 ? scaled : scaled / divide;
        return std::min<std::uint64_t>(static_cast<std::uint64_t>(row) + 1, height);
    }
};

class Run;
struct Step;

// Makes the units [begin, end) of a step's output; any cut into ranges gives the same bits.
using StepFunction = void (*)(const Run& run, const Step& step, Range units, std::uint32_t thread);

// A kernel of any operation; the step's function knows of which.
using AnyKernel = void (*)();

// A kernel to be called, on its operands: everything that planning, placing, printing and running
// need of it, so that nobody asks of which operation it is. What only the operation knows (geometry, weights, kernels
// beside the one that is printed) is in `own`, which only its file in steps/ can read.
struct Step {
    // From one row of the operation's table:
    const char* kernel = nullptr;
    AnyKernel function = nullptr;
    StepFunction run = nullptr;

    std::uint32_t node = kNone;                          // for messages; kNone: the network's input made elements
    std::uint32_t first_operand = 0, operand_count = 0;  // in Program::operands
    std::uint32_t output = 0;                            // value
    Shape input_shape, output_shape;                     // of the first operand and the output

    RowMap rows;
    Unit unit = Unit::kPixel;
    std::uint64_t unit_count = 0;
    std::uint64_t granule = 1;  // cuts fall on multiples of this many units
    std::uint32_t threads = 1;  // that share the step when it runs alone

    // Sets of operands, by bit: those of which every row of the output needs the whole (vectors, all of them), and those over
    // which the kernel may write its output.
    std::uint32_t reads_whole = 0, may_overwrite = 0;
    bool streams = true;              // its rows can be made one after the other
    bool reads_caller_input = false;  // its first operand is the caller's pixels
    // Makes of each row of its operand as it comes; nothing reads its output before it is complete.
    bool sums_rows = false;
    // Takes the distance from pixel to pixel of its output and of each operand, so that these may be slices.
    bool strides = false;
    // Makes its operands one value, channels behind channels. An operand that is a slice of it lies there already.
    bool joins = false;

    std::uint64_t multiply_adds = 0;
    std::uint64_t weight_bytes = 0;         // in the file
    std::uint64_t kernel_weight_bytes = 0;  // as the kernel takes them
    // Pixels of a register tile of its kernels, by the CPU one or the other; 0 = has none.
    std::uint32_t tile_pixels[2] = {0, 0};
    // Memory beside the output that each thread needs while it runs.
    std::uint64_t scratch_bytes = 0;

    // Filled in when memory is given out:
    std::uint32_t overwrites = kNone;     // value whose storage the output takes
    std::uint32_t scratch_block = kNone;  // of the arena, scratch_bytes for each thread
    std::uint64_t scratch_offset = 0;     // in bytes from the start of the arena

    static constexpr std::size_t kOwnBytes = 128;
    alignas(8) unsigned char own[kOwnBytes] = {};

    template <typename Own>
    void set_own(const Own& value) {
        static_assert(sizeof(Own) <= kOwnBytes && alignof(Own) <= 8 && std::is_trivially_copyable_v<Own>);
        std::memcpy(own, &value, sizeof(Own));
    }
    template <typename Own>
    const Own& get_own() const {
        return *reinterpret_cast<const Own*>(own);
    }
    bool reads_whole_operand(std::uint32_t i) const { return i < 32 && (reads_whole >> i & 1) != 0; }
    // The kernel as the function that takes these arguments.
    template <typename Args>
    void call(const Args& args) const {
        reinterpret_cast<void (*)(const Args&)>(function)(args);
    }
};

// What a step does, in multiply-adds; moving elements counts too: one element as many as this, about what a core moves beside them. With 2
// two threads share one step less of Large's 44 at 512 and 35 at 224, and all of Small's 33 and 8 (fovea info --plan --threads 2).
inline constexpr std::uint64_t kWorkPerElement = 4;
inline std::uint64_t step_work(const Step& step) {
    const std::uint64_t elements = std::max(step.output_shape.count(), step.input_shape.count());
    return std::max(elements * kWorkPerElement, step.multiply_adds);
}

// When it pays to share work among threads.
struct Sharing {
    std::uint32_t threads = 1;
    std::uint64_t work_per_thread = 1;  // multiply-adds that pay for waking one

    std::uint32_t worthwhile(std::uint64_t work) const {
        return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(work / work_per_thread, 1, threads));
    }
};

// A bias as its kernel wants it, which the file has otherwise: made once in the workspace.
struct Constant {
    const float* from;       // [channels], groups behind one another
    std::uint32_t channels;  // of all groups
    std::uint32_t groups;    // each padded to whole panels of 8
    ElementType type;
    std::uint64_t offset;  // in floats from the start of the constants
};

// The steps of a plan in their order, and what they read and write.
struct Program {
    Program(const Allocator& allocator, ops::CpuFeatureSet features_)
        : features(features_),
          float_features(features_),
          values(allocator),
          steps(allocator),
          operands(allocator),
          constants(allocator),
          gradients(allocator) {}

    ops::CpuFeatureSet features;  // that kernels may need
    // Those that kernels of floats may need: none beside codes, whose results are the same bits on every CPU.
    ops::CpuFeatureSet float_features;
    // Those of the graph and, after them, those that only steps know.
    Buffer<Value> values;
    std::uint32_t value_total = 0;  // values.size() is the room made for them
    Buffer<Step> steps;
    std::size_t step_count = 0;      // steps.size() is the room made for them
    std::size_t forward_steps = 0;   // the first of them; the others are a backward pass
    Buffer<std::uint32_t> operands;  // values read by the steps
    std::size_t operand_total = 0;
    Buffer<Constant> constants;
    std::size_t constant_count = 0;
    // Of a program with a backward pass: by value of the graph, the value that is its gradient, or kNone. Empty without.
    Buffer<std::uint32_t> gradients;
    // The constants begin with zeros, for layers without a bias, then kOneCount ones.
    static constexpr std::uint64_t kOneCount = 8;
    std::uint64_t zero_floats = 0;
    std::uint64_t constant_floats = 0;
    std::uint64_t row_pointers = 0;  // that a thread needs at the most

    std::uint32_t value_count() const { return static_cast<std::uint32_t>(values.size()); }
    std::uint32_t operand(const Step& step, std::uint32_t i) const { return operands[step.first_operand + i]; }
    std::uint32_t root(std::uint32_t value) const { return values[value].root; }
};

// Fills the constants; needed once before the first run with them.
void write_constants(const Program& program, float* constants);

}  // namespace fovea
