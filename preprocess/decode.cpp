// SPDX-License-Identifier: Apache-2.0
#include "preprocess/decode.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "preprocess/camera_pixels.h"
#include "preprocess/exif.h"
#include "preprocess/jpeg_check.h"
#include "preprocess/png_check.h"

namespace fovea::preprocess {
namespace {

// Memory of one stb_image call: from the caller's allocator, never more than the limit at once.
class DecodeBudget {
  public:
    DecodeBudget(const Allocator& allocator, std::uint64_t limit, bool zero_fill)
        : allocator_(allocator), limit_(limit), zero_fill_(zero_fill) {}
    DecodeBudget(const DecodeBudget&) = delete;
    DecodeBudget& operator=(const DecodeBudget&) = delete;
    // stb_image leaks where some of its allocations fail (stbi__convert_16_to_8).
    ~DecodeBudget() {
        for (const Block& block : blocks_) release_bytes(allocator_, block.pointer);
    }

    bool limit_was_hit() const { return limit_was_hit_; }
    bool ran_out_of_memory() const { return ran_out_of_memory_; }

    void* take(std::size_t size) {
        size = std::max<std::size_t>(size, 1);
        if (size > limit_ - used_) {
            limit_was_hit_ = true;
            return nullptr;
        }
        Block* block = find(nullptr);
        if (block == nullptr) {
            ran_out_of_memory_ = true;
            return nullptr;
        }
        void* pointer = allocate_bytes(allocator_, size);
        if (pointer == nullptr) {
            ran_out_of_memory_ = true;
            return nullptr;
        }
        if (zero_fill_) std::memset(pointer, 0, size);
        *block = {pointer, size};
        used_ += size;
        return pointer;
    }

    void* grow(void* pointer, std::size_t size) {
        void* larger = take(size);
        if (larger == nullptr || pointer == nullptr) return larger;
        std::memcpy(larger, pointer, std::min(size, find(pointer)->size));
        release(pointer);
        return larger;
    }

    void release(void* pointer) {
        if (pointer == nullptr) return;
        release_bytes(allocator_, hand_over(pointer));
    }

    // The memory is no longer counted and belongs to the caller.
    void* hand_over(void* pointer) {
        Block* block = find(pointer);
        used_ -= block->size;
        *block = {};
        return pointer;
    }

  private:
    struct Block {
        void* pointer = nullptr;
        std::size_t size = 0;
    };

    // stb_image holds at most 14 blocks at once (a progressive JPEG of four components).
    static constexpr int kMaxBlocks = 32;

    Block* find(void* pointer) {
        for (Block& block : blocks_) {
            if (block.pointer == pointer) return &block;
        }
        return nullptr;
    }

    Allocator allocator_;
    std::uint64_t limit_;
    std::uint64_t used_ = 0;
    bool zero_fill_;
    bool limit_was_hit_ = false;
    bool ran_out_of_memory_ = false;
    Block blocks_[kMaxBlocks];
};

// stb_image has no parameter for its memory; set only while it runs.
thread_local DecodeBudget* active_budget = nullptr;

void* stb_malloc(std::size_t size) {
    return active_budget->take(size);
}
void* stb_realloc(void* pointer, std::size_t size) {
    return active_budget->grow(pointer, size);
}
void stb_free(void* pointer) {
    active_budget->release(pointer);
}

}  // namespace
}  // namespace fovea::preprocess

#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_FAILURE_STRINGS
#define STBI_ASSERT(x) ((void)0)
#define STBI_MALLOC(size) fovea::preprocess::stb_malloc(size)
#define STBI_REALLOC(pointer, size) fovea::preprocess::stb_realloc(pointer, size)
#define STBI_FREE(pointer) fovea::preprocess::stb_free(pointer)
#if defined(__aarch64__)
#define STBI_NEON
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#include <stb_image.h>
#pragma GCC diagnostic pop

