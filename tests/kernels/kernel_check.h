// SPDX-License-Identifier: Apache-2.0
#pragma once

// What every kernel test is made of. A test loops over shapes; for each it fills inputs, computes
// the expected result in double precision from the operation's formula, and runs every variant that
// this CPU has (runnable_variants) on identical buffers through a Checker:
//
//   Checker checker;
//   checker.shape("pixels=%d channels=%d fill=%s", pixels, channels, name_of(fill));
//   Random random = checker.random();                    // depends on the seed and the shape alone
//   GuardedArray<float> input(count, slack);             // reading or writing past either end faults
//   random.fill(input.data(), count, fill);
//   input.make_read_only();
//   for (const auto& variant : runnable_variants(kSomethingFp32)) {
//       OutputRows output(rows, width, stride, offset);  // poisoned, canaries around and between rows
//       if (checker.run(variant.name, [&] { variant.function(args); })) {
//           checker.compare(output, expected, terms);    // values within the bound, canaries intact
//       }
//   }
//
// Environment, read by main() in kernel_check.cpp and nowhere else:
//   FOVEA_SEED         number that all random data derive from (default 1)
//   FOVEA_ISA          cap on the variants run; exit status 77 (skipped) if this CPU lacks that level
//   FOVEA_REQUIRE_ISA  a level that must be present and run: its absence is a failure, not a skip

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "ops/half.h"
#include "ops/kernel_variant.h"

namespace fovea::test {

// The bound on a float32 result that sums `terms` products: kErrorFactor * FLT_EPSILON * terms *
// magnitude, magnitude being the sum of the absolute values of what was added up. The rounding
// error of any order of summation, fused or not, is below FLT_EPSILON * terms * magnitude; the
// factor covers a fused activation (hard-swish has slope 1.5) and its own roundings.
inline constexpr double kErrorFactor = 2.0;

// The same for halves, whose unit of rounding is 2^-11: kErrorFactor * kHalfRounding * terms *
// magnitude, where terms are the roundings that a contract states.
inline constexpr double kHalfRounding = 0x1p-11;

enum class Fill {
    kUniform,   // -1 .. 1
    kNearZero,  // magnitudes from 2^-10 down into the subnormals, and zeros
    kExtreme,   // huge, tiny, one and both zeros mixed; 1000 products of two huge stay finite
};
inline constexpr Fill kAllFills[] = {Fill::kUniform, Fill::kNearZero, Fill::kExtreme};
const char* name_of(Fill fill);

// SplitMix64: a sequence that its seed alone determines, on every platform.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits();
    int between(int low, int high);  // both included
    float uniform();                 // -1 .. 1
    float value(Fill fill);
    void fill(float* data, std::size_t count, Fill fill);
    void fill(std::uint8_t* data, std::size_t count);

  private:
    std::uint64_t state_;
};

// {1, tile - 1, tile, tile + 1, 3 * tile + 2} without repeats or zeros.
std::vector<int> sizes_around(int tile);

// Memory between two inaccessible pages, its end `slack` bytes before the second. With slack 0 the
// first byte past the end faults, in any build and under an emulator too.
class GuardedMemory {
  public:
    GuardedMemory(std::size_t bytes, std::size_t slack);
    GuardedMemory(const GuardedMemory&) = delete;
    GuardedMemory& operator=(const GuardedMemory&) = delete;
    ~GuardedMemory();
    void* data() const { return data_; }
    void make_read_only();

  private:
    void* mapping_;
    std::size_t mapping_bytes_;
    void* data_;
};

// An input. slack (in elements) moves it away from the guard page, and so off its alignment; data
// of a multiple of 32 bytes with slack 0 is 32-byte aligned.
template <typename T>
class GuardedArray {
  public:
    explicit GuardedArray(std::size_t count, std::size_t slack = 0)
        : memory_(count * sizeof(T), slack * sizeof(T)), count_(count) {}
    T* data() { return static_cast<T*>(memory_.data()); }
    const T* data() const { return static_cast<const T*>(memory_.data()); }
    std::size_t size() const { return count_; }
    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }
    void make_read_only() { memory_.make_read_only(); }

  private:
    GuardedMemory memory_;
    std::size_t count_;
};

