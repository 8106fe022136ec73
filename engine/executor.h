// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/cancel.h"
#include "engine/plan.h"
#include "engine/threads.h"
#include "fovea/fovea.h"

namespace fovea {

// Pixels 0 to 255 of the caller: height x width x channels, packed.
struct RunInput {
    const void* data;
    fovea_dtype dtype;
};

// Runs a plan in a workspace. Allocates nothing. One thread at a time.
class Executor {
  public:
    // Everything must outlive the executor. workspace is plan.workspace_size bytes, 64-byte
    // aligned, with its constants written.
    Executor(const Graph& graph, const Plan& plan, ThreadPool& pool, std::uint8_t* workspace)
        : graph_(graph), plan_(plan), pool_(pool), workspace_(workspace) {}

    // Asked before each step, in streamed segments before each of its turns, and in both before each piece of
    // a long one; stops the run with FOVEA_ERROR_CANCELLED.
    void set_cancel(const Cancel& cancel) { cancel_ = cancel; }
    // Null, or plan.step_count places for the seconds that each step of a run takes the caller's
    // thread.
    void set_step_seconds(double* seconds) { step_seconds_ = seconds; }

    fovea_status run(const RunInput& input);

    // The value's elements of the last run; the value must be kept by the plan. Those that are
    // halves are widened into their copy first.
    const float* value(std::uint32_t value) const;

  private:
    struct Part;

    // Whether to stop: the caller's thread asks, the others find its answer.
    bool cancelled(std::uint32_t thread);
    // So many of `count` units, a multiple of `granule`, may run between two questions.
    std::uint64_t units_at_once(const Step& step, std::uint64_t count, std::uint64_t granule) const;
    static void run_part(void* context, std::uint32_t thread);
    // A thread's share of a streamed segment.
    void run_bands(const Segment& segment, std::uint32_t thread);
    void run_rows(const Step& step, std::uint64_t begin, std::uint64_t end, std::uint32_t thread);
    // Units [begin, end) of the step: any cut into ranges gives the same bits.
    void run_units(const Step& step, std::uint64_t begin, std::uint64_t end,
                   std::uint32_t thread) const;

    template <typename Element>
    void run_kernel(const Step& step, std::uint64_t begin, std::uint64_t end,
                    std::uint32_t thread) const;

    // Of steps whose operands are floats or halves:
    template <typename Element>
    void run_input(const Step& step, std::uint64_t begin, std::uint64_t end,
                   std::uint32_t thread) const;
    template <typename Element>
    void run_pointwise(const Step& step, std::uint64_t begin, std::uint64_t end,
                       std::uint32_t thread) const;
    template <typename Element>
    void convolve_pixels(const Step& step, std::uint64_t first, std::uint64_t count,
                         const ops::Conv2dArgs<Element>& args) const;
    template <typename Element>
    void run_conv2d(const Step& step, std::uint64_t begin, std::uint64_t end,
                    std::uint32_t thread) const;
    template <typename Element>
    void run_depthwise(const Step& step, std::uint64_t begin, std::uint64_t end,
                       std::uint32_t thread) const;
    template <typename Element>
    void run_pool(const Step& step, std::uint64_t begin, std::uint64_t end,
                  std::uint32_t thread) const;
    template <typename Element>
    void run_row_pool(const Step& step, std::uint64_t begin, std::uint64_t end,
                      std::uint32_t thread) const;
    template <typename Element>
    void run_global_pool(const Step& step, std::uint64_t begin, std::uint64_t end) const;
    template <typename Element>
    void run_channel_reduce(const Step& step, std::uint64_t begin, std::uint64_t end,
                            std::uint32_t thread) const;
    template <typename Element>
    void run_concat(const Step& step, std::uint64_t begin, std::uint64_t end,
                    std::uint32_t thread) const;
    template <typename Element>
    void run_binary(const Step& step, std::uint64_t begin, std::uint64_t end,
                    std::uint32_t thread) const;
    template <typename Element>
    void run_affine(const Step& step, std::uint64_t begin, std::uint64_t end,
                    std::uint32_t thread) const;
    template <typename Element>
    void run_activation(const Step& step, std::uint64_t begin, std::uint64_t end,
                        std::uint32_t thread) const;
    template <typename Element>
    void run_pad(const Step& step, std::uint64_t begin, std::uint64_t end,
                 std::uint32_t thread) const;

    void run_dense(const Step& step, std::uint64_t begin, std::uint64_t end) const;
    void run_softmax(const Step& step) const;
    void run_widen(const Step& step, std::uint64_t begin, std::uint64_t end) const;

    // Where the value's elements lie from that pixel on: to its end, or, of a ring, to the end of
    // the ring, and then the pixel is the first of a row. Element is what the plan says of the
    // value.
    template <typename Element>
    Element* at(std::uint32_t value, std::uint64_t pixel, std::uint32_t thread) const {
        return reinterpret_cast<Element*>(address(value, pixel, thread));
    }
    std::uint8_t* address(std::uint32_t value, std::uint64_t pixel, std::uint32_t thread) const;
    template <typename Element>
    const Element* operand(const Step& step, std::uint32_t i, std::uint64_t pixel = 0,
                           std::uint32_t thread = 0) const {
        return at<Element>(plan_.operands[step.first_operand + i], pixel, thread);
    }
    const Shape& operand_shape(const Step& step, std::uint32_t i) const {
        return plan_.shapes[plan_.operands[step.first_operand + i]];
    }
    const float* constants() const { return reinterpret_cast<const float*>(workspace_); }
    // A constant of the file as floats, or one of the workspace.
    template <typename Element>
    const Element* bias(const Step& step) const {
        if constexpr (sizeof(Element) == sizeof(float)) {
            if (step.bias != nullptr) return step.bias;
        }
        return reinterpret_cast<const Element*>(constants() + step.bias_constant);
    }
    template <typename Element>
    const Element** row_pointers(std::uint32_t thread) const;
    // From that input channel on.
    template <typename Element>
    const Element** window_rows(const Step& step, std::uint64_t output_row, std::uint32_t channel,
                                std::uint32_t thread) const;
    template <typename Element>
    Element* scratch(const Step& step, std::uint32_t thread) const;
    template <typename Element, typename Use>
    void for_each_part(const Step& step, std::uint64_t first_panel, std::uint64_t end_panel,
                       std::uint32_t thread, const Use& use) const;

    const Graph& graph_;
    const Plan& plan_;
    ThreadPool& pool_;
    std::uint8_t* workspace_;
    RunInput input_ = {nullptr, FOVEA_U8};
    Cancel cancel_;
    double* step_seconds_ = nullptr;
    std::atomic<bool> stop_{false};
};

}  // namespace fovea
