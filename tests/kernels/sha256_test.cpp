// SPDX-License-Identifier: Apache-2.0
#include "ops/sha256/sha256.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "fovea/fovea.h"
#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_sha256_blocks(fovea::ops::kSha256Blocks);

using namespace fovea::test;
using fovea::ops::kSha256Blocks;

struct Known {
    std::string message;
    const char* digest;
};

// FIPS 180-2, appendix B, NIST's long message, and of every length about a block's end what Python's hashlib gives.
const Known kKnown[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {std::string(55, 'x'), "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
    {std::string(56, 'x'), "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
    {std::string(63, 'x'), "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
    {std::string(64, 'x'), "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
    {std::string(65, 'x'), "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
    {std::string(119, 'x'), "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
    {std::string(120, 'x'), "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
    {std::string(128, 'x'), "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
};

}  // namespace

TEST_CASE("sha256: the published digests come out of every kernel") {
    Checker checker;
    for (const auto& kernel : runnable_variants(kSha256Blocks)) {
        for (const Known& known : kKnown) {
            checker.shape("size=%zu", known.message.size());
            GuardedArray<unsigned char> message(known.message.size() + 1);
            std::memcpy(message.data() + 1, known.message.data(), known.message.size());
            message.make_read_only();
            char digits[65] = "";
            if (!checker.run(kernel.name, [&] {
                    fovea::ops::sha256(kernel.function, message.data() + 1, known.message.size(), digits);
                })) {
                continue;
            }
            INFO(kernel.name << " of " << known.message.size() << " bytes: " << digits);
            CHECK(std::string(digits) == known.digest);
            checker.compare_value(0, std::strcmp(digits, known.digest) == 0, 1);
        }
    }
}

TEST_CASE("sha256: every kernel takes blocks into the state as the scalar one does, of any bytes at any place") {
    Checker checker;
    for (const int count : {0, 1, 2, 3, 7, 64}) {
        for (const int slack : {0, 1, 7, 15}) {
            checker.shape("count=%d slack=%d", count, slack);
            Random random = checker.random();
            GuardedArray<std::uint8_t> blocks(static_cast<std::size_t>(count) * 64, static_cast<std::size_t>(slack));
            random.fill(blocks.data(), blocks.size());
            blocks.make_read_only();
            std::uint32_t start[8];
            for (std::uint32_t& word : start) word = static_cast<std::uint32_t>(random.bits());
            GuardedArray<std::uint32_t> expected(8);
            std::memcpy(expected.data(), start, sizeof(start));
            fovea::ops::sha256_blocks_scalar(expected.data(), blocks.data(), static_cast<std::size_t>(count));
            for (const auto& kernel : runnable_variants(kSha256Blocks)) {
                GuardedArray<std::uint32_t> state(8);
                std::memcpy(state.data(), start, sizeof(start));
                if (!checker.run(kernel.name,
                                 [&] { kernel.function(state.data(), blocks.data(), static_cast<std::size_t>(count)); })) {
                    continue;
                }
                for (std::size_t i = 0; i < 8; ++i) checker.compare_value(i, state[i], expected[i]);
            }
        }
    }
}

TEST_CASE("sha256: the public call") {
    char digits[65] = "";
    CHECK(fovea_sha256("abc", 3, digits) == FOVEA_OK);
    CHECK(std::string(digits) == kKnown[1].digest);
    CHECK(fovea_sha256(nullptr, 0, digits) == FOVEA_OK);
    CHECK(std::string(digits) == kKnown[0].digest);
    CHECK(fovea_sha256(nullptr, 3, digits) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_sha256("abc", 3, nullptr) == FOVEA_ERROR_INVALID_ARGUMENT);
}
