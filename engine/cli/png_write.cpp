// SPDX-License-Identifier: Apache-2.0
#include "png_write.h"

#include <new>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace fovea::cli {

std::vector<unsigned char> make_png(const std::uint8_t* rgb, std::uint32_t width,
                                    std::uint32_t height) {
    // stb counts bytes in int; the compressed form may be a little longer than the pixels.
    if (std::uint64_t{width} * height * 3 > 0x70000000u) return {};
    std::vector<unsigned char> bytes;
    const auto append = [](void* cookie, void* data, int size) {
        auto* target = static_cast<std::vector<unsigned char>*>(cookie);
        const auto* begin = static_cast<const unsigned char*>(data);
        target->insert(target->end(), begin, begin + size);
    };
    const int ok =
        stbi_write_png_to_func(append, &bytes, static_cast<int>(width), static_cast<int>(height), 3,
                               rgb, static_cast<int>(width) * 3);
    if (ok == 0) bytes.clear();
    return bytes;
}

}  // namespace fovea::cli
