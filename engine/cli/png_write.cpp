// SPDX-License-Identifier: Apache-2.0
#include "png_write.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace fovea::cli {
namespace {

// stb_image_write goes on where its memory is refused. So a refusal is thrown through it, and the blocks that it then leaves are
// freed here.
class StbMemory {
  public:
    StbMemory() { current_ = this; }
    ~StbMemory() {
        current_ = nullptr;
        while (first_.next != &first_) release(first_.next + 1);
    }
    StbMemory(const StbMemory&) = delete;
    StbMemory& operator=(const StbMemory&) = delete;

    static void* resize(void* memory, std::size_t size) {
        Block* old = memory != nullptr ? static_cast<Block*>(memory) - 1 : nullptr;
        auto* block = static_cast<Block*>(std::realloc(old, sizeof(Block) + size));
        if (block == nullptr) throw std::bad_alloc();
        if (old == nullptr) {
            block->next = &current_->first_;
            block->previous = current_->first_.previous;
        }
        block->next->previous = block;
        block->previous->next = block;
        return block + 1;
    }
    static void release(void* memory) {
        if (memory == nullptr) return;
        Block* block = static_cast<Block*>(memory) - 1;
        block->next->previous = block->previous;
        block->previous->next = block->next;
        std::free(block);
    }

  private:
    struct alignas(std::max_align_t) Block {
        Block* next;
        Block* previous;
    };
    Block first_{&first_, &first_};  // of a ring
    static thread_local StbMemory* current_;
};

thread_local StbMemory* StbMemory::current_ = nullptr;

}  // namespace
}  // namespace fovea::cli

#define STBIW_MALLOC(size) fovea::cli::StbMemory::resize(nullptr, size)
#define STBIW_REALLOC(memory, size) fovea::cli::StbMemory::resize(memory, size)
#define STBIW_FREE(memory) fovea::cli::StbMemory::release(memory)
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
    if (std::uint64_t{width} * height * 3 > 0x70000000u) throw std::bad_alloc();
    const StbMemory memory;
    std::vector<unsigned char> bytes;
    const auto append = [](void* cookie, void* data, int size) {
        auto* target = static_cast<std::vector<unsigned char>*>(cookie);
        const auto* begin = static_cast<const unsigned char*>(data);
        target->insert(target->end(), begin, begin + size);
    };
    const int ok =
        stbi_write_png_to_func(append, &bytes, static_cast<int>(width), static_cast<int>(height), 3,
                               rgb, static_cast<int>(width) * 3);
    if (ok == 0) throw std::bad_alloc();
    return bytes;
}

}  // namespace fovea::cli
