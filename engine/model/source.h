// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/log.h"
#include "fovea/fovea.h"
#include "preprocess/memory.h"

namespace fovea {

// The bytes of a model file, 64-byte aligned: mapped, copied, or borrowed from the caller.
class ModelSource {
  public:
    explicit ModelSource(const Allocator& allocator) : copy_(allocator) {}
    ModelSource(const ModelSource&) = delete;
    ModelSource& operator=(const ModelSource&) = delete;
    ~ModelSource();

    // Each is called at most once on an object.
    fovea_status open_file(const char* path, const Log& log);
    // length 0 = to the end of the file; the descriptor stays the caller's.
    fovea_status open_descriptor(int descriptor, std::uint64_t offset, std::uint64_t length,
                                 const Log& log);
    fovea_status copy(const void* data, std::size_t size, const Log& log);
    // data must be 64-byte aligned.
    void borrow(const void* data, std::size_t size);

    const std::uint8_t* data() const { return data_; }
    std::size_t size() const { return size_; }

  private:
    fovea_status read_into_copy(int descriptor, std::uint64_t offset, std::size_t length,
                                const Log& log);

    const std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
    void* mapping_ = nullptr;
    std::size_t mapping_size_ = 0;
    Buffer<std::uint8_t> copy_;
};

}  // namespace fovea
