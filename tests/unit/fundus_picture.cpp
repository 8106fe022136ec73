// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/fundus_picture.h"

#include <algorithm>

#include "tests/unit/model_builder.h"
#include "tests/unit/synthetic_fundus.h"

namespace fundus_picture {
namespace {

void put_u32(std::vector<std::uint8_t>* out, std::uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out->push_back(static_cast<std::uint8_t>(v >> shift));
}

void put_chunk(std::vector<std::uint8_t>* out, const char* type,
               const std::vector<std::uint8_t>& data) {
    put_u32(out, static_cast<std::uint32_t>(data.size()));
    const std::size_t begin = out->size();
    out->insert(out->end(), type, type + 4);
    out->insert(out->end(), data.begin(), data.end());
    put_u32(out, model_builder::crc32(out->data() + begin, out->size() - begin));
}

}  // namespace

Picture make(int side, double light) {
    synthetic::FundusOptions options;
    options.width = options.height = side;
    options.center_x = options.center_y = side / 2.0;
    options.radius_x = options.radius_y = 0.48 * side;
    const synthetic::Picture drawn = synthetic::relit(synthetic::fundus(options), light, 0);
    return {side, drawn.pixels};
}

std::vector<std::uint8_t> Picture::png() const {
    std::vector<std::uint8_t> rows;
    for (int y = 0; y < side; ++y) {
        rows.push_back(0);  // no filter
        const auto begin = rgb.begin() + static_cast<std::ptrdiff_t>(y) * side * 3;
        rows.insert(rows.end(), begin, begin + side * 3);
    }
    // A zlib stream of stored blocks.
    std::vector<std::uint8_t> stream = {0x78, 0x01};
    std::uint32_t a = 1, b = 0;
    for (const std::uint8_t byte : rows) {
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    for (std::size_t at = 0; at < rows.size(); at += 65535) {
        const std::size_t size = std::min<std::size_t>(65535, rows.size() - at);
        stream.push_back(at + size == rows.size() ? 1 : 0);
        for (const std::size_t v : {size, ~size}) {
            stream.push_back(static_cast<std::uint8_t>(v));
            stream.push_back(static_cast<std::uint8_t>(v >> 8));
        }
        stream.insert(stream.end(), rows.begin() + static_cast<std::ptrdiff_t>(at),
                      rows.begin() + static_cast<std::ptrdiff_t>(at + size));
    }
    put_u32(&stream, b << 16 | a);

    std::vector<std::uint8_t> out = {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};
    std::vector<std::uint8_t> header;
    put_u32(&header, static_cast<std::uint32_t>(side));
    put_u32(&header, static_cast<std::uint32_t>(side));
    header.insert(header.end(), {8, 2, 0, 0, 0});
    put_chunk(&out, "IHDR", header);
    put_chunk(&out, "IDAT", stream);
    put_chunk(&out, "IEND", {});
    return out;
}

}  // namespace fundus_picture
