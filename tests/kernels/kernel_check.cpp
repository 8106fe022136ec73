// SPDX-License-Identifier: Apache-2.0
#include "kernel_check.h"

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "ops/kernel_registry.h"
#include "ops/widen/widen.h"

namespace fovea::test {
namespace {

constexpr std::uint64_t kDefaultSeed = 1;
constexpr int kSkipped = 77;         // Meson's exit status for a skipped test
constexpr int kReportsAProgram = 8;  // failures printed in full; all are counted

struct Progress {
    std::uint64_t seed = kDefaultSeed;
    std::string program;
    std::string isa;  // FOVEA_ISA as given
    ops::CpuFeatureSet features = ops::detect_cpu_features();
    struct Kernel {
        ops::CpuFeatureSet required = ops::kFeatureNone;
        std::size_t comparisons = 0;
    };
    std::map<std::string, Kernel> kernels;                   // those of the tables too
    std::map<std::string, std::vector<std::string>> tables;  // that the program compares: their kernels
    std::set<std::string> tested_tables;                     // that runnable_variants() was asked for
    int reports = 0;
};
Progress& progress() {
    static Progress instance;
    return instance;
}

std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string text(const char* format, ...) {
    char buffer[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

std::uint32_t bits_of(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
std::uint32_t bits_of(ops::Half half) {
    return half;
}

float value_of(float value) {
    return value;
}
float value_of(ops::Half half) {
    float value;
    ops::widen_fp16_scalar({&half, &value, 1});
    return value;
}

// What an element differs from its value by at the most: the relative part, and the absolute one of a
// subnormal, which is exact to half of the smallest step only.
template <typename Element>
constexpr double kRelative = static_cast<double>(FLT_EPSILON);
template <>
constexpr double kRelative<ops::Half> = kHalfRounding;
template <typename Element>
constexpr double kAbsolute = static_cast<double>(FLT_TRUE_MIN);
template <>
constexpr double kAbsolute<ops::Half> = 0x1p-24;

// A quiet NaN that says where it lies.
template <typename Element>
Element canary(std::size_t index) {
    const std::uint32_t scrambled = static_cast<std::uint32_t>(index) * 2654435761u;
    if constexpr (sizeof(Element) == sizeof(ops::Half)) {
        return static_cast<ops::Half>(0x7e00u | scrambled >> 23);
    } else {
        const std::uint32_t bits = 0x7fc00000u | scrambled >> 10;
        Element value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
}

bool same(float left, float right) {
    return bits_of(left) == bits_of(right) || left == right ||
           (std::isnan(left) && std::isnan(right));
}

std::size_t page_size() {
    return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

sigjmp_buf fault_return;
void on_fault(int) {
    siglongjmp(fault_return, 1);
}

}  // namespace

const char* name_of(Fill fill) {
    switch (fill) {
        case Fill::kUniform:
            return "uniform";
        case Fill::kNearZero:
            return "near_zero";
        case Fill::kExtreme:
            return "extreme";
    }
    return "?";
}

std::uint64_t Random::bits() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int Random::between(int low, int high) {
    return low + static_cast<int>(bits() % (static_cast<std::uint64_t>(high - low) + 1));
}

float Random::uniform() {
    return static_cast<float>(static_cast<double>(bits() >> 40) * (2.0 / 16777215.0) - 1.0);
}

float Random::value(Fill fill) {
    static constexpr float kExtremes[] = {1e15f,   -1e15f, 1e-20f, -1e-20f, 3e-39f,
                                          -3e-39f, 1.0f,   -1.0f,  0.0f,    -0.0f};
    switch (fill) {
        case Fill::kUniform:
            return uniform();
        case Fill::kNearZero: {
            const int exponent = between(10, 155);  // past 149 even the subnormals end: zero
            return std::ldexp(uniform(), -exponent);
        }
        case Fill::kExtreme:
            return kExtremes[between(0, 9)];
    }
    return 0.0f;
}

void Random::fill(float* data, std::size_t count, Fill fill) {
    for (std::size_t i = 0; i < count; ++i) data[i] = value(fill);
}

void Random::fill(std::uint8_t* data, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) data[i] = static_cast<std::uint8_t>(bits() >> 56);
}

std::vector<int> sizes_around(int tile) {
    std::vector<int> sizes;
    for (const int size : {1, tile - 1, tile, tile + 1, 3 * tile + 2}) {
        if (size >= 1 && std::find(sizes.begin(), sizes.end(), size) == sizes.end()) {
            sizes.push_back(size);
        }
    }
    return sizes;
}

GuardedMemory::GuardedMemory(std::size_t bytes, std::size_t slack) {
    const std::size_t page = page_size();
    const std::size_t inside = std::max(page, (bytes + slack + page - 1) / page * page);
    mapping_bytes_ = inside + 2 * page;
    mapping_ = mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* begin = static_cast<char*>(mapping_) + page;
    if (mapping_ == MAP_FAILED || mprotect(begin, inside, PROT_READ | PROT_WRITE) != 0) {
        std::perror("kernel_check: no memory for a test buffer");
        std::abort();
    }
    data_ = begin + inside - slack - bytes;
}

GuardedMemory::~GuardedMemory() {
    munmap(mapping_, mapping_bytes_);
}

void GuardedMemory::make_read_only() {
    const std::size_t page = page_size();
    mprotect(static_cast<char*>(mapping_) + page, mapping_bytes_ - 2 * page, PROT_READ);
}

template <typename Element>
OutputRowsOf<Element>::OutputRowsOf(std::size_t rows, std::size_t width, std::size_t stride,
                                    std::size_t offset)
    : memory_((kMargin + offset + rows * stride + kMargin + 15) / 16 * 16),
      rows_(rows),
      width_(width),
      stride_(stride),
      offset_(offset) {
    for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] = canary<Element>(i);
}

template <typename Element>
std::string OutputRowsOf<Element>::damage() const {
    const std::size_t first = kMargin + offset_;
    for (std::size_t i = 0; i < memory_.size(); ++i) {
        if (i >= first && i < first + rows_ * stride_ && (i - first) % stride_ < width_) continue;
        if (bits_of(memory_[i]) == bits_of(canary<Element>(i))) continue;
        const long long place = static_cast<long long>(i) - static_cast<long long>(first);
        return text("overwrote element %lld (row stride %zu, row width %zu, %zu rows) with %.9g",
                    place, stride_, width_, rows_, static_cast<double>(value_of(memory_[i])));
    }
    return {};
}

template class OutputRowsOf<float>;
template class OutputRowsOf<ops::Half>;

ops::CpuFeatureSet tested_features() {
    return progress().features;
}

void ComparesTable::promise_kernel(const char* operation, const char* name, ops::CpuFeatureSet required) {
    progress().tables[operation].push_back(name);
    progress().kernels[name].required = required;
}

void note_tested(const char* operation) {
    progress().tested_tables.insert(operation);
}

Checker::~Checker() {
    if (mode_ == Mode::kReport && checked_nothing()) fail("compared nothing");
}

void Checker::shape(const char* format, ...) {
    char buffer[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    shape_ = buffer;
}

Random Checker::random() const {
    std::uint64_t hash = 0xcbf29ce484222325u ^ progress().seed;  // FNV-1a of the shape's text
    for (const char c : shape_) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return Random(hash);
}

void Checker::begin(const char* kernel) {
    kernel_ = kernel;
}

bool Checker::run_guarded(void (*call)(const void*), const void* context) {
    struct sigaction action = {};
    struct sigaction old_segv = {};
    struct sigaction old_bus = {};
    action.sa_handler = on_fault;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &old_segv);
    sigaction(SIGBUS, &action, &old_bus);
    volatile bool finished = false;
    if (sigsetjmp(fault_return, 1) == 0) {
        call(context);
        finished = true;
    }
    sigaction(SIGSEGV, &old_segv, nullptr);
    sigaction(SIGBUS, &old_bus, nullptr);
    if (!finished) fail("touched memory outside its tensors, or wrote to an input");
    return finished;
}

void Checker::count(std::size_t comparisons) {
    comparisons_ += comparisons;
    if (mode_ == Mode::kReport) progress().kernels[kernel_].comparisons += comparisons;
}

template <typename Element>
void Checker::compare(const OutputRowsOf<Element>& output, const std::vector<Expected>& expected,
                      std::size_t terms) {
    for (std::size_t row = 0; row < output.rows(); ++row) {
        for (std::size_t column = 0; column < output.width(); ++column) {
            const std::size_t index = row * output.width() + column;
            const double want = expected[index].value;
            const double got = static_cast<double>(value_of(output.at(row, column)));
            const double length = static_cast<double>(terms);
            const double bound =
                kErrorFactor * length *
                (kRelative<Element> * expected[index].magnitude + kAbsolute<Element>);
            const bool good = std::isfinite(static_cast<float>(want))
                                  ? std::fabs(got - want) <= bound
                                  : same(static_cast<float>(got), static_cast<float>(want));
            if (good) continue;
            fail(text("row %zu, column %zu: got %.9g, expected %.9g, allowed difference %.3g", row,
                      column, got, want, bound));
            count(index + 1);
            return;
        }
    }
    count(output.rows() * output.width());
    const std::string damage = output.damage();
    if (!damage.empty()) fail(damage);
}

template <typename Element>
void Checker::compare_equal(const OutputRowsOf<Element>& output, const Element* reference,
                            std::ptrdiff_t reference_stride) {
    for (std::size_t row = 0; row < output.rows(); ++row) {
        const Element* want = reference + static_cast<std::ptrdiff_t>(row) * reference_stride;
        for (std::size_t column = 0; column < output.width(); ++column) {
            const float got_value = value_of(output.at(row, column));
            const float want_value = value_of(want[column]);
            if (same(got_value, want_value)) continue;
            fail(text(
                "row %zu, column %zu: got %.9g (0x%08x), expected the same bits as %.9g (0x%08x)",
                row, column, static_cast<double>(got_value),
                bits_of(output.at(row, column)), static_cast<double>(want_value),
                bits_of(want[column])));
            count(row * output.width() + column + 1);
            return;
        }
    }
    count(output.rows() * output.width());
    const std::string damage = output.damage();
    if (!damage.empty()) fail(damage);
}

template void Checker::compare(const OutputRows&, const std::vector<Expected>&, std::size_t);
template void Checker::compare(const HalfRows&, const std::vector<Expected>&, std::size_t);
template void Checker::compare_equal(const OutputRows&, const float*, std::ptrdiff_t);
template void Checker::compare_equal(const HalfRows&, const ops::Half*, std::ptrdiff_t);

void Checker::compare_value(std::uint64_t index, std::uint64_t got, std::uint64_t want) {
    count(1);
    if (got != want) {
        fail(text("index %llu: got %llu, expected %llu", static_cast<unsigned long long>(index),
                  static_cast<unsigned long long>(got), static_cast<unsigned long long>(want)));
    }
}

void Checker::fail(const std::string& what) {
    ++failures_;
    const doctest::String test = doctest::getContextOptions()->currentTest != nullptr
                                     ? doctest::getContextOptions()->currentTest->m_name
                                     : "";
    const std::string isa = progress().isa.empty() ? "" : " FOVEA_ISA=" + progress().isa;
    const std::string message = kernel_ + " {" + shape_ + "}: " + what +
                                "\n  repeat: FOVEA_SEED=" + std::to_string(progress().seed) + isa +
                                " " + progress().program + " --test-case='" + test.c_str() + "'";
    if (failures_ == 1) first_failure_ = message;
    if (mode_ == Mode::kCollect) return;
    if (++progress().reports <= kReportsAProgram) {
        FAIL_CHECK(message);
    } else {
        FAIL_CHECK("more failures");
    }
}

namespace {

std::map<std::string, std::vector<std::string>> registered_tables() {
    std::map<std::string, std::vector<std::string>> tables;
    for (std::size_t i = 0; i < ops::operation_count(); ++i) {
        const ops::OperationListing listing = ops::operation_listing(i);
        std::vector<std::string>& names = tables[listing.operation];
        for (std::size_t v = 0; v < listing.count; ++v) names.push_back(listing.variant(v).name);
    }
    return tables;
}

// That the tables which the program says it compares are those that are tested, and that the registry has them.
int check_tables() {
    int status = 0;
    const auto fail = [&](const std::string& table, const char* what) {
        std::printf("FAILED: table %s %s\n", table.c_str(), what);
        status = 1;
    };
    const auto registered = registered_tables();
    for (const auto& [table, kernels] : progress().tables) {
        const auto entry = registered.find(table);
        if (entry == registered.end()) {
            fail(table, "is not listed in kernel_registry.cpp");
        } else if (entry->second != kernels) {
            fail(table, "has other kernels in kernel_registry.cpp");
        }
    }
    for (const std::string& table : progress().tested_tables) {
        if (progress().tables.count(table) == 0) fail(table, "is tested, but no ComparesTable says so");
    }
    return status;
}

int print_tables(const std::map<std::string, std::vector<std::string>>& tables) {
    for (const auto& [table, kernels] : tables) std::printf("%s\n", table.c_str());
    return 0;
}

int summarise(bool filtered) {
    int status = check_tables();
    for (const auto& [name, kernel] : progress().kernels) {
        if ((kernel.required & ~progress().features) != 0) {
            std::printf("%-36s not run: this CPU (or FOVEA_ISA) lacks what it needs\n",
                        name.c_str());
        } else {
            std::printf("%-36s %zu comparisons\n", name.c_str(), kernel.comparisons);
            if (kernel.comparisons == 0 && !filtered) {
                std::printf("FAILED: %s was to be tested and nothing was compared\n", name.c_str());
                status = 1;
            }
        }
    }
    return status;
}

// Exit status to stop with, or 0 to go on.
int read_environment() {
    if (const char* seed = std::getenv("FOVEA_SEED")) {
        char* end = nullptr;
        progress().seed = std::strtoull(seed, &end, 0);
        if (end == seed || *end != '\0') {
            std::fprintf(stderr, "FOVEA_SEED=%s is not a number\n", seed);
            return 1;
        }
    }
    const ops::CpuFeatureSet has = ops::detect_cpu_features();
    const char* cap = std::getenv("FOVEA_ISA");
    const char* required = std::getenv("FOVEA_REQUIRE_ISA");
    if (cap != nullptr && *cap != '\0') {
        const ops::IsaLevel* level = ops::find_isa_level(cap);
        if (level == nullptr || (level->needed & ~has) != 0) {
            std::printf("SKIPPED: FOVEA_ISA=%s is not a level of this build and CPU\n", cap);
            return required != nullptr ? 1 : kSkipped;
        }
        progress().isa = cap;
        progress().features = has & level->allowed;
    }
    if (required != nullptr && *required != '\0') {
        const ops::IsaLevel* level = ops::find_isa_level(required);
        if (level == nullptr || (level->needed & ~progress().features) != 0) {
            std::printf("FAILED: FOVEA_REQUIRE_ISA=%s, but its kernels cannot run here\n",
                        required);
            return 1;
        }
    }
    return 0;
}

}  // namespace

int test_main(int argc, char** argv) {
    progress().program = argv[0];
    if (argc == 2 && std::strcmp(argv[1], "--tables") == 0) return print_tables(progress().tables);
    if (argc == 2 && std::strcmp(argv[1], "--registered") == 0) return print_tables(registered_tables());
    if (const int status = read_environment(); status != 0) return status;
    doctest::Context context(argc, argv);
    const int failed = context.run();
    if (context.shouldExit()) return failed;
    const int incomplete = summarise(argc > 1);
    return failed != 0 ? failed : incomplete;
}

}  // namespace fovea::test

int main(int argc, char** argv) {
    return fovea::test::test_main(argc, argv);
}
