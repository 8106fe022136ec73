// SPDX-License-Identifier: Apache-2.0
// decode_jpegs SCALE FILE...: the pixels of JPEG files at 8/8, 4/8, 2/8 or 1/8 of their size, for
// test_jpeg_pixels.py. Of each to standard output: "width height\n" and rows of RGB, or "0 0\n".
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "preprocess/jpeg_decoder.h"

using namespace fovea;
using namespace fovea::preprocess;

namespace {

struct Rows {
    int width;
    std::vector<std::uint8_t> pixels;
};

Status take(void* cookie, int /*y*/, std::uint8_t* row) {
    auto* rows = static_cast<Rows*>(cookie);
    rows->pixels.insert(rows->pixels.end(), row, row + std::ptrdiff_t{3} * rows->width);
    return Status::kOk;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) return 2;
    const auto scale = static_cast<JpegScale>(std::atoi(arguments[1]));
    for (int i = 2; i < count; ++i) {
        std::ifstream stream(arguments[i], std::ios::binary);
        const std::vector<char> file(std::istreambuf_iterator<char>(stream), {});
        if (file.size() < 2) return 2;
        const DecodeLimits limits;
        JpegDecoder decoder(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), limits,
                            Allocator());
        const char* detail = "";
        Rows rows = {0, {}};
        bool is_sound = decoder.read_frame(&detail) == Status::kOk &&
                        decoder.frame().component_count != 4 &&
                        decoder.read_headers(&detail) == Status::kOk;
        if (is_sound) {
            decoder.plan(scale);
            rows.width = decoder.width();
            is_sound = decoder.decode({&take, &rows}, &detail) == Status::kOk;
        }
        if (is_sound) {
            std::printf("%d %d\n", decoder.width(), decoder.height());
            std::fwrite(rows.pixels.data(), 1, rows.pixels.size(), stdout);
        } else {
            std::printf("0 0\n");
        }
    }
    return 0;
}
