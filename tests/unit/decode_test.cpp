// SPDX-License-Identifier: Apache-2.0
// On the seeds of decode_fuzz (FOVEA_CORPUS, set by the build) and on files made from them.
#include "preprocess/decode.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>

#include "counting_allocator.h"
#include "preprocess/bytes.h"
#include "preprocess/jpeg_decoder.h"
#include "tests/unit/decode_seed.h"

using namespace fovea;
using namespace fovea::preprocess;

namespace {

struct Decoded {
    Status status;
    Image image;
    std::string detail;
};

// From a heap copy of exactly that size, so that sanitizers see a read beyond it.
Decoded decode(const Bytes& bytes, const DecodeLimits& limits = {},
               const Allocator& allocator = Allocator()) {
    const auto copy = std::make_unique<std::uint8_t[]>(bytes.empty() ? 1 : bytes.size());
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    Decoded result{Status::kOk, Image(allocator), ""};
    const char* detail = nullptr;
    result.status =
        decode_image(copy.get(), bytes.size(), limits, allocator, &result.image, &detail);
    REQUIRE(detail != nullptr);
    result.detail = detail;
    return result;
}

Bytes png_header(std::uint32_t width, std::uint32_t height) {
    Bytes file = read_seed("rgb.png");
    for (int i = 0; i < 4; ++i) {
        file[16 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
        file[20 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
    }
    std::uint32_t crc = 0xFFFFFFFFU;
    for (std::size_t i = 12; i < 29; ++i) {
        crc ^= file[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
    }
    for (int i = 0; i < 4; ++i) {
        file[29 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(~crc >> (24 - 8 * i));
    }
    return file;
}

struct Seed {
    const char* name;
    int width;
    int height;
};

constexpr Seed kGood[] = {
    {"baseline_444.jpg", 18, 13},
    {"baseline_420.jpg", 18, 13},
    {"baseline_422_exif6.jpg", 13, 18},
    {"progressive_444.jpg", 18, 13},
    {"progressive_420.jpg", 18, 13},
    {"restart_420.jpg", 18, 13},
    {"progressive_restart.jpg", 18, 13},
    {"gray.jpg", 9, 17},
    {"one_pixel.jpg", 1, 1},
    {"rgb.png", 18, 13},
    {"rgba.png", 11, 7},
    {"gray.png", 11, 7},
    {"gray16.png", 6, 5},
    {"bilevel.png", 19, 5},
    {"palette.png", 18, 13},
    {"palette_transparent.png", 18, 13},
    {"one_pixel.png", 1, 1},
    {"exif8.png", 13, 18},
    {"text.png", 18, 13},
    {"interlaced.png", 10, 11},
    {"profile.jpg", 12, 9},
    {"xmp6.jpg", 9, 12},
    {"profile.png", 12, 9},
    {"gamma.png", 12, 9},
    {"exif_profile6.png", 9, 12},
    {"xmp6.png", 9, 12},
};

bool is_jpeg(const Seed& seed) {
    return std::strstr(seed.name, ".jpg") != nullptr;
}

}  // namespace

TEST_CASE("every kind of JPEG and PNG is decoded, upright") {
    for (const Seed& seed : kGood) {
        INFO(seed.name);
        const Decoded decoded = decode(read_seed(seed.name));
        CHECK_MESSAGE(decoded.status == Status::kOk, decoded.detail);
        CHECK(decoded.detail.empty());
        CHECK(decoded.image.width == seed.width);
        CHECK(decoded.image.height == seed.height);
    }
}

TEST_CASE("the disc of the seeds is bright and reddish, its surroundings dark") {
    for (const char* name : {"baseline_444.jpg", "progressive_420.jpg", "rgb.png", "exif8.png",
                             "rgba.png", "interlaced.png"}) {
        INFO(name);
        const Decoded decoded = decode(read_seed(name));
        REQUIRE(decoded.status == Status::kOk);
        const Image& image = decoded.image;
        const std::uint8_t* middle = image.row(image.height / 2) + 3 * (image.width / 2);
        CHECK(middle[0] > 160);
        CHECK(middle[1] > 70);
        CHECK(middle[1] < 120);
        CHECK(middle[2] < 80);
        CHECK(image.row(0)[0] < 30);
    }
}

TEST_CASE("16-bit samples keep their high byte, grey fills all channels") {
    const Decoded decoded = decode(read_seed("gray16.png"));
    REQUIRE(decoded.status == Status::kOk);
    const std::uint8_t* middle = decoded.image.row(2) + 3 * 3;
    CHECK(middle[0] > 170);
    CHECK(middle[0] == middle[1]);
    CHECK(middle[0] == middle[2]);
}

TEST_CASE("a file that is cut off is refused, wherever the cut") {
    for (const Seed& seed : kGood) {
        const Bytes file = read_seed(seed.name);
        // A JPEG without its end marker is whole.
        const std::size_t whole = file.size() - (is_jpeg(seed) ? 2 : 0);
        for (std::size_t size = 0; size < whole; ++size) {
            const Decoded decoded =
                decode(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
            REQUIRE_MESSAGE(decoded.status != Status::kOk, seed.name, " cut to ", size);
            REQUIRE(!decoded.detail.empty());
        }
    }
}

TEST_CASE(
    "a JPEG without its end marker has the same pixels, and the memory limit holds its copy") {
    for (const Seed& seed : kGood) {
        if (!is_jpeg(seed)) continue;
        INFO(seed.name);
        Bytes file = read_seed(seed.name);
        const Decoded whole = decode(file);
        for (int missing = 1; missing <= 2; ++missing) {
            file.pop_back();
            CountingAllocator counter;
            const Decoded decoded = decode(file, {}, counter.allocator());
            REQUIRE(decoded.status == Status::kOk);
            CHECK(decoded.detail.empty());
            REQUIRE(decoded.image.pixels.size() == whole.image.pixels.size());
            CHECK(std::memcmp(decoded.image.pixels.data(), whole.image.pixels.data(),
                              whole.image.pixels.size()) == 0);
            for (std::size_t limit = 0; limit < counter.peak_bytes; limit += 61) {
                CountingAllocator limited;
                DecodeLimits limits;
                limits.max_bytes = limit;
                REQUIRE(decode(file, limits, limited.allocator()).status == Status::kImageTooLarge);
                REQUIRE(limited.peak_bytes <= limit);
            }
            for (int k = 0; k < counter.count; ++k) {
                CountingAllocator failing;
                failing.refuse_at = k;
                CHECK(decode(file, {}, failing.allocator()).status == Status::kOutOfMemory);
                CHECK(failing.live() == 0);
            }
        }
    }
}

TEST_CASE("bytes behind the image data are no reason to refuse, but to warn") {
    // With equal component numbers, odd spectral ones, a height behind the data, and these bytes.
    const Decoded decoded = decode(read_seed("odd.jpg"));
    CHECK(decoded.status == Status::kOk);
    CHECK(decoded.detail.find("follow its data") != std::string::npos);
    CHECK(decoded.image.width == 12);
    CHECK(decoded.image.height == 9);
}

TEST_CASE("a JPEG whose data end early is refused even with an end marker") {
    for (const Seed& seed : kGood) {
        if (!is_jpeg(seed) || seed.width == 1) continue;
        const Bytes file = read_seed(seed.name);
        std::size_t scan = 0;  // behind the first scan header
        for (std::size_t i = 0; i + 3 < file.size(); ++i) {
            if (file[i] == 0xFF && file[i + 1] == 0xDA) {
                scan = i + 2 + read_u16_big_endian(&file[i + 2]);
                break;
            }
        }
        REQUIRE(scan > 0);
        for (std::size_t size = scan; size + 3 < file.size(); ++size) {
            Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
            cut.push_back(0xFF);
            cut.push_back(0xD9);
            REQUIRE_MESSAGE(decode(cut).status != Status::kOk, seed.name, " cut to ", size);
        }
    }
}

TEST_CASE("a flipped bit in a PNG is found") {
    for (const char* name : {"rgb.png", "palette_transparent.png", "gray16.png"}) {
        Bytes file = read_seed(name);
        for (std::size_t i = 0; i < file.size() * 8; ++i) {
            const auto bit = static_cast<std::uint8_t>(1 << (i % 8));
            file[i / 8] ^= bit;
            REQUIRE_MESSAGE(decode(file).status != Status::kOk, name, " bit ", i);
            file[i / 8] ^= bit;
        }
    }
}

TEST_CASE("bytes behind the end are no reason to refuse") {
    for (const char* name : {"baseline_420.jpg", "rgb.png"}) {
        Bytes file = read_seed(name);
        file.insert(file.end(), {1, 2, 3});
        CHECK(decode(file).status == Status::kOk);
    }
}

TEST_CASE("other files are named") {
    const auto media = [](const std::string& brands) {
        const std::string box = std::string(
                                    "\0\0\0\x18"
                                    "ftyp",
                                    8) +
                                brands + "moov";
        return Bytes(box.begin(), box.end());
    };
    const struct {
        Bytes bytes;
        Status status;
        const char* word;
    } cases[] = {
        {media("avis....msf1avis"), Status::kUnsupportedImage, "AVIF image sequence"},
        {media("avif....mif1miaf"), Status::kUnsupportedImage, "AVIF image;"},
        {media("mif1....mif1avif"), Status::kUnsupportedImage, "AVIF image;"},
        {media("mif1....mif1heic"), Status::kUnsupportedImage, "HEIC image;"},
        {media("msf1....msf1hevc"), Status::kUnsupportedImage, "HEIC image sequence"},
        {media("msf1....isomiso8"), Status::kUnsupportedImage, "HEIF image sequence"},
        {media("mif1....mif1miaf"), Status::kUnsupportedImage, "HEIF image;"},
        {media("isom....isommp42"), Status::kUnsupportedImage, "video"},
        {{0xFF, 0xD8, 0xFF, 0xF7, 0, 4, 8, 0}, Status::kUnsupportedImage, "JPEG-LS"},
        {{0xFF, 0xD8, 0xFF, 0xF8, 0, 4, 1, 0}, Status::kUnsupportedImage, "JPEG-LS"},
        {read_seed("webp_signature"), Status::kUnsupportedImage, "WebP"},
        {read_seed("cmyk.jpg"), Status::kUnsupportedImage, "CMYK"},
        {{'G', 'I', 'F', '8', '9', 'a'}, Status::kUnsupportedImage, "GIF"},
        {{'B', 'M', 0, 0}, Status::kUnsupportedImage, "BMP"},
        {{'I', 'I', 42, 0, 8, 0}, Status::kUnsupportedImage, "TIFF"},
        {{'I', 'I', 43, 0, 8, 0}, Status::kUnsupportedImage, "BigTIFF"},
        {{'M', 'M', 0, 43, 0, 8}, Status::kUnsupportedImage, "BigTIFF"},
        {{'P', '6', '\n', '9', ' ', '9'}, Status::kUnsupportedImage, "PNM"},
        {{'P', '2', '\n', '#', ' ', 'x'}, Status::kUnsupportedImage, "PNM"},
        {{'P', '1', ' ', 'l', 'e', 'f', 't'}, Status::kNotAnImage, "neither"},
        {{'P', '7', '\n', '9'}, Status::kNotAnImage, "neither"},
        {{0, 0, 0, 24, 'f', 't', 'y', 'p', 'h', 'e', 'i', 'c'}, Status::kUnsupportedImage, "HEIC"},
        {{'%', 'P', 'D', 'F', '-'}, Status::kUnsupportedImage, "PDF"},
        {{'h', 'e', 'l', 'l', 'o'}, Status::kNotAnImage, "neither"},
        {{}, Status::kNotAnImage, "empty"},
    };
    for (const auto& c : cases) {
        const Decoded decoded = decode(c.bytes);
        CHECK(decoded.status == c.status);
        CHECK_MESSAGE(decoded.detail.find(c.word) != std::string::npos, decoded.detail);
    }
}

TEST_CASE("a decoding can be cancelled at each question") {
    struct Countdown {
        int left;
        int asked;
    };
    const auto cancel = [](void* cookie) {
        auto* countdown = static_cast<Countdown*>(cookie);
        ++countdown->asked;
        return countdown->left-- == 0 ? 1 : 0;
    };
    struct Case {
        const char* name;
        int least;
    };
    // A PNG is gathered, inflated and unfiltered; one of 16 bits narrowed, and its grey made RGB; of
    // an interlaced one each part is unfiltered.
    const Case cases[] = {{"baseline_420.jpg", 1}, {"progressive_444.jpg", 2}, {"rgb.png", 3},
                          {"gray16.png", 5},       {"interlaced.png", 6}};
    for (const Case& tried : cases) {
        const char* name = tried.name;
        INFO(name);
        Countdown never{-1, 0};
        DecodeLimits limits;
        limits.cancel.function = cancel;
        limits.cancel.cookie = &never;
        CHECK(decode(read_seed(name), limits).status == Status::kOk);
        CHECK(never.asked >= tried.least);
        for (int k = 0; k < never.asked; ++k) {
            Countdown countdown{k, 0};
            limits.cancel.cookie = &countdown;
            CHECK(decode(read_seed(name), limits).status == Status::kCancelled);
            CHECK(countdown.asked == k + 1);
        }
    }
}

// A black grey picture of 64 x 64 pixels whose first `refined` coefficients take two scans each,
// and the others one.
Bytes many_scans(int refined) {
    Bytes file = {0xFF, 0xD8};
    const auto add = [&](int marker, const Bytes& body, const Bytes& data = {}) {
        const std::size_t length = body.size() + 2;
        file.insert(file.end(), {0xFF, static_cast<std::uint8_t>(marker),
                                 static_cast<std::uint8_t>(length >> 8),
                                 static_cast<std::uint8_t>(length & 255)});
        file.insert(file.end(), body.begin(), body.end());
        file.insert(file.end(), data.begin(), data.end());
    };
    Bytes quantisation(65, 1);
    quantisation[0] = 0;
    add(0xDB, quantisation);
    add(0xC2, {8, 0, 64, 0, 64, 1, 1, 0x11, 0});
    // One code each: no difference; the next 64 blocks have no coefficients.
    Bytes table(18, 0);
    table[1] = 1;
    add(0xC4, table);
    table[0] = 0x10;
    table[17] = 0x60;
    add(0xC4, table);
    add(0xDA, {1, 1, 0, 0, 0, 0}, Bytes(8, 0));
    for (int k = 1; k < 64; ++k) {
        const auto band = static_cast<std::uint8_t>(k);
        add(0xDA, {1, 1, 0, band, band, static_cast<std::uint8_t>(k <= refined ? 1 : 0)}, {1});
        if (k <= refined) add(0xDA, {1, 1, 0, band, band, 0x10}, {1});
    }
    file.insert(file.end(), {0xFF, 0xD9});
    return file;
}

TEST_CASE("the scans of a progressive JPEG have a budget") {
    CHECK(decode(many_scans(0)).status == Status::kOk);
    CHECK(decode(many_scans(36)).status == Status::kOk);  // 100 visits of each block
    const Decoded decoded = decode(many_scans(37));
    CHECK(decoded.status == Status::kImageTooLarge);
    CHECK_MESSAGE(decoded.detail.find("scans") != std::string::npos, decoded.detail);
}

TEST_CASE("limits hold before anything is decoded") {
    CountingAllocator counter;
    const Decoded huge = decode(png_header(100000, 100000), {}, counter.allocator());
    CHECK(huge.status == Status::kImageTooLarge);
    CHECK(counter.count == 0);

    const Bytes jpeg = read_seed("baseline_420.jpg");
    const Bytes png = read_seed("rgb.png");
    for (const Bytes& file : {jpeg, png}) {
        DecodeLimits limits;
        limits.max_side = 17;
        CHECK(decode(file, limits).status == Status::kImageTooLarge);
        limits.max_side = 18;
        CHECK(decode(file, limits).status == Status::kOk);
        limits.max_pixels = 18 * 13 - 1;
        CHECK(decode(file, limits).status == Status::kImageTooLarge);
        limits.max_pixels = 18 * 13;
        CHECK(decode(file, limits).status == Status::kOk);
    }

    // What a progressive file needs is known from its header.
    Bytes progressive = read_seed("progressive_444.jpg");
    for (std::size_t i = 0; i + 8 < progressive.size(); ++i) {
        if (progressive[i] != 0xFF || progressive[i + 1] != 0xC2) continue;
        for (std::size_t side = i + 5; side < i + 9; side += 2) progressive[side] = 0x27;  // 10,000
    }
    CountingAllocator untouched;
    DecodeLimits half;
    half.max_bytes /= 2;
    const Decoded large = decode(progressive, half, untouched.allocator());
    CHECK(large.status == Status::kImageTooLarge);
    CHECK_MESSAGE(large.detail.find("memory") != std::string::npos, large.detail);
    CHECK(untouched.count == 0);
}

// Of a JPEG file: other sides, and in each component's the sampling factors.
Bytes with_frame(Bytes file, int width, int height, const Bytes& factors) {
    for (std::size_t i = 0; i + 18 < file.size(); ++i) {
        if (file[i] != 0xFF || file[i + 1] < 0xC0 || file[i + 1] > 0xC2) continue;
        file[i + 5] = static_cast<std::uint8_t>(height >> 8);
        file[i + 6] = static_cast<std::uint8_t>(height & 255);
        file[i + 7] = static_cast<std::uint8_t>(width >> 8);
        file[i + 8] = static_cast<std::uint8_t>(width & 255);
        for (std::size_t c = 0; c < factors.size(); ++c) file[i + 11 + 3 * c] = factors[c];
        return file;
    }
    FAIL("no frame header");
    return file;
}

TEST_CASE("a baseline JPEG of the largest size is decoded in less than 6 MiB beside its picture") {
    for (const Bytes& factors : {Bytes{0x22, 0x11, 0x11}, Bytes{0x11, 0x11, 0x11},
                                 Bytes{0x44, 0x11, 0x11}, Bytes{0x44, 0x44, 0x44}}) {
        const Bytes file = with_frame(read_seed("baseline_420.jpg"), 16384, 6100, factors);
        for (const JpegScale scale :
             {JpegScale::kFull, JpegScale::kHalf, JpegScale::kQuarter, JpegScale::kEighth}) {
            const DecodeLimits limits;
            JpegDecoder decoder(file.data(), file.size(), limits, Allocator());
            const char* detail = nullptr;
            REQUIRE(decoder.read_frame(&detail) == Status::kOk);
            REQUIRE(decoder.read_headers(&detail) == Status::kOk);
            decoder.plan(scale);
            CHECK(decoder.width() == 16384 * static_cast<int>(scale) / 8);
            CHECK(decoder.working_bytes() < 6 << 20);
        }
    }
}

TEST_CASE("a sink that refuses a row ends the decoding with its status") {
    const auto refuse = [](void* cookie, int y, std::uint8_t*) {
        return y == *static_cast<int*>(cookie) ? Status::kImageTooLarge : Status::kOk;
    };
    for (const char* name : {"baseline_420.jpg", "progressive_444.jpg", "gray.jpg"}) {
        const Bytes file = read_seed(name);
        for (int y = 0; y < 3; ++y) {
            const DecodeLimits limits;
            JpegDecoder decoder(file.data(), file.size(), limits, Allocator());
            const char* detail = nullptr;
            REQUIRE(decoder.read_frame(&detail) == Status::kOk);
            REQUIRE(decoder.read_headers(&detail) == Status::kOk);
            decoder.plan(JpegScale::kHalf);
            int last = y;
            CHECK(decoder.decode({refuse, &last}, &detail) == Status::kImageTooLarge);
        }
    }
}

TEST_CASE("the memory limit is never exceeded, and enough is enough") {
    for (const Seed& seed : kGood) {
        INFO(seed.name);
        const Bytes file = read_seed(seed.name);
        CountingAllocator unlimited;
        REQUIRE(decode(file, {}, unlimited.allocator()).status == Status::kOk);
        int refused = 0;
        for (std::size_t limit = 0; limit <= unlimited.peak_bytes; limit += 97) {
            CountingAllocator counter;
            DecodeLimits limits;
            limits.max_bytes = limit;
            const Decoded decoded = decode(file, limits, counter.allocator());
            REQUIRE((decoded.status == Status::kImageTooLarge || decoded.status == Status::kOk));
            REQUIRE(counter.peak_bytes <= limit);
            refused += decoded.status == Status::kImageTooLarge ? 1 : 0;
        }
        CHECK(refused > 0);
        DecodeLimits limits;
        limits.max_bytes = unlimited.peak_bytes;
        CHECK(decode(file, limits).status == Status::kOk);
    }
}

TEST_CASE("any allocation may fail") {
    for (const Seed& seed : kGood) {
        INFO(seed.name);
        const Bytes file = read_seed(seed.name);
        CountingAllocator all;
        REQUIRE(decode(file, {}, all.allocator()).status == Status::kOk);
        REQUIRE(all.count > 0);
        for (int k = 0; k < all.count; ++k) {
            CountingAllocator counter;
            counter.refuse_at = k;
            CHECK(decode(file, {}, counter.allocator()).status == Status::kOutOfMemory);
            CHECK(counter.live() == 0);
            CHECK(counter.unknown_releases == 0);
        }
        CHECK(all.live() == 0);
        CHECK(all.unknown_releases == 0);
    }
}
