// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

// The ground that preprocess/ and engine/ both stand on; it lies in the lower of the two, so that that one needs nothing above it.
namespace fovea {

// Where every byte that the library takes comes from. The public header's fovea_allocator has the
// same three fields; the default (all null) is the C library's aligned allocation.
struct Allocator {
    // Returns size bytes aligned to alignment (a power of two, at most 64), or null.
    void* (*allocate)(void* cookie, std::size_t size, std::size_t alignment) = nullptr;
    void (*release)(void* cookie, void* pointer) = nullptr;
    void* cookie = nullptr;
};

inline constexpr std::size_t kMemoryAlignment = 64;

// size 0 gives null. Never throws.
void* allocate_bytes(const Allocator& allocator, std::size_t size);
void release_bytes(const Allocator& allocator, void* pointer);

// count * size_each in *product; false when it does not fit in size_t.
inline bool checked_product(std::size_t count, std::size_t size_each, std::size_t* product) {
    return !__builtin_mul_overflow(count, size_each, product);
}

// A fixed-size, 64-byte-aligned run of trivial elements whose allocation can fail: the library is
// built without exceptions, so a container must be able to say no.
template <typename T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

  public:
    Buffer() = default;
    explicit Buffer(const Allocator& allocator) : allocator_(allocator) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { release_bytes(allocator_, data_); }

    // Drops the old content; the new one is uninitialised. False (and empty) when out of memory.
    [[nodiscard]] bool allocate(std::size_t count) {
        release_bytes(allocator_, data_);
        data_ = nullptr;
        size_ = 0;
        std::size_t bytes = 0;
        if (!checked_product(count, sizeof(T), &bytes)) return false;
        if (count == 0) return true;
        data_ = static_cast<T*>(allocate_bytes(allocator_, bytes));
        if (data_ == nullptr) return false;
        size_ = count;
        return true;
    }

    // Takes over memory that came from allocate_bytes() with this buffer's allocator and holds at
    // least count elements.
    void adopt(T* data, std::size_t count) {
        release_bytes(allocator_, data_);
        data_ = data;
        size_ = count;
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }
    const Allocator& allocator() const { return allocator_; }

  private:
    void swap(Buffer& other) {
        std::swap(allocator_, other.allocator_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    Allocator allocator_;
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace fovea
