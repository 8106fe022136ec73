// SPDX-License-Identifier: Apache-2.0
#include "engine/cli/sha256.h"

#include <doctest/doctest.h>

#include <string>

using fovea::cli::Sha256;
using fovea::cli::sha256;

// FIPS 180-2, appendix B, and NIST's long-message example.
TEST_CASE("the published digests come out") {
    CHECK(sha256("", 0) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    CHECK(sha256(two_blocks.data(), two_blocks.size()) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    const std::string million(1000000, 'a');
    CHECK(sha256(million.data(), million.size()) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
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
