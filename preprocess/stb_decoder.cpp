// SPDX-License-Identifier: Apache-2.0
#include "preprocess/stb_decoder.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace fovea::preprocess {
namespace {

// Memory of one stb_image call: from the caller's allocator, never more than the limit at once.
// stb_image takes some before each of its passes over the picture, and stops where it gets none:
// there the caller is asked.
class DecodeBudget {
  public:
    DecodeBudget(const Allocator& allocator, std::uint64_t limit, bool zero_fill, const Cancel& cancel)
        : allocator_(allocator), limit_(limit), zero_fill_(zero_fill), cancel_(cancel) {}
    DecodeBudget(const DecodeBudget&) = delete;
    DecodeBudget& operator=(const DecodeBudget&) = delete;
    // stb_image leaks where some of its allocations fail (stbi__convert_16_to_8).
    ~DecodeBudget() {
        for (const Block& block : blocks_) release_bytes(allocator_, block.pointer);
    }

    bool limit_was_hit() const { return limit_was_hit_; }
    bool ran_out_of_memory() const { return ran_out_of_memory_; }
    bool is_cancelled() const { return is_cancelled_; }

    void* take(std::size_t size) {
        is_cancelled_ = is_cancelled_ || cancel_.asked();
        if (is_cancelled_) return nullptr;
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

    // More than stb_image holds at once.
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
    Cancel cancel_;
    bool is_cancelled_ = false;
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

Status failure(const DecodeBudget& budget) {
    if (budget.is_cancelled()) return Status::kCancelled;
    if (budget.limit_was_hit()) return Status::kImageTooLarge;
    return budget.ran_out_of_memory() ? Status::kOutOfMemory : Status::kCorruptImage;
}

}  // namespace

Status decode_pixels(ByteSpan file, int channels, std::uint64_t max_bytes, bool zero_fill,
                     const Cancel& cancel, DecodedPixels* out) {
    if (file.size > INT_MAX) return Status::kImageTooLarge;
    DecodeBudget budget(out->pixels.allocator(), max_bytes, zero_fill, cancel);
    active_budget = &budget;
    int channels_in_file = 0;
    std::uint8_t* pixels =
        stbi_load_from_memory(file.data, static_cast<int>(file.size), &out->width, &out->height,
                              &channels_in_file, channels);
    active_budget = nullptr;
    if (pixels == nullptr) return failure(budget);
    budget.hand_over(pixels);
    out->pixels.adopt(pixels, static_cast<std::size_t>(out->width) *
                                  static_cast<std::size_t>(channels) *
                                  static_cast<std::size_t>(out->height));
    return Status::kOk;
}

Status inflate(ByteSpan zlib, std::size_t max_bytes, Buffer<std::uint8_t>* out) {
    if (zlib.size > INT_MAX) return Status::kImageTooLarge;
    constexpr int kFirstGuess = 4096;
    // The old memory stands beside the new one of twice the size.
    DecodeBudget budget(out->allocator(), kInflateFactor * max_bytes, true, {});
    active_budget = &budget;
    int size = 0;
    char* bytes = stbi_zlib_decode_malloc_guesssize_headerflag(
        reinterpret_cast<const char*>(zlib.data), static_cast<int>(zlib.size), kFirstGuess, &size,
        1);
    active_budget = nullptr;
    if (bytes == nullptr) return failure(budget);
    budget.hand_over(bytes);
    out->adopt(reinterpret_cast<std::uint8_t*>(bytes), static_cast<std::size_t>(size));
    return Status::kOk;
}

}  // namespace fovea::preprocess
