// SPDX-License-Identifier: Apache-2.0
#include "ops/kernel_registry.h"

#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <string>

#include "kernel_check.h"
#include "ops/binary/binary.h"

namespace {

using namespace fovea::ops;

struct Suffix {
    const char* text;
    CpuFeatureSet required;
};
// What a kernel's name says it needs.
constexpr Suffix kSuffixes[] = {
    {"_scalar", kFeatureNone},       {"_avx2", kFeatureAvx2Fma},  {"_avx512", kFeatureAvx512},
    {"_neon", kFeatureNeon},         {"_pclmul", kFeaturePclmul}, {"_vpclmul", kFeatureVpclmul},
    {"_neon_fp16", kFeatureNeonFp16},
    {"_avx512_vnni", kFeatureAvx512 | kFeatureAvx512Vnni},
    {"_neon_dotprod", kFeatureNeonDotprod},
    {"_neon_i8mm", kFeatureNeonI8mm},
    {"_armv8crc", kFeatureArmCrc},
    {"_armv8_sha2", kFeatureArmSha2},
    {"_sha_ni", kFeatureShaNi},
};

bool ends_with(const std::string& text, const std::string& end) {
    return text.size() >= end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

TEST_CASE("kernel registry: operations are sorted and unique") {
    REQUIRE(operation_count() > 0);
    for (std::size_t i = 1; i < operation_count(); ++i) {
        CHECK(std::strcmp(operation_listing(i - 1).operation, operation_listing(i).operation) < 0);
    }
}

TEST_CASE("kernel registry: names are unique, begin with the operation and say what they need") {
    std::set<std::string> names;
    for (std::size_t i = 0; i < operation_count(); ++i) {
        const OperationListing listing = operation_listing(i);
        REQUIRE(listing.count > 0);
        for (std::size_t v = 0; v < listing.count; ++v) {
            const KernelDescription variant = listing.variant(v);
            const std::string name = variant.name;
            CAPTURE(name);
            CHECK(names.insert(name).second);
            CHECK(name.rfind(std::string(listing.operation) + "_", 0) == 0);
            bool known = false;
            for (const Suffix& suffix : kSuffixes) {
                if (!ends_with(name, suffix.text)) continue;
                known = true;
                CHECK(variant.required == suffix.required);
            }
            CHECK(known);
        }
        const KernelDescription last = listing.variant(listing.count - 1);
        CHECK(last.required == kFeatureNone);
        CHECK(ends_with(last.name, "_scalar"));
    }
}

TEST_CASE("kernel registry: every level selects what its table does, scalar included") {
    int level_count = 0;
    const IsaLevel* levels = isa_levels(&level_count);
    REQUIRE(level_count >= 1);
    CHECK(std::strcmp(levels[0].name, "scalar") == 0);
    for (int l = 0; l < level_count; ++l) {
        CAPTURE(levels[l].name);
        CHECK(find_isa_level(levels[l].name) == &levels[l]);
        CHECK((levels[l].needed & ~levels[l].allowed) == 0);
        for (std::size_t i = 0; i < operation_count(); ++i) {
            const OperationListing listing = operation_listing(i);
            const KernelDescription chosen = listing.variant(listing.selected(levels[l].allowed));
            CHECK((chosen.required & ~levels[l].allowed) == 0);
            if (l == 0) CHECK(ends_with(chosen.name, "_scalar"));
            if (std::strcmp(listing.operation, kBinaryFp32.operation) == 0) {
                CHECK(chosen.name == kBinaryFp32.select(levels[l].allowed).name);
            }
        }
    }
    CHECK(find_isa_level("sse9") == nullptr);
    CHECK(find_isa_level("") == nullptr);
    const CpuFeatureSet features = detect_cpu_features();
    CHECK((best_isa_level(features)->needed & ~features) == 0);
    CHECK(std::strcmp(best_isa_level(kFeatureNone)->name, "scalar") == 0);
}
