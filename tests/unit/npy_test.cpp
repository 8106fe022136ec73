// SPDX-License-Identifier: Apache-2.0
#include "engine/cli/npy.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

using fovea::cli::make_npy;
using fovea::cli::NpyPicture;
using fovea::cli::parse_npy;

namespace {

using Bytes = std::vector<unsigned char>;

// A file as numpy.save writes it, of any version, with `data` bytes of values.
Bytes npy(const std::string& header, std::size_t data, unsigned version = 1) {
    Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<unsigned char>(version), 0};
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    for (std::size_t i = 0; i < length_bytes; ++i) {
        bytes.push_back(static_cast<unsigned char>(header.size() >> (8 * i)));
    }
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.resize(bytes.size() + data, 7);
    return bytes;
}

std::string refusal(const Bytes& bytes) {
    NpyPicture picture;
    std::string cause;
    CHECK_FALSE(parse_npy(bytes, picture, cause));
    CHECK(!cause.empty());
    return cause;
}

const std::string kGood = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3), }\n";

}  // namespace

TEST_CASE("good files of every version are read") {
    for (unsigned version : {1u, 2u, 3u}) {
        NpyPicture picture;
        std::string cause;
        const Bytes bytes = npy(kGood, 18, version);
        REQUIRE_MESSAGE(parse_npy(bytes, picture, cause), cause);
        CHECK(picture.height == 2);
        CHECK(picture.width == 3);
        CHECK(picture.channels == 3);
        CHECK(picture.dtype == FOVEA_U8);
        CHECK(picture.data_offset == bytes.size() - 18);
    }
    NpyPicture picture;
    std::string cause;
    const std::string batch = "{\"shape\":(1,2,3,3),\"fortran_order\":False,\"descr\":\"<f4\"}";
    REQUIRE_MESSAGE(parse_npy(npy(batch, 72), picture, cause), cause);
    CHECK(picture.dtype == FOVEA_F32);
    CHECK(picture.width == 3);
}

TEST_CASE("what cannot be a picture is refused with its cause") {
    const auto header = [](const char* descr, const char* order, const char* shape) {
        return std::string("{'descr': ") + descr + ", 'fortran_order': " + order +
               ", 'shape': " + shape + ", }";
    };
    CHECK(refusal({}) == "it is not a .npy file");
    CHECK(refusal(Bytes(100, 0)) == "it is not a .npy file");
    CHECK(refusal(npy(kGood, 18, 4)).find("version 4.0") != std::string::npos);
    CHECK(refusal(npy(kGood, 17)).find("17 bytes") != std::string::npos);
    CHECK(refusal(npy(kGood, 19)).find("19 bytes") != std::string::npos);
    CHECK(refusal(npy(header("'<f8'", "False", "(2, 3, 3)"), 144)).find("<f8") !=
          std::string::npos);
    CHECK(refusal(npy(header("'>f4'", "False", "(2, 3, 3)"), 72)).find(">f4") != std::string::npos);
    CHECK(refusal(npy(header("'|u1'", "True", "(2, 3, 3)"), 18)).find("Fortran") !=
          std::string::npos);
    for (const char* shape : {"()", "(18,)", "(6, 3)", "(2, 2, 3, 3)", "(0, 3, 3)", "(2, 3, 0)",
                              "(1, 1, 2, 3, 3)", "(99999999999, 3, 3)"}) {
        CHECK(refusal(npy(header("'|u1'", "False", shape), 18)).find("shape") != std::string::npos);
    }
    // A product that would wrap around to the bytes that are there.
    CHECK(refusal(npy(header("'<f4'", "False", "(1048576, 1048576, 1048576)"), 0)).find("needs") !=
          std::string::npos);
    for (const char* damaged :
         {"", "{", "{}", "{'descr': '|u1'}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3)",
          "{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3, 3)}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, -3)}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 99999999999999999999999)}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3), 'more': 1}",
          "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3)}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 3)} x",
          "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3, 3)}"}) {
        CHECK(refusal(npy(damaged, 18)) == "its .npy header is damaged");
    }
    // A header longer than the file.
    Bytes cut = npy(kGood, 0, 2);
    cut[11] = 0x7f;
    CHECK(refusal(cut).find("cut off") != std::string::npos);
}

TEST_CASE("every truncation of a good file is refused") {
    const Bytes good = npy(kGood, 18);
    for (std::size_t size = 0; size < good.size(); ++size) {
        refusal(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    }
}

TEST_CASE("what is written is read") {
    const float values[12] = {0, 1.5f, -2};
    const Bytes bytes = make_npy(values, {2, 2, 3});
    NpyPicture picture;
    std::string cause;
    REQUIRE_MESSAGE(parse_npy(bytes, picture, cause), cause);
    CHECK(picture.data_offset % 64 == 0);
    CHECK(picture.height == 2);
    CHECK(picture.channels == 3);
    CHECK(std::memcmp(bytes.data() + picture.data_offset, values, sizeof(values)) == 0);
}