namespace fovea::preprocess {
namespace {

// stb_image multiplies sizes in 32 bits: 8 bytes a pixel must stay below 2^31.
constexpr std::uint64_t kMaxPixels = std::uint64_t{1} << 27;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

Status refuse(const char** detail, const char* cause, Status status) {
    *detail = cause;
    return status;
}

bool starts_with(const std::uint8_t* data, std::size_t size, const char* bytes, std::size_t count,
                 std::size_t at = 0) {
    return size >= at + count && std::memcmp(data + at, bytes, count) == 0;
}

struct Signature {
    const char* bytes;
    std::size_t count;
    std::size_t at;
    const char* detail;
};

// Formats that people have, so that the message can say what the file is.
constexpr Signature kOtherFormats[] = {
    {"WEBP", 4, 8, "the file is a WebP image; convert it to JPEG or PNG"},
    {"GIF8", 4, 0, "the file is a GIF image; convert it to JPEG or PNG"},
    {"BM", 2, 0, "the file is a BMP image; convert it to JPEG or PNG"},
    {"II*\0", 4, 0, "the file is a TIFF image; convert it to JPEG or PNG"},
    {"MM\0*", 4, 0, "the file is a TIFF image; convert it to JPEG or PNG"},
    {"II+\0", 4, 0, "the file is a BigTIFF image; convert it to JPEG or PNG"},
    {"ftyphei", 7, 4, "the file is a HEIC image; convert it to JPEG or PNG"},
    {"ftyphev", 7, 4, "the file is a HEIC image; convert it to JPEG or PNG"},
    {"ftypmif1", 8, 4, "the file is a HEIF image; convert it to JPEG or PNG"},
    {"ftypavif", 8, 4, "the file is an AVIF image; convert it to JPEG or PNG"},
    {"ftyp", 4, 4, "the file is a video"},
    {"%PDF", 4, 0, "the file is a PDF document"},
    {"DICM", 4, 128, "the file is a DICOM image; export it as JPEG or PNG"},
    {"\0\0\0\x0CjP  ", 8, 0, "the file is a JPEG 2000 image; convert it to JPEG or PNG"},
    {"\xFF\x4F\xFF\x51", 4, 0, "the file is a JPEG 2000 image; convert it to JPEG or PNG"},
    {"\xFF\x0A", 2, 0, "the file is a JPEG XL image; convert it to JPEG or PNG"},
    {"\0\0\0\x0CJXL ", 8, 0, "the file is a JPEG XL image; convert it to JPEG or PNG"},
    {"8BPS", 4, 0, "the file is a Photoshop image; convert it to JPEG or PNG"},
    {"PK\x03\x04", 4, 0, "the file is a ZIP archive"},
};

Status check_limits(std::uint64_t width, std::uint64_t height, const DecodeLimits& limits,
                    const char** detail) {
    if (width > limits.max_side || height > limits.max_side) {
        return refuse(detail, "a side of the image exceeds the limit", Status::kImageTooLarge);
    }
    if (width * height > std::min(limits.max_pixels, kMaxPixels)) {
        return refuse(detail, "the image has more pixels than the limit", Status::kImageTooLarge);
    }
    return Status::kOk;
}

// Runs stb_image on a checked file; channels is 3 or 4. The result, packed with that many channels,
// is still counted by budget.
std::uint8_t* run_stb(const std::uint8_t* data, std::size_t size, int channels,
                      DecodeBudget* budget, int* width, int* height) {
    active_budget = budget;
    int channels_in_file = 0;
    std::uint8_t* pixels = stbi_load_from_memory(data, static_cast<int>(size), width, height,
                                                 &channels_in_file, channels);
    active_budget = nullptr;
    return pixels;
}

// Decodes and turns upright.
Status decode_checked(const std::uint8_t* data, std::size_t size, int channels, int orientation,
                      std::uint64_t max_bytes, bool zero_fill, const Allocator& allocator,
                      Image* out, const char** detail) {
    DecodeBudget budget(allocator, max_bytes, zero_fill);
    int width = 0;
    int height = 0;
    std::uint8_t* pixels = run_stb(data, size, channels, &budget, &width, &height);
    if (pixels == nullptr) {
        if (budget.limit_was_hit()) {
            return refuse(detail, "decoding needs more memory than the limit",
                          Status::kImageTooLarge);
        }
        if (budget.ran_out_of_memory()) {
            return refuse(detail, "out of memory", Status::kOutOfMemory);
        }
        return refuse(detail, "the image data are damaged", Status::kCorruptImage);
    }
    if (channels == 3 && orientation == 1) {
        budget.hand_over(pixels);
        Image image(allocator);
        image.pixels.adopt(pixels,
                           static_cast<std::size_t>(width) * 3 * static_cast<std::size_t>(height));
        image.width = width;
        image.height = height;
        *out = std::move(image);
        return Status::kOk;
    }
    const std::uint64_t used =
        static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height);
    Status status = Status::kImageTooLarge;
    if (used * 3 <= max_bytes - used * static_cast<std::uint64_t>(channels)) {
        status = copy_upright({pixels, width, height, std::ptrdiff_t{channels} * width,
                               channels == 4 ? PixelFormat::kRgba : PixelFormat::kRgb},
                              orientation, allocator, out);
    }
    budget.release(pixels);
    if (status == Status::kImageTooLarge) {
        return refuse(detail, "decoding needs more memory than the limit", status);
    }
    if (status != Status::kOk) return refuse(detail, "out of memory", status);
    return Status::kOk;
}

Status decode_jpeg(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                   const Allocator& allocator, Image* out, const char** detail) {
    JpegInfo info;
    Status status = read_jpeg_info(data, size, &info, detail);
    if (status != Status::kOk) return status;
    status = check_limits(static_cast<std::uint64_t>(info.width),
                          static_cast<std::uint64_t>(info.height), limits, detail);
    if (status != Status::kOk) return status;
    if (info.components == 4) {
        return refuse(detail, "the JPEG is in CMYK colours; convert it to RGB",
                      Status::kUnsupportedImage);
    }
    status = check_jpeg(data, size, limits.max_bytes, allocator, detail);
    if (status != Status::kOk) return status;
    return decode_checked(data, size, 3, jpeg_orientation(data, size), limits.max_bytes, false,
                          allocator, out, detail);
}

// stb_image looks up palette indices beyond the palette in uninitialised memory: a copy of the file
// whose palette is filled up with black.
bool fill_palette(const std::uint8_t* data, std::size_t size, const PngInfo& info,
                  Buffer<std::uint8_t>* copy) {
    const std::size_t wanted = std::size_t{1} << info.bit_depth;
    const std::size_t added = (wanted - info.palette_entries) * 3;
    if (!copy->allocate(size + added)) return false;
    const std::size_t kept = info.palette_at + 8 + info.palette_entries * 3;
    std::memcpy(copy->data(), data, kept);
    std::memset(copy->data() + kept, 0, added);
    std::memcpy(copy->data() + kept + added, data + kept, size - kept);
    const std::size_t length = wanted * 3;
    (*copy)[info.palette_at + 2] = static_cast<std::uint8_t>(length >> 8);
    (*copy)[info.palette_at + 3] = static_cast<std::uint8_t>(length & 255);
    return true;
}

Status decode_png(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                  const Allocator& allocator, Image* out, const char** detail) {
    PngInfo info;
    Status status = read_png_info(data, size, &info, detail);
    if (status != Status::kOk) return status;
    status = check_limits(info.width, info.height, limits, detail);
    if (status != Status::kOk) return status;
    status = check_png(data, size, &info, detail);
    if (status != Status::kOk) return status;
    const int orientation = png_orientation(data, size);
    const int channels = info.has_transparency ? 4 : 3;
    std::uint64_t max_bytes = limits.max_bytes;
    Buffer<std::uint8_t> filled(allocator);
    if (info.color_type == 3 && info.palette_entries < std::size_t{1} << info.bit_depth) {
        if (size + 768 > max_bytes) {
            return refuse(detail, "decoding needs more memory than the limit",
                          Status::kImageTooLarge);
        }
        if (!fill_palette(data, size, info, &filled)) {
            return refuse(detail, "out of memory", Status::kOutOfMemory);
        }
        data = filled.data();
        size = filled.size();
        max_bytes -= size;
    }
    // Zeroed: a deflate distance of zero, which stb_image lets pass, copies what was never written.
    return decode_checked(data, size, channels, orientation, max_bytes, true, allocator, out,
                          detail);
}

}  // namespace

Status decode_image(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                    const Allocator& allocator, Image* out, const char** detail) {
    const char* unused;
    if (detail == nullptr) detail = &unused;
    *detail = "";
    if ((data == nullptr && size > 0) || out == nullptr) {
        return refuse(detail, "no data", Status::kInvalidArgument);
    }
    if (size == 0) return refuse(detail, "the file is empty", Status::kNotAnImage);
    const bool is_jpeg = starts_with(data, size, "\xFF\xD8\xFF", 3);
    const bool is_png = starts_with(data, size, "\x89PNG\r\n\x1A\n", 8);
    if (is_jpeg || is_png) {
        if (size > kMaxFileBytes) {
            return refuse(detail, "the file is larger than 1 GiB", Status::kImageTooLarge);
        }
        return is_jpeg ? decode_jpeg(data, size, limits, allocator, out, detail)
                       : decode_png(data, size, limits, allocator, out, detail);
    }
    for (const Signature& format : kOtherFormats) {
        if (starts_with(data, size, format.bytes, format.count, format.at)) {
            return refuse(detail, format.detail, Status::kUnsupportedImage);
        }
    }
    return refuse(detail, "the file is neither JPEG nor PNG", Status::kNotAnImage);
}

}  // namespace fovea::preprocess