// An output of rows x width floats or halves, `stride` (>= width) of them from row to row. All of it,
// and a margin around it, starts as canaries: NaNs whose bits name their place, so an element never
// written, or a stale one added to, shows as well as one written where none belongs. offset
// elements move the first element off its 64-byte alignment.
template <typename Element>
class OutputRowsOf {
  public:
    OutputRowsOf(std::size_t rows, std::size_t width, std::size_t stride, std::size_t offset = 0);
    Element* data() { return memory_.data() + kMargin + offset_; }
    const Element* data() const { return memory_.data() + kMargin + offset_; }
    Element& at(std::size_t row, std::size_t column) { return data()[row * stride_ + column]; }
    Element at(std::size_t row, std::size_t column) const { return data()[row * stride_ + column]; }
    std::size_t rows() const { return rows_; }
    std::size_t width() const { return width_; }
    std::size_t stride() const { return stride_; }
    // Empty if every canary outside the rows is intact, else what was overwritten.
    std::string damage() const;

  private:
    static constexpr std::size_t kMargin = 64;
    GuardedArray<Element> memory_;
    std::size_t rows_, width_, stride_, offset_;
};
using OutputRows = OutputRowsOf<float>;
using HalfRows = OutputRowsOf<ops::Half>;

struct Expected {
    double value = 0.0;
    double magnitude = 0.0;  // sum of the absolute values added up to make the value
};

// The features of this CPU under the cap of FOVEA_ISA.
fovea::ops::CpuFeatureSet tested_features();

class Checker {
  public:
    enum class Mode {
        kReport,   // a failure fails the doctest case
        kCollect,  // failures are only counted: for the self-test, which demands them
    };
    explicit Checker(Mode mode = Mode::kReport) : mode_(mode) {}
    Checker(const Checker&) = delete;
    Checker& operator=(const Checker&) = delete;
    ~Checker();  // having checked nothing is a failure too

    // Names the shape (and fill, offset, ...) of what follows, as printf does.
    void shape(const char* format, ...) __attribute__((format(printf, 2, 3)));
    Random random() const;

    // Calls the kernel; false, and a failure, if it touched memory that it must not.
    template <typename Call>
    bool run(const char* kernel, const Call& call) {
        begin(kernel);
        return run_guarded([](const void* context) { (*static_cast<const Call*>(context))(); },
                           &call);
    }

    // After run: the output against expected[rows][width], and the canaries.
    template <typename Element>
    void compare(const OutputRowsOf<Element>& output, const std::vector<Expected>& expected,
                 std::size_t terms);
    // After run: bit for bit the same as `reference` (zeros of either sign, and NaNs, are alike).
    template <typename Element>
    void compare_equal(const OutputRowsOf<Element>& output, const Element* reference,
                       std::ptrdiff_t reference_stride);
    // Integers, bytes, checksums: equal or not.
    void compare_value(std::uint64_t index, std::uint64_t got, std::uint64_t want);

    std::size_t comparisons() const { return comparisons_; }
    std::size_t failures() const { return failures_; }
    bool checked_nothing() const { return comparisons_ == 0 && failures_ == 0; }
    const std::string& first_failure() const { return first_failure_; }

  private:
    void begin(const char* kernel);
    bool run_guarded(void (*call)(const void*), const void* context);
    void count(std::size_t comparisons);
    void fail(const std::string& what);

    Mode mode_;
    std::string kernel_ = "?";
    std::string shape_;
    std::size_t comparisons_ = 0;
    std::size_t failures_ = 0;
    std::string first_failure_;
};

// A test file says so, at its top, that it compares a table's kernels: main() then fails if one of them that this
// CPU has was never compared, or if kernel_registry.cpp does not list the table. --tables prints what a program
// compares, by which check_kernel_tables.py finds a table that is compared by none.
class ComparesTable {
  public:
    template <typename Function>
    explicit ComparesTable(const fovea::ops::KernelTable<Function>& table) {
        for (std::size_t i = 0; i < table.count; ++i) {
            promise_kernel(table.operation, table.variants[i].name, table.variants[i].required);
        }
    }

  private:
    static void promise_kernel(const char* operation, const char* name, fovea::ops::CpuFeatureSet required);
};

// Fails the program if no ComparesTable names the operation.
void note_tested(const char* operation);

template <typename Function>
std::vector<fovea::ops::KernelVariant<Function>> runnable_variants(
    const fovea::ops::KernelTable<Function>& table) {
    note_tested(table.operation);
    std::vector<fovea::ops::KernelVariant<Function>> result;
    for (std::size_t i = 0; i < table.count; ++i) {
        const bool runnable = (table.variants[i].required & ~tested_features()) == 0;
        if (runnable) result.push_back(table.variants[i]);
    }
    return result;
}

}  // namespace fovea::test
