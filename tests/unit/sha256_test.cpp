// SPDX-License-Identifier: Apache-2.0
#include "engine/cli/sha256.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using fovea::cli::Sha256;
using fovea::cli::sha256;
using fovea::cli::sha256_blocks_scalar;
using fovea::cli::sha256_kernels;
using fovea::cli::Sha256Kernel;

namespace {

std::string digest(const Sha256Kernel& kernel, const std::string& message) {
    Sha256 hash(kernel.blocks);
    hash.update(message.data(), message.size());
    return hash.finish();
}

}  // namespace

// FIPS 180-2, appendix B, and NIST's long-message example.
TEST_CASE("the published digests come out of every kernel") {
    const bool ends_with_scalar = sha256_kernels().back().blocks == sha256_blocks_scalar;
    REQUIRE(ends_with_scalar);
    for (const Sha256Kernel& kernel : sha256_kernels()) {
        CAPTURE(kernel.name);
        CHECK(digest(kernel, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        CHECK(digest(kernel, "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        CHECK(digest(kernel, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        CHECK(digest(kernel, std::string(1000000, 'a')) ==
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    CHECK(sha256("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("every kernel gives what the scalar one gives, of any bytes at any place") {
    std::uint32_t bits = 1;
    for (std::size_t size = 0; size <= 700; size += size < 200 ? 1 : 37) {
        std::string message(size + 16, '\0');
        for (char& byte : message) byte = static_cast<char>((bits = bits * 1664525u + 1013904223u) >> 24);
        for (const std::size_t offset : {0u, 1u, 7u, 15u}) {
            const std::string part = message.substr(offset, size);
            const std::string expected = digest({"scalar", sha256_blocks_scalar}, part);
            for (const Sha256Kernel& kernel : sha256_kernels()) {
                CAPTURE(kernel.name);
                Sha256 hash(kernel.blocks);
                hash.update(message.data() + offset, size);
                REQUIRE(hash.finish() == expected);
            }
        }
    }
}

TEST_CASE("the pieces that a message comes in do not matter") {
    for (std::size_t size = 0; size <= 200; ++size) {
        const std::string message(size, 'x');
        const std::string expected = sha256(message.data(), size);
        for (std::size_t piece : {1, 7, 63, 64, 65}) {
            Sha256 hash;
            for (std::size_t at = 0; at < size; at += piece) {
                hash.update(message.data() + at, std::min(piece, size - at));
            }
            REQUIRE(hash.finish() == expected);
        }
    }
}
